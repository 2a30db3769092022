"""Messages of Slack as results: authors and mentions by name, times in the user's zone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flotilla import readable

from .client import call
from .lookup import account, account_zone, author, cached, id_of, link_of, names, time_of
from .models import Account, Attachment, Message, inner
from .mrkdwn import ids_in, readable_text, text_of

MOST_STRANGERS = 20  # people of other workspaces, whose names are asked for one by one
SILENT = ("channel_join", "channel_leave", "group_join", "group_leave", "bot_add", "bot_remove")


@dataclass(frozen=True)
class Reader:
    """What it takes to show messages: the account, its zone, the names of people."""

    account: Account
    author: Account
    zone: ZoneInfo
    people: dict[str, str]

    def message(self, row: Mapping[str, Any], channel_id: str, shown_channel: str | None = None) -> dict[str, Any]:
        """Return the fields of a message; of an odd one some are None, so that it does not validate."""
        ts, thread = str(row.get("ts") or ""), str(row.get("thread_ts") or "")
        return {
            "id": id_of(channel_id, ts, thread),
            "time": time_of(ts, self.zone),
            "author": self.author_of(row),
            "text": readable_text(text_of(row), self.people),
            "channel": shown_channel,
            "replies": row.get("reply_count") or None,
            "thread": f"{channel_id}/{thread}" if thread and thread != ts else None,
            "reactions": [
                f"{one.get('name')} {one.get('count')}" for one in _rows(row.get("reactions")) if one.get("name")
            ]
            or None,
            "files": [file for one in _rows(row.get("files")) for file in readable(Attachment, [_file(one)])] or None,
            "edited": True if row.get("edited") else None,
            "mine": self.is_mine(row) or None,
            "link": link_of(self.account.url, channel_id, ts, thread),
        }

    def author_of(self, row: Mapping[str, Any]) -> str:
        """Return who wrote a message: a person, else the name that an app goes by."""
        user = str(row.get("user") or "")
        app = row.get("username") or inner(row, "bot_profile", "name")
        return self.people.get(user) or str(app or user or row.get("bot_id") or "unknown")

    def is_mine(self, row: Mapping[str, Any]) -> bool:
        """Tell whether one of the account's tokens wrote a message."""
        return any(
            (row.get("user") == one.user_id and not row.get("bot_id"))
            or (one.bot_id and row.get("bot_id") == one.bot_id)
            for one in (self.account, self.author)
        )


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _file(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row.get("id"),
        "name": row.get("name") or row.get("title") or "",
        "bytes": row.get("size"),
        "type": row.get("mimetype"),
    }


async def reader(rows: Sequence[Mapping[str, Any]]) -> Reader:
    """Return what it takes to show these messages; people of other workspaces are asked for one by one."""
    known = await names()
    wanted = {str(row.get("user")) for row in rows if row.get("user")}
    wanted |= {one for row in rows for one in ids_in(text_of(row))}
    strangers = sorted(wanted - known.keys())[:MOST_STRANGERS]
    if strangers:
        known = {**known, **dict(zip(strangers, await asyncio.gather(*map(_stranger, strangers)), strict=True))}
    return Reader(account=await account(), author=await author(), zone=await account_zone(), people=known)


async def _stranger(user: str) -> str:
    """Return the name of somebody who is not in the workspace, the id where it is not told."""

    async def fetch() -> str:
        answer = await call("users.info", reads=True, user=user, tolerated=["user_not_found", "user_not_visible"])
        profile = inner(answer, "user", "profile")
        return str(inner(profile, "display_name") or inner(profile, "real_name") or user)

    return await cached(f"person {user}", fetch)


async def messages(rows: Sequence[Any], channel_id: str) -> list[Message]:
    """Return messages of one conversation as results; odd ones are left out and counted."""
    shown = [row for row in rows if isinstance(row, Mapping)]
    by = await reader(shown)
    return readable(Message, [by.message(row, channel_id) for row in shown])
