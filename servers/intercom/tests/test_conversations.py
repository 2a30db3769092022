"""The inbox: what waits, reading, answering, notes, assignment, snoozing, closing, tags, messages, files."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.intercom.server import server
from flotilla_servers.intercom.tests.fake import BILLING, MARIE, NOW, SUPPORT, ZOE, FakeIntercom
from flotilla_testing import Response, call, client, connect, environment, impatient, text_of

Tool = Callable[..., Awaitable[Any]]


@pytest.fixture
def jean(fake: FakeIntercom) -> str:
    return fake.add_contact("Jean Dupont", "jean@dupont.example", phone="+33612345678")


async def test_support_morning_with_the_core_tier_alone(fake: FakeIntercom, jean: str, asked: list[str]) -> None:
    """List what waits, answer one, note and assign another, close a third, snooze a fourth."""
    texts = ("Où est ma commande ?", "Erreur de facture", "Merci !", "Je reviens lundi")
    first, second, third, fourth = (
        fake.add_conversation(jean, text, waits_since=NOW - 1000 + number) for number, text in enumerate(texts)
    )
    with environment(server, **fake.settings), impatient(server):
        async with client(server, answer="accept", asked=asked) as mcp:

            async def do(name: str, **arguments: Any) -> Any:
                result = await call(mcp, f"intercom_{name}", **arguments)
                assert not result.is_error, text_of(result)
                return result.structured_content

            waiting = await do("list_conversations", waiting=True)
            assert [row["record"] for row in waiting["items"]] == [
                f"conversation:{n}" for n in (first, second, third, fourth)
            ]
            assert waiting["items"][0]["contact"] == "Jean Dupont"
            assert waiting["items"][0]["text"] == "Où est ma commande ?"
            await do("reply_to_conversation", conversation=first, text="Elle part demain.\nBonne journée <Jean>")
            await do("add_note", to=f"conversation:{second}", text="Montant à vérifier")
            assigned = await do("assign_conversation", conversation=second, to="facturation")
            assert assigned["team"] == "Facturation"
            assert (await do("close_conversation", conversation=third))["state"] == "closed"
            snoozed = await do("pause_conversation", conversation=fourth, until="2031-06-03")
            assert snoozed["snoozed_until"] == "2031-06-03T09:00:00+02:00"
            left = await do("list_conversations", waiting=True)
            assert [row["record"] for row in left["items"]] == [f"conversation:{second}"]
    reply, note = fake.parts(first)[0], fake.parts(second)[0]
    assert (reply["part_type"], reply["body"]) == (
        "comment",
        "<p>Elle part demain.<br>Bonne journée &lt;Jean&gt;</p>",
    )
    assert (note["part_type"], note["author"]["id"]) == ("note", ZOE)
    assert fake.conversations[second]["team_assignee_id"] == int(BILLING)
    assert fake.conversations[fourth]["state"] == "snoozed"
    assert len(asked) == 1
    assert "Send this reply to Jean Dupont jean@dupont.example in conversation" in asked[0]
    assert "Elle part demain." in asked[0]


async def test_list_conversations_filters_by_names(fake: FakeIntercom, jean: str, tool: Tool) -> None:
    zoe = fake.add_contact("Anna", "anna@client.example")
    mine = fake.add_conversation(jean, "Une", admin_assignee_id=int(ZOE))
    team = fake.add_conversation(
        zoe, "Deux", team_assignee_id=int(SUPPORT), tags={"tags": [{"type": "tag", "id": "71", "name": "Urgent"}]}
    )
    closed = fake.add_conversation(jean, "Commande perdue", state="closed", open=False)

    async def records(**arguments: Any) -> list[str]:
        return [row["record"].partition(":")[2] for row in (await tool("list_conversations", **arguments))["items"]]

    assert await records() == [mine, team]
    assert await records(assigned_to="moi") == [mine]
    assert await records(assigned_to="support") == [team]
    assert await records(assigned_to="personne", state="all") == [closed]
    assert await records(tag="urgent") == [team]
    assert await records(contact="06 12 34 56 78", state="all") == [mine, closed]
    assert await records(query="jean", state="all") == [mine, closed]
    assert await records(query="ma commande", state="closed") == [closed]
    assert await records(state="all") == [mine, team, closed]


async def test_list_conversations_pages(fake: FakeIntercom, jean: str, tool: Tool) -> None:
    numbers = [fake.add_conversation(jean, f"Numéro {n}", waits_since=NOW + n) for n in range(5)]
    for waiting in (False, True):
        seen, cursor = [], None
        while True:
            page = await tool("list_conversations", limit=2, waiting=waiting, **({"cursor": cursor} if cursor else {}))
            seen += [row["record"] for row in page["items"]]
            assert page["note"] == "5 in all"
            cursor = page.get("next_cursor")
            if not cursor:
                break
        assert seen == [f"conversation:{number}" for number in numbers]


async def test_get_conversation_shows_messages_notes_and_changes(fake: FakeIntercom, jean: str, tool: Tool) -> None:
    number = fake.add_conversation(jean, "Bonjour &amp; merci")
    await tool("add_note", to=number, text="Client fidèle")
    await tool("close_conversation", conversation=number)
    thread = await tool(
        "get_conversation", conversation=f"https://app.eu.intercom.com/a/inbox/ab12cd34/inbox/conversation/{number}"
    )
    assert [(m["role"], m["kind"], m.get("text")) for m in thread["items"]] == [
        ("customer", "message", "Bonjour & merci"),
        ("teammate", "note", "Client fidèle"),
        ("teammate", "closed", None),
    ]
    assert thread["customer"]["phone"] == "+33612345678"
    assert thread["details"]["state"] == "closed"
    assert thread["details"]["url"].startswith("https://app.eu.intercom.com/a/inbox/ab12cd34/")
    assert thread["items"][1]["at"] == "2030-03-17T18:46:40+01:00"
    last = await tool("get_conversation", conversation=number, limit=1)
    assert last["items"][0]["kind"] == "closed"
    earlier = await tool("get_conversation", conversation=number, limit=1, cursor=last["next_cursor"])
    assert earlier["items"][0]["kind"] == "note"


async def test_get_conversation_whose_contact_is_gone(fake: FakeIntercom, jean: str, tool: Tool) -> None:
    number = fake.add_conversation(jean, "Bonjour")
    del fake.contacts[jean]
    thread = await tool("get_conversation", conversation=number)
    assert "customer" not in thread
    assert thread["details"]["contact"] == "Jean Dupont"


@pytest.mark.parametrize("written", ["abc", "", "contact:1", "conversation:../me"])
async def test_conversation_argument_refused(fake: FakeIntercom, problem: Tool, written: str) -> None:
    assert "conversation" in await problem("get_conversation", conversation=written)
    assert fake.vendor.requests == []


async def test_conversation_unknown(fake: FakeIntercom, problem: Tool) -> None:
    assert "Intercom does not have this" in await problem("close_conversation", conversation="9999")


# -- replies ----------------------------------------------------------------------------------------------------------


async def test_reply_with_macro_fills_in_the_person(fake: FakeIntercom, jean: str, tool: Tool) -> None:
    number = fake.add_conversation(jean, "Délai ?")
    await tool("reply_to_conversation", conversation=number, macro="delai de livraison")
    assert fake.parts(number)[0]["body"] == "<p>Bonjour Jean, deux jours.</p>"


async def test_reply_with_macro_uses_its_default(fake: FakeIntercom, tool: Tool) -> None:
    number = fake.add_conversation(fake.add_contact("", "anonyme@client.example"), "Délai ?")
    await tool("reply_to_conversation", conversation=number, macro="Délai de livraison")
    assert fake.parts(number)[0]["body"] == "<p>Bonjour à vous, deux jours.</p>"


async def test_reply_with_macro_that_lacks_a_value(fake: FakeIntercom, jean: str, problem: Tool) -> None:
    number = fake.add_conversation(jean, "Contrat ?")
    assert "user.contrat" in await problem("reply_to_conversation", conversation=number, macro="Numéro")
    assert "Délai de livraison" in await problem("reply_to_conversation", conversation=number, macro="Rien")
    assert fake.parts(number) == []


async def test_reply_needs_text_or_macro(fake: FakeIntercom, problem: Tool) -> None:
    assert "either a text or a macro" in await problem("reply_to_conversation", conversation="1")
    assert "either a text or a macro" in await problem("reply_to_conversation", conversation="1", text="a", macro="b")


async def test_reply_with_files_then_closes(
    fake: FakeIntercom, jean: str, tool: Tool, data: Path, asked: list[str]
) -> None:
    number = fake.add_conversation(jean, "La facture ?")
    (data / "facture.pdf").write_bytes(b"%PDF-1")
    saved = await tool(
        "reply_to_conversation", conversation=number, text="La voici", attachments=["facture.pdf"], close=True
    )
    assert saved["state"] == "closed"
    assert fake.parts(number)[0]["attachments"][0]["content_type"] == "application/pdf"
    body = next(r.json() for r in fake.vendor.requests if r.path.endswith("/reply"))
    assert base64.b64decode(body["attachment_files"][0]["data"]) == b"%PDF-1"
    assert "with facture.pdf" in asked[0]


async def test_reply_refused_by_the_person_sends_nothing(fake: FakeIntercom, jean: str) -> None:
    number = fake.add_conversation(jean, "Bonjour")
    async with client(server, answer="decline") as connected:
        result = await call(connected, "intercom_reply_to_conversation", conversation=number, text="Non")
    assert "did not agree" in text_of(result)
    assert fake.writes == []


async def test_reply_dry_run_shows_both_requests(fake: FakeIntercom, jean: str, tool: Tool) -> None:
    number = fake.add_conversation(jean, "Bonjour")
    shown = await tool("reply_to_conversation", conversation=number, text="Oui", close=True, dry_run=True)
    assert shown["dry_run"]["body"]["body"] == "<p>Oui</p>"
    assert shown["dry_run"]["then"][0]["body"]["message_type"] == "close"
    assert fake.writes == []


# -- assignment and state ---------------------------------------------------------------------------------------------


async def test_assign_to_teammate_by_first_name_mail_and_me(fake: FakeIntercom, jean: str, tool: Tool) -> None:
    number = fake.add_conversation(jean, "Bonjour")
    for whom, name, admin in (
        ("marie", "Marie Curie", MARIE),
        ("me", "Zoé Lefèvre", ZOE),
        ("MARIE@atelier.example", "Marie Curie", MARIE),
    ):
        assert (await tool("assign_conversation", conversation=number, to=whom))["assignee"] == name
        assert fake.conversations[number]["admin_assignee_id"] == int(admin)
    assert "assignee" not in await tool("assign_conversation", conversation=number, to="nobody")


async def test_assign_to_unknown_name_lists_who_there_is(fake: FakeIntercom, jean: str, problem: Tool) -> None:
    number = fake.add_conversation(jean, "Bonjour")
    message = await problem("assign_conversation", conversation=number, to="Pierre")
    assert "No teammate or team is called `Pierre`" in message
    assert "Marie Curie" in message
    assert "Facturation" in message
    assert fake.writes == []


async def test_assign_to_a_name_of_both_kinds_is_asked_back(
    fake: FakeIntercom, jean: str, problem: Tool, tool: Tool
) -> None:
    fake.admins["993"] = ("Support", "support@atelier.example")
    number = fake.add_conversation(jean, "Bonjour")
    assert f"team:{SUPPORT}" in await problem("assign_conversation", conversation=number, to="Support")
    assert (await tool("assign_conversation", conversation=number, to="team:Support"))["team"] == "Support"


async def test_assign_to_a_new_team_is_found(fake: FakeIntercom, jean: str, tool: Tool) -> None:
    number = fake.add_conversation(jean, "Bonjour")
    await tool("assign_conversation", conversation=number, to="Support")
    fake.teams["816"] = "Logistique"
    assert (await tool("assign_conversation", conversation=number, to="logistique"))["team"] == "Logistique"


async def test_snooze_in_the_past_refused(fake: FakeIntercom, jean: str, problem: Tool) -> None:
    number = fake.add_conversation(jean, "Bonjour")
    assert "in the past" in await problem("pause_conversation", conversation=number, until="2020-01-01")
    assert fake.writes == []


async def test_reopen_conversation(fake: FakeIntercom, jean: str, tool: Tool) -> None:
    number = fake.add_conversation(jean, "Bonjour", state="closed", open=False)
    assert (await tool("reopen_conversation", conversation=number))["state"] == "open"


async def test_writes_in_the_name_of_another_teammate(fake: FakeIntercom, jean: str, tmp_path: Path) -> None:
    number = fake.add_conversation(jean, "Bonjour")
    values = {**fake.settings, "INTERCOM_TEAMMATE": "Marie"}
    with environment(server, **values, FLOTILLA_STATE=str(tmp_path / "other")), impatient(server):
        result = await call(server, "intercom_add_note", to=number, text="Vu")
    assert not result.is_error, text_of(result)
    assert fake.parts(number)[0]["author"]["id"] == MARIE


# -- notes and tags ---------------------------------------------------------------------------------------------------


async def test_add_note_to_contact_company_and_ticket(fake: FakeIntercom, jean: str, tool: Tool) -> None:
    firm = fake.add_company("Boulangerie Roy", "roy")
    await tool("add_note", to="jean@dupont.example", text="Rappeler")
    await tool("add_note", to="company:boulangerie roy", text="Bon client")
    ticket = (await tool("create_ticket", contact="jean@dupont.example", title="Panne", type="Réclamation"))["record"]
    await tool("add_note", to=ticket, text="Vu")
    assert fake.notes[jean][0]["body"] == "<p>Rappeler</p>"
    assert fake.notes[firm][0]["body"] == "<p>Bon client</p>"
    assert fake.tickets[ticket.partition(":")[2]]["ticket_parts"]["ticket_parts"][0]["part_type"] == "note"


async def test_update_tags(fake: FakeIntercom, jean: str, tool: Tool, problem: Tool) -> None:
    number, firm = fake.add_conversation(jean, "Bonjour"), fake.add_company("Boulangerie Roy", "roy")

    def names(rows: list[dict[str, Any]]) -> list[str]:
        return [row["name"] for row in rows]

    await tool("update_tags", to=number, add=["urgent", "VIP"])
    await tool("update_tags", to=number, remove=["URGENT"], add=["Retour"], create=True)
    assert names(fake.conversations[number]["tags"]["tags"]) == ["VIP", "Retour"]
    await tool("update_tags", to="contact:Jean Dupont", add=["VIP"])
    assert names(fake.contacts[jean]["tags"]["data"]) == ["VIP"]
    await tool("update_tags", to="contact:Jean Dupont", remove=["VIP"])
    assert fake.contacts[jean]["tags"]["data"] == []
    await tool("update_tags", to="company:Boulangerie Roy", add=["VIP", "Fidèle"], create=True)
    await tool("update_tags", to="company:Boulangerie Roy", remove=["VIP"])
    assert names(fake.companies[firm]["tags"]["tags"]) == ["Fidèle"]
    message = await problem("update_tags", to=number, add=["Inconnu"])
    assert "There is no tag `Inconnu`" in message
    assert "Urgent" in message
    assert "No tag is named" in await problem("update_tags", to=number)


async def test_update_tags_dry_run_shows_every_request(fake: FakeIntercom, jean: str, tool: Tool) -> None:
    number = fake.add_conversation(jean, "Bonjour")
    shown = await tool("update_tags", to=number, add=["Urgent", "Retour"], create=True, dry_run=True)
    path = f"/conversations/{number}/tags"
    later = [
        (one["method"], one["url"].removeprefix(fake.vendor.url), one["body"].get("id", ""))
        for one in shown["dry_run"]["then"]
    ]
    assert shown["dry_run"]["body"]["id"] == "71"
    assert later == [("POST", "/tags", ""), ("POST", path, "{id}")]
    assert fake.writes == []


# -- messages and files -----------------------------------------------------------------------------------------------


async def test_send_message_as_email_and_chat(fake: FakeIntercom, jean: str, tool: Tool, asked: list[str]) -> None:
    await tool("send_message", contact="jean@dupont.example", subject="Colis", text="Il est arrivé.")
    await tool("send_message", contact="Jean Dupont", text="Il est là.")
    assert [one["message_type"] for one in fake.messages] == ["email", "in_app"]
    assert fake.messages[0]["from"] == {"type": "admin", "id": int(ZOE)}
    assert "the e-mail «Colis» to Jean Dupont jean@dupont.example: «Il est arrivé.»" in asked[0]


async def test_send_message_by_email_needs_an_address(fake: FakeIntercom, problem: Tool) -> None:
    fake.add_contact("Luc", phone="+33612345679", role="lead")
    assert "has no e-mail address" in await problem("send_message", contact="06 12 34 56 79", subject="a", text="b")
    assert fake.writes == []


async def test_download_attachments_into_the_data_folder() -> None:
    recorded = json.loads((Path(__file__).parent / "fixtures" / "conversation.json").read_text(encoding="utf-8"))
    address = "https://downloads.intercomcdn.eu/i/o/1/photo.png?expires=1900000000&signature=abc"
    attached = [{"name": "../été.png", "url": address}, {"name": "autre.pdf", "url": address}, {"name": None}]
    async with connect("intercom", {"FLOTILLA_TIER": "all"}) as session:
        source = {**recorded["source"], "attachments": attached}
        session.respond("GET /conversations/215", Response.of({**recorded, "source": source}))
        session.respond("GET /i/o/1/photo.png", Response(200, b"\x89PNG", {"content-type": "image/png"}))
        result = await session.call_ok("download_attachments", conversation="215", name="été")
        assert [one["path"] for one in result["items"]] == ["intercom/conversation-215/1-_été.png"]
        assert (session.data / result["items"][0]["path"]).read_bytes() == b"\x89PNG"
        assert len(result["items"][0]["sha256"]) == 64
        assert not {"authorization", "intercom-version"} & set(session.requests[-1].headers)
