"""Streamable HTTP: who may come in, what each path answers, both eras, and a quick end."""

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx2 as httpx
import pytest
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StreamableHttpTransport

from flotilla_testing.client import MODES, text_of
from flotilla_testing.process import KEPT
from flotilla_testing.waiting import PATIENCE

pytestmark = pytest.mark.slow

TOKEN = "canary-http-4711"
LEGACY, MODERN = MODES


class Running:
    """A server on a port of its own."""

    def __init__(self, command: list[str], **environ: str) -> None:
        keep = {name: os.environ[name] for name in (*KEPT, "FLOTILLA_DATA") if name in os.environ}
        env = {**keep, "FLOTILLA_TRANSPORT": "http", "FLOTILLA_PORT": "0", **environ}
        self.popen = subprocess.Popen(command, stderr=subprocess.PIPE, env=env, text=True)
        assert self.popen.stderr is not None
        line = self.popen.stderr.readline()
        self.reported: Any = json.loads(line) if line.startswith("{") else line
        self.port = self.reported["port"] if isinstance(self.reported, dict) else 0
        self.url = f"http://127.0.0.1:{self.port}"
        self.err = ""

    def begun(self) -> None:
        """Return when a call runs."""
        assert self.popen.stderr is not None
        assert any(line == "begun\n" for line in self.popen.stderr)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; return the exit code."""
        self.popen.send_signal(number)
        code = self.popen.wait(10)
        assert self.popen.stderr is not None
        self.err = self.popen.stderr.read()
        return code

    def close(self) -> None:
        """Leave nothing behind."""
        if self.popen.poll() is None:
            self.popen.terminate()
            self.popen.wait()
        if self.popen.stderr:
            self.popen.stderr.close()


Start = Callable[..., Running]


@pytest.fixture
def start(probe: list[str]) -> Iterator[Start]:
    running: list[Running] = []

    def started(**environ: str) -> Running:
        running.append(Running(probe, **environ))
        return running[-1]

    yield started
    for server in running:
        server.close()


@pytest.fixture(scope="module")
def shared(probe: list[str]) -> Iterator[Running]:
    """One server for the tests that only ask."""
    server = Running(probe, FLOTILLA_HTTP_TOKEN=TOKEN, FLOTILLA_ALLOWED_HOSTS="probe,*.fleet.example")
    yield server
    server.close()


def connect(url: str, mode: str, token: str = "", answer: bool | None = None) -> Client[Any]:
    async def reply(*_: object) -> ElicitResult[Any]:
        return ElicitResult(action="accept", content={"confirm": answer})

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    transport = StreamableHttpTransport(f"{url}/mcp", headers=headers)
    return Client(transport, mode=mode, elicitation_handler=None if answer is None else reply)


HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


def post(url: str, **headers: Any) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.post(f"{url}/mcp", json=HELLO, headers={**ACCEPT, **headers})


def get(url: str, **headers: str) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.get(url, headers=headers)


# --- who may come in


@pytest.mark.parametrize(
    "params",
    [
        {"FLOTILLA_HTTP_TOKEN_FILE": "/nonexistent"},
        {"FLOTILLA_HTTP_TOKEN": "<UNKNOWN>", "FLOTILLA_HTTP_TOKEN_FILE": "/dev/null"},
        {"FLOTILLA_HTTP_TOKEN": "your_secret_abc123"},
        {"FLOTILLA_HTTP_TOKEN": "<s3cret>"},
        {"FLOTILLA_HTTP_TOKEN": "se://docker/mcp/token"},
    ],
)
def test_http_token_unusable_prevents_listening(start: Start, params: dict[str, str]) -> None:
    """It does not listen without a token that was meant to be there."""
    running = start(**params)
    assert running.reported.startswith("flotilla-probe: FLOTILLA_HTTP_TOKEN")
    assert "secret_abc" not in running.reported
    assert "s3cret" not in running.reported
    assert running.popen.wait(PATIENCE) == 1


def test_allowed_hosts_unclear_prevent_listening(start: Start) -> None:
    running = start(FLOTILLA_ALLOWED_HOSTS=" , ")
    assert running.reported.startswith("flotilla-probe: FLOTILLA_ALLOWED_HOSTS is set, but names nothing.")


def test_listening_address_logged(shared: Running) -> None:
    assert (shared.reported["event"], shared.reported["host"], shared.reported["mcp_server"]) == (
        "listening",
        "127.0.0.1",
        "probe",
    )


@pytest.mark.parametrize(
    "params", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", b"Bearer \xe9"]
)
def test_http_token_missing_or_wrong_refused(shared: Running, params: Any) -> None:
    answer = post(shared.url, **({} if params is None else {"Authorization": params}))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert TOKEN not in answer.text


@pytest.mark.parametrize("mode", MODES)
async def test_http_token_accepted(shared: Running, mode: str) -> None:
    async with connect(shared.url, mode, TOKEN) as c:
        result = await c.call_tool_mcp("probe_get_pong", {"text": "é"})
        assert result.structured_content == {"done": "é"}
        asked = await c.call_tool_mcp("probe_delete_thing", {"name": "x"})
        assert "preview" in text_of(asked)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "probe:8000"}, 200),
        ({"Host": "a.fleet.example"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_allowed_hosts_and_origins_enforced(shared: Running, headers: dict[str, str], status: int) -> None:
    assert post(shared.url, Authorization=f"Bearer {TOKEN}", **headers).status_code == status
    assert get(f"{shared.url}/health", **headers).status_code == status


def test_health_needs_no_token(shared: Running) -> None:
    assert get(f"{shared.url}/health").json() == {"status": "ok", "server": "probe"}
    assert get(f"{shared.url}/ready").json() == {"status": "ready", "server": "probe"}
    assert get(f"{shared.url}/elsewhere").status_code == 404


def test_ready_reports_missing_settings(start: Start) -> None:
    server = start(PROBE_STRICT="1")
    answer = get(f"{server.url}/ready")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not configured",
        "reason": "PROBE_SECRET is not set (secret `flotilla-probe.secret` in the Docker catalog). "
        "Ask the user to set it: Anything.",
    }
    assert get(f"{server.url}/health").status_code == 200


def test_http_token_not_needed_on_loopback(start: Start) -> None:
    assert post(start().url).status_code == 200


@pytest.mark.parametrize("user", ["", "dana"])
def test_audit_line_has_the_user_and_not_the_token(start: Start, user: str) -> None:
    server = start(FLOTILLA_HTTP_TOKEN=TOKEN, FLOTILLA_USER=user)

    async def ask() -> None:
        async with connect(server.url, LEGACY, TOKEN) as c:
            await c.call_tool_mcp("probe_get_pong", {"text": TOKEN})

    asyncio.run(ask())
    assert server.end() == 0
    line = json.loads(server.err.splitlines()[-1])
    assert (line["user_id"], line["arguments"]) == (user or "fleet", {"text": "***"})
    assert TOKEN not in server.err


# --- starting


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        (
            {"FLOTILLA_HOST": "0.0.0.0"},
            "flotilla-probe: FLOTILLA_HTTP_TOKEN must be set to listen on 0.0.0.0: without it, anybody on the network "
            "could call the tools. Set it, or listen on 127.0.0.1.\n",
        ),
        (
            {"FLOTILLA_HOST": "host.invalid", "FLOTILLA_HTTP_TOKEN": "t0ken"},
            "flotilla-probe: cannot listen on host.invalid port 0: ",
        ),
        (
            {"FLOTILLA_STATE_KEY": "short"},
            "flotilla-probe: FLOTILLA_STATE_KEY is wrong: Value should have at least 32 items after validation, not 5.",
        ),
        ({"FLOTILLA_PORT": "http"}, "flotilla-probe: FLOTILLA_PORT is wrong: Input should be a valid integer"),
        (
            {"FLOTILLA_PORT": "99999"},
            "flotilla-probe: FLOTILLA_PORT is wrong: Input should be less than or equal to 65535",
        ),
        ({"FLOTILLA_TRANSPORT": "pigeon"}, "flotilla-probe: FLOTILLA_TRANSPORT is wrong"),
    ],
)
def test_start_errors_are_one_line(start: Start, environ: dict[str, str], sentence: str) -> None:
    server = start(**environ)
    assert server.popen.wait(PATIENCE) == 1
    assert server.reported.startswith(sentence)
    assert server.popen.stderr is not None
    assert server.popen.stderr.read() == ""


def test_port_in_use(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = start(FLOTILLA_PORT=str(port))
        assert server.popen.wait(PATIENCE) == 1
    assert server.reported == (
        f"flotilla-probe: cannot listen on 127.0.0.1 port {port}: Address already in use. "
        "Choose other ones with FLOTILLA_HOST and FLOTILLA_PORT.\n"
    )


@pytest.mark.slow
@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
@pytest.mark.parametrize("host", ["::1", "0.0.0.0"])
async def test_host_setting(start: Start, host: str) -> None:
    server = start(FLOTILLA_HOST=host, FLOTILLA_HTTP_TOKEN=TOKEN)
    name = f"[{host}]" if ":" in host else "127.0.0.1"
    async with connect(f"http://{name}:{server.port}", MODERN, TOKEN) as c:
        assert "probe_get_pong" in {tool.name for tool in await c.list_tools()}
    refused = post(f"http://{name}:{server.port}", Host="0.0.0.0", Authorization=f"Bearer {TOKEN}")
    assert refused.status_code == 421  # browsers take 0.0.0.0 for this machine


# --- stateless and stateful


@pytest.mark.parametrize(("mode", "asked"), [(LEGACY, False), (MODERN, True)])
async def test_stateless_mode_asks_only_in_the_new_protocol(shared: Running, mode: str, asked: bool) -> None:
    async with connect(shared.url, mode, TOKEN, answer=True) as c:
        result = await c.call_tool_mcp("probe_delete_thing", {"name": "x"})
        if not asked:
            assert result.structured_content is not None
            token = result.structured_content["preview"]["confirm_token"]
            result = await c.call_tool_mcp("probe_delete_thing", {"name": "x", "confirm_token": token})
        assert result.structured_content == {"done": "x"}


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("answer", [True, False])
async def test_stateful_mode_asks_in_both_protocols(start: Start, mode: str, answer: bool) -> None:
    server = start(FLOTILLA_STATEFUL="on")
    async with connect(server.url, mode, answer=answer) as c:
        result = await c.call_tool_mcp("probe_delete_thing", {"name": "x"})
        assert result.is_error != answer


async def test_http_twenty_parallel_clients(shared: Running) -> None:
    async def one(n: int) -> Any:
        async with connect(shared.url, MODES[n % 2], TOKEN) as c:
            return (await c.call_tool_mcp("probe_get_pong", {"text": str(n)})).structured_content

    assert await asyncio.gather(*(one(n) for n in range(20))) == [{"done": str(n)} for n in range(20)]


# --- the end


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tool", "number"),
    [
        ("get_sleep", signal.SIGINT),
        *(
            (tool, signal.SIGTERM)
            for tool in (None, "get_sleep", "get_blocked", "get_busy", "get_thread", "get_shielded")
        ),
    ],
)
def test_shutdown_waits_for_no_call(start: Start, tool: str | None, number: int) -> None:
    server = start()

    async def begin() -> None:
        async with connect(server.url, MODERN) as c:
            call = asyncio.ensure_future(c.call_tool_mcp(f"probe_{tool}", {}))
            await asyncio.to_thread(server.begun)
            ended.append(await asyncio.to_thread(server.end, number))
            call.cancel()

    ended: list[int] = []
    if tool is None:
        assert get(f"{server.url}/health").status_code == 200
        ended.append(server.end(number))
    else:
        with suppress(Exception):  # the connection is gone, as it should be
            asyncio.run(begin())
    assert ended == [0], server.err  # the call would take 30 seconds
    assert "Traceback" not in server.err


async def test_shutdown_finishes_calls_within_the_drain(start: Start) -> None:
    """A proxy that probes learns of it, and until then whatever arrives is answered."""
    server = start(FLOTILLA_DRAIN="20")

    def message(seconds: float) -> dict[str, Any]:
        params = {"name": "probe_get_sleep", "arguments": {"seconds": seconds}}
        return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}

    headers = {**ACCEPT, "MCP-Protocol-Version": "2025-11-25"}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        call = asyncio.ensure_future(http.post(f"{server.url}/mcp", json=message(3), headers=headers))
        await asyncio.to_thread(server.begun)
        before = await http.get(f"{server.url}/health")
        assert (before.status_code, before.headers.get("connection")) == (200, None)
        server.popen.send_signal(signal.SIGTERM)
        while (probe := await http.get(f"{server.url}/ready")).status_code == 200:
            pass
        assert (probe.status_code, probe.headers["connection"]) == (503, "close")
        late = await http.post(f"{server.url}/mcp", json=message(0), headers=headers)
        assert '"isError":false' in late.text
        assert late.headers["connection"] == "close"
        assert '"isError":false' in (await call).text
    assert await asyncio.to_thread(server.popen.wait, 20) == 0
