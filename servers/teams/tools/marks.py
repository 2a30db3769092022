"""What is done with messages that are there: read, reacted to, edited, deleted.

https://learn.microsoft.com/graph/api/resources/chatmessage
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Toolset, confirm, errors, segment

from ..client import CHAT_WRITE, TEAMS, api, me, users_only
from ..models import Done, text_of
from ..places import channel_of
from ..texts import body_of
from .channels import TeamName
from .chats import Text, existing_chat

tools = Toolset("marks")

ChatName = Annotated[str | None, Field(description="Chat by id or name, from teams_list_chats.")]
ChannelOf = Annotated[str | None, Field(description="In place of a chat: a channel, from teams_list_channels.")]
AnyMessage = Annotated[
    str,
    Field(description="Id, from teams_list_chat_messages or teams_list_channel_messages.", examples=["1616990032035"]),
]
BOTH = [f"{TEAMS} ChannelMessage.Send Chat.ReadWrite"]
EDIT = [f"{TEAMS} ChannelMessage.ReadWrite Chat.ReadWrite"]


async def _path(message: str, chat: str | None, channel: str | None, team: str | None) -> str:
    if bool(channel) is bool(chat):
        raise errors.InvalidInputError("It is not said where the message stands.", "Pass either `chat` or `channel`.")
    place = await channel_of(channel, team) if channel else await existing_chat(chat or "")
    return f"{place.path}/messages/{segment(message)}"


@tools.writes(core=False, additive=False, idempotent=True, scopes=CHAT_WRITE, search="marquer comme lu la discussion")
async def mark_chat_read(
    chat: Annotated[str, Field(description="Chat by id or name, from teams_list_chats.", examples=["Marie"])],
) -> Done:
    """Mark all messages of a chat as read for the account, as if it had been opened in Teams.

    teams_list_chats says which chats are unread. The others in it are not notified.
    """
    users_only("mark chats as read")
    place, own = await existing_chat(chat), await me()
    user = {"id": own.id, "userIdentityType": "aadUser"}
    await api.send("POST", f"{place.path}/markChatReadForUser", json={"user": user})
    return Done(done=f"{place.name} is read")


@tools.writes(core=False, creates=True, idempotent=True, scopes=BOTH, search="réagir avec un emoji pouce j'aime")
async def add_reaction(
    message: AnyMessage,
    reaction: Annotated[str, Field(max_length=16, description="The reaction as one emoji.", examples=["👍"])],
    chat: Annotated[
        str | None, Field(description="Chat by id or name, from teams_list_chats.", examples=["Marie"])
    ] = None,
    channel: ChannelOf = None,
    team: TeamName = None,
) -> Done:
    """React with an emoji to a message of a chat, or to a post of a channel; its writer is notified.

    Take the message from teams_list_chat_messages or teams_list_channel_messages.
    """
    users_only("react to messages")
    at = await _path(message, chat, channel, team)
    await api.send("POST", f"{at}/setReaction", json={"reactionType": reaction})
    return Done(done=f"reacted with {reaction}")


@tools.writes(core=False, additive=False, idempotent=True, scopes=EDIT, search="modifier corriger mon message")
async def edit_message(
    message: AnyMessage,
    text: Text,
    chat: ChatName = None,
    channel: ChannelOf = None,
    team: TeamName = None,
) -> Done:
    """Replace the text of a message that the account wrote itself; Teams shows that it was edited.

    Its mentions are gone then. Take the message from teams_list_chat_messages or teams_list_channel_messages.
    """
    users_only("edit messages")
    at = await _path(message, chat, channel, team)
    await _own_message(at)
    await api.send("PATCH", at, json={"body": body_of(text)["body"]})
    return Done(done="the message is edited")


@tools.destroys(core=False, asks=True, idempotent=True, scopes=EDIT, search="supprimer effacer mon message")
async def delete_message(
    message: AnyMessage,
    chat: ChatName = None,
    channel: ChannelOf = None,
    team: TeamName = None,
) -> Done:
    """Delete a message that the account wrote itself, after the user agreed; others see that one was deleted.

    Take the message from teams_list_chat_messages or teams_list_channel_messages.
    """
    users_only("delete messages")
    at = await _path(message, chat, channel, team)
    raw = await _own_message(at)
    await confirm(f"Delete the message «{errors.excerpt(text_of(raw.get('body')), 120)}»?")
    await api.send("POST", f"{at}/softDelete")
    return Done(done="the message is deleted")


async def _own_message(at: str) -> dict[str, Any]:
    """Return a message; raises errors.InvalidInputError for one that somebody else wrote."""
    raw = await api.get(at)
    sender = raw.get("from")
    user = sender.get("user") if isinstance(sender, dict) else None
    if not isinstance(user, dict) or user.get("id") != (await me()).id:
        raise errors.InvalidInputError("Somebody else wrote this message.", "Choose a message of the account itself.")
    return raw
