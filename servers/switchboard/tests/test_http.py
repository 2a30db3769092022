"""The switchboard over HTTP, and servers behind it that are reached over HTTP."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from anyio import BrokenResourceError
from fastmcp.client.transports import StreamableHttpTransport

from flotilla_servers.switchboard.remote import Remote
from flotilla_testing.ports import free_port, is_served

from .conftest import ERAS

pytestmark = pytest.mark.slow

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


async def test_http_requires_token_and_local_host_and_origin(fleet: Any) -> None:
    async with fleet.listening() as (url, _), httpx2.AsyncClient() as http:
        health = await http.get(url.replace("/mcp", "/health"))
        assert (health.status_code, health.json()["status"]) == (200, "ok")
        good = {"Authorization": "Bearer client-token-1", "Accept": "application/json, text/event-stream"}
        for status, headers in (
            (401, {}),
            (401, {"Authorization": "Bearer wrong"}),
            (421, {"Host": "evil.example"}),
            (403, {"Origin": "https://evil.example"}),
        ):
            headers = {**(good if status != 401 else {}), **headers}
            assert (await http.post(url, json=PING, headers=headers)).status_code == status
        assert (await http.post(url, json=PING, headers=good)).status_code in (200, 400)  # 400: no session yet
    assert "client-token-1" not in fleet.stderr_text()


async def test_http_metrics_of_calls(fleet: Any, person: Any) -> None:
    fleet.environ["FLOTILLA_METRICS_TOKEN"] = "metrics-token"
    async with fleet.listening("--metrics", "on") as (url, _), httpx2.AsyncClient() as http:
        async with person(StreamableHttpTransport(url, auth="client-token-1"), "auto").client as client:
            await client.call_tool("probe_echo", {"value": 1})
        page = url.replace("/mcp", "/metrics")
        text = (await http.get(page)).text
        labels = '{outcome="ok",server="probe",tool="probe_echo"}'
        assert f"flotilla_gateway_call_duration_seconds_count{labels} 1.0" in text
        assert 'flotilla_gateway_server_duration_seconds_count{server="probe"} 1.0' in text
        proxied = {"X-Forwarded-For": "198.51.100.7"}
        assert (await http.get(page, headers=proxied)).status_code == 401
        shown = {**proxied, "Authorization": "Bearer metrics-token"}
        assert (await http.get(page, headers=shown)).status_code == 200


async def test_http_drain_finishes_calls(fleet: Any) -> None:
    """Also those that arrive until the proxy knows, by its probe, that this switchboard ends."""

    def message(seconds: float) -> dict[str, Any]:
        params = {"name": "probe_wait", "arguments": {"seconds": seconds, "name": "Ada"}, "_meta": {"progressToken": 1}}
        return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}

    headers = {"Authorization": "Bearer client-token-1", "Accept": "application/json, text/event-stream"}
    headers["MCP-Protocol-Version"] = "2025-11-25"
    async with (
        fleet.listening("--drain", "20", "--sessions", "off") as (url, switchboard),
        httpx2.AsyncClient(timeout=30) as http,
        http.stream("POST", url, json=message(3), headers=headers) as answer,
    ):
        text = ""
        async for line in answer.aiter_lines():
            if "notifications/progress" in line and "progress" not in text:  # it has begun
                switchboard.send_signal(signal.SIGTERM)
                while (probe := await http.get(url.replace("/mcp", "/health"))).status_code == 200:
                    pass
                assert probe.status_code == 503
                late = await http.post(url, json=message(0), headers=headers)
                assert "Ada " in late.text
                assert late.headers["connection"] == "close"
            text += line
        assert "Ada " in text
        assert await asyncio.to_thread(switchboard.wait, 20) == 0


async def test_http_drain_waits_for_no_listener(fleet: Any) -> None:
    """A client that listens for changes has nothing under way."""
    capabilities = "io.modelcontextprotocol/clientCapabilities"
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", capabilities: {}}
    params = {"notifications": {"toolsListChanged": True}, "_meta": meta}
    message = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params}
    headers = {"Authorization": "Bearer client-token-1", "Accept": "application/json, text/event-stream"}
    headers |= {"MCP-Protocol-Version": "2026-07-28", "MCP-Method": "subscriptions/listen"}
    async with (
        fleet.listening("--drain", "600", "--sessions", "off") as (url, switchboard),
        httpx2.AsyncClient(timeout=30) as http,
        http.stream("POST", url, json=message, headers=headers) as answer,
    ):
        async for line in answer.aiter_lines():
            if "acknowledged" in line:
                break
        switchboard.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(switchboard.wait, 20) == 0


async def test_http_without_sessions_serves_older_clients(fleet: Any, person: Any) -> None:
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    good = {"Authorization": "Bearer client-token-1", "Accept": "application/json, text/event-stream"}
    async with fleet.listening("--sessions", "off") as (url, _), httpx2.AsyncClient() as http:
        answer = await http.post(url, json=message, headers=good)
        assert answer.status_code == 200
        assert "mcp-session-id" not in answer.headers
        one = person(StreamableHttpTransport(url, auth="client-token-1"), "legacy")
        async with one.client:
            assert (await one.call("probe_wait", seconds=0, name="Ada")).split()[0] == "Ada"


async def test_http_no_metrics_unless_asked_for(fleet: Any) -> None:
    async with fleet.listening() as (url, _), httpx2.AsyncClient() as http:
        assert (await http.get(url.replace("/mcp", "/metrics"))).status_code == 404


@pytest.mark.parametrize("host", ["::1", "0.0.0.0"])
async def test_http_host_option(fleet: Any, host: str) -> None:
    async with fleet.listening("--host", host) as (url, _), httpx2.AsyncClient() as http:
        good = {"Authorization": "Bearer client-token-1", "Accept": "application/json, text/event-stream"}
        assert (await http.post(url, json=PING, headers=good)).status_code == 400  # no session yet
        refused = await http.post(url, json=PING, headers={**good, "Host": "0.0.0.0"})
        assert refused.status_code == 421  # browsers take 0.0.0.0 for this machine


async def test_http_token_generated_when_none_is_given(fleet: Any, person: Any) -> None:
    fleet.environ["FLOTILLA_HTTP_TOKEN"] = ""
    async with fleet.listening() as (url, _):
        token = fleet.stderr_text().split("bearer token ")[1].split()[0]
        assert len(token) > 30
        async with person(StreamableHttpTransport(url, auth=token), "auto").client as client:
            assert "probe_echo" in [tool.name for tool in await client.list_tools()]
        assert fleet.lines("starts") == []


@pytest.mark.slow
async def test_http_four_clients_of_both_protocols_on_one_server(fleet: Any, person: Any) -> None:
    async with fleet.listening() as (url, switchboard):
        names = ("Ada", "Bob", "Cy", "Dee")
        people = [
            person(StreamableHttpTransport(url, auth="client-token-1"), era, name)
            for era, name in zip(ERAS * 2, names, strict=True)
        ]
        for one in people:
            await one.client.__aenter__()
        asked = [(one, f"{one.name}-{n}") for n in range(3) for one in people]
        answers = await asyncio.gather(*(one.call("probe_ask", question=q, linger=0.1) for one, q in asked))
        assert [a.split(" by ")[0] for a in answers] == [f"{q}: accept {one.name}" for one, q in asked]
        assert all(question.startswith(one.name) for one in people for question in one.asked)
        waits = await asyncio.gather(*(one.call("probe_wait", seconds=0.3, name=one.name) for one in people))
        assert [wait.split()[0] for wait in waits] == list(names)
        assert [one.steps for one in people] == [[1, 2, 3, 4]] * 4
        for one in people:
            await one.client.__aexit__(None, None, None)
        assert len(fleet.lines("starts")) == 1
        assert (
            '"audit line"' in fleet.stderr_text()
        )  # what servers write for the operator stands in the switchboard's own stderr
        switchboard.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(switchboard.wait, 6) == 0
        assert fleet.alive() == []


@asynccontextmanager
async def remote(fleet: Any, port: int) -> AsyncIterator[None]:
    """Run the probe elsewhere: over HTTP, with a token of its own."""
    env = {**os.environ, "PROBE_PORT": str(port), "FLOTILLA_DATA": str(fleet.data)}
    probe = subprocess.Popen([fleet.program], env=env, stderr=-3)  # noqa: ASYNC220

    try:
        await fleet.until(lambda: is_served(port))
        yield
    finally:
        probe.kill()
        probe.wait()
        await fleet.until(lambda: not is_served(port))  # it was forked, and ends just after the process that asked


@pytest.mark.slow
async def test_remote_server(fleet: Any, person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("FLOTILLA_REMOTE_TOKEN", "backend-token-1")
    more = ("--run", "http-map", "--remote", f"probe=http://127.0.0.1:{port}/mcp")
    async with remote(fleet, port):
        async with fleet.inside(*more) as (gateway, _):
            people = [person(gateway, era, name) for era, name in zip(ERAS * 2, ("Ada", "Bob", "Cy", "D"), strict=True)]
            for one in people:
                await one.client.__aenter__()
            answers = await asyncio.gather(*(one.call("probe_ask", question=one.name) for one in people))
            assert [a.split(" by ")[0] for a in answers] == [f"{one.name}: accept {one.name}" for one in people]
            await asyncio.gather(*(one.call("probe_wait", seconds=0.2, name="w") for one in people))
            await asyncio.gather(*(one.call("probe_say", text=one.name) for one in people))
            await asyncio.sleep(0.1)
            assert [one.steps for one in people] == [[1, 2, 3, 4]] * 4
            assert [one.logs[-1:] for one in people] == [[f"info {one.name}"] for one in people]
            about = await people[0].about()
            assert about["protocol"] == "2026-07-28"
            assert (await people[0].client.call_tool_mcp("probe_rich", {})).structured_content["big"] == 2**70
            [item] = await people[1].client.read_resource("probe://item/abc")
            assert item.blob == "YWJj"
            task = asyncio.create_task(people[0].call("probe_wait", seconds=20, name="long"))
            await asyncio.sleep(0.5)
            task.cancel()
            await fleet.until(lambda: fleet.lines("cancelled") == ["long"], 3)
            for one in people:
                await one.client.__aexit__(None, None, None)
        async with fleet.listening(*more) as (url, _):
            transport = StreamableHttpTransport(url, auth="client-token-1", headers={"X-Canary": "client-canary"})
            async with (one := person(transport, "legacy")).client:
                headers = json.dumps((await one.about())["headers"])
                assert "backend-token-1" in headers
                assert "client-token-1" not in headers
                assert "client-canary" not in headers


@pytest.mark.slow
async def test_remote_server_failing(fleet: Any, person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    fleet.spec["remote"] = {
        "url": f"http://127.0.0.1:{port}/mcp",
        "transport_type": "streamable-http",
        "headers": {"Authorization": "Bearer ${PROBE_TOKEN}"},
    }
    async with fleet.inside() as (gateway, _), (one := person(gateway, "legacy")).client:
        assert "cannot be reached. Nothing was done." in await one.call("probe_die_writing")
        async with remote(fleet, port):
            answer = await one.call("probe_die_writing")
            assert "does not accept the switchboard's token. Nothing was done." in answer
    (fleet.folder / "secrets").write_text("probe.token=backend-token-1\n")
    async with fleet.inside() as (gateway, _), (one := person(gateway, "2026-07-28")).client:
        async with remote(fleet, port):
            answer = await one.call("probe_die_writing")
            assert "closed the connection during the call: `probe_die_writing` may or may not have been done." in answer
            assert fleet.lines("written") == ["call"]
        async with remote(fleet, port):  # it comes back by itself
            assert json.loads(await one.call("probe_echo", value=1)) == {"value": 1}


@pytest.mark.slow
async def test_remote_server_that_sends_while_it_is_closed(
    fleet: Any, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a server over SSE may: nobody takes the message any more, and the answer stands."""
    streams = Remote.streams

    @asynccontextmanager
    async def sending(self: Remote) -> AsyncIterator[Any]:
        try:
            async with streams(self) as opened:
                yield opened
        except Exception as error:
            raise ExceptionGroup("", [BrokenResourceError(), error]) from None
        raise ExceptionGroup("", [BrokenResourceError()])

    monkeypatch.setattr(Remote, "streams", sending)
    port = free_port()
    monkeypatch.setenv("FLOTILLA_REMOTE_TOKEN", "backend-token-1")
    async with remote(fleet, port):
        async with fleet.inside("--run", "http-map", "--remote", f"probe=http://127.0.0.1:{port}/mcp") as (gateway, _):
            async with (one := person(gateway, "2026-07-28")).client:
                assert json.loads(await one.call("probe_echo", value=1)) == {"value": 1}
                answer = await one.call("probe_die_writing")
                assert "closed the connection during the call: `probe_die_writing` may or may not" in answer


