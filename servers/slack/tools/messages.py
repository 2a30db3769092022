"""Messages: send, schedule, edit, delete, react. https://docs.slack.dev/reference/methods/chat.postMessage"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, confirm, errors
from flotilla.parsing import shown

from ..client import api, call, cursor_of
from ..emoji import emoji_name
from ..lookup import MessageId, account_zone, label, message_of, mine, names, time_of
from ..models import Done, Scheduled, SentMessage
from ..mrkdwn import readable_text, text_of
from ..sending import Target, Text, Thread, To, ask_first, content_of, own_message, posted, sent, target_of

tools = Toolset("messages")
LONGEST_AHEAD = timedelta(days=120)
POST = ["chat:write im:write mpim:write users:read users:read.email channels:read groups:read im:read mpim:read"]
OWN = ["chat:write channels:history groups:history im:history mpim:history"]
_SCHEDULED = re.compile(r"([CGD][A-Z0-9]{6,})/(Q[A-Za-z0-9]+)", re.ASCII)

Emoji = Annotated[
    str, Field(description="Name of the emoji (thumbsup, white_check_mark) or the emoji itself.", examples=["thumbsup"])
]


@tools.writes(
    creates=True,
    asks=True,
    additive=False,
    scopes=POST,
    search="envoie écris poste publie message canal équipe réponds dans le fil dis à Marie post reply DM",
    examples=[
        "Écris à Marie que je serai en retard",
        "Poste le résumé dans le fil de #ventes",
        "Tell #support we are back",
    ],
)
async def send_message(
    text: Text,
    to: To = None,
    thread: Thread = None,
    show_in_channel: Annotated[bool, Field(description="True shows an answer in a thread in the channel too.")] = False,
) -> SentMessage:
    """Send a message at once to a channel, a person or a group of people, or as an answer in a thread.

    The user is asked before the first message to somebody, before more than five people or a whole channel are
    notified, and before the app joins a channel. Returns the id, with which slack_update_message changes it. For a
    later time, use slack_schedule_message.
    """
    if show_in_channel and not thread:
        raise errors.InvalidInputError("Only an answer can be shown in the channel too.", "Pass a thread.")
    target = await target_of(to, thread)
    blocks, plain = await content_of(text)
    await ask_first(target, blocks, "Send this message")
    broadcast = True if show_in_channel else None
    channel_id, answer = await posted(
        target, "chat.postMessage", "Send this message", blocks=blocks, text=plain, reply_broadcast=broadcast
    )
    return await sent(channel_id, str(answer["ts"]), target)


@tools.writes(
    creates=True,
    asks=True,
    additive=False,
    scopes=POST,
    search="programme planifie plus tard demain matin message différé later send at",
    examples=["Programme un rappel dans #équipe demain à 9 h"],
)
async def schedule_message(
    text: Text,
    at: Annotated[When, Field(description="When to send: a time in the user's zone.", examples=["2030-06-04T09:00"])],
    to: To = None,
    thread: Thread = None,
) -> Scheduled:
    """Schedule a message for a later time, up to 120 days ahead, to a channel, a person, a group or in a thread.

    Asks in the same cases as slack_send_message, which sends at once. Returns the id by which it can be cancelled.
    """
    zone = await account_zone()
    if at.is_day:
        raise errors.InvalidInputError("The time has no hour.", "Pass one, such as 2030-06-04T09:00.")
    moment = at.at(zone)
    now = datetime.now(UTC)
    if not now < moment.astimezone(UTC) <= now + LONGEST_AHEAD:
        raise errors.InvalidInputError(
            f"{shown(moment, zone)} is not within the next 120 days.", "Pass a time to come that is nearer."
        )
    target = await target_of(to, thread)
    blocks, plain = await content_of(text)
    await ask_first(target, blocks, f"Send this message on {shown(moment, zone)}")
    channel_id, answer = await posted(
        target,
        "chat.scheduleMessage",
        "Schedule this message",
        blocks=blocks,
        text=plain,
        post_at=int(moment.timestamp()),
    )
    return Scheduled(
        id=f"{channel_id}/{answer['scheduled_message_id']}",
        channel=target.name,
        at=time_of(answer.get("post_at") or int(moment.timestamp()), zone),
    )


@tools.reads(core=False, scopes=["chat:write"], search="messages programmés planifiés en attente scheduled pending")
async def list_scheduled_messages(limit: Limit = 20, cursor: Cursor = None) -> Page[Scheduled]:
    """List the messages that wait for their time, as far as this app scheduled them, each with channel and text.

    Returns the ids that slack_cancel_scheduled_message takes.
    """
    answer = await call("chat.scheduledMessages.list", reads=True, via=api, limit=limit, cursor=cursor)
    zone, known, people = await account_zone(), {one.id: one for one in await mine()}, await names()
    items = []
    for row in api.rows_in(answer, "scheduled_messages"):
        where = str(row.get("channel_id") or "")
        if where and row.get("id"):
            items.append(
                Scheduled(
                    id=f"{where}/{row['id']}",
                    channel=await label(known[where]) if where in known else where,
                    at=time_of(row.get("post_at"), zone),
                    text=readable_text(text_of(row), people) or None,
                )
            )
    return Page(items=items, next_cursor=cursor_of(answer))


@tools.destroys(core=False, asks=True, scopes=["chat:write"], search="annuler message programmé déprogrammer cancel")
async def cancel_scheduled_message(
    scheduled: Annotated[
        str,
        Field(
            description="Id from slack_list_scheduled_messages or slack_schedule_message.",
            examples=["C0123456789/Q0123456789"],
        ),
    ],
) -> Done:
    """Cancel a scheduled message before it is sent; not in its last minute.

    Shows the message and asks first. Take the id from slack_list_scheduled_messages.
    """
    match = _SCHEDULED.fullmatch(scheduled.strip())
    if not match:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(scheduled, 60)}` is not the id of a scheduled message.",
            "Take it from slack_list_scheduled_messages.",
        )
    channel_id, key = match[1], match[2]
    answer = await call("chat.scheduledMessages.list", reads=True, via=api, channel=channel_id, limit=100)
    row = next((one for one in api.rows_in(answer, "scheduled_messages") if one.get("id") == key), None)
    if row is None:
        raise errors.NotFoundError(
            "There is no such scheduled message; it may have been sent.", "Look with slack_list_scheduled_messages."
        )
    zone = await account_zone()
    when = time_of(row.get("post_at"), zone)
    await confirm(
        f"Cancel the message «{errors.excerpt(text_of(row), 200)}»{f' of {shown(when, zone)}' if when else ''}?"
    )
    await call("chat.deleteScheduledMessage", channel=channel_id, scheduled_message_id=key)
    return Done(done="The scheduled message was cancelled.")


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=OWN,
    search="modifie corrige édite message envoyé edit fix typo",
    examples=["Corrige mon dernier message"],
)
async def update_message(message: MessageId, text: Text) -> SentMessage:
    """Replace the text of an own message, of the user or of the app; Slack marks it as edited.

    The old text is gone. Take the id from slack_send_message or slack_read_channel, where mine says which are own ones.
    """
    channel_id, ts, row, via = await own_message(message)
    blocks, plain = await content_of(text)
    await call("chat.update", via=via, json=True, channel=channel_id, ts=ts, blocks=blocks, text=plain)
    known = {one.id: one for one in await mine()}
    name = await label(known[channel_id]) if channel_id in known else channel_id
    return await sent(channel_id, ts, Target(name, thread=str(row.get("thread_ts") or "")))


@tools.destroys(
    asks=True,
    scopes=OWN,
    search="supprime efface retire message envoyé delete remove",
    examples=["Supprime le message que j'ai posté dans #ventes"],
)
async def delete_message(message: MessageId) -> Done:
    """Delete an own message, of the user or of the app, for everybody. It cannot be brought back.

    Shows the message and asks first. Take the id from slack_send_message or slack_read_channel.
    """
    channel_id, ts, row, via = await own_message(message)
    text = readable_text(text_of(row), await names())
    replies = f" Its {row['reply_count']} answers stay." if row.get("reply_count") else ""
    await confirm(f"Delete the message «{errors.excerpt(text, 200)}» for everybody?{replies}", row.get("edited"))
    await call("chat.delete", via=via, channel=channel_id, ts=ts)
    return Done(done="The message was deleted.")


@tools.writes(
    creates=True,
    idempotent=True,
    scopes=["reactions:write"],
    search="réaction emoji pouce coche valide approuve react like thumbs up",
    examples=["Mets un pouce au message de Marie"],
)
async def add_reaction(message: MessageId, emoji: Emoji) -> Done:
    """Add an emoji reaction to a message, such as thumbsup or white_check_mark; a second time changes nothing.

    Take the message's id from slack_read_channel, slack_read_thread or slack_search_messages.
    """
    channel_id, ts, _ = message_of(message)
    name = emoji_name(emoji)
    await call("reactions.add", channel=channel_id, timestamp=ts, name=name, tolerated=["already_reacted"])
    return Done(done=f"Reacted with :{name}:.")


@tools.writes(
    core=False, additive=False, idempotent=True, scopes=["reactions:write"], search="enlever retirer réaction unreact"
)
async def remove_reaction(message: MessageId, emoji: Emoji) -> Done:
    """Remove the own emoji reaction from a message; the reactions of others stay.

    Take the message's id from slack_read_channel. To add one, use slack_add_reaction.
    """
    channel_id, ts, _ = message_of(message)
    name = emoji_name(emoji)
    await call("reactions.remove", channel=channel_id, timestamp=ts, name=name, tolerated=["no_reaction"])
    return Done(done=f":{name}: is removed.")
