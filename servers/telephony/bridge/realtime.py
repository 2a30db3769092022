"""The messages of the realtime protocol (OpenAI's, which others follow), in the three shapes that are in use.

https://platform.openai.com/docs/api-reference/realtime: `current` since 2025-08; `older` before that (the preview
models, and servers that copied them); `flat` as `current`, with turn detection beside the audio formats (xAI's:
https://docs.x.ai/docs/guides/voice/agent).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import from_json, to_json

Event = dict[str, Any]
Shape = Literal["current", "older", "flat"]
Format = Literal["pcmu", "pcm"]

AUDIO_DELTA = ("response.output_audio.delta", "response.audio.delta")
FORMATS: dict[Format, dict[str, Any]] = {"pcmu": {"type": "audio/pcmu"}, "pcm": {"type": "audio/pcm", "rate": 24_000}}
OLDER_FORMATS: dict[Format, str] = {"pcmu": "g711_ulaw", "pcm": "pcm16"}


@dataclass(frozen=True)
class Session:
    """What a session is opened with."""

    instructions: str
    voice: str = ""
    tools: Sequence[dict[str, Any]] = ()


def read(text: str | bytes) -> Event:
    """Return an event; raises ValueError for what is none."""
    event = from_json(text)
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise ValueError("the model sent something that is no event")
    return event


def shape_of(event: Event) -> Shape:
    """Tell by the first event of a connection which shape of `session.update` the model understands."""
    session = event.get("session")
    if event["type"] == "conversation.created":  # xAI's begins so, OpenAI's with session.created
        return "flat"
    if not isinstance(session, dict):
        return "current"
    if "input_audio_format" in session or "output_audio_format" in session:
        return "older"
    return "flat" if "turn_detection" in session else "current"


def session_update(event_id: str, session: Session, shape: Shape, audio: Format) -> str:
    """Return the message that sets a session up."""
    common: dict[str, Any] = {"instructions": session.instructions}
    if session.tools:
        common |= {"tools": session.tools, "tool_choice": "auto"}
    voice = {"voice": session.voice} if session.voice else {}
    detection = {"type": "server_vad"}
    match shape:
        case "older":
            own_format = OLDER_FORMATS[audio]
            formats = {"input_audio_format": own_format, "output_audio_format": own_format}
            details = {"modalities": ["text", "audio"], "turn_detection": detection, **formats, **voice}
        case "flat":
            each = {"format": FORMATS[audio]}
            details = {"turn_detection": detection, "audio": {"input": each, "output": each}, **voice}
        case "current":
            sides = {
                "input": {"format": FORMATS[audio], "turn_detection": detection},
                "output": {"format": FORMATS[audio], **voice},
            }
            details = {"type": "realtime", "output_modalities": ["audio"], "audio": sides}
    return _json({"type": "session.update", "event_id": event_id, "session": {**common, **details}})


def formats_of(event: Event) -> set[str]:
    """Return the audio formats that a `session.updated` names for both directions; empty where it names none."""
    session = event.get("session")
    if not isinstance(session, dict):
        return set()
    named = [session.get("input_audio_format"), session.get("output_audio_format")]
    audio = session.get("audio")
    sides = [audio.get(side) for side in ("input", "output")] if isinstance(audio, dict) else []
    for side in sides:
        own_format = side.get("format") if isinstance(side, dict) else None
        named.append(own_format.get("type") if isinstance(own_format, dict) else own_format)
    return {_name(one) for one in named if isinstance(one, str)}


def _name(own_format: str) -> str:
    known = {"audio/pcmu": "pcmu", "g711_ulaw": "pcmu", "audio/pcm": "pcm", "pcm16": "pcm"}
    return known.get(own_format, own_format)


def append(audio: bytes) -> str:
    """Return the message with audio of the caller."""
    return f'{{"type":"input_audio_buffer.append","audio":"{b64encode(audio).decode()}"}}'


def truncate(item_id: str, content_index: int, heard_ms: int) -> str:
    """Return the message that has the model forget what of its speech was not heard."""
    position = {"item_id": item_id, "content_index": content_index, "audio_end_ms": heard_ms}
    return _json({"type": "conversation.item.truncate", **position})


def tool_output(call_id: str, output: str) -> str:
    """Return the message with the result of a tool."""
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return _json({"type": "conversation.item.create", "item": item})


def user_message(text: str) -> str:
    """Return the message that adds a text to the conversation, as if the caller had said it."""
    content = [{"type": "input_text", "text": text}]
    return _json({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content}})


def response() -> str:
    """Return the message that has the model speak."""
    return '{"type":"response.create"}'


def error_of(event: Event) -> tuple[str, str]:
    """Return the kind of an `error` event, and the id of the message that it is about; both may be empty."""
    error = event.get("error")
    if not isinstance(error, dict):
        return "", ""
    kind = error.get("code") or error.get("type") or ""
    return str(kind)[:100], str(error.get("event_id") or "")


def _json(message: object) -> str:
    return to_json(message).decode()
