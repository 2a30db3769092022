"""One call from its start to its end: both sides are read and written by tasks, and the first that ends says why."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from flotilla.audit import Audit

from . import realtime, stream
from .admission import Ticket
from .conversation import END_CALL, Conversation
from .latency import Latency
from .outbox import Control, Frame
from .realtime import Session
from .session import ModelError, open_session
from .settings import BridgeSettings
from .tools import Tools, ToolsError

CONNECTING = 10.0  # seconds to reach the model
MOST_EVENT = 4_194_304  # bytes of one event of the model
FINISHING = 10.0  # seconds that tools get to finish what the caller asked for before hanging up
PHONE = (
    " You are on the phone. {parties} Before you use a tool that may take a moment, say so in a few words. When a tool "
    "asks a question, ask the caller and wait for the answer."
)
NOW = " It is {now:%A %d %B %Y, %H:%M} in {now.tzinfo}."  # a model does not know what "tomorrow" is
INBOUND = "The network shows {caller} as the caller's number, which does not prove who calls; they dialled {called}."
OUTBOUND = "You called {called} from {caller}; who answers may be somebody else than expected."
TASK = " You make this call to do the following, and nothing else: {task}"
NO_TOOLS = " Your tools cannot be reached at the moment: say so when something is asked that needs them."


class Caller(Protocol):
    """Twilio's side of the call."""

    async def receive(self) -> str | None:
        """Return the next message; None for one that is no text. Raises HungUpError once the connection has ended."""
        ...

    async def send(self, text: str) -> None:
        """Send a message. Raises HungUpError."""
        ...


class HungUpError(Exception):
    """Twilio has closed the connection."""


