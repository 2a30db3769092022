"""Adaptive Cards, from a small form. https://adaptivecards.io/explorer/"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, HttpUrl, TypeAdapter

from flotilla import Model, Toolset, errors
from flotilla.state import digest

from ..client import TEAMS, api, sent, users_only
from ..models import ADAPTIVE, Sent
from ..places import channel_of
from .channels import LOOK, TeamName
from .chats import ask_members, existing_chat

tools = Toolset("cards")

MOST_BYTES = 28_000
_JSON = TypeAdapter(dict[str, Any])


class Fact(Model):
    """One line of a card's table."""

    name: str = Field(description="What the line is about.")
    value: str = Field(description="What is shown beside it.")


class Button(Model):
    """A link that is shown as a button."""

    title: str = Field(description="Text of the button.")
    url: HttpUrl = Field(description="Address that it opens.")


@tools.writes(
    core=False,
    creates=True,
    asks=True,
    scopes=[f"{TEAMS} ChannelMessage.Send Chat.ReadWrite"],
    search="envoyer une carte adaptative tableau bouton mise en forme",
)
async def send_card(
    title: Annotated[str, Field(description="Headline of the card.", examples=["Devis accepté"])],
    text: Annotated[str | None, Field(description="Text below the headline.")] = None,
    facts: Annotated[list[Fact] | None, Field(max_length=20, description="Lines of a table: name and value.")] = None,
    buttons: Annotated[list[Button] | None, Field(max_length=6, description="Links that are shown as buttons.")] = None,
    color: Annotated[
        Literal["default", "good", "warning", "attention"], Field(description="Colour of the headline.")
    ] = "default",
    channel: Annotated[
        str | None, Field(description="Channel by name, from teams_list_channels.", examples=["#ventes"])
    ] = None,
    team: TeamName = None,
    chat: Annotated[str | None, Field(description="In place of a channel: a chat, from teams_list_chats.")] = None,
) -> Sent:
    """Send a card to a channel or a chat: a headline, a text, a table of facts and buttons that open links.

    For plain text use teams_send_channel_message or teams_send_chat_message. People read it at once.
    """
    users_only("send messages")
    if bool(channel) is bool(chat):
        raise errors.InvalidInputError("A card goes to one channel or to one chat.", "Pass `channel` or `chat`.")
    body = card_message(title, text, facts or [], buttons or [], color)
    if channel:
        channel_place = await channel_of(channel, team)
        answer = await sent(api.post(f"{channel_place.path}/messages", json=body), LOOK)
        return Sent(id=str(answer["id"]), to=channel_place.label, webUrl=answer.get("webUrl"))
    place = await existing_chat(chat or "")
    await ask_members(place, "Send the card")
    answer = await sent(api.post(f"{place.path}/messages", json=body), "teams_list_chat_messages")
    return Sent(id=str(answer["id"]), chat=place.id, to=place.name, webUrl=answer.get("webUrl"))


def card_message(title: str, text: str | None, facts: list[Fact], buttons: list[Button], color: str) -> dict[str, Any]:
    """Return a message that shows a card; raises errors.InvalidInputError for one that is too large."""
    head = {"type": "TextBlock", "text": title, "size": "Large", "weight": "Bolder", "wrap": True, "color": color}
    body: list[dict[str, Any]] = [head]
    body += [{"type": "TextBlock", "text": text, "wrap": True}] if text else []
    if facts:
        body.append({"type": "FactSet", "facts": [{"title": one.name, "value": one.value} for one in facts]})
    card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": one.title, "url": str(one.url)} for one in buttons],
    }
    content = _JSON.dump_json(card).decode()
    if len(content.encode()) > MOST_BYTES:
        raise errors.InvalidInputError(f"The card is larger than {MOST_BYTES // 1000} kB.", "Shorten its text.")
    key = digest(content)
    return {
        "body": {"contentType": "html", "content": f'<attachment id="{key}"></attachment>'},
        "attachments": [{"id": key, "contentType": ADAPTIVE, "content": content}],
    }
