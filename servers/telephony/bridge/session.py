"""Opening the model's session: its shape is seen in the model's first event, the audio format is what it accepts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Literal

from websockets.asyncio.client import ClientConnection

from . import realtime
from .audio import Codec, Pcm, Pcmu
from .realtime import Event, Format, Session, Shape

FIRST_EVENT = 2.0  # seconds to wait for it: some servers say nothing before they are asked
OPENING = 10.0  # seconds for the whole
SHAPES: tuple[Shape, ...] = ("current", "flat", "older")


class ModelError(Exception):
    """The model cannot be spoken to; the text says why, without anything that the model wrote freely."""


async def open_session(
    connection: ClientConnection, session: Session, audio: Literal["auto", "pcmu", "pcm"]
) -> tuple[Codec, list[Event]]:
    """Set the session up; returns what converts its audio, and events that came meanwhile and are not about it.

    Raises ModelError, and websockets' ConnectionClosed.
    """
    try:
        async with asyncio.timeout(OPENING):
            return await _open(connection, session, audio)
    except TimeoutError:
        raise ModelError("the model did not confirm the session in time") from None


async def _open(
    connection: ClientConnection, session: Session, audio: Literal["auto", "pcmu", "pcm"]
) -> tuple[Codec, list[Event]]:
    others: list[Event] = []
    first = await _first_event(connection)
    shape: Shape = realtime.shape_of(first) if first else "current"
    numbers = count(1)
    for own_shape, own_format in _attempts(shape, audio):
        event_id = f"session-{next(numbers)}"
        await connection.send(realtime.session_update(event_id, session, own_shape, own_format))
        while True:
            event = realtime.read(await connection.recv())
            if event["type"] == "session.updated":
                return _codec(realtime.formats_of(event) or {own_format}, audio), others
            if event["type"] != "error":
                others.append(event)
            elif realtime.error_of(event)[1] in ("", event_id):
                break
    raise ModelError("the model accepts none of the audio formats, or refuses the session's settings")


async def _first_event(connection: ClientConnection) -> Event | None:
    try:
        async with asyncio.timeout(FIRST_EVENT):
            return realtime.read(await connection.recv())
    except TimeoutError:
        return None


def _attempts(shape: Shape, audio: Literal["auto", "pcmu", "pcm"]) -> Iterator[tuple[Shape, Format]]:
    """Yield what to try: the shape that the model seems to speak with each format, then the others."""
    formats: tuple[Format, ...] = ("pcmu", "pcm") if audio == "auto" else (audio,)
    for own_shape in (shape, *(other for other in SHAPES if other != shape)):
        yield from ((own_shape, own_format) for own_format in formats)


def _codec(formats: set[str], audio: Literal["auto", "pcmu", "pcm"]) -> Codec:
    """Return the codec of the format that the model says it uses."""
    if formats == {"pcmu"} and audio != "pcm":
        return Pcmu()
    if formats == {"pcm"} and audio != "pcmu":
        return Pcm()
    raise ModelError("the model uses an audio format that was not asked for")
