"""Sending: to whom, what is asked first, and what is known after a connection was cut.

https://docs.slack.dev/messaging/sending-and-scheduling-messages
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from flotilla import choose, confirm, confirm_recipients, errors, in_doubt, will_ask
from flotilla.calls.confirmation import FEW
from flotilla.parsing import folded, listed

from . import markdown
from .client import api, call, user_api
from .lookup import (
    account,
    author,
    channel,
    direct_with,
    id_of,
    is_person,
    label,
    link_of,
    message_of,
    mine,
    people,
    person,
    public,
    time_of,
)
from .lookup import account_zone as zone_of_account
from .models import Conversation, Person, SentMessage

MOST_PEOPLE = 8  # in a group conversation, beside the sender
LOOK = "To see whether it was sent, use slack_read_channel (slack_read_thread for a reply)."

To = Annotated[
    str | None,
    Field(
        description="#channel, person (@Marie, name or e-mail address), or several people with commas between them; "
        "not needed with thread.",
        examples=["#ventes"],
    ),
]
Text = Annotated[
    str,
    Field(
        min_length=1,
        max_length=markdown.LONGEST,
        description="Markdown; @Marie, #ventes, @here and :tada: become mentions and emoji.",
        examples=["**Devis Dupont** signé : 12 500 € :tada:"],
    ),
]
Thread = Annotated[str | None, Field(description="Link or id of a message: answer in its thread.")]


@dataclass
class Target:
    """Where a message goes. `people` are those of a new direct conversation, which has no id yet."""

    name: str
    conversation: Conversation | None = None
    people: Sequence[Person] = ()
    thread: str = ""

    @property
    def id(self) -> str:
        """The conversation's id; "" where it is still to be opened."""
        return self.conversation.id if self.conversation else ""


async def target_of(to: str | None, thread: str | None) -> Target:
    """Return where a message goes; raises errors.InvalidInputError with the candidates where that is not clear."""
    if thread:
        channel_id, ts, parent = message_of(thread)
        target = await _named(to) if to else None
        if target and target.id != channel_id:
            raise errors.InvalidInputError(
                f"The thread is not in {target.name}.", "Leave out `to`: an answer goes where its thread is."
            )
        where = target.conversation if target and target.conversation else await channel(channel_id)
        return Target(await label(where), where, thread=parent or ts)
    if not to:
        raise errors.InvalidInputError("Nobody is named.", "Pass a channel or a person as `to`, or a thread.")
    return await _named(to)


async def _named(to: str) -> Target:
    wanted = [part.strip() for part in to.split(",") if part.strip()]
    if len(wanted) == 1 and not await is_person(wanted[0]):
        one = await channel(wanted[0])
        return Target(await label(one), one)
    whom = list({one.id: one for one in [await person(part) for part in wanted]}.values())
    if not whom:
        raise errors.InvalidInputError("Nobody is named.", "Pass a channel or a person as `to`, or a thread.")
    if len(whom) > MOST_PEOPLE:
        raise errors.InvalidInputError(
            f"A group conversation has at most {MOST_PEOPLE} other people.", "Name fewer, or post in a channel."
        )
    name = listed(f"@{one.handle or one.name}" for one in whom)
    direct = await direct_with(*whom)
    return Target(name, direct, whom)


async def names_of(text: str) -> markdown.Names:
    """Return the ids of whom and what a text mentions; a name that nobody has stays text.

    Raises errors.InvalidInputError with the candidates where several people have it.
    """
    wanted, channels = markdown.mentioned(text)
    by_person, by_channel = dict[str, str](), dict[str, str]()
    for name in sorted(wanted - set(markdown.BROADCASTS)):
        fitting = [one for one in await people() if folded(name) in one.known_as or one.id == name]
        first = [one for one in await people() if folded(name) in {known.split(" ")[0] for known in one.known_as}]
        if some := fitting or first:
            by_person[name] = choose(name, some, kind="person").id if len(some) > 1 else some[0].id
    for name in sorted(channels):
        known = [one for one in [*await mine(), *await public()] if folded(one.name) == folded(f"#{name}")]
        if known:
            by_channel[name] = known[0].id
    return markdown.Names(by_person, by_channel)


async def content_of(text: str) -> tuple[list[dict[str, Any]], str]:
    """Return a Markdown text as blocks, and as the plain text that notifications show."""
    blocks = markdown.to_blocks(text, await names_of(text))
    return blocks, markdown.plain_text(blocks)


