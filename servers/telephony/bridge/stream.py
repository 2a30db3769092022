"""The messages of Twilio Media Streams: https://www.twilio.com/docs/voice/media-streams/websocket-messages"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from html import escape
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import to_json

MOST_MESSAGE = 65_536  # bytes of a message; one of 20 ms has some 300
MOST_AUDIO = 8_000  # bytes of one frame: a second
BYTES_PER_MS = 8  # mu-law at 8 kHz


class MalformedError(ValueError):
    """A message is not what the protocol describes."""


class Connected(BaseModel):
    """The first message."""

    event: Literal["connected"]


class MediaFormat(BaseModel):
    """The audio's format: always mu-law, 8 kHz, one channel."""

    encoding: Literal["audio/x-mulaw"]
    sample_rate: Literal[8000] = Field(alias="sampleRate")
    channels: Literal[1]


class StartDetails(BaseModel):
    """What a stream is about."""

    stream_sid: str = Field(alias="streamSid", max_length=64)
    call_sid: str = Field(alias="callSid", max_length=64)
    account_sid: str = Field(alias="accountSid", max_length=64)
    parameters: dict[str, str] = Field({}, alias="customParameters")
    media_format: MediaFormat = Field(alias="mediaFormat")


class Start(BaseModel):
    """Sent once, before any audio."""

    event: Literal["start"]
    start: StartDetails


class MediaDetails(BaseModel):
    """One frame: base64 of mu-law samples."""

    payload: str
    track: str = "inbound"


class Media(BaseModel):
    """Audio of the caller."""

    event: Literal["media"]
    media: MediaDetails


class DtmfDetails(BaseModel):
    """A key of the phone."""

    digit: str = Field(pattern=r"^[0-9A-D#*]$")


class Dtmf(BaseModel):
    """The caller pressed a key."""

    event: Literal["dtmf"]
    dtmf: DtmfDetails


class MarkDetails(BaseModel):
    """A mark's name, as it was sent."""

    name: str


class Mark(BaseModel):
    """What was sent before the mark has been played, or was cleared."""

    event: Literal["mark"]
    mark: MarkDetails


class Stop(BaseModel):
    """The call has ended, or the stream."""

    event: Literal["stop"]


Message = Connected | Start | Media | Dtmf | Mark | Stop
_messages: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="event")])


def read(text: str | None) -> Message:
    """Return a message; raises MalformedError, also for a binary one."""
    if text is None:
        raise MalformedError("a binary message")
    try:
        return _messages.validate_json(text)
    except ValidationError as error:
        raise MalformedError("a message that the protocol does not describe") from error


def samples(payload: str) -> bytes:
    """Return the mu-law samples of a payload; raises MalformedError for what is not base64, empty, or too long."""
    try:
        audio = b64decode(payload, validate=True)
    except (Error, ValueError) as error:
        raise MalformedError("audio that is not base64") from error
    if not 0 < len(audio) <= MOST_AUDIO:
        raise MalformedError("an empty frame, or one of more than a second")
    return audio


def media(stream_sid: str, audio: bytes) -> str:
    """Return the message that has Twilio play mu-law samples, after what it was sent before."""
    return _json({"event": "media", "streamSid": stream_sid, "media": {"payload": b64encode(audio).decode()}})


def mark(stream_sid: str, name: str) -> str:
    """Return the message that Twilio answers when all that was sent before it has been played."""
    return _json({"event": "mark", "streamSid": stream_sid, "mark": {"name": name}})


def clear(stream_sid: str) -> str:
    """Return the message that has Twilio forget what it has not played yet."""
    return _json({"event": "clear", "streamSid": stream_sid})


def connect_twiml(url: str, token: str) -> str:
    """Return the TwiML that opens a stream in both directions; the call ends when the stream does."""
    parameter = f'<Parameter name="token" value="{escape(token)}"/>'
    return _twiml(f'<Connect><Stream url="{escape(url)}">{parameter}</Stream></Connect>')


def busy_twiml() -> str:
    """Return the TwiML that refuses a call, which the caller hears as a busy line."""
    return _twiml('<Reject reason="busy"/>')


def _twiml(verbs: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>'


def _json(message: object) -> str:
    return to_json(message).decode()
