"""Questions, progress, log levels and cancellation: the same whether the launcher or the server was met first."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from flotilla_cli.generator.discovery import answers, converse
from flotilla_testing.client import MODES, text_of

RUN = [sys.executable, str(Path(__file__).parent / "run_probe.py")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the probe answers to discovery."""
    folder = tmp_path_factory.mktemp("probe") / "probe"
    folder.mkdir()
    (folder / "discovery.json").write_text(
        json.dumps({**answers(lambda messages: converse(RUN, messages)), "attributes": {}})
    )
    return folder


async def scenario(folder: Path, era: str, precomputed: str) -> dict[str, Any]:
    """Return everything that a client sees of lists first, then calls."""
    seen: dict[str, Any] = {"asked": [], "steps": [], "logs": []}

    async def answer(message: str, *_: Any) -> dict[str, bool]:
        seen["asked"].append(message)
        return {"confirm": True}

    async def step(done: float, *_: Any) -> None:
        seen["steps"].append(done)

    async def log(message: Any) -> None:
        seen["logs"].append(message.data["msg"])

    log_file = folder / f"{era}-{precomputed}.log"
    env = {"FLOTILLA_PRECOMPUTED": precomputed, "PROBE_FOLDER": str(folder), "PROBE_NOTE": str(folder / "note")}
    transport = StdioTransport(RUN[0], RUN[1:], env=env, log_file=log_file)
    handlers: dict[str, Any] = {"elicitation_handler": answer, "progress_handler": step, "log_handler": log}
    async with Client(transport, mode=era, **handlers) as client:
        seen["tools"] = [tool.name for tool in await client.list_tools()]
        if era == "legacy":
            await client.set_logging_level("warning")
        seen["deleted"] = text_of(await client.call_tool_mcp("probe_delete_thing", {"name": "x"}))
        meta = {"io.modelcontextprotocol/logLevel": "warning"}
        result = await client.call_tool_mcp("probe_get_later", {"seconds": 0.1}, meta=meta if era != "legacy" else None)
        seen["late"] = text_of(result)
        call = asyncio.create_task(client.call_tool_mcp("probe_get_later", {"seconds": 60}))
        await asyncio.sleep(0.3)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        seen["alive"] = text_of(await client.call_tool_mcp("probe_get_later", {"seconds": 0}))
    statement = log_file.read_text()
    seen["outcomes"] = [json.loads(line)["outcome"] for line in statement.splitlines() if '"outcome"' in line]
    assert "differs" not in statement
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("era", MODES)
async def test_client_sees_the_same_with_and_without_launcher(folder: Path, era: str) -> None:
    (folder / "note").unlink(missing_ok=True)
    plain = await scenario(folder, era, "off")
    assert not (folder / "note").exists()
    precomputed = await scenario(folder, era, "on")
    saved = 3 if era == "legacy" else 1  # initialize, initialized and the log level; the first request
    assert (folder / "note").read_text() == str(saved)
    assert precomputed == plain
    assert precomputed["asked"] == ["Delete x for good?"]
    assert precomputed["deleted"] == '{"text":"deleted x"}'
    assert precomputed["steps"][:2] == [1, 2]
    assert precomputed["logs"][0] == "warning"
    assert ("info" in precomputed["logs"]) is (era != "legacy")  # there each request asks for its own level
    assert "cancelled" in precomputed["outcomes"]
