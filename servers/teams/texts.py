"""The text of a message as Teams wants it, with the people whom it mentions.

https://learn.microsoft.com/graph/api/chatmessage-post
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from flotilla import choose, errors
from flotilla.parsing import folded

from .people import name_of
from .places import ChannelPlace

MOST_BYTES = 28_000  # of a message, as Teams takes it
_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")


def body_of(
    text: str, mentioned: Iterable[dict[str, Any]] = (), *, subject: str | None = None, important: bool = False
) -> dict[str, Any]:
    """Return a message as the API takes it; `mentioned` are mentions without their place, from `mention` or `whole`.

    "@Name" in the text becomes the mention; one that is not in the text is put before it.
    """
    mentions = [{"id": number, **one} for number, one in enumerate(mentioned)]
    if not text.strip():
        raise errors.InvalidInputError("The message has no text.", "Pass the text of the message.")
    content = _linked(escape(text, quote=False))
    for one in mentions:
        tag = f'<at id="{one["id"]}">{escape(one["mentionText"], quote=False)}</at>'
        content = _placed(content, one["mentionText"], tag)
    html = content.replace("\n", "<br>")
    if len(html.encode()) > MOST_BYTES:
        raise errors.InvalidInputError(
            f"The message is too long for Teams, which takes {MOST_BYTES // 1000} kB.",
            "Shorten it, or send it in parts.",
        )
    return {
        "subject": subject,
        "importance": "high" if important else None,
        "body": {"contentType": "html", "content": html},
        "mentions": mentions or None,
    }


def _linked(text: str) -> str:
    return _LINK.sub(lambda link: f'<a href="{link[0]}">{link[0]}</a>', text)


def _placed(content: str, name: str, tag: str) -> str:
    """Return the text with a mention where it says @Name or @First name, else before it."""
    for form in (name, name.split()[0]):
        written = re.compile(rf"@{re.escape(escape(form, quote=False))}(?!\w)", re.IGNORECASE)
        if written.search(content):
            return written.sub(lambda _: tag, content, count=1)
    return f"{tag} {content}"


def mention(person: dict[str, Any]) -> dict[str, Any]:
    """Return the mention of somebody, a member or a user of the API."""
    key, name = str(person.get("userId") or person["id"]), name_of(person)
    user = {"id": key, "displayName": name, "userIdentityType": "aadUser"}
    return {"mentionText": name, "mentioned": {"user": user}}


def whole(place: ChannelPlace, kind: str) -> dict[str, Any]:
    """Return the mention of a whole channel or team; `kind` is channel or team."""
    key, name = (place.id, place.name) if kind == "channel" else (place.team_id, place.team)
    conversation = {"id": key, "displayName": name, "conversationIdentityType": kind}
    return {"mentionText": name, "mentioned": {"conversation": conversation}}


def member_named(text: str, members: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the member who is meant by name or address; raises errors.NotFoundError with candidates."""
    wanted, known = text.strip().removeprefix("@").strip(), [one for one in members if one.get("userId")]
    for one in known:
        if str(one.get("email") or "").casefold() == wanted.casefold():
            return one
    return choose(wanted, known, id=_user, name=name_of, kind="member", listed_by="teams_list_members", parts=True)


def _user(member: dict[str, Any]) -> str:
    return str(member["userId"])


def is_whole(text: str, place: ChannelPlace) -> str:
    """Return channel or team where a name means all of it, else ""."""
    wanted = folded(text.strip().removeprefix("@").removeprefix("#"))
    if wanted in ("channel", "canal", "everyone", "tous", folded(place.name)):
        return "channel"
    return "team" if wanted in ("team", "equipe", folded(place.team)) else ""
