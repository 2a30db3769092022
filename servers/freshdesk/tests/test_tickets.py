"""Tickets: the support morning, a caller, changes, merges, against a Freshdesk that keeps state."""

from __future__ import annotations

from pathlib import Path

import pytest

from flotilla_servers.freshdesk.server import server
from flotilla_servers.freshdesk.tests.conftest import Tool
from flotilla_servers.freshdesk.tests.fake import HOME, JEAN, MARIE, ZOE, FakeFreshdesk
from flotilla_testing import call, client, environment, text_of


async def test_support_morning_with_core_tools_alone(fake: FakeFreshdesk, asked: list[str]) -> None:
    with environment(server, **fake.settings, FLOTILLA_TIER="core"):
        async with client(server, answer="accept", asked=asked) as connected:
            waiting = await call(connected, "freshdesk_list_tickets")
            assert waiting.structured_content
            rows = waiting.structured_content["items"]
            assert [(row["ticket"], row["requester"]) for row in rows] == [("36", "Jean Dupont"), ("35", "Jean Dupont")]
            answered = await call(
                connected,
                "freshdesk_reply_to_ticket",
                ticket="35",
                canned_response="accuse de reception",
                status="pending",
            )
            assert not answered.is_error, text_of(answered)
            await call(connected, "freshdesk_add_note", ticket="36", text="À relancer", assign_to="Marie")
            closed = await call(connected, "freshdesk_update_ticket", ticket="37", status="closed")
            assert not closed.is_error, text_of(closed)
    assert fake.messages[35][-1]["body"] == "<p>Bonjour Jean, bien reçu.</p>"
    assert (fake.tickets[35]["status"], fake.messages[35][-1]["private"]) == (3, False)
    assert (fake.tickets[36]["responder_id"], fake.messages[36][-1]["private"]) == (MARIE, True)
    assert fake.tickets[37]["status"] == 5
    assert asked == [
        "Send this reply to Jean Dupont jean.dupont@exemple.fr on ticket 35 «La lampe clignote»? "
        "«Bonjour Jean, bien reçu.»"
    ]


# -- found and read ---------------------------------------------------------------------------------------------------


async def test_list_tickets_of_a_caller_whatever_their_age(fake: FakeFreshdesk, tool: Tool) -> None:
    fake.tickets[37] |= {"status": 5, "updated_at": "2020-01-01T08:00:00Z"}
    page = await tool("list_tickets", requester="+33 6 12 34 56 78")
    assert [(row["ticket"], row["status"]) for row in page["items"]] == [
        ("36", "open"),
        ("35", "open"),
        ("37", "closed"),
    ]
    assert page["items"][0]["updated_at"].endswith("+02:00")
    assert page["items"][0]["url"].endswith("/a/tickets/36")


async def test_list_tickets_since_and_pages(fake: FakeFreshdesk, tool: Tool) -> None:
    fake.tickets[37]["updated_at"] = "2030-05-01T08:00:00Z"
    first = await tool("list_tickets", view="all", since="2030-06-01", limit=1)
    second = await tool("list_tickets", view="all", since="2030-06-01", limit=1, cursor=first["next_cursor"])
    assert [row["ticket"] for row in [*first["items"], *second["items"]]] == ["36", "35"]
    assert "next_cursor" not in second


async def test_list_tickets_unknown_caller(problem: Tool) -> None:
    assert "Nobody in Freshdesk has 06 99 99 99 99." in await problem("list_tickets", requester="06 99 99 99 99")


async def test_search_tickets_query(fake: FakeFreshdesk, tool: Tool) -> None:
    fake.tickets[36] |= {"tags": ["vip"], "custom_fields": {"cf_produit": "Lampe"}, "type": "Panne"}
    page = await tool(
        "search_tickets",
        status="Ouvert",
        priority="high",
        assigned_to="none",
        tag="vip",
        fields={"produit": "lampe", "Type": "panne"},
        since="2030-06-02",
    )
    assert [(row["ticket"], row["requester"]) for row in page["items"]] == [("36", f"contact:{JEAN}")]
    assert dict(fake.vendor.requests[-1].query)["query"] == (
        "\"status:2 AND priority:3 AND agent_id:null AND tag:'vip' AND type:'Panne' AND cf_produit:'Lampe' "
        "AND updated_at:>'2030-06-02'\""
    )


