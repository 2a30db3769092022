"""Chats, teams and channels by the names that people give them: #ventes, "mon équipe", Marie, or an id."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flotilla import choose, errors, segment
from flotilla.parsing import folded
from flotilla_servers._microsoft import owner

from .client import api, me
from .people import name_of

CHAT_FIELDS = {"$expand": "members,lastMessagePreview", "$orderby": "lastMessagePreview/createdDateTime desc"}
MOST_CHATS, AT_ONCE = 200, 4
_OWN_TEAM = ("", "my team", "mon equipe", "notre equipe", "our team")


@dataclass(frozen=True)
class ChannelPlace:
    """A channel, and the team that it belongs to."""

    id: str
    name: str
    team_id: str
    team: str

    @property
    def path(self) -> str:
        """The path of the channel."""
        return f"/teams/{segment(self.team_id)}/channels/{segment(self.id)}"

    @property
    def label(self) -> str:
        """Both names, as a question says them."""
        return f"{self.team} / {self.name}"


@dataclass(frozen=True)
class ChatPlace:
    """A chat, and who is in it; without a topic its name is made of theirs."""

    id: str
    name: str
    members: Sequence[dict[str, Any]] = ()
    has_topic: bool = False

    @property
    def path(self) -> str:
        """The path of the chat."""
        return f"/chats/{segment(self.id)}"


async def team_of(text: str | None) -> dict[str, Any]:
    """Return a team by name or id; without a name, the only one that there is."""
    rows = await joined_teams()
    wanted = (text or "").strip()
    if folded(wanted) in _OWN_TEAM and len(rows) == 1:
        return rows[0]
    if folded(wanted) in _OWN_TEAM:
        raise errors.InvalidInputError(
            f"The account is in {len(rows)} teams, so it must be said which one is meant.",
            "Pass its name, from teams_list_teams.",
        )
    return choose(wanted, rows, name=name_of, kind="team", listed_by="teams_list_teams", parts=True)


async def joined_teams() -> list[dict[str, Any]]:
    """Return the teams that the account is in, as the API gives them."""
    await me()
    rows = await api.rows(f"{owner(api)}/joinedTeams", "value", missing=True)
    return [row for row in rows if row.get("id") and row.get("displayName")]


async def channels_of(team: dict[str, Any]) -> list[ChannelPlace]:
    """Return the channels of a team."""
    rows = await api.rows(f"/teams/{segment(str(team['id']))}/channels", "value", missing=True)
    team_id, team_name = str(team["id"]), name_of(team)
    return [
        ChannelPlace(str(row["id"]), name_of(row), team_id, team_name)
        for row in rows
        if row.get("id") and row.get("displayName")
    ]


async def channel_of(text: str, team: str | None) -> ChannelPlace:
    """Return a channel by name or id; raises errors.InvalidInputError where several teams have one of this name.

    Channels are remembered in a process, and asked for again where none has the name.
    """
    wanted = text.strip().removeprefix("#").strip()
    metadata = api.connection.metadata
    known: list[ChannelPlace] = metadata.get("channels") or []
    if not team and any(_is(one, wanted) for one in known):
        return _chosen(wanted, known)
    if team:
        return _chosen(wanted, await channels_of(await team_of(team)))
    teams = await joined_teams()
    turn = asyncio.Semaphore(AT_ONCE)

    async def one_at_a_time(one: dict[str, Any]) -> list[ChannelPlace]:
        async with turn:
            return await channels_of(one)

    metadata["channels"] = [place for places in await asyncio.gather(*map(one_at_a_time, teams)) for place in places]
    return _chosen(wanted, metadata["channels"])


def _is(place: ChannelPlace, wanted: str) -> bool:
    return place.id == wanted or folded(place.name) == folded(wanted)


def _chosen(wanted: str, places: list[ChannelPlace]) -> ChannelPlace:
    same = [one for one in places if _is(one, wanted)]
    if len(same) > 1:
        names = ", ".join(sorted(errors.excerpt(one.team, 60) for one in same)[:20])
        raise errors.InvalidInputError(
            f"More than one team has a channel `{errors.excerpt(wanted, 60)}`: {names}.", "Pass its team too."
        )
    return same[0] if same else choose(wanted, places, kind="channel", listed_by="teams_list_channels", parts=True)


async def chats(most: int = MOST_CHATS) -> list[ChatPlace]:
    """Return the account's chats, the one with the newest message first."""
    own = await me()
    params: dict[str, Any] = {**CHAT_FIELDS, "$top": 50}
    places: list[ChatPlace] = []
    style = api.paging
    assert style
    cursor: str | None = None
    while len(places) < most:
        query = style.query(50, cursor) if cursor else params
        answer = await api.get(f"{owner(api)}/chats", params=query)
        rows, cursor = style.read(answer, {}, 50, cursor)
        places += [chat_place(row, own.id) for row in api.rows_in({"value": rows}, "value") if row.get("id")]
        if not cursor:
            break
    return places


def chat_place(row: dict[str, Any], own: str) -> ChatPlace:
    """Return a chat of the API; without a topic it is called after the others in it."""
    members = [one for one in row.get("members") or () if isinstance(one, dict)]
    others = [one for one in members if one.get("userId") != own]
    name = str(row.get("topic") or ", ".join(filter(None, map(name_of, others))))
    return ChatPlace(str(row["id"]), name, tuple(members), bool(row.get("topic")))


async def group_of(ids: set[str]) -> ChatPlace | None:
    """Return the newest chat without a topic that has exactly these members; None where there is none."""
    same = (one for one in await chats() if {member.get("userId") for member in one.members} == ids)
    return next((one for one in same if not one.has_topic), None)


async def chat_of(text: str) -> ChatPlace | None:
    """Return a chat by id, topic, or the one person that it is with; None where there is none.

    Raises errors.InvalidInputError where several have the name.
    """
    wanted = text.strip().removeprefix("@").strip()
    if wanted.startswith("19:"):
        row = await api.get(f"/chats/{segment(wanted)}", params={"$expand": "members"})
        return chat_place(row, (await me()).id)
    places, own = await chats(), (await me()).id
    if "@" in wanted:
        alone = [one for one in places if len(one.members) == 2]
        addresses = {
            str(m.get("email")).casefold(): one for one in alone for m in one.members if m.get("userId") != own
        }
        return addresses.get(wanted.casefold())
    terms = set(folded(wanted).split())
    if not any(terms <= set(folded(one.name).split()) for one in places):
        return None
    pairs = [one for one in places if len(one.members) == 2 and terms <= set(folded(one.name).split())]
    named = [one for one in places if folded(one.name) == folded(wanted)]
    if not named and len(pairs) == 1:  # "Marie" is the chat with Marie, also where she is in groups
        return pairs[0]
    return choose(wanted, places, kind="chat", listed_by="teams_list_chats", parts=True)
