"""What mail looks like here: what others wrote is marked as untrusted."""

from __future__ import annotations

from collections.abc import Mapping
from html import unescape
from typing import Any

from pydantic import AwareDatetime, Field

from flotilla import Model, UntrustedText

from . import reading


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
            thread=raw.get("threadId", ""),
            sender=head.get("From", ""),
            subject=head.get("Subject", ""),
            date=reading.when(raw),
            snippet=unescape(raw.get("snippet", "")),
            unread="UNREAD" in raw.get("labelIds", ()),
        )


class File(Model):
    """An attachment."""

    id: str
    name: UntrustedText
    bytes: int


class Message(Model):
    """A whole message. `text` is its plain text, or its HTML reduced to text."""

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

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Message:
        """Make it of a message of the API."""
        head = reading.headers(raw)
        return cls(
            id=raw["id"],
            thread=raw.get("threadId", ""),
            sender=head.get("From", ""),
            to=head.get("To", ""),
            cc=head.get("Cc"),
            subject=head.get("Subject", ""),
            date=reading.when(raw),
            text=reading.text(raw),
            labels=raw.get("labelIds", []),
            attachments=[
                File(
                    id=part.get("partId") or "0",
                    name=part.get("filename") or part.get("mimeType", ""),
                    bytes=(part.get("body") or {}).get("size", 0),
                )
                for part in reading.attachments(raw)
            ],
        )


class Label(Model):
    """https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.labels"""

    id: str
    name: str
    type: str = "user"


class Sent(Model):
    """A mail that went out."""

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