async def ask_first(target: Target, blocks: Sequence[Any], action: str) -> None:
    """Ask where a message would reach more than five people, all of a channel, or somebody for the first time.

    `action` begins the question, such as "Send this message".
    """
    if not will_ask():
        return
    await confirm_recipients([one.name for one in target.people], action)
    calls = sorted(_broadcasts(blocks))
    if calls:
        members = target.conversation.members if target.conversation else None
        how_many = f" ({members} members)" if members else ""
        await confirm(f"{action} to {target.name}{how_many}? It notifies everybody: @{', @'.join(calls)}.")
    elif not target.conversation and 0 < len(target.people) <= FEW:
        await confirm(f"{action} to {target.name}? There is no conversation with them yet.")


def _broadcasts(node: Any) -> set[str]:
    if isinstance(node, list):
        return {one for part in node for one in _broadcasts(part)}
    if isinstance(node, dict):
        own = {str(node["range"])} if node.get("type") == "broadcast" else set()
        return own | _broadcasts(node.get("elements") or [])
    return set()


async def opened(target: Target) -> str:
    """Return the id of the conversation, which is opened with its people where there is none yet."""
    if target.id:
        return target.id
    answer = await call("conversations.open", users=",".join(one.id for one in target.people))
    api.connection.metadata.pop("mine", None)
    return str(answer["channel"]["id"])


async def posted(target: Target, method: str, action: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """Post by a method; returns the conversation's id and the answer.

    Where the app is not in a public channel it offers to join. What may have been sent is said, and how to look.
    """
    with in_doubt(LOOK):
        if not target.id:
            api.follows("POST", f"/{method}", json={"channel": "{channel.id}", **arguments})
        channel_id = await opened(target)
        send = {"channel": channel_id, "thread_ts": target.thread or None, **arguments}
        answer = await call(method, json=True, tolerated=["not_in_channel"], **send)
    if answer["ok"]:
        return channel_id, answer
    await join(target, action)
    with in_doubt(LOOK):
        return channel_id, await call(method, json=True, **send)


async def join(target: Target, action: str) -> None:
    """Ask, then join a public channel; raises errors.PermissionDeniedError for one that takes an invitation."""
    if target.conversation is None or target.conversation.private:
        raise errors.PermissionDeniedError(
            f"The app is not a member of {target.name}, which is private.",
            "Ask somebody in it to write /invite with the app's name.",
        )
    await confirm(f"The app is not a member of {target.name}. Join it, and {action[0].lower()}{action[1:]}?")
    await call("conversations.join", channel=target.id)
    api.connection.metadata.pop("mine", None)


async def sent(channel_id: str, ts: str, target: Target) -> SentMessage:
    """Return what was sent, with its id and address."""
    url = (await account()).url
    return SentMessage(
        id=id_of(channel_id, ts, target.thread),
        channel=target.name,
        time=time_of(ts, await zone_of_account()),
        link=link_of(url, channel_id, ts, target.thread),
        thread=f"{channel_id}/{target.thread}" if target.thread else None,
    )


async def own_message(message: str) -> tuple[str, str, dict[str, Any], Any]:
    """Return channel, timestamp and content of an own message, and the Api by whose token it was written.

    Raises errors.NotFoundError, and errors.PermissionDeniedError for somebody else's.
    """
    channel_id, ts, thread = message_of(message)
    row = await message_at(channel_id, ts, thread)
    reads, writes = await account(), await author()
    if row.get("bot_id") and row.get("bot_id") == writes.bot_id:
        return channel_id, ts, row, api
    if row.get("user") == writes.user_id:
        return channel_id, ts, row, api
    if row.get("user") == reads.user_id:
        return channel_id, ts, row, user_api
    raise errors.PermissionDeniedError(
        "The message is somebody else's, and only own ones can be changed or deleted.", "Ask its author."
    )


async def message_at(channel_id: str, ts: str, thread: str = "") -> dict[str, Any]:
    """Return one message, of a channel or of a thread, which comes with the thread's first one.

    Raises errors.NotFoundError.
    """
    span: dict[str, Any] = {"oldest": ts, "latest": ts, "inclusive": True, "limit": 2}
    answer = await call("conversations.replies", reads=True, channel=channel_id, ts=thread or ts, **span)
    rows = [row for row in api.rows_in(answer, "messages") if row.get("ts") == ts]
    if not rows:
        raise errors.NotFoundError("There is no such message.", "Take its id from slack_read_channel.")
    return dict(rows[0])
