"""Messages to contacts: https://marketplace.gohighlevel.com/docs/ghl/conversations/send-a-new-message"""

from __future__ import annotations

import html
from typing import Annotated, Literal

from pydantic import Field

from flotilla import Toolset, errors

from ..client import API_OF_2021_04, ContactId, api
from ..models import Message

tools = Toolset("messages")


def as_html(text: str) -> str:
    """Return plain text as HTML with its paragraphs and line breaks."""
    parts = [part for part in html.escape(text.strip(), quote=False).split("\n\n") if part.strip()]
    return "".join(f"<p>{part.strip().replace(chr(10), '<br>')}</p>" for part in parts)


@tools.writes(
    creates=True,
    additive=False,
    scopes=["conversations/message.write"],
    search="préviens écris dis envoie message texto SMS e-mail WhatsApp send text",
)
async def send_message(
    contact_id: ContactId,
    channel: Annotated[
        Literal["SMS", "Email", "WhatsApp"], Field(description="How the message is sent.", examples=["SMS"])
    ],
    text: Annotated[str, Field(min_length=1, description="Plain text of the message.", examples=["À demain !"])],
    subject: Annotated[str | None, Field(description="Subject of an e-mail, which needs one.")] = None,
) -> Message:
    """Send a contact an SMS, an e-mail or a WhatsApp message. It goes out at once and cannot be called back.

    It goes to the phone number or e-mail address that the contact has in GoHighLevel. Find the contact with
    ghl_search_contacts. No tool reads the answers.
    """
    if (channel == "Email") != bool(subject):
        raise errors.InvalidInputError(
            "An e-mail needs a subject, and no other channel has one.", "Correct channel or subject."
        )
    if not text.strip():
        raise errors.InvalidInputError("The text is empty.", "Pass the text to send.")
    content = {"html": as_html(text), "subject": subject} if subject else {"message": text}
    # The contract requires a status of every message, new ones too.
    body = {"type": channel, "contactId": contact_id, "status": "pending", **content}
    return Message.model_validate(await api.post("/conversations/messages", json=body, headers=API_OF_2021_04))