async def test_search_tickets_of_agent_and_group(fake: FakeFreshdesk, tool: Tool) -> None:
    fake.tickets[36]["group_id"] = 98
    assert [row["ticket"] for row in (await tool("search_tickets", assigned_to="facturation"))["items"]] == ["36"]
    row = (await tool("search_tickets", assigned_to="Marie Curie"))["items"][0]
    assert (row["ticket"], row["assignee"]) == ("37", "Marie Curie")
    assert (await tool("search_tickets", assigned_to="me"))["items"] == []


async def test_search_tickets_pages_within_thirty(fake: FakeFreshdesk, tool: Tool) -> None:
    for number in range(100, 140):
        fake.add_ticket(number, "x", "x", status=6)
    seen, cursor = [], None
    while True:
        page = await tool("search_tickets", status="en atelier", limit=25, **({"cursor": cursor} if cursor else {}))
        seen += [row["ticket"] for row in page["items"]]
        if not (cursor := page.get("next_cursor")):
            break
    assert seen == [str(number) for number in range(100, 140)]
    assert page["items"][0]["status"] == "En atelier"


async def test_search_tickets_unsafe_value_refused(problem: Tool) -> None:
    assert "Freshdesk cannot search for '." in await problem("search_tickets", tag="l'été")


async def test_get_ticket_newest_messages_first(fake: FakeFreshdesk, tool: Tool) -> None:
    fake.add_message(35, "Voir\u200b la facture", MARIE, private=True)
    fake.tickets[35]["custom_fields"] = {"cf_produit": "Chaise", "cf_montant": None}
    ticket = await tool("get_ticket", ticket="#35", limit=1)
    assert ticket["messages"] == [
        {"author": "Marie Curie", "public": False, "at": "2030-06-03T09:05:00+02:00", "text": "Voir la facture"}
    ]
    assert (ticket["fields"], ticket["company"]) == ({"Produit": "Chaise"}, "Boulangerie Roy")
    assert (ticket["contact"], ticket["due_by"]) == (f"contact:{JEAN}", "2030-06-05T10:00:00+02:00")
    older = await tool("get_ticket", ticket=f"{HOME}/a/tickets/35", cursor=ticket["next_cursor"], limit=1)
    assert [(one["text"], one["author"]) for one in older["messages"]] == [("Elle clignote.", "Jean Dupont")]
    assert "next_cursor" not in older


async def test_get_ticket_without_the_right_to_see_agents(fake: FakeFreshdesk, tool: Tool) -> None:
    fake.sees_agents = False
    assert (await tool("get_ticket", ticket="37"))["assignee"] == "agent 8"


async def test_get_ticket_not_a_number(problem: Tool) -> None:
    assert "`lampe` is not the number of a ticket." in await problem("get_ticket", ticket="lampe")


async def test_get_attachment_by_name(fake: FakeFreshdesk, tool: Tool, data: Path, problem: Tool) -> None:
    file = {"id": 498483, "name": "../photo.txt", "size": 5, "attachment_url": f"{HOME}/helpdesk/attachments/498483"}
    fake.add_message(35, "Voici", JEAN, attachments=[file])
    saved = await tool("get_attachment", ticket="35", attachment="../photo.txt")
    assert (saved["path"], saved["bytes"]) == ("freshdesk/35--photo.txt", 5)
    assert (data / saved["path"]).read_text(encoding="utf-8") == "été"
    assert "There is no file of this ticket `x`." in await problem("get_attachment", ticket="35", attachment="x")


# -- opened -----------------------------------------------------------------------------------------------------------


async def test_create_ticket_for_known_phone(fake: FakeFreshdesk, tool: Tool) -> None:
    made = await tool(
        "create_ticket",
        requester="0612345678",
        subject="Chaise cassée",
        text="Le pied\n<est> cassé.",
        priority="high",
        assign_to="Facturation",
        tags=["vip"],
        fields={"produit": "chaise", "Montant": "1 250,50 €", "Garantie": "oui", "Type": "panne"},
    )
    ticket = fake.tickets[int(made["ticket"])]
    assert (ticket["requester_id"], ticket["group_id"], ticket["priority"], ticket["source"]) == (JEAN, 98, 3, 3)
    assert ticket["custom_fields"] == {"cf_produit": "Chaise", "cf_montant": 1250.5, "cf_garantie": True}
    assert (ticket["type"], ticket["description"]) == ("Panne", "Le pied<br>&lt;est&gt; cassé.")
    assert (made["assigned_to"], made["status"]) == ("Facturation", "open")


