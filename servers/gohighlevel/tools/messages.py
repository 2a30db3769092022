"""Messages with contacts: https://marketplace.gohighlevel.com/docs/ghl/conversations/conversations"""

from __future__ import annotations

import html
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, cursor_number, errors, fetch_each, readable, segment
from flotilla.parsing import from_milliseconds, html_to_text

from ..client import API_OF_2021_04, ContactId, account_zone, api, location
from ..models import Message, SentMessage

tools = Toolset("messages")


def as_html(text: str) -> str:
    """Return plain text as HTML with its paragraphs and line breaks."""
    parts = [part for part in html.escape(text.strip(), quote=False).split("\n\n") if part.strip()]
    return "".join(f"<p>{part.strip().replace(chr(10), '<br>')}</p>" for part in parts)


def channel_of(kind: Any) -> str:
    """Return a type of message as a person says it: TYPE_CAMPAIGN_SMS is "campaign sms"."""
    return str(kind or "").removeprefix("TYPE_").replace("_", " ").lower()


@tools.reads(
    scopes=["conversations.readonly conversations/message.readonly"],
    search=(
        "lis messages reçus réponses répondu conversations non lus boîte réception SMS e-mail unread inbox "
        "answer message échange échanges texto textos whatsapp mails discussion fil écrit nouveaux dernier "
        "conversation read texts received wrote written said replied replies thread latest new"
    ),
    examples=[
        "Qu'est-ce que Bastien a répondu ?",
        "Quels messages ne sont pas lus ?",
        "Who wrote to us today?",
        "est-ce qu'elle m'a répondu",
        "lis-moi son dernier texto",
        "j'ai de nouveaux messages ?",
        "qui m'a écrit depuis ce matin",
        "montre les échanges avec ce client",
        "did she reply",
        "read me his last text",
        "any new messages",
        "who wrote since this morning",
        "show the conversation with this client",
    ],
)
async def list_messages(
    contact_id: Annotated[
        str | None, Field(description="Person whose messages to read, an id from ghl_search_contacts.")
    ] = None,
    unread: Annotated[bool, Field(description="Without contact_id: only conversations with unread messages.")] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Message]:
    """Read messages (SMS, e-mail, WhatsApp, chat, calls), newest first: with `contact_id` those from and to this
    person, without it the last message of each conversation, with the number of unread ones.

    Reading does not mark them as read. To answer, use ghl_send_message.
    """
    if contact_id:
        return await _with_contact(contact_id, limit, cursor)
    params = {
        "locationId": await location(),
        "status": "unread" if unread else "all",
        "sort": "desc",
        "sortBy": "last_message_date",
        "limit": limit,
        "startAfterDate": cursor_number(cursor, 0) or None,
    }
    answer = await api.get("/conversations/search", params=params, headers=API_OF_2021_04)
    rows = [row for row in api.rows_in(answer, "conversations") if isinstance(row, dict)]
    items = readable(Message, [_last_message(row) for row in rows])
    after = _date_of(rows[-1]) if len(rows) >= limit else None
    return Page(items=items, next_cursor=str(after) if after else None)


def _date_of(conversation: dict[str, Any]) -> int | None:
    """Return when the last message came, in milliseconds; the contract leaves it out, live answers have it."""
    date = conversation.get("lastMessageDate")
    if isinstance(date, str) and not date.isdecimal():
        return round(datetime.fromisoformat(date).timestamp() * 1000)
    return int(date) if date else None


def _last_message(conversation: dict[str, Any]) -> dict[str, Any]:
    date = _date_of(conversation)
    return {
        "contact_id": conversation.get("contactId"),
        "contact": conversation.get("fullName") or conversation.get("contactName"),
        "direction": conversation.get("lastMessageDirection"),
        "channel": channel_of(conversation.get("lastMessageType")),
        "time": from_milliseconds(date, account_zone()) if date else None,
        "text": conversation.get("lastMessageBody"),
        "unread": conversation.get("unreadCount"),
    }


