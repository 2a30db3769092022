"""What messages, chats, channels and people look like here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import AliasPath, AwareDatetime, Field, model_validator

from flotilla import Model, UntrustedText
from flotilla.parsing import html_to_text

ADAPTIVE = "application/vnd.microsoft.card.adaptive"


class Message(Model):
    """A message: https://learn.microsoft.com/graph/api/resources/chatmessage"""

    id: str
    sender: UntrustedText | None = None
    sent: AwareDatetime | None = Field(None, alias="createdDateTime")
    edited: AwareDatetime | None = Field(None, alias="lastEditedDateTime")
    subject: UntrustedText | None = None
    text: UntrustedText = ""
    important: bool | None = None
    attachments: list[UntrustedText] = Field(default_factory=list)
    reactions: list[UntrustedText] = Field(default_factory=list)
    url: str | None = Field(None, alias="webUrl")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return flat(raw)


class Post(Message):
    """A message of a channel with the newest replies to it, the oldest of these first."""

    replies: list[Message] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        shown = flat(raw)
        replies = [one for one in raw.get("replies") or () if isinstance(one, dict) and is_message(one)]
        return {**shown, "replies": [flat(one) for one in reversed(replies[:5])]}


class Sent(Model):
    """A message that was sent. `chat`: where, for teams_list_chat_messages."""

    id: str = ""
    chat: str | None = None
    to: UntrustedText | None = None
    url: str | None = Field(None, alias="webUrl")


class Chat(Model):
    """https://learn.microsoft.com/graph/api/resources/chat"""

    id: str
    name: UntrustedText = ""
    kind: str = Field("", alias="chatType")
    members: list[UntrustedText] = Field(default_factory=list)
    last: UntrustedText | None = None
    last_at: AwareDatetime | None = None
    unread: bool | None = None
    url: str | None = Field(None, alias="webUrl")


class Team(Model):
    """https://learn.microsoft.com/graph/api/resources/team"""

    id: str
    name: UntrustedText = Field("", alias="displayName")
    description: UntrustedText | None = None


class Channel(Model):
    """https://learn.microsoft.com/graph/api/resources/channel"""

    id: str
    name: UntrustedText = Field("", alias="displayName")
    team: UntrustedText = ""
    team_id: str = ""
    kind: str | None = Field(None, alias="membershipType")
    description: UntrustedText | None = None
    url: str | None = Field(None, alias="webUrl")


class Member(Model):
    """https://learn.microsoft.com/graph/api/resources/conversationmember"""

    name: UntrustedText = Field("", alias="displayName")
    address: str | None = Field(None, alias="email")
    roles: list[str] = Field(default_factory=list)
    id: str = Field(alias="userId")


class Person(Model):
    """https://learn.microsoft.com/graph/api/resources/user"""

    id: str
    name: UntrustedText = Field("", alias="displayName")
    address: str | None = Field(None, alias="mail")
    job: UntrustedText | None = Field(None, alias="jobTitle")
    department: UntrustedText | None = None
    phone: str | None = Field(None, alias="mobilePhone")


class Presence(Model):
    """Whether somebody is there: https://learn.microsoft.com/graph/api/resources/presence"""

    name: UntrustedText = ""
    availability: str = ""
    activity: str | None = None
    message: UntrustedText | None = None
    out_of_office: UntrustedText | None = None


class Presences(Model):
    """The presence of several people."""

    people: list[Presence] = Field(default_factory=list)


class Hit(Model):
    """A message that a search found, and where it stands."""

    id: str
    sender: UntrustedText | None = None
    sent: AwareDatetime | None = None
    text: UntrustedText = ""
    chat: str | None = None
    team: str | None = None
    channel: str | None = None
    url: str | None = None


class Meeting(Model):
    """https://learn.microsoft.com/graph/api/resources/onlinemeeting"""

    id: str = ""
    title: UntrustedText | None = Field(None, alias="subject")
    start: str = ""
    end: str = ""
    url: str = Field("", alias="joinWebUrl")
    code: str | None = Field(None, validation_alias=AliasPath("joinMeetingIdSettings", "joinMeetingId"))
    passcode: str | None = Field(None, validation_alias=AliasPath("joinMeetingIdSettings", "passcode"))
    phone: str | None = Field(None, validation_alias=AliasPath("audioConferencing", "tollNumber"))


