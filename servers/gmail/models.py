"""What mail looks like here: what others wrote is marked as untrusted."""

from __future__ import annotations

from collections.abc import Mapping
from html import unescape
from typing import Any

from pydantic import AwareDatetime, Field

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
    """A draft."""

    id: str


class Labelled(Model):
    """The labels that a message has now."""

    id: str
    labels: list[str] = Field(default_factory=list, alias="labelIds")


class Trashed(Model):
    """A message in the trash, from where Gmail deletes it after 30 days."""

    trashed: str


class Profile(Model):
    """https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/getProfile"""

    email: str = Field(alias="emailAddress")
    messages: int = Field(0, alias="messagesTotal")
