"""What the tools return: small shapes of Slack's objects, names in place of ids."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field, model_validator

from flotilla import Model, UntrustedText
from flotilla.parsing import folded


def inner(raw: Any, *path: str) -> Any:
    """Return what stands at a path of nested objects, None where there is nothing."""
    for name in path:
        raw = raw.get(name) if isinstance(raw, Mapping) else None
    return raw


class Account(Model):
    """Whose token it is. `zone` is "" for a bot, which lives nowhere."""

    user_id: str
    user: str = ""
    team: str = ""
    url: str = ""
    bot_id: str | None = None
    zone: str = ""

    @property
    def is_bot(self) -> bool:
        """Whether the token is a bot's."""
        return bool(self.bot_id)


class Person(Model):
    """A person, or a bot."""

    id: str
    name: str = ""
    handle: str | None = Field(None, description="Name that they show in Slack.")
    title: UntrustedText | None = None
    email: str | None = None
    phone: str | None = None
    status: UntrustedText | None = None
    timezone: str | None = None
    kind: str | None = Field(None, description="guest or bot; without it a member.")
    login: str = Field("", exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or "profile" not in raw:
            return raw
        profile = raw["profile"]
        guest = raw.get("is_restricted") or raw.get("is_ultra_restricted") or raw.get("is_stranger")
        status = f"{inner(profile, 'status_emoji') or ''} {inner(profile, 'status_text') or ''}".strip()
        return {
            "id": raw["id"],
            "name": inner(profile, "real_name") or raw.get("real_name") or raw.get("name") or raw["id"],
            "handle": inner(profile, "display_name") or raw.get("name"),
            "title": inner(profile, "title") or None,
            "email": inner(profile, "email") or None,
            "phone": inner(profile, "phone") or None,
            "status": status or None,
            "timezone": raw.get("tz") or None,
            "login": raw.get("name") or "",
            "kind": "bot" if raw.get("is_bot") else "guest" if guest else None,
        }

    @property
    def known_as(self) -> set[str]:
        """Every name that they go by, folded."""
        return {folded(one) for one in (self.name, self.handle) if one}


class Conversation(Model):
    """A channel, or a direct conversation. `name` is what people write: #ventes, @Marie Curie."""

    id: str
    name: str = ""
    topic: UntrustedText | None = None
    purpose: UntrustedText | None = None
    members: int | None = None
    private: bool = False
    member: bool | None = Field(None, description="Whether the token's owner is in it.")
    archived: bool = False
    user: str = Field("", exclude=True)
    group: bool = Field(False, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or "id" not in raw or "private" in raw:
            return raw
        direct, group = raw.get("is_im"), raw.get("is_mpim")
        members = raw.get("num_members")
        return {
            "id": raw["id"],
            "name": "" if direct else str(raw.get("name") or "") if group else f"#{raw.get('name') or raw['id']}",
            "topic": inner(raw, "topic", "value") or None,
            "purpose": inner(raw, "purpose", "value") or None,
            "members": members if isinstance(members, int) else None,
            "private": bool(raw.get("is_private") or direct or group),
            "member": raw.get("is_member") if isinstance(raw.get("is_member"), bool) else None,
            "archived": raw.get("is_archived") is True,
            "user": (raw.get("user") or "") if direct else "",
            "group": group is True,
        }

    @property
    def is_direct(self) -> bool:
        """Whether it is a conversation of a few people, not a channel."""
        return bool(self.user) or self.group


class Attachment(Model):
    """A file that was sent with a message."""

    id: str
    name: UntrustedText = ""
    bytes: int | None = None
    type: str | None = None


class Message(Model):
    """One message."""

    id: str = Field(description="What other tools take as message or thread.")
    time: datetime
    author: UntrustedText
    text: UntrustedText
    channel: str | None = None
    replies: int | None = Field(None, description="Answers in its thread.")
    thread: str | None = Field(None, description="Id of the first message of its thread.")
    reactions: list[str] | None = None
    files: list[Attachment] | None = None
    edited: bool | None = None
    mine: bool | None = Field(None, description="Whether the token's owner wrote it.")
    link: str | None = None


class Messages(Model):
    """Messages of one conversation. Without next_cursor these are the last."""

    channel: str
    items: list[Message]
    next_cursor: str | None = None
    unread_since: datetime | None = Field(None, description="Up to when the user has read.")


class Unread(Model):
    """A conversation with something unread."""

    channel: str
    id: str
    unread: int = Field(description="Messages of others, 20 at most are counted.")
    since: datetime | None = Field(None, description="Up to when the user has read.")
    newest: Message | None = None


class SentMessage(Model):
    """A message that was sent or changed."""

    id: str = ""
    channel: str = ""
    time: datetime | None = None
    link: str | None = None
    thread: str | None = None


class Scheduled(Model):
    """A message that waits for its time."""

    id: str = ""
    channel: str = ""
    at: datetime | None = None
    text: str | None = None


class Done(Model):
    """What was done, in a sentence."""

    done: str = ""


class FoundFile(Model):
    """A file in Slack."""

    id: str
    name: UntrustedText = ""
    title: UntrustedText | None = None
    bytes: int | None = None
    type: str | None = None
    author: UntrustedText | None = None
    created: datetime | None = None
    link: str | None = None


class SentFile(Model):
    """A file that was uploaded."""

    id: str = ""
    name: str = ""
    bytes: int = 0
    channel: str | None = None
    link: str | None = None


class Status(Model):
    """The status beside a person's name."""

    text: str = ""
    emoji: str = ""
    until: datetime | None = None


class Reminder(Model):
    """A reminder of the token's owner."""

    id: str = ""
    text: UntrustedText = ""
    at: datetime | None = None
    completed: bool | None = None
    recurring: bool | None = None