async def _with_contact(contact_id: str, limit: int, cursor: str | None) -> Page[Message]:
    """Return the messages of a contact's conversation; GoHighLevel keeps one for each contact.

    The cursor names the conversation and the last message that was shown.
    """
    conversation, _, last = (cursor or "").partition(".")
    if cursor and not (conversation and last):
        raise errors.InvalidInputError("The cursor is not valid.", "Leave it out to start at the first page.")
    if not conversation:
        params = {"locationId": await location(), "contactId": contact_id, "limit": 1}
        rows = await api.rows("/conversations/search", "conversations", params=params, headers=API_OF_2021_04)
        if not rows:
            return Page(items=[])
        conversation = rows[0]["id"]
    path = f"/conversations/{segment(conversation)}/messages"
    answer = await api.get(path, params={"limit": limit, "lastMessageId": last or None}, headers=API_OF_2021_04)
    # The contract has the list at the top; live answers have it one level deeper, with the cursor beside it.
    box = answer["messages"] if isinstance(answer.get("messages"), dict) else answer
    rows = [row for row in api.rows_in(box, "messages") if isinstance(row, dict)]
    emails = await _emails(rows)
    items = readable(Message, [_message(row, emails) for row in rows])
    more = box.get("nextPage") and box.get("lastMessageId")
    return Page(items=items, next_cursor=f"{conversation}.{box['lastMessageId']}" if more else None)


def _email_id(row: dict[str, Any]) -> str:
    """Return the id of the e-mail that a message stands for; "" for other messages."""
    email = (row.get("meta") or {}).get("email")
    ids = email.get("messageIds") if isinstance(email, dict) else None
    return str(ids[-1]) if ids else ""


async def _emails(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the e-mails among messages by id: a message has neither their subject nor all of their text."""
    ids = [one for one in map(_email_id, rows) if one]

    async def fetch(one: str) -> dict[str, Any]:
        return await api.get(f"/conversations/messages/email/{segment(one)}", headers=API_OF_2021_04)

    return {str(email.get("id")): email for email in await fetch_each(ids, fetch)}


def _message(row: dict[str, Any], emails: dict[str, dict[str, Any]]) -> dict[str, Any]:
    email = emails.get(_email_id(row)) or {}
    body = str(email.get("body") or row.get("body") or "")
    return {
        "contact_id": row.get("contactId"),
        "direction": row.get("direction"),
        "channel": channel_of(row.get("messageType")),
        "time": row.get("dateAdded"),
        "subject": email.get("subject"),
        "text": html_to_text(body) if email or "html" in str(row.get("contentType")) else body,
        "attachments": row.get("attachments") or email.get("attachments") or None,
        "status": row.get("status"),
    }


@tools.writes(
    creates=True,
    additive=False,
    scopes=["conversations/message.write"],
    search=(
        "préviens écris dis réponds envoie message texto SMS e-mail WhatsApp send text reply envoyer écrire "
        "prévenir dire demande-lui informe relance par courriel mail texte tell ask let know write ping drop "
        "line shoot respond answer"
    ),
    examples=[
        "envoie-lui un texto pour dire que j'arrive",
        "préviens la cliente que j'ai dix minutes de retard",
        "écris-lui sur WhatsApp",
        "réponds-lui que c'est d'accord",
        "demande-lui son adresse par mail",
        "text her that I am on my way",
        "let the client know I am ten minutes late",
        "drop him a line on WhatsApp",
        "reply that we agree",
        "shoot her an e-mail with the address",
    ],
)
async def send_message(
    contact_id: ContactId,
    channel: Annotated[Literal["SMS", "Email", "WhatsApp"], Field(description="How it is sent.", examples=["SMS"])],
    text: Annotated[str, Field(min_length=1, description="Plain text of the message.", examples=["À demain !"])],
    subject: Annotated[str | None, Field(description="Subject of an e-mail, which needs one.")] = None,
) -> SentMessage:
    """Send a contact an SMS, an e-mail or a WhatsApp message. It goes out at once and cannot be called back.

    It goes to the phone number or e-mail address that the contact has there. To read answers, use
    ghl_list_messages.
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
    return SentMessage.model_validate(await api.post("/conversations/messages", json=body, headers=API_OF_2021_04))
