"""The client's side of the protocol, line by line: what mcp's own server answers, in both eras."""

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from flotilla_servers.switchboard.jsonrpc import LineSplitter, Peer, RpcError
from flotilla_servers.switchboard.offers import template_pattern
from flotilla_servers.switchboard.request_state import RequestState
from flotilla_servers.switchboard.stdio_transport import StdioClient

PREFIX = "io.modelcontextprotocol/"
META = {
    f"{PREFIX}protocolVersion": "2026-07-28",
    f"{PREFIX}clientInfo": {"name": "t", "version": "1"},
    f"{PREFIX}clientCapabilities": {},
}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
INVALID = {"code": -32602, "message": "Invalid request parameters", "data": ""}


class Conversation:
    """A client that writes lines and reads what comes back."""

    def __init__(self, gateway: Any) -> None:
        self.written: list[dict[str, Any]] = []
        self.client = StdioClient(lambda line: self.written.append(json.loads(line)), gateway)

    async def say(self, line: bytes) -> dict[str, Any]:
        """Send a line and return what is answered."""
        count = len(self.written)
        self.client.receive(line)
        while len(self.written) == count:  # noqa: ASYNC110 - the answer comes from a task
            await asyncio.sleep(0)
        return self.written[count]

    async def ask(self, method: str, params: Any = None, request_id: Any = 1) -> Any:
        """Return the result of a request, or its error."""
        message = {"jsonrpc": "2.0", "id": request_id, "method": method}
        answer = await self.say(json.dumps(message if params is None else {**message, "params": params}).encode())
        assert answer["id"] == request_id
        return answer.get("error") or answer["result"]


@asynccontextmanager
async def conversation(fleet: Any, era: str) -> AsyncIterator[Conversation]:
    async with fleet.inside() as (gateway, _):
        one = Conversation(gateway)
        if era == "legacy":
            await one.ask("initialize", HELLO)
        yield one


def modern(**params: Any) -> dict[str, Any]:
    return {"_meta": META, **params}


async def test_handshake_errors(fleet: Any) -> None:
    async with conversation(fleet, "legacy") as one:
        for params in (None, {"name": 5}, {"name": "probe_echo", "arguments": 7}, {"name": "probe_echo", "_meta": 1}):
            assert await one.ask("tools/call", params) == INVALID
        assert await one.ask("prompts/get", {"name": "no"}) == {"code": -32602, "message": "Unknown prompt: 'no'"}
        missing = {"code": -32602, "message": "Resource not found: 'x://y'", "data": {"uri": "x://y"}}
        assert await one.ask("resources/read", {"uri": "x://y"}) == missing
        for method in ("nothing/x", "completion/complete", "resources/subscribe"):
            assert await one.ask(method) == {"code": -32601, "message": "Method not found", "data": method}
        assert await one.ask("logging/setLevel", {"level": "loud"}) == INVALID
        assert await one.ask("logging/setLevel", {"level": "info"}) == {}
        assert await one.ask("ping") == {}
        refused = await one.ask("tools/list", modern())
        assert refused["code"] == -32600
        assert refused["message"].startswith("this connection serves the handshake protocol era; ")


async def test_handshake_before_initialize(fleet: Any) -> None:
    async with fleet.inside() as (gateway, _):
        one = Conversation(gateway)
        assert await one.ask("tools/list") == INVALID
        assert await one.ask("ping") == {}
        assert (await one.ask("nothing"))["code"] == -32601
        assert await one.ask("initialize", {}) == INVALID
        agreed = await one.ask("initialize", {**HELLO, "protocolVersion": "1999-01-01"})
        assert agreed["protocolVersion"] == "2025-11-25"


async def test_modern_errors(fleet: Any) -> None:
    async with conversation(fleet, "2026-07-28") as one:
        discovered = await one.ask("server/discover", modern())
        assert discovered["supportedVersions"] == ["2026-07-28"]
        assert discovered["_meta"][f"{PREFIX}serverInfo"]["name"] == "flotilla"
        for method in ("ping", "logging/setLevel", "nothing"):
            assert (await one.ask(method, modern()))["code"] == -32601
        refused = await one.ask("initialize", HELLO)
        assert (refused["code"], refused["data"]) == (-32022, {"supported": ["2026-07-28"], "requested": "2025-11-25"})
        other = {"_meta": {**META, f"{PREFIX}protocolVersion": "2099-01-01"}}
        assert (await one.ask("tools/list", other))["data"] == {"supported": ["2026-07-28"], "requested": "2099-01-01"}
        assert "must be an object carrying" in (await one.ask("tools/list"))["message"]
        bare = {"_meta": {f"{PREFIX}protocolVersion": "2026-07-28"}}
        assert (await one.ask("tools/list", bare))["message"].endswith(f"key(s): {PREFIX}clientCapabilities")
        for wrong in ({f"{PREFIX}clientCapabilities": 5}, {"progressToken": 1.5}, {f"{PREFIX}logLevel": "loud"}):
            assert await one.ask("tools/list", {"_meta": {**META, **wrong}}) == INVALID
        stale = await one.ask("tools/call", modern(name="probe_echo", requestState="abc", inputResponses={}))
        assert stale["message"] == "Invalid or expired requestState"
        assert fleet.lines("starts") == []


