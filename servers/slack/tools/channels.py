"""Channels: find, create, invite, topic. https://docs.slack.dev/reference/methods/conversations.list"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm_recipients, errors, sliced
from flotilla.parsing import folded

from .. import access
from ..client import api, call
from ..lookup import ME, Channel, channel, conversation, label, mine, names, person, public, words_in
from ..models import Conversation, Done, Person

tools = Toolset("channels")
READ = [access.CHANNELS]
MANAGE = [
    "channels:write groups:write channels:read groups:read",
    "channels:manage groups:write channels:read groups:read",
]
MOST_MEMBERS = 100


class Members(Conversation):
    """A channel, and who is in it."""

    people: list[str] | None = None


@tools.reads(
    scopes=READ,
    search="canaux chaînes salons liste trouve quel canal channels rooms",
    examples=["Quels canaux parlent de facturation ?", "List the Slack channels"],
)
async def search_channels(
    query: Annotated[
        str, Field(description="Words of the name, topic or purpose; empty for all.", examples=["ventes"])
    ] = "",
    joined: Annotated[bool, Field(description="True for those that the token's owner is in.")] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Conversation]:
    """Find channels by words of their name, topic or purpose, those that the user is in first.

    Private ones are among them where the token's owner is a member; archived ones are not. Other tools take #name as it
    is. To read one, use slack_read_channel.
    """
    own = [one for one in await mine(renew=not cursor) if not one.is_direct]
    every = [] if joined else await public(renew=not cursor)
    whole = {one.id: one for one in [*own, *every]} | {one.id: one for one in own if joined}
    members = {one.id for one in own}
    rows = [one.model_copy(update={"member": one.id in members}) for one in whole.values()]
    matches = [
        one for one in rows if words_in(query.removeprefix("#"), [one.name.removeprefix("#"), one.topic, one.purpose])
    ]
    return sliced(sorted(matches, key=lambda one: (one.id not in members, one.name)), limit, cursor)


@tools.reads(core=False, scopes=[f"{access.CHANNELS} users:read"], search="membres sujet canal détail info members")
async def get_channel(channel: Channel) -> Members:
    """Get one channel or direct conversation with its topic, purpose and up to 100 of its members by name.

    To read its messages, use slack_read_channel; to find one, slack_search_channels.
    """
    where = await conversation(channel)
    answer = await call("conversations.info", reads=True, channel=where.id, include_num_members=True)
    members = await call("conversations.members", reads=True, channel=where.id, limit=MOST_MEMBERS)
    known = await names()
    shown = Conversation.model_validate(answer["channel"])
    ids = members.get("members")
    return Members(
        **{**shown.model_dump(), "name": await label(where), "private": shown.private},
        people=[known.get(str(one), str(one)) for one in ids] if isinstance(ids, list) else None,
    )


@tools.writes(
    creates=True,
    asks=True,
    idempotent=True,
    scopes=[f"{one} users:read users:read.email" for one in (MANAGE[0], f"channels:join {MANAGE[1]}")],
    search="invite ajoute membre rejoindre canal join add to channel",
    examples=["Invite Marie dans #ventes", "Join #support"],
)
async def add_channel_members(
    channel: Channel,
    people: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=100,
            description="@Marie, names or e-mail addresses; me: the app or user itself joins.",
            examples=[["@Marie"]],
        ),
    ],
) -> Done:
    """Invite people to a channel, or join a public channel oneself with people: me. Who is in it already stays.

    They are notified; more than five people are asked about first. Take the channel as people say it, or from
    slack_search_channels. Nobody new to the workspace can be invited.
    """
    where = await _channel(channel)
    whom = [await person(one) for one in people if folded(one) not in ME]
    oneself = len(whom) < len(people)
    await confirm_recipients([one.name for one in whom], f"Invite to {where.name}")
    done: list[str] = []
    if oneself:
        await call("conversations.join", channel=where.id)
        done.append("joined")
    if whom:
        await _invite(where.id, whom)
        done.append(f"invited {', '.join(one.name for one in whom)}")
    api.connection.metadata.pop("mine", None)
    return Done(done=f"{where.name}: {' and '.join(done)}.")


async def _invite(channel_id: str, whom: list[Person]) -> None:
    users = ",".join(one.id for one in whom)
    answer = await call("conversations.invite", channel=channel_id, users=users, tolerated=["already_in_channel"])
    if not answer["ok"] and len(whom) > 1:  # one of several is in it: the others are invited one by one
        for one in whom:
            await call("conversations.invite", channel=channel_id, users=one.id, tolerated=["already_in_channel"])


async def _channel(wanted: str) -> Conversation:
    where = await channel(wanted)
    if where.is_direct:
        raise errors.InvalidInputError("This is not a channel.", "Name one, such as #ventes.")
    return where


@tools.writes(
    core=False,
    creates=True,
    asks=True,
    scopes=[f"{one} users:read users:read.email" for one in MANAGE],
    search="créer nouveau canal chaîne salon privé create channel",
    examples=["Crée un canal #projet-dupont avec Marie et Paul"],
)
async def create_channel(
    name: Annotated[
        str,
        Field(min_length=1, max_length=80, description="Name; spaces become dashes.", examples=["projet-dupont"]),
    ],
    private: Annotated[bool, Field(description="True: only who is invited sees it.")] = False,
    topic: Annotated[str | None, Field(max_length=250, description="Topic, shown above the messages.")] = None,
    people: Annotated[
        list[str] | None, Field(max_length=100, description="Whom to invite: @Marie, names or e-mail addresses.")
    ] = None,
) -> Conversation:
    """Create a public or private channel, set its topic and invite people, in this order.

    Fails where a channel of this name exists, archived ones too. More than five people are asked about first.
    """
    called = re.sub(r"[\s.]+", "-", name.strip().lstrip("#").lower())
    whom = [await person(one) for one in people or []]
    await confirm_recipients([one.name for one in whom], f"Create #{called} and invite")
    if topic:
        api.follows("POST", "/conversations.setTopic", json={"channel": "{channel.id}", "topic": topic})
    if whom:
        users = ",".join(one.id for one in whom)
        api.follows("POST", "/conversations.invite", json={"channel": "{channel.id}", "users": users})
    answer = await call("conversations.create", name=called, is_private=private)
    created = Conversation.model_validate(answer["channel"])
    if topic:
        await call("conversations.setTopic", channel=created.id, topic=topic)
    if whom:
        await _invite(created.id, whom)
    for key in ("mine", "public"):
        api.connection.metadata.pop(key, None)
    return created.model_copy(update={"topic": topic, "member": True})


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=MANAGE,
    search="sujet du canal changer thème topic",
)
async def set_channel_topic(
    channel: Channel,
    topic: Annotated[
        str, Field(max_length=250, description="The new topic; empty clears it.", examples=["Soldes d’été"])
    ],
) -> Done:
    """Set the topic of a channel, which stands above its messages; the channel shows who changed it.

    The old topic is replaced: slack_get_channel shows it.
    """
    where = await _channel(channel)
    await call("conversations.setTopic", channel=where.id, topic=topic)
    api.connection.metadata.pop("mine", None)
    return Done(done=f"The topic of {where.name} is set.")