async def test_remote_server_without_url_refused(fleet: Any) -> None:
    from flotilla_servers.switchboard.catalog import CatalogError

    with pytest.raises(CatalogError, match="No URL is set for probe"):
        async with fleet.inside("--run", "http-map"):
            pass


async def test_http_search_for_a_host(fleet: Any) -> None:
    fleet.more += ["--settings", str(fleet.folder / "own.json"), "--permissions", "on"]
    (fleet.folder / "own.json").write_text('{"permissions": [{"tool": "probe_wait", "decision": "deny"}]}')
    async with fleet.listening() as (url, _), httpx2.AsyncClient() as http:
        at, good = url.replace("/mcp", "/v1/tools/search"), {"Authorization": "Bearer client-token-1"}
        response = await http.post(at, json={"query": "ask a question", "limit": 2}, headers=good)
        tools = response.json()["tools"]
        assert (response.status_code, len(tools)) == (200, 2)
        assert (tools[0]["name"], tools[0]["server"]) == ("probe_ask", "probe")
        assert tools[0]["call_with"] == "call_destructive_tool"
        assert tools[0]["inputSchema"]["required"] == ["question"]
        assert tools[0]["score"] > tools[1]["score"] > 0
        denied = await http.post(at, json={"query": "probe_wait"}, headers=good)
        assert "probe_wait" not in [tool["name"] for tool in denied.json()["tools"]]
        for status, more, reason in (
            (401, {"headers": {}, "json": {"query": "x"}}, "The bearer token is missing or wrong."),
            (401, {"headers": {"Authorization": "Bearer é".encode()}, "json": {"query": "x"}}, "The bearer token"),
            (400, {"content": b"{"}, "must be a JSON object"),
            (400, {"json": ["x"]}, "must be a JSON object"),
            (400, {"json": {"query": " "}}, "`query` must be text"),
            (400, {"json": {"query": "x", "limit": 0}}, "`limit` must be a number from 1 to 20."),
            (400, {"json": {"query": "x", "limit": True}}, "`limit` must be a number from 1 to 20."),
            (413, {"json": {"query": "x" * 70_000}}, "more than 64000 bytes"),
        ):
            refused = await http.post(at, **{"headers": good, **more})
            assert refused.status_code == status, more
            assert reason in refused.json()["error"]
        assert (await http.get(at, headers=good)).status_code == 405
        assert (await http.post(at, json={"query": "x"}, headers={**good, "Host": "evil.example"})).status_code == 421
        assert fleet.lines("starts") == []
