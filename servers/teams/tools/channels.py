"""Teams and their channels. https://learn.microsoft.com/graph/api/resources/channel"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm, errors, readable, segment, sliced
from flotilla.parsing import folded
from flotilla_servers._microsoft import every_row, owner

from ..client import CHANNELS, TEAMS, api, me, sent, users_only, zone_for
from ..models import Channel, File, Member, Message, Post, Sent, Team, since
from ..people import name_of
from ..places import ChannelPlace, channel_of, joined_teams, team_of
from ..texts import body_of, is_whole, member_named, mention, whole
from .chats import After, Important, Mentions, PageSize, Text, existing_chat

tools = Toolset("channels")

TeamName = Annotated[
    str | None, Field(description="Name or id, from teams_list_teams; where several have the channel.")
]
ChannelName = Annotated[str, Field(description="Name or id, from teams_list_channels.", examples=["#ventes"])]
MessageId = Annotated[
    str, Field(description="Id of the post, from teams_list_channel_messages.", examples=["1616990032035"])
]
POST = [f"{TEAMS} ChannelMessage.Send"]
MEMBERS = "TeamMember.Read.All"
LOOK = "teams_list_channel_messages"
FEW = 5


@tools.reads(scopes=[TEAMS], search="mes équipes liste des équipes")
async def list_teams(limit: Limit = 20, cursor: Cursor = None) -> Page[Team]:
    """List the teams that the account is in, with their names and ids.

    The names are what `team` of teams_list_channels and teams_list_channel_messages takes. Chats with people are listed
    by teams_list_chats.
    """
    await me()
    rows = await api.rows(f"{owner(api)}/joinedTeams", "value", missing=True)
    return sliced(readable(Team, rows), limit, cursor)


@tools.reads(scopes=[TEAMS], search="canaux de l'équipe liste des canaux")
async def list_channels(
    team: Annotated[str | None, Field(description="Name or id, from teams_list_teams; else all teams.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Channel]:
    """List the channels of one team or of all, with the names and ids that other tools take as `channel`.

    Read one with teams_list_channel_messages and write to it with teams_send_channel_message.
    """
    teams = [await team_of(team)] if team else await joined_teams()
    channels: list[Channel] = []
    for one in teams:
        rows = await api.rows(f"/teams/{segment(str(one['id']))}/channels", "value", missing=True)
        more = {"team": name_of(one), "team_id": str(one["id"])}
        channels += readable(Channel, [{**row, **more} for row in rows])
    return sliced(channels, limit, cursor)


@tools.reads(scopes=CHANNELS, search="lire le canal messages non lus publications fil de discussion")
async def list_channel_messages(
    channel: ChannelName,
    team: TeamName = None,
    after: After = None,
    limit: PageSize = 20,
    cursor: Cursor = None,
) -> Page[Post]:
    """List the posts of a channel, the newest first, each with the newest five replies to it.

    A post's id is what teams_reply_to_message takes. Messages of a chat are listed by teams_list_chat_messages.
    """
    place, style = await channel_of(channel, team), api.paging
    assert style
    query = style.query(limit, cursor)
    answer = await api.get(f"{place.path}/messages", params=query if cursor else {"$expand": "replies", **query})
    rows, following = style.read(answer, {}, limit, cursor)
    written = since(api.rows_in({"value": rows}, "value"), after.at(await zone_for(after)) if after else None)
    return Page(items=readable(Post, written), next_cursor=following if written or not after else None)


@tools.reads(core=False, scopes=CHANNELS, search="réponses du fil toute la conversation")
async def list_replies(
    message: MessageId,
    channel: ChannelName,
    team: TeamName = None,
    limit: PageSize = 20,
    cursor: Cursor = None,
) -> Page[Message]:
    """List all replies to a post of a channel, the newest first.

    The newest five stand in teams_list_channel_messages already; answer with teams_reply_to_message.
    """
    place = await channel_of(channel, team)
    at = f"{place.path}/messages/{segment(message)}/replies"
    return await api.page(at, Message, limit=limit, cursor=cursor)


@tools.writes(
    creates=True,
    asks=True,
    scopes=POST,
    search="publier poster écrire dans le canal annoncer à l'équipe",
    examples=["poste le résumé dans #ventes", "tell the sales channel that the offer is out"],
)
async def send_channel_message(
    channel: ChannelName,
    text: Text,
    team: TeamName = None,
    subject: Annotated[str | None, Field(description="Headline above the text.")] = None,
    mentions: Annotated[list[str] | None, Field(description="Members by name; channel or team for all of it.")] = None,
    important: Important = False,
) -> Sent:
    """Post a message in a channel, which its members read at once; it begins a new thread.

    To answer a post, use teams_reply_to_message; for a chat or a person, teams_send_chat_message. Mentioning a whole
    channel or team of more than five people is asked about.
    """
    users_only("post in channels")
    place = await channel_of(channel, team)
    named = await _mentions(place, mentions)
    body = body_of(text, named, subject=subject, important=important)
    answer = await sent(api.post(f"{place.path}/messages", json=body), LOOK)
    return Sent(id=str(answer["id"]), to=place.label, webUrl=answer.get("webUrl"))


@tools.writes(creates=True, asks=True, scopes=POST, search="répondre au message dans le fil du canal")
async def reply_to_message(
    message: MessageId,
    text: Text,
    channel: ChannelName,
    team: TeamName = None,
    mentions: Mentions = None,
) -> Sent:
    """Reply to a post of a channel, in its thread; the members read it at once.

    Take the post from teams_list_channel_messages. To begin a new thread, use teams_send_channel_message.
    """
    users_only("post in channels")
    place = await channel_of(channel, team)
    body = body_of(text, await _mentions(place, mentions))
    at = f"{place.path}/messages/{segment(message)}/replies"
    answer = await sent(api.post(at, json=body), LOOK)
    return Sent(id=str(answer["id"]), to=place.label, webUrl=answer.get("webUrl"))


async def _mentions(place: ChannelPlace, names: list[str] | None) -> list[dict[str, Any]]:
    """Return the mentions of a post; asks before a whole channel or team of many people is mentioned."""
    if not names:
        return []
    members = await members_of(place.path if any(is_whole(one, place) for one in names) else _team_path(place))
    result = []
    for one in names:
        if kind := is_whole(one, place):
            everybody = members if kind == "channel" else await members_of(_team_path(place))
            if len(everybody) > FEW:
                await confirm(f"Mention the whole {kind} in «{place.label}»? {len(everybody)} people are notified.")
            result.append(whole(place, kind))
        else:
            result.append(mention(member_named(one, members)))
    return result


def _team_path(place: ChannelPlace) -> str:
    return f"/teams/{segment(place.team_id)}"


async def members_of(path: str) -> list[dict[str, Any]]:
    """Return the members of a team, a channel or a chat, as the API gives them."""
    return await every_row(api, f"{path}/members")


@tools.reads(scopes=[f"{TEAMS} {MEMBERS} Chat.Read"], search="membres de l'équipe qui est dans le canal participants")
async def list_members(
    team: Annotated[str | None, Field(description="Name or id, from teams_list_teams.")] = None,
    channel: Annotated[str | None, Field(description="Name or id, from teams_list_channels.")] = None,
    chat: Annotated[str | None, Field(description="Id or name, from teams_list_chats.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Member]:
    """List the members of a team, of a channel or of a chat, with their addresses and roles.

    Name one of the three. Somebody outside of them is found with teams_search_people.
    """
    if chat and (team or channel):
        raise errors.InvalidInputError("A chat belongs to no team.", "Pass either a chat, or a team or channel.")
    if chat:
        rows = await members_of((await existing_chat(chat)).path)
    elif channel:
        rows = await members_of((await channel_of(channel, team)).path)
    else:
        rows = await members_of(f"/teams/{segment(str((await team_of(team))['id']))}")
    people = sorted(readable(Member, rows), key=lambda one: folded(one.name))
    return sliced(people, limit, cursor)


@tools.reads(core=False, scopes=[f"{TEAMS} Files.Read.All"], search="fichiers du canal documents partagés de l'équipe")
async def list_channel_files(
    channel: ChannelName,
    team: TeamName = None,
    folder: Annotated[str | None, Field(description="Folder below the channel's, such as Offers/2030.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[File]:
    """List the files of a channel, with size, who changed them last and when, and the link that opens each.

    Folders come too: pass one as `folder` to see what is in it. Channels are listed by teams_list_channels.
    """
    place = await channel_of(channel, team)
    root = await api.get(f"{place.path}/filesFolder")
    parent = root.get("parentReference")
    drive = segment(str(parent.get("driveId") or "") if isinstance(parent, dict) else "")
    at = f"/drives/{drive}/items/{segment(str(root['id']))}"
    if folder:
        at += f":/{'/'.join(segment(part) for part in folder.strip('/').split('/'))}:"
    return await api.page(f"{at}/children", File, limit=limit, cursor=cursor)