async def test_nothing_may_be_cached_for_other_clients(fleet: Any) -> None:
    """What a client gets is its own account's."""
    async with conversation(fleet, "modern") as one:
        for method in ("server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list"):
            assert (await one.ask(method, modern()))["cacheScope"] == "private"


@pytest.mark.parametrize(
    ("line", "request_id", "code"),
    [
        (b"no JSON", None, -32700),
        (b'{"jsonrpc":"2.0","id":7,"method":', 7, -32700),
        (b'{"jsonrpc":"2.0","id":"a b","method":"ping",}', "a b", -32700),
        (b"\xff", None, -32700),
        (b"[" * 100_000, None, -32700),
        (b"[]", None, -32600),
        (b"7", None, -32600),
        (b'{"id":1,"method":"ping"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[1]}', None, -32600),
    ],
)
async def test_unreadable_line_answered(fleet: Any, line: bytes, request_id: Any, code: int) -> None:
    async with conversation(fleet, "legacy") as one:
        answer = await one.say(line)
        assert (answer["id"], answer["error"]["code"]) == (request_id, code)


async def test_responses_to_nothing_are_passed_over(fleet: Any) -> None:
    """An error that answers an error would go back and forth for ever."""
    async with conversation(fleet, "legacy") as one:
        for line in (b"", b"  \r", b'{"jsonrpc":"2.0","id":99,"result":{}}', b'{"jsonrpc":"2.0","id":null,"error":{}}'):
            one.client.receive(line)
        assert await one.ask("ping") == {}
        assert len(one.written) == 2


async def test_half_a_surrogate_reaches_the_server_and_comes_back(fleet: Any) -> None:
    async with conversation(fleet, "2026-07-28") as one:
        line = b'{"jsonrpc":"2.0","id":"\\ud800","method":"nothing","params":{"_meta":%s}}'
        answer = await one.say(line % json.dumps(META).encode())
        assert answer["id"] == "\ud800"


async def test_peer_cancelled_request_gets_no_response() -> None:
    written: list[dict[str, Any]] = []
    reached = asyncio.Event()

    class Slow(Peer):
        async def on_request(self, request_id: Any, method: str, params: Any) -> Any:
            if method == "quick":
                return {}
            reached.set()
            return await asyncio.Event().wait()

    peer = Slow(lambda line: written.append(json.loads(line)))
    peer.receive(b'{"jsonrpc":"2.0","id":1,"method":"slow"}')
    await reached.wait()
    peer.receive(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}')
    peer.receive(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[]}}')
    peer.receive(b'{"jsonrpc":"2.0","id":2,"method":"quick"}')
    while not written:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert written == [{"jsonrpc": "2.0", "id": 2, "result": {}}]


async def test_peer_answers_after_a_mistake_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    written: list[dict[str, Any]] = []

    class Broken(Peer):
        async def on_request(self, request_id: Any, method: str, params: Any) -> Any:
            raise KeyError("a secret")

    Broken(lambda line: written.append(json.loads(line))).receive(b'{"jsonrpc":"2.0","id":1,"method":"x"}')
    while not written:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert written[0]["error"] == {"code": -32603, "message": "Internal error"}
    assert caplog.messages == ["x ended with KeyError"]


def test_line_splitter_pieces() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"one\ntw") == [b"one"]
    assert splitter.feed(b"") == []
    assert splitter.feed(b"o\n\nthree") == [b"two", b""]
    assert splitter.feed(b"\n") == [b"three"]


