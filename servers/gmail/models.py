"""What mail looks like here: what others wrote is marked as untrusted."""

from __future__ import annotations

from collections.abc import Mapping
from html import unescape
from typing import Any

from pydantic import AwareDatetime, Field, model_validator

from flotilla import Model, UntrustedText, cursor_number

from . import reading

TEXT_PAGE = 60_000  # characters of a mail's text in one answer


class Line(Model):
    """A message in a list."""

    id: str
    thread: str
    sender: UntrustedText
    subject: UntrustedText
    date: AwareDatetime
    snippet: UntrustedText
    unread: bool

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Line:
        """Make it of a message of the API."""
        head = reading.headers(raw)
        return cls(
            id=raw["id"],
            thread=raw.get("threadId") or "",
            sender=head.get("From", ""),
            subject=head.get("Subject", ""),
            date=reading.received_at(raw),
            snippet=unescape(raw.get("snippet") or ""),
            unread="UNREAD" in (raw.get("labelIds") or ()),
        )


class File(Model):
    """An attachment."""

    id: str
    name: UntrustedText
    bytes: int

    @classmethod
    def of(cls, part: Mapping[str, Any]) -> File:
        """Make it of a part of a message."""
        return cls(id=part.get("partId") or "0", name=reading.name_of(part), bytes=reading.body(part).get("size") or 0)


class Message(Model):
    """A whole message. `text` is its plain text, or its HTML reduced to text; with next_cursor there is more of it."""

    id: str
    thread: str = ""
    sender: UntrustedText = ""
    to: UntrustedText = ""
    cc: UntrustedText | None = None
    subject: UntrustedText = ""
    date: AwareDatetime
    text: UntrustedText = ""
    labels: list[str] = Field(default_factory=list)
    attachments: list[File] = Field(default_factory=list)
    next_cursor: str | None = None

    @classmethod
    def of(cls, raw: Mapping[str, Any], labels: list[str], cursor: str | None) -> Message:
        """Make it of a message of the API; `labels` are their names, `cursor` is where the text goes on."""
        head, text, start = reading.headers(raw), reading.text(raw), cursor_number(cursor, 0)
        end = start + TEXT_PAGE
        return cls(
            id=raw["id"],
            thread=raw.get("threadId") or "",
            sender=head.get("From", ""),
            to=head.get("To", ""),
            cc=head.get("Cc"),
            subject=head.get("Subject", ""),
            date=reading.received_at(raw),
            text=text[start:end],
            labels=labels,
            attachments=[File.of(part) for part in reading.attachments(raw)],
            next_cursor=str(end) if end < len(text) else None,
        )


class Thread(Model):
    """A conversation, the oldest message first. With next_cursor there are more messages."""

    id: str
    subject: UntrustedText = ""
    messages: list[Message] = Field(default_factory=list)
    next_cursor: str | None = None


class Label(Model):
    """https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.labels"""

    id: str
    name: str
    type: str = "user"


class Sent(Model):
    """A mail that was sent, or one in a list of ids."""

    id: str
    thread: str = Field("", alias="threadId")


class Drafted(Model):
    """A draft: `message` is its id as a message, which changes with every change of the draft."""

    id: str
    message: str = ""
    thread: str = ""

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        inner = raw.get("message") if isinstance(raw, dict) else None
        if not isinstance(inner, dict):
            return raw
        return {**raw, "message": inner.get("id") or "", "thread": inner.get("threadId") or ""}


class DraftLine(Drafted):
    """A draft in a list."""

    to: UntrustedText = ""
    subject: UntrustedText = ""
    date: AwareDatetime
    snippet: UntrustedText = ""

    @classmethod
    def line(cls, draft: str, raw: Mapping[str, Any]) -> DraftLine:
        """Make it of a draft's id and its message of the API."""
        head = reading.headers(raw)
        return cls(
            id=draft,
            message=raw["id"],
            thread=raw.get("threadId") or "",
            to=head.get("To", ""),
            subject=head.get("Subject", ""),
            date=reading.received_at(raw),
            snippet=unescape(raw.get("snippet") or ""),
        )


class Changed(Model):
    """The ids of the messages and of the conversations that were changed; `add` and `remove` are names of labels."""

    messages: list[str] = Field(default_factory=list)
    threads: list[str] = Field(default_factory=list)
    add: list[str] | None = None
    remove: list[str] | None = None


class Deleted(Model):
    """The id of what was deleted."""

    deleted: str


class Alias(Model):
    """https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.settings.sendAs"""

    email: str = Field(alias="sendAsEmail")
    name: str = Field("", alias="displayName")
    primary: bool = Field(False, alias="isPrimary")
    status: str = Field("", alias="verificationStatus")

    @property
    def ready(self) -> bool:
        """True where Gmail lets mail be sent from it; it says nothing of the account's main address."""
        return self.primary or self.status == "accepted"


class Profile(Model):
    """The connected mailbox, and the addresses that it can send from."""

    email: str = Field(alias="emailAddress")
    messages: int = Field(0, alias="messagesTotal")
    senders: list[str] = Field(default_factory=list)


class Filter(Model):
    """A filter: `matches` is what it looks for, as in Gmail's search box; `add` and `remove` are names of labels."""

    id: str = ""
    matches: str
    add: list[str] = Field(default_factory=list)
    remove: list[str] = Field(default_factory=list)
    forwarded_to: str | None = None


class VacationReply(Model):
    """The automatic answer. It is sent from `start` to `end`, where these are set."""

    enabled: bool
    subject: str | None = None
    text: str | None = None
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    contacts_only: bool = False
    domain_only: bool = False
