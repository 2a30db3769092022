"""One message to one person. https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages"""

from __future__ import annotations

from types import TracebackType
from typing import Annotated, Any, Self

from pydantic import Field

from flotilla import Phone, errors, in_doubt

from .client import WindowClosedError, api, country, own
from .models import Sent
from .templates import window_closed

FREE = (
    "Accepted, not yet delivered, and no tool can tell later. A customer who has not written within 24 hours may not "
    "get it although no error comes: then use whatsapp_send_template."
)
TEMPLATE = "Accepted, not yet delivered, and no tool can tell later."
HELD = "WhatsApp holds it back while it checks the template, and then sends or drops it; no tool can tell which."
LOOK = "No tool shows sent messages: ask the user to look into the chat before it is sent again."

To = Annotated[
    Phone,
    Field(description="Customer's phone number, national or international.", examples=["06 12 34 56 78"]),
]
ReplyTo = Annotated[
    str | None,
    Field(pattern=r"^wamid\.\S{4,300}$", description="The message to quote, as wamid.… from the user's webhook."),
]


class _Window:
    """Notes that the window is closed."""

    closed: WindowClosedError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.closed = error if isinstance(error, WindowClosedError) else None
        return self.closed is not None


def message(to: Phone, kind: str, content: Any, reply_to: str | None = None) -> dict[str, Any]:
    """Return the body of a message; raises errors.InvalidInputError for what is not a number."""
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to.e164(country()),
        "type": kind,
        kind: content,
        **({"context": {"message_id": reply_to}} if reply_to else {}),
    }


async def deliver(body: dict[str, Any], text: str = "", note: str = FREE, uploaded: str | None = None) -> Sent:
    """Send a message.

    Where the window is closed, templates are proposed by the `text` that it says and by its kind; `uploaded` is the id
    of a file that was uploaded for it.
    """
    answer: dict[str, Any] = {}
    with _Window() as window, in_doubt(LOOK):
        answer = await api.post(own("/messages"), json=body)
    if window.closed:
        if uploaded:
            window.closed.message += f" The file is uploaded already, as media {uploaded}."
        raise await window_closed(window.closed, text, body["type"])
    one, person = _first(answer.get("messages")), _first(answer.get("contacts"))
    wa_id = str(person.get("wa_id") or "").lstrip("+")
    status = str(one.get("message_status") or "accepted")
    return Sent(
        message_id=str(one.get("id") or "") or None,
        to=f"+{wa_id}" if wa_id else body["to"],
        status=status,
        note=note if status == "accepted" else HELD,
    )


def _first(rows: Any) -> dict[str, Any]:
    return rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}


def short(text: str | None, most: int, part: str) -> str | None:
    """Return a text without the space around it; raises errors.InvalidInputError for more than `most` characters."""
    line = (text or "").strip()
    if len(line) > most:
        raise errors.InvalidInputError(
            f"The {part} «{errors.excerpt(line, 40)}» has {len(line)} characters, and WhatsApp takes {most}.",
            "Shorten it.",
        )
    return line or None
