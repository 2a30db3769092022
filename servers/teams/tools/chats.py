"""Chats, one-to-one and of groups. https://learn.microsoft.com/graph/api/resources/chat"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Page, Toolset, When, confirm_new, confirm_recipients, cursor_number, errors, readable
from flotilla.parsing import html_to_text
from flotilla_servers._microsoft import owner

from ..client import CHATS, PEOPLE, SETTINGS, api, me, sent, users_only, zone_for
from ..models import Chat, Hit, Message, Sent, is_unread, sender_of, since, text_of
from ..people import address_of, name_of, people, person
from ..places import CHAT_FIELDS, ChatPlace, chat_of, chat_place, group_of
from ..texts import body_of, member_named, mention

tools = Toolset("chats")

Text = Annotated[str, Field(description="Text of the message, as people read it.", examples=["Bonjour, c'est prêt."])]
Mentions = Annotated[list[str] | None, Field(description="Members to mention, by name or address.")]
Important = Annotated[bool, Field(description="Mark it as important.")]
PageSize = Annotated[int, Field(ge=1, le=50, description="Maximum items per page.")]
GRAPH = "https://graph.microsoft.com/v1.0"  # what an id of a new member is written with, wherever base_url leads
After = Annotated[When | None, Field(description="Only messages after this time or day.")]
LOOK = "teams_list_chat_messages"


@tools.reads(scopes=CHATS, search="mes discussions conversations messages non lus")
async def list_chats(limit: PageSize = 20, cursor: Cursor = None) -> Page[Chat]:
    """List the account's chats, that with the newest message first, with members and whether it is unread.

    Returns ids for teams_list_chat_messages and teams_send_chat_message, which take names too. Channels of teams are
    listed by teams_list_channels.
    """
    own, style = await me(), api.paging
    assert style
    query = style.query(limit, cursor)
    answer = await api.get(f"{owner(api)}/chats", params=query if cursor else {**CHAT_FIELDS, **query})
    rows, following = style.read(answer, {}, limit, cursor)
    shown = [_shown(row, own.id) for row in api.rows_in({"value": rows}, "value")]
    return Page(items=readable(Chat, shown), next_cursor=following)


def _shown(row: dict[str, Any], own: str) -> dict[str, Any]:
    if not row.get("id"):
        return {}
    place, preview = chat_place(row, own), row.get("lastMessagePreview")
    last = preview if isinstance(preview, dict) else {}
    sender, text = sender_of(last.get("from")), text_of(last.get("body"))
    return {
        **row,
        "name": place.name,
        "members": [name_of(one) for one in place.members],
        "last": f"{sender}: {text}" if sender and text else text or None,
        "last_at": last.get("createdDateTime"),
        "unread": is_unread(row, own),
    }


@tools.reads(
    scopes=[f"{one} {SETTINGS}" for one in CHATS], search="lire la discussion avec messages reçus dernier message de"
)
async def list_chat_messages(
    chat: Annotated[str, Field(description="Id, topic, or person, from teams_list_chats.", examples=["Marie"])],
    after: After = None,
    limit: PageSize = 20,
    cursor: Cursor = None,
) -> Page[Message]:
    """List the messages of a chat, the newest first: sender, time, text, attachments, reactions.

    Take the chat from teams_list_chats, or name the person. Posts of a channel are listed by
    teams_list_channel_messages.
    """
    place = await existing_chat(chat)
    style = api.paging
    assert style
    query = style.query(limit, cursor)
    params = query if cursor else {"$orderby": "createdDateTime desc", **query}
    answer = await api.get(f"{place.path}/messages", params=params)
    rows, following = style.read(answer, {}, limit, cursor)
    written = since(api.rows_in({"value": rows}, "value"), after.at(await zone_for(after)) if after else None)
    return Page(items=readable(Message, written), next_cursor=following if written or not after else None)


async def existing_chat(text: str) -> ChatPlace:
    """Return a chat by id or name; raises errors.NotFoundError where there is none."""
    if place := await chat_of(text):
        return place
    raise errors.NotFoundError(
        f"There is no chat `{errors.excerpt(text, 60)}`.", "List the chats with teams_list_chats."
    )


@tools.writes(
    creates=True,
    asks=True,
    scopes=[f"Chat.ReadWrite {PEOPLE}"],
    search="envoyer un message à écrire à dire à prévenir quelqu'un",
    examples=["dis à Marie que la réunion est à 15 h", "message the project chat that I am late"],
)
async def send_chat_message(
    chat: Annotated[str, Field(description="Id or topic, from teams_list_chats, or a person.", examples=["Marie"])],
    text: Text,
    mentions: Mentions = None,
    important: Important = False,
) -> Sent:
    """Send a message to a chat or a person, who read it at once; a first message opens the chat with that person.

    Chats of more than five people are asked about. For several people at once, use teams_create_chat; for a channel,
    teams_send_channel_message.
    """
    users_only("send messages")
    place = await chat_of(chat)
    if place is None:
        if mentions:
            raise errors.InvalidInputError("A first message to one person needs no mention.", "Leave out `mentions`.")
        return await _opened([await person(chat)], None, text, important)
    named = [mention(member_named(one, place.members)) for one in mentions or ()]
    body = body_of(text, named, important=important)
    return await _written(place, body)


async def _written(place: ChatPlace, body: dict[str, Any]) -> Sent:
    await ask_members(place, "Send the message")
    answer = await sent(api.post(f"{place.path}/messages", json=body), LOOK)
    return Sent(id=str(answer["id"]), chat=place.id, to=place.name, webUrl=answer.get("webUrl"))


async def ask_members(place: ChatPlace, action: str) -> None:
    """Ask before more than five people get a message."""
    own = (await me()).id
    await confirm_recipients([name_of(one) for one in place.members if one.get("userId") != own], action)


@tools.writes(
    creates=True,
    asks=True,
    scopes=[f"Chat.ReadWrite {PEOPLE}"],
    search="créer une discussion de groupe ouvrir un chat avec plusieurs personnes",
)
async def create_chat(
    members: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=49,
            description="Who takes part beside the account: names or addresses.",
            examples=[["Marie", "paul@atelier.example"]],
        ),
    ],
    topic: Annotated[str | None, Field(description="Name of a group's chat.")] = None,
    text: Annotated[str | None, Field(description="First message to it.")] = None,
) -> Sent:
    """Create a chat with one person or a group, and send a first message to it.

    A chat with the same people is used again; only one with a topic is made anew each time: look with teams_list_chats
    first. Returns the id for teams_send_chat_message.
    """
    users_only("create chats")
    whom = await people(members)
    place = await group_of({(await me()).id, *(str(one["id"]) for one in whom)}) if not topic else None
    if place and len(place.members) > 2:
        return await _written(place, body_of(text)) if text else Sent(chat=place.id, to=place.name, webUrl=None)
    return await _opened(whom, topic, text)


async def _opened(others: list[dict[str, Any]], topic: str | None, text: str | None, important: bool = False) -> Sent:
    own = await me()
    others = [one for one in others if str(one["id"]) != own.id]
    if not others:
        raise errors.InvalidInputError("A chat needs somebody beside the account itself.", "Name another person.")
    message = body_of(text, important=important) if text else None
    names = [f"{name_of(one)} <{address_of(one)}>" for one in others]
    action = "Send the message" if text else "Create a chat"
    if not await confirm_new(names, f"{action} to"):
        await confirm_recipients(names, action)
    kind = "group" if len(others) > 1 else "oneOnOne"
    members = [_member(key) for key in (own.id, *(str(one["id"]) for one in others))]
    if message:
        api.follows("POST", "/chats/{chat}/messages", json=message)
    body = {"chatType": kind, "topic": topic if kind == "group" else None, "members": members}
    made = await api.post("/chats", json=body)
    place = ChatPlace(str(made["id"]), topic or ", ".join(map(name_of, others)))
    result = Sent(chat=place.id, to=place.name, webUrl=made.get("webUrl"))
    if message:
        answer = await sent(api.post(f"{place.path}/messages", json=message), LOOK)
        result.id = str(answer["id"])
    return result


def _member(key: str) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "roles": ["owner"],
        "user@odata.bind": f"{GRAPH}/users('{key}')",
    }


@tools.reads(scopes=["Chat.Read ChannelMessage.Read.All"], search="cherche dans les messages qui a dit retrouver")
async def search_messages(
    query: Annotated[
        str, Field(min_length=1, description="Words of the message; from:Marie for its sender.", examples=["devis"])
    ],
    limit: Annotated[int, Field(ge=1, le=25, description="Maximum items per page.")] = 10,
    cursor: Cursor = None,
) -> Page[Hit]:
    """Search the messages of all chats and channels that the account can read, the most fitting first.

    A row says where it stands: `chat` for teams_list_chat_messages, or `team` and `channel` for
    teams_list_channel_messages. New messages are found some minutes late.
    """
    users_only("search messages")
    await me()
    start = cursor_number(cursor, 0)
    asked = {"entityTypes": ["chatMessage"], "query": {"queryString": query}, "from": start, "size": limit}
    answer = await api.post("/search/query", json={"requests": [asked]}, reads=True)
    containers = [
        one for part in api.rows_in(answer, "value") for one in api.rows_in(part, "hitsContainers", missing=True)
    ]
    rows = [one for part in containers for one in api.rows_in(part, "hits", missing=True)]
    more = any(part.get("moreResultsAvailable") for part in containers) and rows
    return Page(items=readable(Hit, [_hit(row) for row in rows]), next_cursor=str(start + len(rows)) if more else None)


def _hit(row: dict[str, Any]) -> dict[str, Any]:
    thing = row.get("resource")
    if not isinstance(thing, dict):
        return {}
    channel = thing.get("channelIdentity") if isinstance(thing.get("channelIdentity"), dict) else {}
    in_channel = bool(channel and channel.get("channelId"))
    return {
        "id": thing.get("id"),
        "sender": sender_of(thing.get("from")),
        "sent": thing.get("createdDateTime"),
        "text": html_to_text(str(row.get("summary") or "")).strip(),
        "chat": None if in_channel else thing.get("chatId"),
        "team": (channel or {}).get("teamId"),
        "channel": (channel or {}).get("channelId"),
        "url": thing.get("webLink") or thing.get("webUrl"),
    }
