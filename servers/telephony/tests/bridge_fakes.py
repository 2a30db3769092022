"""Both sides of the media bridge: Twilio (webhook and Media Streams) and a realtime voice model, over real WebSockets.

Each keeps state and is as strict as the documentation: what breaks the protocol is kept in `violations`, and a test
asks for an empty list. Nothing plays in real time: `FakeTwilio.hear` lets a number of milliseconds pass.

Run as a program it is a small server for the switchboard: a tool that reads, one that asks, one that waits.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import yaml
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from flotilla import Integration, Toolset
from flotilla import Server as ToolServer
from flotilla.audit import Audit
from flotilla.settings import load
from flotilla_testing.waiting import eventually, wait_until

AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT = "AC" + "1" * 32
CALLER, CALLED = "+33612345678", "+33140200000"
MODEL_KEY, BOARD_TOKEN = "sk-model-0123456789", "board-token-0123456789"
PUBLIC = "https://phone.example/agent"
FRAME = 160  # bytes of 20 ms


def twilio_signature(token: str, url: str, form: dict[str, str]) -> str:
    """Sign a webhook as Twilio's own libraries do."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


class FakeTwilio:
    """One call. `refused` is the TwiML's Reject; `ended` tells whether the bridge closed the stream.

    `public_url` is the bridge's address as Twilio knows it, where a proxy stands before it.
    """

    def __init__(self, url: str, public_url: str = "") -> None:
        self.url, self.public_url = url, public_url or url
        self.call_sid, self.stream_sid = "CA" + secrets.token_hex(16), "MZ" + secrets.token_hex(16)
        self.token = self.refused = self.stream_url = ""
        self.violations: list[str] = []
        self.buffer: list[tuple[str, Any]] = []  # what is to be played: ("media", bytes) and ("mark", name)
        self.received = b""  # all audio that the bridge sent
        self.played = b""
        self.clears = 0
        self.close_code: int | None = None
        self._sequence = 1
        self._chunk = 0
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        return self.close_code is not None

    @property
    def socket(self) -> ClientConnection:
        assert self._socket
        return self._socket

    # The webhook

    def form(self, **more: str) -> dict[str, str]:
        return {
            "AccountSid": ACCOUNT, "ApiVersion": "2010-04-01", "CallSid": self.call_sid, "CallStatus": "ringing",
            "Called": CALLED, "Caller": CALLER, "CallerCity": "", "Direction": "inbound", "From": CALLER, "To": CALLED,
            **more,
        }  # fmt: skip

    async def post(self, form: dict[str, str], signature: str | None = None, query: str = "") -> httpx2.Response:
        if signature is None:
            signature = twilio_signature(AUTH_TOKEN, f"{self.public_url}/voice{query}", form)
        content_type = "application/x-www-form-urlencoded; charset=UTF-8"
        headers = {"X-Twilio-Signature": signature.encode("latin-1"), "Content-Type": content_type.encode()}
        async with httpx2.AsyncClient(timeout=60) as http:
            return await http.post(f"{self.url}/voice{query}", content=urlencode(form).encode(), headers=headers)

    async def announce(self, query: str = "", **more: str) -> None:
        """Ask the webhook what to do, and read its TwiML as Twilio would."""
        response = await self.post(self.form(**more), query=query)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/xml")
        (verb,) = ElementTree.fromstring(response.text)
        if verb.tag == "Reject":
            self.refused = verb.attrib["reason"]
            return
        (stream,) = verb
        assert (verb.tag, stream.tag) == ("Connect", "Stream")
        own, public = (address.replace("http", "ws", 1) for address in (self.url, self.public_url))
        assert stream.attrib["url"].startswith(public)
        self.stream_url = stream.attrib["url"].replace(public, own)
        assert "?" not in self.stream_url, "a Stream's url takes no query"
        parameters = {p.attrib["name"]: p.attrib["value"] for p in stream if p.tag == "Parameter"}
        assert all(len(name + value) <= 500 for name, value in parameters.items())
        self.token = parameters["token"]

    # The stream

    async def open(self, **start: Any) -> None:
        """Open the WebSocket and send `connected` and `start`; `start` replaces fields of the latter."""
        self._socket = await connect(self.stream_url, compression=None, open_timeout=60)
        self._reader = asyncio.create_task(self._read())
        await self.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        details = {
            "accountSid": ACCOUNT, "streamSid": self.stream_sid, "callSid": self.call_sid, "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": self.token}, **start,
        }  # fmt: skip
        await self.number({"event": "start", "start": details})

    async def call(self) -> FakeTwilio:
        """Announce a call and open its stream."""
        await self.announce()
        await self.open()
        return self

    async def send(self, message: dict[str, Any] | str) -> None:
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))

    async def number(self, message: dict[str, Any]) -> None:
        await self.send({**message, "sequenceNumber": str(self._sequence), "streamSid": self.stream_sid})
        self._sequence += 1

    async def say(self, audio: bytes) -> None:
        """Send audio of the caller in frames of 20 ms."""
        for place in range(0, len(audio), FRAME):
            self._chunk += 1
            payload = base64.b64encode(audio[place : place + FRAME]).decode()
            media = {"track": "inbound", "chunk": str(self._chunk), "timestamp": str(self._chunk * 20)}
            await self.number({"event": "media", "media": {**media, "payload": payload}})

    async def press(self, digits: str) -> None:
        for digit in digits:
            await self.number({"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": digit}})

    async def hear(self, ms: int) -> None:
        """Let the caller hear so much of the buffer; a mark goes back once all that stands before it was played."""
        left = ms * 8
        while self.buffer:
            kind, value = self.buffer[0]
            if kind == "mark":
                await self.number({"event": "mark", "mark": {"name": value}})
            elif len(value) > left:
                self.played += value[:left]
                self.buffer[0] = (kind, value[left:])
                return
            else:
                self.played += value
                left -= len(value)
            self.buffer.pop(0)

    @property
    def buffered_ms(self) -> int:
        return sum(len(value) for kind, value in self.buffer if kind == "media") // 8

    async def hang_up(self) -> None:
        """End the call as Twilio does when the caller hangs up."""
        await self.number({"event": "stop", "stop": {"accountSid": ACCOUNT, "callSid": self.call_sid}})
        await self.socket.close()
        await self.gone()

    async def gone(self) -> None:
        assert self._reader
        await self._reader

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                await self._take(text)
        except ConnectionClosed:
            pass
        self.close_code = self.socket.close_code

    async def _take(self, text: str | bytes) -> None:
        try:
            message = json.loads(text)
            event = message["event"]
            if isinstance(text, bytes) or message["streamSid"] != self.stream_sid:
                raise ValueError("binary, or another stream")
            expected = {"media": {"event", "streamSid", "media"}, "mark": {"event", "streamSid", "mark"}}
            if set(message) != expected.get(event, {"event", "streamSid"}):
                raise ValueError(f"unexpected fields: {sorted(message)}")
            if event == "media":
                audio = base64.b64decode(message["media"]["payload"], validate=True)
                if not audio or set(message["media"]) != {"payload"}:
                    raise ValueError("media is a payload, and not empty")
                self.received += audio
                self.buffer.append(("media", audio))
            elif event == "mark":
                self.buffer.append(("mark", message["mark"]["name"]))
            elif event == "clear":
                self.clears += 1
                marks = [value for kind, value in self.buffer if kind == "mark"]
                self.buffer.clear()
                for name in marks:  # as documented: those of what was cleared come back too
                    await self.number({"event": "mark", "mark": {"name": name}})
            else:
                raise ValueError(f"Twilio takes no {event}")
        except (ValueError, KeyError, TypeError) as error:
            self.violations.append(f"{error}: {text[:200]!r}")