@pytest.mark.parametrize(
    ("requester", "name", "person"),
    [
        ("06 98 76 54 32", "Léa Petit", ("Léa Petit", "+33698765432")),
        ("06 98 76 54 32", None, ("+33 6 98 76 54 32", "+33698765432")),
        ("lea@exemple.fr", None, ("lea@exemple.fr", None)),
    ],
)
async def test_create_ticket_for_stranger(
    fake: FakeFreshdesk, tool: Tool, requester: str, name: str | None, person: tuple[str, str | None]
) -> None:
    more = {"name": name} if name else {}
    made = await tool("create_ticket", requester=requester, subject="Devis", text="Un devis.", **more)
    who = fake.contacts[fake.tickets[int(made["ticket"])]["requester_id"]]
    assert (who["name"], who["phone"]) == person
    assert len(fake.writes) == 1


async def test_create_ticket_duplicate_refused(fake: FakeFreshdesk, problem: Tool) -> None:
    message = await problem(
        "create_ticket", requester="jean.dupont@exemple.fr", subject="la lampe  clignote", text="Encore."
    )
    assert "This person has an open ticket with this subject: 35" in message
    assert not fake.writes


async def test_create_ticket_shared_number_lists_people(fake: FakeFreshdesk, problem: Tool) -> None:
    fake.add_contact(35440, "Jeanne Dupont", phone="0612345678")
    message = await problem("create_ticket", requester="06 12 34 56 78", subject="Devis", text="Un devis.")
    assert "Jean Dupont (contact:35436), Jeanne Dupont (contact:35440)" in message
    assert not fake.writes


async def test_create_ticket_unknown_choice_lists_choices(problem: Tool) -> None:
    message = await problem(
        "create_ticket", requester="lea@exemple.fr", subject="Devis", text="Un devis.", fields={"Produit": "Table"}
    )
    assert "There is no choice of Produit `Table`. There are: Lampe, Chaise." in message


async def test_create_ticket_field_with_own_argument_refused(problem: Tool) -> None:
    message = await problem(
        "create_ticket", requester="lea@exemple.fr", subject="Devis", text="Un devis.", fields={"Statut": "Clos"}
    )
    assert "The field Statut has an argument of its own." in message


# -- changed ----------------------------------------------------------------------------------------------------------


async def test_update_ticket_tags_are_added_and_removed(fake: FakeFreshdesk, tool: Tool) -> None:
    fake.tickets[35]["tags"] = ["lampe", "urgent"]
    changed = await tool("update_ticket", ticket="35", add_tags=["VIP"], remove_tags=["URGENT"], assign_to="me")
    assert (changed["tags"], fake.tickets[35]["responder_id"]) == (["lampe", "VIP"], ZOE)


async def test_update_ticket_custom_status_by_name(fake: FakeFreshdesk, tool: Tool) -> None:
    changed = await tool("update_ticket", ticket="35", status="en atelier", subject="Lampe", priority="urgent")
    assert (fake.tickets[35]["status"], changed["status"], changed["priority"]) == (6, "En atelier", "urgent")


async def test_update_ticket_unknown_status_lists_statuses(problem: Tool) -> None:
    assert "There is no status `parti`. There are: " in await problem("update_ticket", ticket="35", status="parti")


async def test_update_ticket_agent_by_name_without_the_right_to_list(fake: FakeFreshdesk, tool: Tool) -> None:
    fake.sees_agents = False
    await tool("update_ticket", ticket="35", assign_to="marie curie")
    assert fake.tickets[35]["responder_id"] == MARIE
    await tool("update_ticket", ticket="35", assign_to="marie@atelier.example")


async def test_update_ticket_deleted_says_so(fake: FakeFreshdesk, problem: Tool, tool: Tool) -> None:
    await tool("delete_ticket", ticket="36")
    assert "A ticket may be deleted or marked as spam" in await problem("update_ticket", ticket="36", status="open")


async def test_update_ticket_without_change_refused(problem: Tool) -> None:
    assert "Nothing is to be changed." in await problem("update_ticket", ticket="35")


