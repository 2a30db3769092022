"""Chats: read, written to and created, by the names that people say."""

from __future__ import annotations

import re

import pytest

from flotilla_servers.teams.server import server
from flotilla_servers.teams.tests.fake import MARIE, ME, PAUL, ZOE, FakeTeams, guid
from flotilla_testing import Response, Tool, call, client, environment, faults, impatient, text_of


async def test_list_chats_by_names_with_unread(graph: FakeTeams, tool: Tool) -> None:
    graph.write(graph.chat("Marie"), MARIE, "<p>Le devis est prêt.</p>", createdDateTime="2030-06-03T09:45:00Z")
    graph.write(graph.chat("Chantier Lyon"), ME, "À demain", createdDateTime="2030-06-03T09:50:00Z")
    page = await tool("list_chats", limit=1)
    assert page["items"][0] == {
        "id": graph.chat("Marie"),
        "name": "Marie Dupont",
        "kind": "oneOnOne",
        "members": ["Hélène Martin", "Marie Dupont"],
        "last": "Marie Dupont: Le devis est prêt.",
        "last_at": "2030-06-03T09:45:00Z",
        "unread": True,
        "url": f"https://teams.microsoft.com/l/chat/{graph.chat('Marie')}",
    }
    last = await tool("list_chats", limit=1, cursor=page["next_cursor"])
    assert [(one["name"], one["unread"]) for one in last["items"]] == [("Chantier Lyon", False)]
    assert "next_cursor" not in last


async def test_list_chat_messages_of_a_person_newest_first(graph: FakeTeams, tool: Tool, problem: Tool) -> None:
    chat = graph.chat("Marie")
    graph.write(chat, MARIE, "<p>Bonjour&nbsp;<b>Hélène</b></p>")
    graph.write(chat, MARIE, "", messageType="systemEventMessage")
    graph.write(chat, ME, "Oui", importance="high", attachments=[{"name": "devis.pdf", "contentUrl": "https://x/d"}])
    page = await tool("list_chat_messages", chat="@marie")
    assert [(one["sender"], one["text"]) for one in page["items"]] == [
        ("Hélène Martin", "Oui"), ("Marie Dupont", "Bonjour Hélène"),
    ]  # fmt: skip
    assert (page["items"][0]["important"], page["items"][0]["attachments"]) == (True, ["devis.pdf https://x/d"])
    assert (await tool("list_chat_messages", chat="marie@atelier.example"))["items"] == page["items"]
    assert (await tool("list_chat_messages", chat=chat))["items"] == page["items"]
    assert "There is no chat `Zoé`." in await problem("list_chat_messages", chat="Zoé")


async def test_send_chat_message_to_a_person_with_a_chat(graph: FakeTeams, tool: Tool, asked: list[str]) -> None:
    result = await tool("send_chat_message", chat="Marie", text="C'est prêt : https://atelier.example/devis.\n5 < 6")
    assert result["chat"] == graph.chat("Marie")
    assert graph.messages[graph.chat("Marie")][0]["body"]["content"] == (
        'C\'est prêt : <a href="https://atelier.example/devis">https://atelier.example/devis</a>.<br>5 &lt; 6'
    )
    assert asked == []


async def test_send_chat_message_to_somebody_new_opens_the_chat(graph: FakeTeams, tool: Tool) -> None:
    result = await tool("send_chat_message", chat="Zoé", text="Bienvenue !")
    assert result["to"] == "Zoé Lefèvre"
    assert graph.chats[result["chat"]]["members"] == [ME, ZOE]
    again = await tool("send_chat_message", chat="zoe@atelier.example", text="Encore")
    assert again["chat"] == result["chat"]
    assert [one["body"]["content"] for one in graph.messages[result["chat"]]] == ["Bienvenue !", "Encore"]


async def test_send_chat_message_mentions_a_member(graph: FakeTeams, tool: Tool, problem: Tool) -> None:
    chat = graph.chat("Chantier Lyon")
    await tool("send_chat_message", chat="chantier lyon", text="Merci @paul !", mentions=["Paul", "Marie"])
    message = graph.messages[chat][0]
    assert message["body"]["content"] == '<at id="1">Marie Dupont</at> Merci <at id="0">Paul Petit</at> !'
    assert [one["mentioned"]["user"]["id"] for one in message["mentions"]] == [PAUL, MARIE]
    refused = await problem("send_chat_message", chat="Chantier Lyon", text="x", mentions=["Zoé"])
    assert "There is no member `Zoé`." in refused
    assert "The message has no text." in await problem("send_chat_message", chat="Marie", text=" ")


async def test_send_chat_message_to_many_people_asks(graph: FakeTeams, tool: Tool, asked: list[str]) -> None:
    many = [guid(number) for number in range(10, 16)]
    graph.names |= {key: f"Personne {number}" for number, key in enumerate(many)}
    graph.add_chat(many, "Tout le monde")
    await tool("send_chat_message", chat="Tout le monde", text="Bonjour")
    assert asked[0].startswith("Send the message to 6 recipients: Personne 0, Personne 1")


