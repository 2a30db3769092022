"""What the messages of both sides mean for a call: speech, interruptions, pressed keys, tools. Sends nothing itself."""

from __future__ import annotations

import asyncio
import time
from base64 import b64decode
from binascii import Error
from dataclasses import dataclass

from flotilla.audit import Audit

from . import realtime, stream
from .audio import Codec, Pcmu
from .functions import Functions
from .latency import Latency
from .outbox import Control, Frame, Outbox, Piece
from .playback import Playback
from .realtime import Event
from .tools import Tools

MOST_FRAMES = 250  # of the caller that wait for the model: 5 seconds
PIECE = 800  # bytes of speech between two marks: 100 ms, as fine as it is known what was heard
MOST_PIECES = 1_200  # of the model that wait for Twilio: two minutes
DIGITS_PAUSE = 2.0  # seconds after the last pressed key, after which they are taken as complete
MOST_DIGITS = 40
GOODBYE = 15.0  # seconds that the agent's last words get to be heard
END_CALL = {
    "type": "function",
    "name": "end_call",
    "description": "End the phone call, once the caller wants nothing more, or nobody answers. Say goodbye first.",
    "parameters": {"type": "object", "properties": {}},
}


@dataclass
class Counts:
    """What happened in a call, for its log line."""

    frames: int = 0
    malformed: int = 0
    interruptions: int = 0
    tools: int = 0
    model_errors: int = 0


