"""The same tests on every gateway that is here: what it lists, passes on, survives and leaves."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from fastmcp.client.elicitation import ElicitResult
from mcp import MCPError

from flotilla_cli import system
from flotilla_launcher.naming import module_of, slug_of
from flotilla_testing.waiting import eventually

from .conftest import PROBE, ROOT, Fleet, called, text_of

ERAS = ("auto", "legacy")  # 2026-07-28 where the gateway speaks it, and what came before


def kill(container: dict[str, str]) -> None:
    system.docker("kill", "--signal", "KILL", container["ID"])


async def yes(*_: Any) -> dict[str, bool]:
    return {"confirm": True}


async def no(*_: Any) -> ElicitResult[Any]:
    return ElicitResult(action="decline")


# -- what it lists ----------------------------------------------------------------------------------------------------


async def test_list_tools_of_all_servers(fleet: Fleet) -> None:
    slugs = [slug for slug in fleet.catalog if slug != "probe"]
    async with fleet.client(*slugs, mode="legacy") as client:
        listed = [tool.model_dump(mode="json", by_alias=True, exclude_unset=True) for tool in await client.list_tools()]
    wanted: list[dict[str, Any]] = []
    for slug in slugs:
        discovery = json.loads((ROOT / "servers" / module_of(slug_of(slug)) / "discovery.json").read_text())
        core = discovery["attributes"]["tools"]
        wanted += [tool for tool in discovery["tools"] if core[tool["name"]]["tier"] == "core"]
    if fleet.kind == "switchboard":
        assert listed == wanted, "byte for byte, in the catalog's order"
    for tool in [*listed, *wanted]:  # Docker's gateway leaves out a hint that has the protocol's default
        tool["annotations"] = {"readOnlyHint": False, "idempotentHint": False, **tool["annotations"]}
    assert sorted(listed, key=lambda t: t["name"]) == sorted(wanted, key=lambda t: t["name"])


async def test_gateway_with_one_server(fleet: Fleet) -> None:
    async with fleet.client("filesystem") as client:
        assert all(tool.name.startswith("fs_") for tool in await client.list_tools())
        await called(client, "fs_write_file", path="été/mémo.txt", content="Reçu : 12 €\n")
        assert (await called(client, "fs_read_file", path="été/mémo.txt"))["content"] == "Reçu : 12 €\n"
    async with fleet.client("filesystem") as client:  # the next gateway finds it in the volume
        assert (await called(client, "fs_read_file", path="été/mémo.txt"))["content"] == "Reçu : 12 €\n"


async def test_volume_shared_by_servers(fleet: Fleet) -> None:
    async with fleet.client("filesystem", "export") as client:
        made = await called(client, "export_create_csv", path="a/b.csv", columns=["É", "€"], rows=[["x", 1], ["y", 2]])
        info = await called(client, "fs_get_file_info", path="a/b.csv")
        assert info["sha256"] == made["sha256"]
        await called(client, "fs_write_file", path="r.md", content="# Été\n\n1 €\n")
        pdf = await called(client, "export_create_report_pdf", path="r.pdf", source="r.md")
        assert pdf["pages"] == 1


async def test_arguments_arrive_unchanged(fleet: Fleet) -> None:
    value = {"a": [1, 2.5, True, None, "é€\u202e\U0001f600"], "deep": {"x": {"y": "z"}}, "big": 2**53 - 1}
    async with fleet.client() as client:
        got = (await called(client, "probe_get_echo", value=value))["text"]
    assert got == repr(value).replace("\u202e", "\\u202e") or eval(got) == value


async def test_errors_keep_their_text(fleet: Fleet) -> None:
    async with fleet.client("filesystem") as client:
        missing = await client.call_tool_mcp("fs_read_file", {"path": "nothing.txt"})
        wrong = await client.call_tool_mcp("fs_read_file", {"path": "../etc/passwd"})
    for result, says in ((missing, "does not exist"), (wrong, "leads out of the data folder")):
        assert result.is_error
        assert text_of(result).startswith("Error:")
        assert says in text_of(result)


# -- what it passes on ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
async def test_elicitation_answered_by_the_caller(fleet: Fleet, era: str) -> None:
    async with fleet.client(mode=era, elicitation_handler=yes) as client:
        assert await called(client, "probe_delete_thing", name="x") == {"text": "deleted x"}
    async with fleet.client(mode=era, elicitation_handler=no) as client:
        result = await client.call_tool_mcp("probe_delete_thing", {"name": "x"})
        assert "deleted" not in text_of(result)


@pytest.mark.parametrize("era", ERAS)
async def test_elicitation_unsupported_gives_preview_and_token(fleet: Fleet, era: str) -> None:
    async with fleet.client(mode=era) as client:
        preview = (await called(client, "probe_delete_thing", name="x"))["preview"]
        assert preview["question"] == "Delete x for good?"
        done = await called(client, "probe_delete_thing", name="x", confirm_token=preview["confirm_token"])
        assert done == {"text": "deleted x"}
        other = await client.call_tool_mcp(
            "probe_delete_thing", {"name": "y", "confirm_token": preview["confirm_token"]}
        )
        assert other.is_error


@pytest.mark.parametrize("era", ERAS)
async def test_progress(fleet: Fleet, era: str) -> None:
    steps: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        steps.append(progress)

    async with fleet.client(mode=era, progress_handler=note) as client:
        await called(client, "probe_get_later", seconds=0.8, name="p")
    assert steps == [1, 2, 3, 4]


@pytest.mark.parametrize("era", ERAS)
async def test_cancellation_reaches_the_server(fleet: Fleet, era: str) -> None:
    async with fleet.client(mode=era) as client:
        await called(client, "probe_get_later", seconds=0, name="warm")
        call = asyncio.create_task(client.call_tool_mcp("probe_get_later", {"seconds": 30, "name": era}))
        await asyncio.sleep(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await eventually(lambda: fleet.read(f"cancelled-{era}.txt"))
        await called(client, "probe_get_later", seconds=0, name="and it still works")


async def test_dry_run_changes_nothing(fleet: Fleet) -> None:
    async with fleet.client() as client:
        assert "add_line" in json.dumps(await called(client, "probe_add_line", text="x", dry_run=True))
    assert fleet.read("lines.txt") == ""


async def test_container_shared_by_twenty_parallel_calls(fleet: Fleet) -> None:
    async with fleet.client() as client:
        started = time.monotonic()
        calls = [client.call_tool_mcp("probe_get_later", {"seconds": 1, "name": str(n)}) for n in range(20)]
        results = await asyncio.gather(*calls)
        took = time.monotonic() - started
        assert [json.loads(text_of(result))["text"] for result in results] == [str(n) for n in range(20)]
        assert len(fleet.containers()) == 1
    assert took < 15, "they ran one after the other"


# -- secrets and isolation --------------------------------------------------------------------------------------------


async def test_secrets_and_settings_reach_the_server_but_no_command_line(fleet: Fleet) -> None:
    async with fleet.client() as client:
        assert (await called(client, "probe_get_settings"))["text"] == "Été 7"
        lines = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                lines.append(path.read_bytes())
            except OSError:
                continue
        assert [line for line in lines if b"s3cr=et" in line] == []


@pytest.mark.parametrize("text", ["", "# nothing\n", "probe.token=\n", "probe.token=<UNKNOWN>\n"])
async def test_missing_secret_is_named(fleet: Fleet, text: str) -> None:
    fleet.secrets = text
    async with fleet.client() as client:
        assert len(await client.list_tools()) == 7
        result = await client.call_tool_mcp("probe_get_settings", {})
        assert result.is_error
        assert "PROBE_TOKEN" in text_of(result)
        assert "probe.token" in text_of(result)


async def test_container_isolation(fleet: Fleet) -> None:
    async with fleet.client() as client:
        seen = await called(client, "probe_get_self")
    assert seen["uid"] == 10001
    assert "NoNewPrivs:\t1" in seen["privileges"]
    assert seen["interfaces"] == ["lo"]
    assert "/data" in seen["writable"]
    assert "/app" not in seen["writable"]
    assert "/usr" not in seen["writable"]
    assert not {"HOSTNAME", "HOME", "PATH", "PROBE_TOKEN"}.isdisjoint(seen["variables"])
    assert not [name for name in seen["variables"] if name.startswith(("DOCKER", "MCP_GATEWAY", "FLOTILLA_HTTP"))]
    if fleet.kind == "switchboard":  # Docker's gateway isolates no further
        assert seen["writable"] == ["/tmp", "/data"]
        assert "CapEff:\t0000000000000000" in seen["privileges"]
        assert "CapBnd:\t0000000000000000" in seen["privileges"]
        assert seen["memory"] == str(512 * 1024 * 1024)


# -- what it survives -------------------------------------------------------------------------------------------------


async def test_server_killed_during_a_write(fleet: Fleet) -> None:
    """No call waits for ever, and nothing is done twice. Only the switchboard starts the server again."""
    async with fleet.client() as client:
        call = asyncio.create_task(client.call_tool_mcp("probe_add_line", {"text": "once", "wait": 60}))
        await eventually(lambda: fleet.containers() and "once" in fleet.read("lines.txt"), 30)
        kill(fleet.containers()[0])
        if fleet.kind == "docker-gateway":
            with pytest.raises(MCPError):
                await asyncio.wait_for(call, 20)
        else:
            result = await asyncio.wait_for(call, 20)
            assert result.is_error
            assert "may or may not have been done" in text_of(result)
            assert (await called(client, "probe_get_settings"))["text"] == "Été 7"
    assert fleet.read("lines.txt") == "once\n"


async def test_server_killed_during_a_read_is_retried(fleet: Fleet) -> None:
    if fleet.kind == "docker-gateway":
        pytest.skip("Docker's gateway does not start a long-lived server again")
    async with fleet.client() as client:
        await called(client, "probe_get_settings")
        call = asyncio.create_task(client.call_tool_mcp("probe_get_later", {"seconds": 3, "name": "again"}))
        await asyncio.sleep(1)
        kill(fleet.containers()[0])
        result = await asyncio.wait_for(call, 40)
        assert json.loads(text_of(result)) == {"text": "again"}


async def test_server_killed_between_calls(fleet: Fleet) -> None:
    if fleet.kind == "docker-gateway":
        pytest.skip("Docker's gateway does not start a long-lived server again")
    async with fleet.client() as client:
        before = await called(client, "probe_get_settings")
        kill(fleet.containers()[0])
        await asyncio.sleep(0.5)
        assert await called(client, "probe_get_settings") == before


async def test_blocked_server_does_not_outlive_the_gateway(fleet: Fleet) -> None:
    """The client hangs up while a tool blocks the whole server: the container must go (checked after every test)."""
    async with fleet.client() as client:
        await called(client, "probe_get_settings")
        call = asyncio.create_task(client.call_tool_mcp("probe_get_blocked", {"seconds": 40}))
        await asyncio.sleep(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


@pytest.mark.parametrize("cause", ["end of input", "SIGTERM", "SIGINT", "SIGKILL"])
def test_gateway_end_stops_its_servers(fleet: Fleet, cause: str) -> None:
    command = fleet.command("probe")
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=fleet.environment()
    )
    assert process.stdin
    assert process.stdout
    about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    for message in (
        {"id": 1, "method": "initialize", "params": about},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "probe_get_self", "arguments": {}}},
    ):
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()
        while "id" in message and json.loads(process.stdout.readline()).get("id") != message["id"]:
            pass
    assert len(fleet.containers()) == 1
    try:
        if cause == "end of input":
            process.stdin.close()
        else:
            process.send_signal(getattr(signal, cause))
        process.wait(15)
        end = time.monotonic() + 5
        while fleet.containers() and time.monotonic() < end:
            time.sleep(0.05)
        assert fleet.containers() == []
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


# -- what it refuses --------------------------------------------------------------------------------------------------


async def test_tool_name_of_two_servers_refused(fleet: Fleet) -> None:
    """`make check` refuses it, so that no gateway has to; what a gateway then does is checked here."""
    from flotilla_cli.generator.registry_rules import of_catalog

    fleet.catalog["twin"] = fleet.catalog["probe"]
    (fleet.folder / "twin").mkdir()
    text = (fleet.folder / "probe" / "discovery.json").read_text()
    (fleet.folder / "twin" / "discovery.json").write_text(text)
    discovery = json.loads(text)
    problems = list(
        of_catalog(
            {"registry": {"probe": fleet.catalog["probe"], "twin": fleet.catalog["twin"]}},
            {"probe": discovery, "twin": discovery},
        )
    )
    assert any("probe_get_self" in line and "aborts the gateway" in line for line in problems)
    with pytest.raises(Exception):  # noqa: B017, PT011 - the gateway ends, with a message of its own
        async with fleet.client("probe", "twin") as client:
            await client.list_tools()
    assert re.search(r"\bprobe_(get|add|delete)_\w+", fleet.log.read_text())


async def test_missing_image_does_not_stop_other_servers(fleet: Fleet) -> None:
    fleet.catalog["probe"]["image"] = "flotilla-test-nothing:1"
    async with fleet.client("probe", "filesystem") as client:
        await called(client, "fs_list_directory", path=".")
        if fleet.kind == "switchboard":
            result = await client.call_tool_mcp("probe_get_self", {})
            assert result.is_error
            assert "flotilla-test-nothing:1" in text_of(result)


# -- HTTP -------------------------------------------------------------------------------------------------------------


async def test_http_requires_the_token(fleet: Fleet, unused_tcp_port: int) -> None:
    import httpx2
    from fastmcp import Client
    from fastmcp.client.transports import StreamableHttpTransport

    transport = "streaming" if fleet.kind == "docker-gateway" else "http"
    command = [*fleet.command("probe"), "--transport", transport, "--host", "127.0.0.1", "--port", str(unused_tcp_port)]
    names = {"docker-gateway": "MCP_GATEWAY_AUTH_TOKEN", "switchboard": "FLOTILLA_HTTP_TOKEN"}
    url = f"http://127.0.0.1:{unused_tcp_port}"
    with fleet.log.open("wb") as log:
        environ = {**fleet.environment(), names[fleet.kind]: "gateway-token"}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ)  # noqa: ASYNC220
    try:
        async with httpx2.AsyncClient(trust_env=False) as http:

            async def healthy() -> bool:
                try:
                    return (await http.get(f"{url}/health")).status_code == 200
                except httpx2.HTTPError:
                    return False

            end = time.monotonic() + 40
            while not await healthy():
                assert time.monotonic() < end, fleet.log.read_text()
                await asyncio.sleep(0.1)
            for headers in ({}, {"Authorization": "Bearer wrong"}):
                assert (await http.post(f"{url}/mcp", json={}, headers=headers)).status_code == 401
            foreign = {"Authorization": "Bearer gateway-token", "Origin": "https://evil.example"}
            assert (await http.post(f"{url}/mcp", json={}, headers=foreign)).status_code == 403

        def person() -> Client[Any]:
            return Client(
                StreamableHttpTransport(f"{url}/mcp", auth="gateway-token"), elicitation_handler=yes, timeout=60
            )

        async with person() as one, person() as other:
            results = await asyncio.gather(
                *(called(c, "probe_delete_thing", name=n) for c, n in ((one, "a"), (other, "b")) for _ in range(3))
            )
            assert [r["text"] for r in results] == ["deleted a"] * 3 + ["deleted b"] * 3
        assert "gateway-token" not in fleet.log.read_text()
    finally:
        os.kill(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        finally:
            process.kill()
            process.wait()


def test_probe_built_with_the_library(discovery: dict[str, Any]) -> None:
    assert len(discovery["tools"]) == 7
    assert PROBE.startswith("flotilla-test-")
