"""The reference server "everything" (npm) as a server of one's own behind the switchboard, over each transport."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from flotilla_cli import own_servers
from flotilla_testing.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = ROOT / "tests/clients/node_modules/@modelcontextprotocol/server-everything/dist/index.js"
pytestmark = pytest.mark.node


@contextmanager
def placed(node: str, transport: str) -> Iterator[list[str]]:
    """Give the options that add the server; one at a URL is started."""
    if transport == "stdio":
        yield ["--command", node, str(EVERYTHING), "stdio"]
        return
    port = free_port()
    env = {**os.environ, "PORT": str(port)}
    process = subprocess.Popen([node, str(EVERYTHING), transport], env=env, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        lines = []
        while not (lines and "on port" in lines[-1]):
            lines.append(process.stderr.readline())
            assert lines[-1], f"the server has ended before it named its port: {''.join(lines)}"
        yield ["--local", "--url", f"http://127.0.0.1:{port}/{'sse' if transport == 'sse' else 'mcp'}"]
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("transport", "era"), [("stdio", "2026-07-28"), ("streamableHttp", "legacy"), ("sse", "2026-07-28")]
)
async def test_everything_server_as_own_server(
    node: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], transport: str, era: str
) -> None:
    state, settings = ["--state", str(tmp_path)], ["--settings", str(tmp_path / "settings.json")]
    asked, steps = list[str](), list[float]()

    async def answer(message: str, *_: Any) -> dict[str, Any]:
        asked.append(message)
        return {"name": "Zoé"}

    async def progress(done: float, *_: Any) -> None:
        steps.append(done)

    with placed(node, transport) as options:
        assert await asyncio.to_thread(own_servers.main, [*state, *settings, "add", "everything", *options]) == 0
        assert own_servers.main([*state, *settings, "look", "everything", "--yes"]) == 0
        assert "get-sum(a, b)  [reads]" in capfd.readouterr().out
        more = ["--servers", "filesystem", "--run", "process", "--data", str(tmp_path), "--permissions", "off"]
        command = str(ROOT / ".venv/bin/flotilla-switchboard")
        switchboard = StdioTransport(command, [*state, *settings, *more], keep_alive=False)
        async with Client(switchboard, mode=era, elicitation_handler=answer, progress_handler=progress) as client:
            names = {tool.name for tool in await client.list_tools()}
            total: Any = await client.call_tool_mcp("get-sum", {"a": 2, "b": 40})
            wrong: Any = await client.call_tool_mcp("get-sum", {"a": "2"})
            await client.call_tool_mcp("trigger-long-running-operation", {"duration": 0.4, "steps": 4})
            question: Any = await client.call_tool_mcp("trigger-elicitation-request", {})
            resource: Any = await client.read_resource("demo://resource/static/document/features.md")
    assert {"fs_read_file", "echo", "trigger-elicitation-request"} <= names
    assert "42" in total.content[0].text
    assert "`a` must be a number" in wrong.content[0].text
    assert "`b` is missing (a number)" in wrong.content[0].text
    assert steps[-1] == 4
    assert len(asked) == 1
    assert "Zoé" in question.content[1].text
    assert resource[0].text