class File(Model):
    """A file or folder of a channel: https://learn.microsoft.com/graph/api/resources/driveitem"""

    name: UntrustedText
    folder: bool | None = None
    size: int | None = None
    modified: AwareDatetime | None = Field(None, alias="lastModifiedDateTime")
    modified_by: UntrustedText | None = Field(None, validation_alias=AliasPath("lastModifiedBy", "user", "displayName"))
    url: str | None = Field(None, alias="webUrl")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            raise ValueError("it is not a file")
        return {**raw, "folder": True if raw.get("folder") is not None else None}


class Done(Model):
    """What was changed."""

    done: str


def is_message(raw: Mapping[str, Any]) -> bool:
    """Tell whether a row is what somebody wrote, and not an event such as a new member."""
    return raw.get("messageType", "message") == "message" and not raw.get("deletedDateTime")


def flat(raw: Any) -> dict[str, Any]:
    """Return a message of the API with its sender and its text; raises ValueError for none."""
    if not isinstance(raw, dict) or not raw.get("id"):
        raise ValueError("it is not a message")
    attachments = [one for one in raw.get("attachments") or () if isinstance(one, dict)]
    return {
        **raw,
        "sender": sender_of(raw.get("from")),
        "text": text_of(raw.get("body")),
        "important": True if raw.get("importance") in ("high", "urgent") else None,
        "attachments": [_attachment(one) for one in attachments if one.get("contentType") != "messageReference"],
        "reactions": [str(one.get("reactionType")) for one in raw.get("reactions") or () if isinstance(one, dict)],
    }


def sender_of(value: Any) -> str | None:
    """Return the name of whoever wrote a message: a person, an app or a phone."""
    if not isinstance(value, Mapping):
        return None
    sides = (value.get(name) for name in ("user", "application", "device", "emailAddress"))
    one = next((side for side in sides if isinstance(side, Mapping)), {})
    return one.get("displayName") or one.get("name") or one.get("address")


def text_of(body: Any) -> str:
    """Return the text of a message, which may be HTML."""
    if not isinstance(body, Mapping):
        return ""
    content = str(body.get("content") or "").replace("&nbsp;", " ")  # Teams puts them everywhere
    return html_to_text(content).strip() if str(body.get("contentType")).lower() == "html" else content.strip()


def since(rows: list[dict[str, Any]], begin: datetime | None) -> list[dict[str, Any]]:
    """Return the messages that somebody wrote, from a time on; a post also where a reply to it is that new."""
    return [row for row in rows if is_message(row) and (begin is None or _newest(row) >= begin)]


def _newest(row: Mapping[str, Any]) -> datetime:
    replies = [one for one in row.get("replies") or () if isinstance(one, Mapping)]
    times = [one["createdDateTime"] for one in (row, *replies) if one.get("createdDateTime")]
    return max(map(_time, times), default=datetime.max.replace(tzinfo=UTC))


def is_unread(raw: Mapping[str, Any], me: str) -> bool | None:
    """Tell whether the newest message of a chat is unread; None where Graph does not say."""
    preview, view = raw.get("lastMessagePreview"), raw.get("viewpoint")
    if not isinstance(preview, Mapping) or not isinstance(view, Mapping):
        return None
    sender = preview.get("from")
    user = sender.get("user") if isinstance(sender, Mapping) else None
    if isinstance(user, Mapping) and user.get("id") == me:
        return False
    sent, read = preview.get("createdDateTime"), view.get("lastMessageReadDateTime")
    return None if not sent or not read else _time(sent) > _time(read)


def _time(text: Any) -> datetime:
    return datetime.fromisoformat(str(text).replace("Z", "+00:00"))


def _attachment(one: Mapping[str, Any]) -> str:
    if one.get("contentType") == ADAPTIVE:
        return "a card"
    return f"{one.get('name') or one.get('contentType') or 'file'} {one.get('contentUrl') or ''}".strip()
