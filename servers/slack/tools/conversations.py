"""Reading: channels, threads, what is unread. https://docs.slack.dev/reference/methods/conversations.history"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, errors, fetch_each, sliced
from flotilla.parsing import period

from .. import access
from ..client import api, call, cursor_of, user_api
from ..lookup import Channel, MessageId, account, account_zone, conversation, label, message_of, mine, time_of
from ..models import Conversation, Done, Messages, Unread
from ..reading import SILENT, messages, reader

tools = Toolset("conversations")
COUNTED = 20  # unread messages of one conversation
READ = [f"{access.CHANNELS} {access.HISTORY} users:read"]
MARK = ["channels:write groups:write im:write mpim:write", "channels:manage groups:write im:write mpim:write"]


@tools.reads(
    scopes=READ,
    search="non lus nouveautés qu'est-ce que j'ai raté messages directs missed new messages",
    examples=["Qu'est-ce que j'ai raté sur Slack ?", "Do I have unread messages?"],
)
async def list_unread(
    kind: Annotated[
        Literal["all", "direct", "channels"],
        Field(description="direct: conversations with people only; channels: channels only."),
    ] = "all",
    limit: Annotated[int, Field(ge=1, le=40, description="How many conversations are looked at.")] = 20,
    cursor: Cursor = None,
) -> Page[Unread]:
    """List conversations with unread messages, direct ones first, each with their number and the newest one.

    Needs a user token. A page looks at some conversations, so it may hold fewer, or none: go on with next_cursor. To
    read what is unread in one, use slack_read_channel with unread.
    """
    await _must_be_person()
    own = sorted(await mine(renew=not cursor), key=lambda one: not one.is_direct)
    page = sliced([one for one in own if kind == "all" or one.is_direct == (kind == "direct")], limit, cursor)
    by_id = {one.id: one for one in page.items}
    await reader([])  # what all of them need, once
    results = await fetch_each(list(by_id), lambda one: _unread(by_id[one]))
    return Page(items=[one for one in results if one.unread], next_cursor=page.next_cursor)


async def _unread(one: Conversation) -> Unread:
    answer = await call("conversations.info", reads=True, channel=one.id)
    last, latest = _last_read(answer), answer["channel"].get("latest")
    zone = await account_zone()
    newest = latest.get("ts") if isinstance(latest, dict) else None
    if newest and str(newest) <= last:
        return Unread(channel=await label(one), id=one.id, unread=0, since=None)
    answer = await call("conversations.history", reads=True, channel=one.id, oldest=last, limit=COUNTED)
    me = await account()
    rows = [row for row in api.rows_in(answer, "messages") if row.get("subtype") not in SILENT]
    rows = [row for row in rows if row.get("user") != me.user_id]
    shown = await messages(rows[:1], one.id) if rows else []
    since = time_of(last, zone) if float(last) > 1 else None
    return Unread(
        channel=await label(one), id=one.id, unread=len(rows), since=since, newest=shown[0] if shown else None
    )


@tools.reads(
    scopes=READ,
    search="lis lire canal chaîne discussion conversation messages hier aujourd'hui résume history",
    examples=["Lis ce que je n'ai pas lu dans #ventes depuis hier", "What did Marie write me today?"],
)
async def read_channel(
    channel: Channel,
    unread: Annotated[bool, Field(description="True for what the user has not read yet; needs a user token.")] = False,
    after: Annotated[When | None, Field(description="Only messages of this day or time, or later.")] = None,
    before: Annotated[When | None, Field(description="Only messages before this time; a day is included.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Messages:
    """Read a channel or a direct conversation, newest messages first, with authors by name, files and reactions.

    For yesterday's unread messages, pass unread and yesterday as after. Answers in threads are not among them: where
    replies says there are some, use slack_read_thread. To look in all channels, use slack_search_messages.
    """
    where = await conversation(channel)
    zone = await account_zone()
    begin, end = period(after, before, zone, "after", "before")
    oldest, since = (_stamp(begin) if begin else None), None
    if unread:
        await _must_be_person()
        answer = await call("conversations.info", reads=True, channel=where.id)
        last = _last_read(answer)
        if not answer["channel"].get("last_read"):
            raise errors.InvalidInputError(
                f"What is unread in {await label(where)} is not known: the user is not a member.",
                "Leave out unread, and pass after.",
            )
        since = time_of(last, zone) if float(last) > 1 else None
        oldest = max(oldest, last, key=float) if oldest else last
    answer = await call(
        "conversations.history",
        reads=True,
        channel=where.id,
        oldest=oldest,
        latest=_stamp(end) if end else None,
        limit=limit,
        cursor=cursor,
    )
    rows = [row for row in api.rows_in(answer, "messages") if row.get("subtype") not in SILENT]
    return Messages(
        channel=await label(where),
        items=await messages(rows, where.id),
        next_cursor=cursor_of(answer),
        unread_since=since,
    )


def _last_read(answer: dict[str, Any]) -> str:
    """Return up to which message a conversation was read, "0" where Slack does not say."""
    last = str(answer["channel"].get("last_read") or "")
    return last if re.fullmatch(r"\d+\.\d+", last, re.ASCII) else "0"


def _stamp(moment: datetime) -> str:
    return f"{moment.timestamp():.6f}"


async def _must_be_person() -> None:
    if (await account()).is_bot:
        raise errors.PermissionDeniedError(
            "What is unread is known of people only, and the token that is set is a bot's.",
            "Read by time instead, or ask the user to set SLACK_USER_TOKEN.",
        )


@tools.reads(scopes=READ, search="fil de discussion réponses lire thread replies")
async def read_thread(message: MessageId, limit: Limit = 50, cursor: Cursor = None) -> Messages:
    """Read a thread from its first message on, oldest first: the message itself, then the answers.

    Takes the link or id of its first message or of any answer. To answer in it, use slack_send_message with the same
    id as thread.
    """
    channel_id, ts, thread = message_of(message)
    answer = await call(
        "conversations.replies", reads=True, channel=channel_id, ts=thread or ts, limit=limit, cursor=cursor
    )
    rows = api.rows_in(answer, "messages")
    known = {one.id: one for one in await mine()}
    name = await label(known[channel_id]) if channel_id in known else channel_id
    items = await messages(rows, channel_id)
    return Messages(channel=name, items=items, next_cursor=cursor_of(answer), unread_since=None)


@tools.writes(core=False, additive=False, idempotent=True, scopes=MARK, search="marquer comme lu tout lu mark read")
async def mark_channel_read(message: MessageId) -> Done:
    """Mark a conversation as read up to a message, for the token's owner; nobody else sees it.

    Take the newest message of slack_read_channel. An older one makes those behind it unread again.
    """
    channel_id, ts, thread = message_of(message)
    if thread:
        raise errors.InvalidInputError(
            "An answer in a thread cannot be marked.", "Pass a message of the channel itself."
        )
    await call("conversations.mark", via=user_api, channel=channel_id, ts=ts)
    return Done(done="Marked as read up to this message.")