SHAPES = {
    "current": {"type", "output_modalities", "audio", "instructions", "tools", "tool_choice"},
    "older": {"modalities", "input_audio_format", "output_audio_format", "voice", "turn_detection", "instructions",
              "tools", "tool_choice"},
    "flat": {"turn_detection", "audio", "voice", "instructions", "tools", "tool_choice"},
}  # fmt: skip
FORMATS = {"audio/pcmu": "pcmu", "g711_ulaw": "pcmu", "audio/pcm": "pcm", "pcm16": "pcm"}


class ModelCall:
    """One session of the model."""

    def __init__(self, connection: ServerConnection, model: FakeModel) -> None:
        self.connection, self.model = connection, model
        self.session: dict[str, Any] = {}
        self.format = ""
        self.heard = b""  # audio of the caller
        self.items: dict[str, int] = {}  # of the assistant, by id: milliseconds of audio
        self.truncated: dict[str, int] = {}
        self.pending: set[str] = set()  # ids of function calls without an output
        self.outputs: dict[str, str] = {}
        self.texts: list[str] = []  # of the user
        self.responses = 0
        self.responding = False
        self.violations: list[str] = []
        self.close_code: int | None = None

    async def send(self, event_type: str, **fields: Any) -> None:
        await self.connection.send(
            json.dumps({"type": event_type, "event_id": f"event_{secrets.token_hex(6)}", **fields})
        )

    async def error(self, code: str, event: dict[str, Any]) -> None:
        details = {"type": "invalid_request_error", "code": code, "message": code, "event_id": event.get("event_id")}
        await self.send("error", error=details)

    async def serve(self) -> None:
        if self.model.shape == "flat":
            await self.send("conversation.created", conversation={"id": "conv_1"})
        elif self.model.shape == "older":
            await self.send("session.created", session={"input_audio_format": "pcm16", "voice": "alloy"})
        else:
            await self.send("session.created", session={"type": "realtime", "audio": {"input": {}, "output": {}}})
        try:
            async for text in self.connection:
                await self._take(json.loads(text))
        except ConnectionClosed:
            pass
        self.close_code = self.connection.close_code

    async def _take(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.update":
                await self._update(event)
            case "input_audio_buffer.append":
                audio = base64.b64decode(event["audio"], validate=True)
                if not self.session:
                    self.violations.append("audio before the session is set up")
                self.heard += audio
                if self.model.echoes:
                    await self.speak("echo", audio)
            case "conversation.item.truncate":
                ms = event["audio_end_ms"]
                if event["item_id"] not in self.items or ms > self.items[event["item_id"]] or event["content_index"]:
                    self.violations.append(f"truncate: {event}")
                    await self.error("invalid_value", event)
                else:
                    self.truncated[event["item_id"]] = ms
                    await self.send("conversation.item.truncated", item_id=event["item_id"], audio_end_ms=ms)
            case "conversation.item.create" if event["item"]["type"] == "function_call_output":
                call_id = event["item"]["call_id"]
                if call_id not in self.pending:
                    self.violations.append(f"an output of no call: {call_id}")
                self.pending.discard(call_id)
                self.outputs[call_id] = event["item"]["output"]
            case "conversation.item.create":
                self.texts += [part["text"] for part in event["item"]["content"]]
            case "response.create":
                if self.responding:  # it happens: one side asks while the other has just begun
                    await self.error("conversation_already_has_active_response", event)
                    return
                self.responses += 1
                self.responding = True
                await self.send("response.created", response={"id": f"resp_{self.responses}", "status": "in_progress"})
                if self.model.replies:
                    await self.done()
            case other:
                self.violations.append(f"unknown event {other}")
                await self.error("unknown_event", event)

    async def _update(self, event: dict[str, Any]) -> None:
        session = event["session"]
        unknown = set(session) - SHAPES[self.model.shape]
        if unknown or (self.model.shape == "current" and session.get("type") != "realtime"):
            await self.error("unknown_parameter", event)
            return
        if self.model.shape == "older":
            formats = {session["input_audio_format"], session["output_audio_format"]}
        else:
            formats = {session["audio"][side]["format"]["type"] for side in ("input", "output")}
        (name,) = {FORMATS[one] for one in formats}
        if name not in self.model.formats:
            await self.error("invalid_value", event)
            return
        self.session, self.format = session, name
        await self.send("session.updated", session=session)

    async def speak(self, item_id: str, audio: bytes, *, parts: int = 1) -> None:
        """Say something, faster than it is heard, in some deltas of one item."""
        size = -(-len(audio) // parts)
        name = "response.audio.delta" if self.model.shape == "older" else "response.output_audio.delta"
        per_ms = 8 if self.format == "pcmu" else 48
        for place in range(0, len(audio), size):
            part = audio[place : place + size]
            self.items[item_id] = self.items.get(item_id, 0) + len(part) // per_ms
            delta = base64.b64encode(part).decode()
            where = {"response_id": "resp_1", "item_id": item_id, "output_index": 0, "content_index": 0}
            await self.send(name, **where, delta=delta)

    async def hears_speech(self) -> None:
        """Notice that the caller has begun to speak; what it was saying is cancelled, as its documentation says."""
        await self.send("input_audio_buffer.speech_started", audio_start_ms=0, item_id="item_user")
        if self.responding:
            await self.done("cancelled")

    async def hears_silence(self) -> None:
        await self.send("input_audio_buffer.speech_stopped", audio_end_ms=0, item_id="item_user")

    async def call_tool(self, name: str, arguments: dict[str, Any] | str, call_id: str = "call_1") -> None:
        """Call a function within a response, as the model does: added, arguments, the whole item, done."""
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        self.pending.add(call_id)
        self.responding = True
        await self.send("response.created", response={"id": "resp_tool", "status": "in_progress"})
        item = {"id": f"item_{call_id}", "type": "function_call", "call_id": call_id, "name": name, "arguments": ""}
        await self.send("response.output_item.added", item={**item, "status": "in_progress"})
        named = {} if self.model.shape == "older" else {"name": name}
        await self.send(
            "response.function_call_arguments.done", item_id=item["id"], call_id=call_id, arguments=text, **named
        )
        await self.send("response.output_item.done", item={**item, "arguments": text, "status": "completed"})
        await self.done()

    async def done(self, status: str = "completed") -> None:
        self.responding = False
        await self.send("response.done", response={"status": status})

    async def output(self, call_id: str = "call_1") -> str:
        """Return the output of a function call, once it is there."""
        await eventually(lambda: call_id in self.outputs)
        return self.outputs[call_id]


class FakeModel:
    """A realtime model: `shape` is its generation, `formats` the audio that it takes."""

    def __init__(self, shape: str = "current", formats: tuple[str, ...] = ("pcmu", "pcm")) -> None:
        self.shape, self.formats = shape, formats
        self.echoes = False  # says back what it hears, at once
        self.replies = True  # ends a response as soon as it is asked for
        self.calls: list[ModelCall] = []
        self.refused = 0
        self._server: Server | None = None

    async def __aenter__(self) -> FakeModel:
        self._server = await serve(self._serve, "127.0.0.1", 0, process_request=self._check, compression=None)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1/realtime?model=test"

    def _check(self, connection: ServerConnection, request: Any) -> Any:
        if request.headers.get("Authorization") != f"Bearer {MODEL_KEY}":
            self.refused += 1
            return connection.respond(401, "")
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        call = ModelCall(connection, self)
        self.calls.append(call)
        await call.serve()

    async def call(self, number: int = 1) -> ModelCall:
        """Return the last session, once there are so many and it is set up."""
        await eventually(lambda: len(self.calls) >= number and self.calls[number - 1].session)
        return self.calls[number - 1]


class Recorder(Audit):
    """Keeps the lines in place of writing them."""

    def __init__(self, slug: str, masked: frozenset[str]) -> None:
        super().__init__(slug, masked)
        self.lines: list[dict[str, Any]] = []

    def line(self, event: str, level: str = "info", **fields: Any) -> None:
        self.lines.append({"event": event, "level": level, **fields})

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


class RunningBridge:
    """A bridge in this process, and what it wrote down."""

    def __init__(self, url: str, audit: Recorder, bridge: Any, tools: Any) -> None:
        self.url, self.audit, self.bridge, self.tools = url, audit, bridge, tools

    def twilio(self) -> FakeTwilio:
        return FakeTwilio(self.url)

    async def ended(self, number: int = 1) -> dict[str, Any]:
        """Return the line of the last call, once so many have ended, and check that nothing runs any more."""
        await eventually(lambda: len(self.audit.of("call ended")) >= number)
        await eventually(lambda: self.bridge.admission.running == 0)
        return self.audit.of("call ended")[-1]


def settings_of(**settings: str) -> Any:
    from flotilla_servers.telephony.bridge.settings import SLUG, BridgeSettings

    return load(BridgeSettings, SLUG, environ_of(**settings))


def environ_of(**settings: str) -> dict[str, str]:
    """Return variables: what every bridge needs, and settings by their names without TELEPHONY_BRIDGE_."""
    return {
        "TELEPHONY_AUTH_TOKEN": AUTH_TOKEN,
        "TELEPHONY_BRIDGE_MODEL_KEY": MODEL_KEY,
        **{f"TELEPHONY_BRIDGE_{name.upper()}": value for name, value in settings.items()},
    }


@asynccontextmanager
async def running_bridge(model_url: str, **settings: str) -> AsyncIterator[RunningBridge]:
    """Run a bridge on a free port; ends it, and checks that no task of it is left."""
    from flotilla_servers.telephony.bridge.serving import MASKED, listening, server_of
    from flotilla_servers.telephony.bridge.tools import Tools
    from flotilla_servers.telephony.bridge.web import Bridge

    listener = listening("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    own = settings_of(**{"url": url, "model_url": model_url, **settings})
    audit, token = Recorder("telephony-bridge", MASKED), own.bridge_switchboard_token
    tools = Tools(str(own.bridge_switchboard_url or ""), token.get_secret_value() if token else "", own.bridge_tools)
    before = asyncio.all_tasks()
    bridge = Bridge(own, tools, audit)
    server = server_of(bridge)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await eventually(lambda: server.started)
        yield RunningBridge(url, audit, bridge, tools)
    finally:
        server.should_exit = True
        await serving
        await tools.aclose()
    ours = [t for t in asyncio.all_tasks() - before if "telephony/bridge/" in str(t.get_coro())]
    assert not ours, ours


@asynccontextmanager
async def bridge_process(model_url: str, **settings: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run a bridge as a process, behind the public address PUBLIC; gives the process and its own address."""
    environ = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("TELEPHONY_", "FLOTILLA_"))},
        **environ_of(url=PUBLIC, model_url=model_url, port="0", **settings),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "flotilla_servers.telephony.bridge", env=environ, stderr=subprocess.PIPE
    )
    assert process.stderr
    try:
        listening = json.loads(await process.stderr.readline())
        yield process, f"http://127.0.0.1:{listening['port']}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


# A small server behind a switchboard

SMALL = "smallshop"
MODULE = "flotilla_servers.telephony.tests.bridge_fakes"


def small_server() -> ToolServer[Any]:
    """Return a server with three tools, which writes down what it did into the data folder."""
    tools = Toolset("orders")
    data = Path(os.environ.get("FLOTILLA_DATA", "/data"))

    def note(text: str) -> None:
        with (data / "done").open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    @tools.reads
    async def get_order(number: str) -> dict[str, str]:
        """Return one order by its number, with its state and the day on which it arrives."""
        return {"number": number, "state": "expédiée", "arrives": "jeudi"}

    @tools.destroys(confirm="Cancel order {number} of 1 250,50 €?")
    async def cancel_order(number: str) -> dict[str, str]:
        """Cancel one order by its number for good, after the customer has agreed to it."""
        note(f"cancelled {number}")
        return {"number": number, "state": "annulée"}

    @tools.writes(creates=True)
    async def book_visit(day: str) -> dict[str, str]:
        """Book a visit on a day; it takes as long as the file `wait` stands in the data folder."""
        note(f"begun {day}")
        await eventually(lambda: not (data / "wait").exists())
        note(f"booked {day}")
        return {"day": day}

    integration = Integration(
        SMALL, prefix="shop", title="Small shop", description="Orders and visits.", category="commerce", files=True
    )
    return ToolServer(integration, toolsets=[tools])


class Board:
    """A switchboard process over HTTP."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url, self.data = url, folder / "data"

    @property
    def settings(self) -> dict[str, str]:
        return {"switchboard_url": self.url, "switchboard_token": BOARD_TOKEN, "tools": "shop_*"}

    def done(self) -> list[str]:
        path = self.data / "done"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@contextmanager
def switchboard() -> Iterator[Board]:
    """Run a real switchboard with the small server behind it, as a process of its own."""
    from flotilla_cli.generator.discovery import answers, converse

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("data", "state", SMALL):
            (folder / part).mkdir()
        spec = {"title": "Small shop", "type": "server", "image": f"flotilla-test-{SMALL}", "longLived": True}
        (folder / "catalog.yaml").write_text(yaml.safe_dump({"registry": {SMALL: spec}}))
        command = ["env", f"FLOTILLA_DATA={folder}/data", sys.executable, "-m", MODULE]
        document = answers(lambda messages: converse(command, messages))
        attributes = {"tools": dict(small_server().attributes), "prompts": {}}
        discovery = {"server": SMALL, **document, "version": "1", "attributes": attributes}
        (folder / SMALL / "discovery.json").write_text(json.dumps(discovery))
        program = folder / f"flotilla-{SMALL}"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m {MODULE} "$@"\n')
        program.chmod(0o755)
        options = {
            "catalog": folder / "catalog.yaml", "discovery": folder, "data": folder / "data", "bin": folder,
            "state": folder / "state", "run": "process", "owner": "flotilla-test", "transport": "http", "port": 0,
            "settings": folder / "settings.json", "permissions": "off",
        }  # fmt: skip
        arguments = [part for option, value in options.items() for part in (f"--{option}", str(value))]
        clean = {key: value for key, value in os.environ.items() if not key.startswith("FLOTILLA_")}
        with (folder / "stderr").open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "flotilla_launcher.__main__", "switchboard", *arguments],
                env={**clean, "FLOTILLA_HTTP_TOKEN": BOARD_TOKEN},
                stdin=subprocess.DEVNULL,
                stderr=stderr,
            )

        def url() -> str:
            text = (folder / "stderr").read_text().replace(",", " ")
            assert process.poll() is None, text
            return next((term for term in text.split() if term.startswith("http://")), "")

        try:
            wait_until(url)
            yield Board(folder, url())
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


if __name__ == "__main__":
    small_server().run()