class Call:
    """A call whose stream has shown its token."""

    def __init__(
        self,
        caller: Caller,
        stream_sid: str,
        ticket: Ticket,
        *,
        settings: BridgeSettings,
        tools: Tools,
        audit: Audit,
    ) -> None:
        self._caller, self._stream_sid, self._ticket = caller, stream_sid, ticket
        self._settings, self._tools, self._audit = settings, tools, audit
        self._conversation = Conversation(stream_sid, ticket.call_sid, tools=tools, audit=audit)
        self._to_model, self._to_caller = Latency(), Latency()
        self._ready: float | None = None

    async def run(self) -> str:
        """Carry the call until either side ends it, or it has lasted long enough; returns why it ended.

        Tools that run then get FINISHING seconds, since the caller may have hung up on a yes. Nothing is left running.
        """
        began, reason = time.monotonic(), "the bridge was stopped"
        try:
            async with asyncio.timeout(self._settings.bridge_minutes * 60) as limit:
                reason = await first_of(
                    self._listen(), self._speak(), self._converse(), self._conversation.agent_ends()
                )
        except TimeoutError:
            over = limit.expired()
            reason = "the longest time of a call is over" if over else "the model's side: it does not answer"
        except HungUpError:
            reason = "the caller's side closed the connection"
        except ModelError as error:
            reason = str(error)
        except (ConnectionClosed, WebSocketException, OSError) as error:
            reason = f"the model's side: {_closing(error)}"
        except Exception as error:
            self._audit.bug("bridge", error)
            reason = "an error in the bridge"
        finally:
            self._conversation.stop()
            await self._conversation.functions.finish(FINISHING)
            self._log(reason, time.monotonic() - began)
        return reason

    async def _listen(self) -> str:
        """Read what Twilio sends."""
        while self._conversation.on_message(await self._caller.receive()):
            pass
        return "the call ended"

    async def _speak(self) -> str:
        """Send what waits for the caller."""
        while True:
            item = await self._conversation.to_caller.get()
            if isinstance(item, Control):
                await self._caller.send(item.text)
                continue
            mark = self._conversation.playback.sent(item)
            await self._caller.send(stream.media(self._stream_sid, item.audio))
            self._to_caller.add(time.monotonic() - item.arrived)
            await self._caller.send(stream.mark(self._stream_sid, mark))

    async def _converse(self) -> str:
        """Open the model's session, then read and write it until it closes."""
        settings = self._settings
        key = settings.bridge_model_key
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        connecting = connect(
            settings.bridge_model_url,
            additional_headers=headers,
            max_size=MOST_EVENT,
            compression=None,
            open_timeout=CONNECTING,
            close_timeout=2,
        )
        instructions, functions = await self._prepare()
        async with connecting as connection:
            dated = instructions + NOW.format(now=datetime.now(settings.zone))
            session = Session(dated, settings.bridge_voice, functions)
            try:
                self._conversation.codec, events = await open_session(connection, session, settings.bridge_audio)
                self._ready = time.monotonic()
                for event in events:
                    self._conversation.on_event(event)
                if settings.bridge_greets:
                    self._conversation.want_response()
                return await first_of(self._read_model(connection), self._write_model(connection))
            finally:
                await connection.close()  # in good order also when the task is cancelled, because the caller hung up

    async def _prepare(self) -> tuple[str, list[dict[str, Any]]]:
        """Return the model's instructions and its tools; without tools the call goes on all the same."""
        ticket, call_sid = self._ticket, self._ticket.call_sid
        parties = (OUTBOUND if ticket.outbound else INBOUND).format(
            caller=_number(ticket.caller, "no number"), called=_number(ticket.called, "this number")
        )
        instructions = self._settings.bridge_instructions + PHONE.format(parties=parties)
        if ticket.task:
            instructions += TASK.format(task=ticket.task)
        try:
            functions, left_out = await self._tools.definitions()
        except ToolsError as error:
            self._audit.line("no tools", level="warning", call_sid=call_sid, reason=str(error))
            return instructions + NO_TOOLS, [END_CALL]
        if left_out:
            self._audit.line("tools left out", level="warning", call_sid=call_sid, number=left_out)
        return instructions, [*functions, END_CALL]

    async def _read_model(self, connection: ClientConnection) -> str:
        async for text in connection:
            try:
                event = realtime.read(text)
            except ValueError:
                self._conversation.counts.malformed += 1
                continue
            self._conversation.on_event(event)
        return "the model ended the session"

    async def _write_model(self, connection: ClientConnection) -> str:
        while True:
            item = await self._conversation.to_model.get()
            if isinstance(item, Frame):
                await connection.send(realtime.append(self._conversation.codec.to_model(item.audio)))
                self._to_model.add(time.monotonic() - max(item.arrived, self._ready or 0))
            else:
                await connection.send(item.text)

    def _log(self, reason: str, seconds: float) -> None:
        """Write the call's line: no audio, no words, and phone numbers as the audit shows them."""
        conversation = self._conversation
        counts = conversation.counts
        self._audit.line(
            "call ended",
            call_sid=self._ticket.call_sid,
            caller=self._audit.masked(self._ticket.caller, "caller"),
            called=self._audit.masked(self._ticket.called, "called"),
            reason=reason,
            seconds=round(seconds, 1),
            audio=conversation.codec.name,
            frames=counts.frames,
            malformed=counts.malformed,
            interruptions=counts.interruptions,
            tools=counts.tools,
            model_errors=counts.model_errors,
            dropped={"to_model": conversation.to_model.dropped, "to_caller": conversation.to_caller.dropped},
            latency={
                "caller_to_model": self._to_model.summary(),
                "model_to_caller": self._to_caller.summary(),
                "answer": conversation.answer_latency.summary(),
                "tools": conversation.functions.latency.summary(),
            },
        )


async def first_of(*coroutines: Coroutine[Any, Any, str]) -> str:
    """Run coroutines together until one ends; the others are cancelled and waited for. Returns or raises as it does."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task in done).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _number(text: str, otherwise: str) -> str:
    """Return a phone number, and nothing else that a caller's provider may have written in its place."""
    return text if re.fullmatch(r"\+?[0-9]{3,15}", text) else otherwise


def _closing(error: BaseException) -> str:
    """Return why a connection ended, without what the other side wrote freely."""
    if isinstance(error, ConnectionClosed):
        return f"closed with code {error.rcvd.code}" if error.rcvd else "the connection was lost"
    return f"it cannot be reached ({type(error).__name__})"
