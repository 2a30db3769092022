"""Channels, people, presence, meetings, cards and files."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from flotilla_servers.teams.tests.fake import ATELIER, COMMERCE, MARIE, ME, PAUL, FakeTeams, guid
from flotilla_testing import Tool

SALES = "19:ventes@thread.tacv2"


async def test_teams_and_channels(tool: Tool) -> None:
    assert [one["name"] for one in (await tool("list_teams"))["items"]] == ["Atelier", "Commerce"]
    page = await tool("list_channels")
    assert [(one["team"], one["name"]) for one in page["items"]] == [
        ("Atelier", "Général"), ("Atelier", "Chantiers"), ("Commerce", "Général"), ("Commerce", "Ventes"),
    ]  # fmt: skip
    page = await tool("list_channels", team="commerce")
    assert page["items"][1] == {
        "id": SALES, "name": "Ventes", "team": "Commerce", "team_id": COMMERCE, "kind": "standard",
    }  # fmt: skip


async def test_list_channel_messages_with_replies(graph: FakeTeams, tool: Tool) -> None:
    post = graph.write(SALES, MARIE, "<p>Résumé</p>", subject="Semaine")
    reply = graph.write("elsewhere", PAUL, "Merci !")
    graph.replies[post["id"]] = [reply]
    graph.write(SALES, PAUL, "Nouveau")
    page = await tool("list_channel_messages", channel="#ventes")
    assert [(one["sender"], one["text"]) for one in page["items"]] == [
        ("Paul Petit", "Nouveau"), ("Marie Dupont", "Résumé"),
    ]  # fmt: skip
    assert page["items"][1]["subject"] == "Semaine"
    assert [one["text"] for one in page["items"][1]["replies"]] == ["Merci !"]
    replies = await tool("list_replies", message=post["id"], channel="#ventes")
    assert [one["text"] for one in replies["items"]] == ["Merci !"]
    first = await tool("list_channel_messages", channel="#ventes", limit=1)
    last = await tool("list_channel_messages", channel="#ventes", limit=1, cursor=first["next_cursor"])
    assert [one["text"] for one in last["items"]] == ["Résumé"]


async def test_list_messages_after_a_time_of_the_mailbox_zone(graph: FakeTeams, tool: Tool) -> None:
    old = graph.write(SALES, MARIE, "Vieux", createdDateTime="2030-06-02T21:59:00Z")  # 23:59 in Paris
    graph.write(SALES, MARIE, "Nouveau", createdDateTime="2030-06-02T22:01:00Z")
    page = await tool("list_channel_messages", channel="#ventes", after="2030-06-03")
    assert [one["text"] for one in page["items"]] == ["Nouveau"]
    graph.replies[old["id"]] = [graph.write("elsewhere", PAUL, "Réponse", createdDateTime="2030-06-03T08:00:00Z")]
    page = await tool("list_channel_messages", channel="#ventes", after="2030-06-03")
    assert [one["text"] for one in page["items"]] == ["Nouveau", "Vieux"]
    chat = graph.chat("Marie")
    graph.write(chat, MARIE, "Hier", createdDateTime="2030-06-02T12:00:00Z")
    first = await tool("list_chat_messages", chat="Marie", after="2030-06-03", limit=1)
    assert first == {"items": []}


async def test_channel_of_two_teams_needs_its_team(graph: FakeTeams, tool: Tool, problem: Tool) -> None:
    message = await problem("send_channel_message", channel="general", text="x")
    assert message == "Error: More than one team has a channel `general`: Atelier, Commerce. Pass its team too."
    await tool("send_channel_message", channel="general", team="atelier", text="Bonjour")
    assert len(graph.messages["19:general-a@thread.tacv2"]) == 1
    assert "There is no channel `achats`. There are: " in await problem("list_channel_messages", channel="#achats")
    del graph.teams[COMMERCE]
    assert [one["name"] for one in (await tool("list_channels", team="mon équipe"))["items"]] == [
        "Général",
        "Chantiers",
    ]


async def test_channels_are_remembered_and_asked_for_again(graph: FakeTeams, tool: Tool) -> None:
    await tool("send_channel_message", channel="#ventes", text="Un")
    before = len(graph.vendor.requests)
    await tool("send_channel_message", channel="#ventes", text="Deux")
    assert len(graph.vendor.requests) == before + 1
    graph.channels[ATELIER]["19:neu@thread.tacv2"] = "Nouveau"
    await tool("send_channel_message", channel="Nouveau", text="Trois")
    assert len(graph.messages["19:neu@thread.tacv2"]) == 1


async def test_send_channel_message_mentions_and_subject(graph: FakeTeams, tool: Tool, asked: list[str]) -> None:
    result = await tool(
        "send_channel_message",
        channel="#ventes",
        subject="Offre",
        text="@Marie regarde",
        mentions=["Marie"],
        important=True,
    )
    message = graph.messages[SALES][0]
    assert message["body"]["content"] == '<at id="0">Marie Dupont</at> regarde'
    assert (message["subject"], message["importance"], result["to"]) == ("Offre", "high", "Commerce / Ventes")
    await tool("send_channel_message", channel="#ventes", text="Pause", mentions=["canal"])
    mentioned = graph.messages[SALES][1]["mentions"][0]["mentioned"]["conversation"]
    assert mentioned == {"id": SALES, "displayName": "Ventes", "conversationIdentityType": "channel"}
    assert asked == []


async def test_mention_of_a_whole_team_of_many_asks(graph: FakeTeams, tool: Tool, asked: list[str]) -> None:
    many = [guid(number) for number in range(10, 16)]
    graph.names |= {key: f"Personne {number}" for number, key in enumerate(many)}
    graph.team_members[COMMERCE] = [ME, *many]
    await tool("send_channel_message", channel="#ventes", text="Bonjour", mentions=["équipe"])
    assert asked == ["Mention the whole team in «Commerce / Ventes»? 7 people are notified."]


async def test_reply_to_message(graph: FakeTeams, tool: Tool) -> None:
    post = graph.write(SALES, MARIE, "Question ?")
    await tool("reply_to_message", message=post["id"], channel="#ventes", text="Réponse @Marie", mentions=["Marie"])
    assert [one["body"]["content"] for one in graph.replies[post["id"]]] == ['Réponse <at id="0">Marie Dupont</at>']


async def test_send_card_to_a_channel_and_a_chat(graph: FakeTeams, tool: Tool, problem: Tool) -> None:
    form = {
        "title": "Devis accepté",
        "text": "Marie a signé.",
        "facts": [{"name": "Montant", "value": "1 250,50 €"}],
        "buttons": [{"title": "Ouvrir", "url": "https://atelier.example/d/1"}],
        "color": "good",
    }
    await tool("send_card", channel="#ventes", **form)
    (attachment,) = graph.messages[SALES][0]["attachments"]
    card = json.loads(attachment["content"])
    assert [one["type"] for one in card["body"]] == ["TextBlock", "TextBlock", "FactSet"]
    assert card["body"][2]["facts"] == [{"title": "Montant", "value": "1 250,50 €"}]
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Ouvrir", "url": "https://atelier.example/d/1"}]
    await tool("send_card", chat="Marie", title="Bonjour")
    assert (await tool("list_chat_messages", chat="Marie"))["items"][0]["attachments"] == ["a card"]
    assert "Pass `channel` or `chat`." in await problem("send_card", title="x")


async def test_members_of_team_channel_and_chat(graph: FakeTeams, tool: Tool, problem: Tool) -> None:
    page = await tool("list_members", team="Commerce")
    assert page["items"][1] == {"id": MARIE, "name": "Marie Dupont", "address": "marie@atelier.example", "roles": []}
    assert len((await tool("list_members", channel="#chantiers"))["items"]) == 3
    assert len((await tool("list_members", chat="Marie"))["items"]) == 2
    assert "A chat belongs to no team." in await problem("list_members", chat="Marie", team="Commerce")
    assert "it must be said which one is meant" in await problem("list_members")


async def test_search_people_and_presence(graph: FakeTeams, tool: Tool) -> None:
    page = await tool("search_people", query='Marie" OR "displayName:Paul')
    assert page["items"] == []
    page = await tool("search_people", query="marie")
    assert page["items"] == [{"id": MARIE, "name": "Marie Dupont", "address": "marie@atelier.example"}]
    first = await tool("search_people", query="atelier", limit=3)
    rest = await tool("search_people", query="atelier", limit=3, cursor=first["next_cursor"])
    assert len(first["items"] + rest["items"]) == 4
    result = await tool("get_presence", who=["@Marie", "moi"])
    assert result["people"] == [
        {"name": "Marie Dupont", "availability": "Busy", "activity": "InAMeeting", "message": "Rappeler à 15 h"},
        {"name": "Hélène Martin", "availability": "Available"},
    ]


async def test_set_presence(graph: FakeTeams, tool: Tool, problem: Tool) -> None:
    result = await tool("set_presence", availability="DoNotDisturb", message="En réunion")
    assert result["done"] == "the availability is DoNotDisturb and the message is set"
    assert graph.presence["availability"] == "DoNotDisturb"
    assert graph.presence["statusMessage"]["message"]["content"] == "En réunion"
    soon = (datetime.now(UTC) + timedelta(minutes=90, seconds=5)).isoformat(timespec="seconds")
    await tool("set_presence", availability="Offline", until=soon)
    assert graph.writes[-1].json()["expirationDuration"] == "PT90M"
    await tool("set_presence", availability="automatic")
    assert graph.presence["availability"] == "Available"
    assert "not between five minutes and a day" in await problem(
        "set_presence", availability="Away", until="2040-01-01"
    )
    assert "There is nothing to change." in await problem("set_presence")


async def test_create_meeting_with_link(graph: FakeTeams, tool: Tool, problem: Tool) -> None:
    result = await tool("create_meeting", title="Point", start="2030-06-04T14:00:00+02:00")
    assert result["url"].startswith("https://teams.microsoft.com/l/meetup-join/")
    body = graph.writes[-1].json()
    assert body == {
        "subject": "Point", "startDateTime": "2030-06-04T12:00:00Z", "endDateTime": "2030-06-04T12:30:00Z",
    }  # fmt: skip
    local = await tool("create_meeting", title="Point", start="2030-06-04T14:00")  # read in the mailbox's zone
    assert (local["start"], local["end"]) == ("2030-06-04T14:00:00+02:00", "2030-06-04T14:30:00+02:00")
    assert "A meeting needs times, not days." in await problem("create_meeting", title="x", start="2030-06-04")


async def test_search_messages_says_where_they_stand_and_ends(graph: FakeTeams, tool: Tool) -> None:
    graph.write(graph.chat("Marie"), MARIE, "Le devis est prêt")
    graph.write(SALES, PAUL, "Devis envoyé")
    page = await tool("search_messages", query="devis", limit=1)
    assert page["items"][0]["chat"] == graph.chat("Marie")
    last = await tool("search_messages", query="devis", limit=1, cursor=page["next_cursor"])
    assert (last["items"][0]["team"], last["items"][0]["channel"]) == (COMMERCE, SALES)
    assert "next_cursor" not in last


async def test_list_channel_files_and_a_folder(tool: Tool) -> None:
    page = await tool("list_channel_files", channel="#ventes")
    assert [(one["name"], one.get("folder")) for one in page["items"]] == [("Devis", True), ("tarifs.xlsx", None)]
    page = await tool("list_channel_files", channel="#ventes", folder="/Devis/Été/")
    assert page["items"][0]["name"] == "dans Devis/Été"