async def test_merge_tickets(fake: FakeFreshdesk, tool: Tool, problem: Tool, asked: list[str]) -> None:
    assert (await tool("merge_tickets", into="35", tickets=["36"])) == {"done": True, "tickets": 1}
    assert (fake.tickets[36]["status"], fake.messages[35][-1]["private"]) == (5, True)
    assert asked == ["Merge ticket 36 «Facture» into ticket 35 «La lampe clignote»? It cannot be undone."]
    assert "into itself" in await problem("merge_tickets", into="35", tickets=["#35"])


async def test_update_tickets_waits_for_the_job(fake: FakeFreshdesk, tool: Tool, asked: list[str]) -> None:
    result = await tool("update_tickets", tickets=["35", "36"], status="resolved", tags=["lot"])
    assert result == {"done": True, "tickets": 2}
    assert (fake.tickets[36]["status"], fake.tickets[36]["tags"]) == (4, ["lot"])
    assert list(fake.jobs.values()) == [2]
    assert fake.writes[-1].json()["bulk_action"]["properties"]["skip_close_notification"] is True
    assert asked == ["Change 2 tickets (35, 36): status resolved, tags lot?"]


async def test_delete_and_restore_ticket(fake: FakeFreshdesk, tool: Tool, asked: list[str]) -> None:
    await tool("delete_ticket", ticket="36")
    assert asked == ["Delete ticket 36 «Facture» of Jean Dupont jean.dupont@exemple.fr?"]
    assert [row["ticket"] for row in (await tool("list_tickets", view="deleted"))["items"]] == ["36"]
    await tool("restore_ticket", ticket="36")
    assert fake.deleted == set()


# -- written ----------------------------------------------------------------------------------------------------------


async def test_reply_to_ticket_with_file_and_intro(fake: FakeFreshdesk, tool: Tool, data: Path) -> None:
    (data / "devis été.txt").write_text("12 €", encoding="utf-8")
    await tool(
        "reply_to_ticket",
        ticket="35",
        text="C'est < 12 €.",
        canned_response="Accusé de réception",
        attachments=["devis été.txt"],
    )
    last = fake.messages[35][-1]
    assert last["body"] == "C'est &lt; 12 €.<br><br><p>Bonjour Jean, bien reçu.</p>"
    assert (last["attachments"][0]["name"], fake.tickets[35]["status"]) == ("devis été.txt", 2)


async def test_reply_to_ticket_unknown_placeholder_refused(fake: FakeFreshdesk, problem: Tool) -> None:
    message = await problem("reply_to_ticket", ticket="35", canned_response="Suivi")
    assert "placeholders that cannot be filled in here: ticket.cf_colis." in message
    assert not fake.writes


async def test_reply_to_ticket_unknown_response_lists_names(problem: Tool) -> None:
    message = await problem("reply_to_ticket", ticket="35", canned_response="Remboursement")
    assert "There is no canned response `Remboursement`. There are: Accusé de réception, Suivi." in message
    assert "There is nothing to send." in await problem("reply_to_ticket", ticket="35")


async def test_reply_to_ticket_dry_run_shows_reply_and_status(fake: FakeFreshdesk, tool: Tool) -> None:
    shown = await tool("reply_to_ticket", ticket="35", text="Voici.", status="resolved", dry_run=True)
    assert shown["dry_run"]["body"] == {"body": "Voici."}
    assert shown["dry_run"]["then"][0]["body"] == {"status": 4}
    assert not fake.writes


async def test_reply_to_ticket_declined_sends_nothing(fake: FakeFreshdesk) -> None:
    async with client(server, answer="decline") as connected:
        result = await call(connected, "freshdesk_reply_to_ticket", ticket="35", text="Voici.")
    assert "did not agree" in text_of(result)
    assert not fake.writes


async def test_add_note_with_file(fake: FakeFreshdesk, tool: Tool, data: Path, asked: list[str]) -> None:
    (data / "a.txt").write_text("x", encoding="utf-8")
    await tool("add_note", ticket="35", text="Voir la pièce", attachments=["a.txt"])
    last = fake.messages[35][-1]
    assert (last["private"], last["attachments"][0]["name"]) == (True, "a.txt")
    assert asked == []


async def test_list_canned_responses_by_words(tool: Tool) -> None:
    page = await tool("list_canned_responses", query="reception")
    assert page["items"] == [{"name": "Accusé de réception", "folder": "Général"}]