class Conversation:
    """One call's conversation. `to_model` and `to_caller` are what waits to be sent."""

    def __init__(self, stream_sid: str, call_sid: str, *, tools: Tools, audit: Audit) -> None:
        self._stream_sid, self._call_sid, self._audit = stream_sid, call_sid, audit
        self.to_model: Outbox[Frame] = Outbox(MOST_FRAMES)
        self.to_caller: Outbox[Piece] = Outbox(MOST_PIECES)
        self.codec: Codec = Pcmu()
        self.playback, self.counts, self.answer_latency = Playback(), Counts(), Latency()
        self.functions = Functions(tools, audit, call_sid, self._on_output)
        self._received: dict[str, int] = {}  # by item: bytes of mu-law that have come
        self._cut: set[str] = set()  # items that were interrupted: what still comes of them is left out
        self._names: dict[str, str] = {}  # by the id of the model's call: the tool
        self._responding = self._wanted = False  # a response is being made; one more is wanted
        self._turn_ended: float | None = None
        self._digits = ""
        self._digits_timer: asyncio.TimerHandle | None = None
        self._goodbye: asyncio.TimerHandle | None = None  # while the agent wants to end the call
        self._over = asyncio.Event()

    # From the caller

    def on_message(self, text: str | None) -> bool:
        """Take one message of Twilio; returns whether the call goes on."""
        try:
            message = stream.read(text)
            if isinstance(message, stream.Media) and message.media.track == "inbound":
                audio = stream.samples(message.media.payload)
                self.counts.frames += 1
                self.to_model.put(Frame(audio))
        except stream.MalformedError:
            self.counts.malformed += 1
            return True
        if isinstance(message, stream.Mark):
            self.playback.acknowledge(message.mark.name)
            self._end_if_heard()
        elif isinstance(message, stream.Dtmf):
            self._on_digit(message.dtmf.digit)
        return not isinstance(message, stream.Stop)

    def _on_digit(self, digit: str) -> None:
        self._digits = (self._digits + digit)[:MOST_DIGITS]
        if self._digits_timer:
            self._digits_timer.cancel()
        if digit == "#":
            self._on_digits()
        else:
            self._digits_timer = asyncio.get_running_loop().call_later(DIGITS_PAUSE, self._on_digits)

    def _on_digits(self) -> None:
        digits, self._digits = " ".join(self._digits), ""
        self.functions.answers.caller_spoke()
        self.to_model.put(Control(realtime.user_message(f"(The caller pressed on the keypad: {digits})")))
        self.want_response()

    def stop(self) -> None:
        """Wait for nothing any more: neither keys nor the end of a goodbye."""
        for timer in (self._digits_timer, self._goodbye):
            if timer:
                timer.cancel()

    # From the model

    def on_event(self, event: Event) -> None:
        """Take one event of the model. Those that mean nothing for a call are left out."""
        match event:
            case {"type": kind, "delta": str(delta), "item_id": str(item_id)} if kind in realtime.AUDIO_DELTA:
                index = event.get("content_index")
                self._on_speech(delta, item_id, index if isinstance(index, int) else 0)
            case {"type": "input_audio_buffer.speech_started"}:
                self.functions.answers.caller_spoke()
                self._on_interruption()
            case {"type": "input_audio_buffer.speech_stopped"}:
                self._turn_ended = time.monotonic()
            case {"type": "response.created"}:
                self._responding = True
            case {"type": "response.done"}:
                self._responding = False
                self._respond()
                self._end_if_heard()
            case {"type": "response.output_item.added", "item": {"type": "function_call", **item}}:
                self._names[str(item.get("call_id"))] = str(item.get("name"))
            case {"type": "response.function_call_arguments.done", "call_id": str(call_id)}:
                name = event.get("name") or self._names.get(call_id)
                if name:  # else the whole item that follows names it
                    self._call_tool(call_id, str(name), event.get("arguments"))
            case {"type": "response.output_item.done", "item": {"type": "function_call", **item}}:
                if item.get("status") in (None, "completed"):
                    self._call_tool(str(item.get("call_id")), str(item.get("name")), item.get("arguments"))
            case {"type": "error"}:
                self.counts.model_errors += 1
                code = realtime.error_of(event)[0]
                self._audit.line("model error", level="warning", call_sid=self._call_sid, code=code)
                if code == "conversation_already_has_active_response":  # it began just as this one was asked for
                    self._wanted = True

    def _on_speech(self, delta: str, item_id: str, content_index: int) -> None:
        if item_id in self._cut:
            return
        try:
            audio = self.codec.to_caller(b64decode(delta, validate=True))
        except (Error, ValueError):
            self.counts.malformed += 1
            return
        if self._turn_ended is not None:
            self.answer_latency.add(time.monotonic() - self._turn_ended)
            self._turn_ended = None
        for start in range(0, len(audio), PIECE):
            part = audio[start : start + PIECE]
            end = self._received[item_id] = self._received.get(item_id, 0) + len(part)
            self.to_caller.put(Piece(item_id, content_index, part, end // stream.BYTES_PER_MS))

    def _on_interruption(self) -> None:
        """Silence what the caller talks over, and have the model forget what was not heard of it."""
        if self._goodbye:  # the caller has something more to say
            self._goodbye.cancel()
            self._goodbye = None
        cuts = self.playback.interrupt(self.to_caller.audio())
        if not cuts:
            return
        self.counts.interruptions += 1
        self.to_caller.forget_audio()
        self.to_caller.put(Control(stream.clear(self._stream_sid)))
        for cut in cuts:
            self._cut.add(cut.item_id)
            self.to_model.put(Control(realtime.truncate(cut.item_id, cut.content_index, cut.heard_ms)))

    def _call_tool(self, call_id: str, name: str, arguments: object) -> None:
        if name == END_CALL["name"]:
            self._say_goodbye(call_id)
        elif self.functions.start(call_id, name, arguments if isinstance(arguments, str) else ""):
            self.counts.tools += 1

    def _say_goodbye(self, call_id: str) -> None:
        """End the call once the caller has heard what was said, unless they speak meanwhile."""
        if not self._goodbye:
            self.to_model.put(Control(realtime.tool_output(call_id, "The call ends when your goodbye was heard.")))
            self._goodbye = asyncio.get_running_loop().call_later(GOODBYE, self._over.set)

    def _end_if_heard(self) -> None:
        unsent = next(self.to_caller.audio(), None)
        if self._goodbye and not (self._responding or self.playback.pending or unsent):
            self._over.set()

    async def agent_ends(self) -> str:
        """Return once the agent has ended the call and its last words were heard."""
        await self._over.wait()
        return "the agent ended the call"

    def _on_output(self, call_id: str, output: str) -> None:
        self.to_model.put(Control(realtime.tool_output(call_id, output)))
        self.want_response()

    def want_response(self) -> None:
        """Have the model speak: once what it is saying is complete, and all tools that it called have ended."""
        self._wanted = True
        self._respond()

    def _respond(self) -> None:
        if self._wanted and not self._responding and not self.functions.running:
            self._wanted, self._responding = False, True
            self.to_model.put(Control(realtime.response()))