async def test_send_chat_message_cut_off_says_how_to_look(graph: FakeTeams, problem: Tool) -> None:
    await problem("send_chat_message", chat=graph.chat("Marie"), text=" ")  # what is looked up is known
    chat = graph.chat("Marie")
    graph.vendor.fails(faults.cut(), after=1)
    message = await problem("send_chat_message", chat=chat, text="Bonjour")
    assert "may or may not have been done" in message
    assert "Look with teams_list_chat_messages whether it was sent before you send it again." in message


async def test_send_chat_message_with_a_key_is_sent_once(graph: FakeTeams, tool: Tool) -> None:
    arguments = {"chat": "Marie", "text": "Bonjour", "idempotency_key": "k1"}
    assert await tool("send_chat_message", **arguments) == await tool("send_chat_message", **arguments)
    assert len(graph.messages[graph.chat("Marie")]) == 1


async def test_create_chat_group_and_pair(graph: FakeTeams, tool: Tool, problem: Tool) -> None:
    group = await tool("create_chat", members=["Marie", "paul@atelier.example"], topic="Devis", text="Bonjour à deux")
    assert graph.chats[group["chat"]]["topic"] == "Devis"
    assert graph.messages[group["chat"]][0]["id"] == group["id"]
    pair = await tool("create_chat", members=["Marie"], topic="Sans effet")
    assert pair["chat"] == graph.chat("Marie")
    assert "A chat needs somebody beside the account itself." in await problem("create_chat", members=["moi"])


async def test_create_chat_of_the_same_people_is_used_again(graph: FakeTeams, tool: Tool) -> None:
    first = await tool("create_chat", members=["Marie", "Paul"], text="Bonjour à deux")
    again = await tool("create_chat", members=["paul@atelier.example", "Marie", "moi"], text="Bonsoir à deux")
    assert again["chat"] == first["chat"] != graph.chat("Chantier Lyon")
    assert [one["body"]["content"] for one in graph.messages[first["chat"]]] == ["Bonjour à deux", "Bonsoir à deux"]
    three = await tool("create_chat", members=["Marie", "Paul", "Zoé"])
    named = await tool("create_chat", members=["Marie", "Paul"], topic="Devis")
    assert len({first["chat"], three["chat"], named["chat"]}) == 3


async def test_person_named_twice_lists_candidates(graph: FakeTeams, problem: Tool) -> None:
    graph.names[guid(9)] = "Zoé Martin"
    message = await problem("create_chat", members=["Zoé"])
    assert "More than one person is called `Zoé`: Zoé Lefèvre" in message
    assert graph.writes == []


async def test_new_recipients_are_asked_about(graph: FakeTeams, tool: Tool, asked: list[str], tmp_path: object) -> None:
    with environment(server, **graph.settings, FLOTILLA_STATE=str(tmp_path), FLOTILLA_CONFIRM="new-recipients"):
        with impatient(server):
            async with client(server, answer="accept", asked=asked) as mcp:
                result = await call(mcp, "teams_send_chat_message", chat="Zoé", text="Bonjour")
    assert not result.is_error, text_of(result)
    assert asked == ["Send the message to Zoé Lefèvre <zoe@atelier.example>? They are new to this conversation."]


async def test_mark_react_edit_delete(graph: FakeTeams, tool: Tool, problem: Tool, asked: list[str]) -> None:
    chat = graph.chat("Marie")
    theirs, mine = graph.write(chat, MARIE, "Salut"), graph.write(chat, ME, "Bonjuor")
    await tool("mark_chat_read", chat="Marie")
    assert graph.read == [chat]
    await tool("add_reaction", message=theirs["id"], reaction="👍", chat="Marie")
    assert theirs["reactions"] == [{"reactionType": "👍"}]
    await tool("edit_message", message=mine["id"], text="Bonjour", chat="Marie")
    assert mine["body"]["content"] == "Bonjour"
    assert "Somebody else wrote this message." in await problem("delete_message", message=theirs["id"], chat="Marie")
    await tool("delete_message", message=mine["id"], chat="Marie")
    assert asked == ["Delete the message «Bonjour»?"]
    assert [one["id"] for one in (await tool("list_chat_messages", chat="Marie"))["items"]] == [theirs["id"]]
    assert "Pass either `chat` or `channel`." in await problem("edit_message", message="1", text="x")


@pytest.mark.parametrize("code", ["ApplicationThrottled", "TooManyRequests"])
async def test_throttled_waits_as_asked_and_sends_once(graph: FakeTeams, tool: Tool, code: str) -> None:
    refusal = Response.of({"error": {"code": code, "message": "slow"}}, 429, {"Retry-After": "1"})
    answers = iter([refusal])
    post = graph.post

    def first_refused(request: object, **names: str) -> Response:
        return next(answers, None) or post(request, **names)  # type: ignore[arg-type]

    graph._handlers.insert(0, ("POST", re.compile(r"/v1\.0/chats/(?P<chat>[^/]+)/messages"), first_refused))
    await tool("send_chat_message", chat="Marie", text="Bonjour")
    assert len(graph.messages[graph.chat("Marie")]) == 1
