"""Messages to contacts: https://marketplace.gohighlevel.com/docs/ghl/conversations/send-a-new-message"""

from __future__ import annotations

import html
from typing import Annotated, Literal

from pydantic import Field

from flotilla import Toolset, errors

from .client import OLDER, ContactId, api
from .models import Message

tools = Toolset("messages")


def as_html(text: str) -> str:
    """Return plain text as HTML with its paragraphs and line breaks."""
    parts = [part for part in html.escape(text.strip(), quote=False).split("\n\n") if part.strip()]
    return "".join(f"<p>{part.strip().replace(chr(10), '<br>')}</p>" for part in parts)


@tools.writes(creates=True, additive=False, scopes=["conversations/message.write"])
async def send_message(
    contact_id: ContactId,
    channel: Annotated[Literal["SMS", "Email", "WhatsApp"], Field(description="How", examples=["SMS"])],
    text: Annotated[str, Field(min_length=1, description="Plain text", examples=["À demain !"])],
    subject: Annotated[str | None, Field(description="Of an Email")] = None,
) -> Message:
    """Send a contact (envoie à) an SMS, an e-mail or a WhatsApp message, at once."""
    if (channel == "Email") != bool(subject):
        raise errors.InvalidInputError(
            "An e-mail needs a subject, and nothing else has one.", "Correct channel or subject."
        )
    if not text.strip():
        raise errors.InvalidInputError("The text is empty.", "Pass what is to be said.")
    said = {"html": as_html(text), "subject": subject} if subject else {"message": text}
    # status is what the contract wants of every message, new ones too
    body = {"type": channel, "contactId": contact_id, "status": "pending", **said}
    return Message.model_validate(await api.post("/conversations/messages", json=body, headers=OLDER))