def test_request_state_fits_one_request_and_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    state, request = RequestState("k" * 32), ["tools/call", "x", {"b": 1, "a": "é"}]
    signed = state.signed("the server's . own", request)
    assert state.read(signed, ["tools/call", "x", {"a": "é", "b": 1}]) == "the server's . own"
    wrong = [(state, signed, ["tools/call", "y", {}]), (RequestState("x" * 32), signed, request)]
    wrong += [(state, text, request) for text in ("", "a.b.c", signed + "x", f"9{signed}", 7, None)]
    for reader, text, about in wrong:
        with pytest.raises(RpcError, match="requestState"):
            reader.read(text, about)
    monkeypatch.setattr("time.time", lambda: 4e9)
    with pytest.raises(RpcError, match="expired"):
        state.read(signed, request)


@pytest.mark.parametrize(
    ("template", "uri", "fits"),
    [
        ("x://item/{name}", "x://item/a b", True),
        ("x://item/{name}", "x://item/a/b", False),
        ("x://item/{name}", "x://item/", False),
        ("x://{path*}", "x://a/b", True),
        ("x://{+path}", "x://a/b", True),
        ("x://a{?q,r}", "x://a?q=1", True),
        ("x://a{?q,r}", "x://a", True),
        ("x://a.b/{c}", "x://aXb/c", False),
        ("x://{a}{b}/{c}{?d}", "x://ab/c?d=1", True),
        ("x://{a}-{b}-{c}", "x://1-2-3", True),
        ("x://" + "{a}x" * 12 + "{b}", "x://" + "x" * 3_000 + "/", False),
        ("x://" + "{+a}{b}" * 12 + "!", "x://" + "x" * 3_000, False),
    ],
)
def test_template_pattern(template: str, uri: str, fits: bool) -> None:
    assert bool(template_pattern(template).fullmatch(uri)) is fits


def test_list_answered_to_a_client_that_reads_late(fleet: Any) -> None:
    """What the client does not read is kept, and its next lines are still taken: neither side blocks."""
    line = fleet.command()
    environ = {**os.environ, "FLOTILLA_PRECOMPUTED": "off"}
    with subprocess.Popen([line.command, *line.args], env=environ, stdin=-1, stdout=-1, stderr=-3) as process:
        assert process.stdin
        assert process.stdout
        count = 400
        start = [{"id": 0, "method": "initialize", "params": HELLO}, {"method": "notifications/initialized"}]
        for message in [*start, *({"id": n, "method": "tools/list"} for n in range(1, count))]:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(count)]
        assert [answer["id"] for answer in answers] == list(range(count))
        process.stdin.close()
        assert process.wait(10) == 0


def test_input_from_a_terminal(fleet: Any) -> None:
    ours, theirs = pty.openpty()
    line = fleet.command()
    environ = {**os.environ, "FLOTILLA_PRECOMPUTED": "off"}
    with subprocess.Popen([line.command, *line.args], env=environ, stdin=theirs, stdout=-1, stderr=-3) as process:
        os.close(theirs)
        os.write(ours, json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode() + b"\n")
        assert process.stdout
        assert json.loads(process.stdout.readline()) == {"jsonrpc": "2.0", "id": 1, "result": {}}
        os.close(ours)
        assert process.wait(10) == 0


def test_call_over_stdio_imports_nothing_heavy(fleet: Any) -> None:
    """Not to serve, not to start a server, not to call it."""
    options = fleet.options()
    code = (
        "import asyncio, json, sys\n"
        "from flotilla_servers.switchboard.server import arguments, build\n"
        "from flotilla_servers.switchboard.stdio_transport import StdioClient\n"
        "async def main():\n"
        "    gateway, backends = build(arguments(sys.argv[1:]))\n"
        "    answers = asyncio.Queue()\n"
        "    client = StdioClient(answers.put_nowait, gateway)\n"
        f"    for request in ({{'method': 'initialize', 'params': {HELLO!r}}},\n"
        "                    {'method': 'tools/call', 'params': {'name': 'probe_echo', 'arguments': {'value': 1}}}):\n"
        "        client.receive(json.dumps({'jsonrpc': '2.0', 'id': 1, **request}).encode())\n"
        "        answer = json.loads(await answers.get())\n"
        "    await asyncio.gather(*(backend.close() for backend in backends))\n"
        "    heavy = ('fastmcp', 'mcp', 'pydantic', 'httpx2', 'anyio', 'starlette')\n"
        "    print(json.dumps([answer['result']['structuredContent'], [m for m in heavy if m in sys.modules]]))\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *options], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [{"value": 1}, []]
    assert not re.search("Traceback", done.stderr)
