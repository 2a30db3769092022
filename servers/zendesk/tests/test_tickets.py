"""Tickets: the support morning, a caller, changes, merges, against a Zendesk that keeps state."""

from __future__ import annotations

from pathlib import Path

import pytest

from flotilla_servers.zendesk.server import server
from flotilla_servers.zendesk.tests.conftest import Tool
from flotilla_servers.zendesk.tests.fake import JEAN, MARIE, ZOE, FakeZendesk
from flotilla_testing import call, client, environment, text_of


async def test_support_morning_with_core_tools_alone(fake: FakeZendesk, asked: list[str]) -> None:
    with environment(server, **fake.settings, FLOTILLA_TIER="core"):
        async with client(server, answer="accept", asked=asked) as connected:
            waiting = await call(connected, "zendesk_search_tickets", status="waiting", assigned_to="none")
            assert {row["ticket"] for row in waiting.structured_content["items"]} == {"35", "36"}
            views = await call(connected, "zendesk_list_views")
            assert views.structured_content["items"][0] == {"name": "Tickets non assignés", "tickets": 2}
            queue = await call(connected, "zendesk_list_view_tickets", view="tickets non assignes")
            assert [row["requester"] for row in queue.structured_content["items"]] == ["Jean Dupont"] * 2
            await call(connected, "zendesk_run_macro", ticket="35", macro="accuse de reception")
            await call(connected, "zendesk_add_note", ticket="36", text="À relancer", assign_to="Marie")
            closed = await call(connected, "zendesk_update_ticket", ticket="37", status="solved")
            assert not closed.is_error, text_of(closed)
    assert fake.comments[35][-1]["body"] == "Bonjour, bien reçu."
    assert (fake.tickets[35]["status"], fake.comments[35][-1]["public"]) == ("pending", True)
    assert (fake.tickets[36]["assignee_id"], fake.comments[36][-1]["public"]) == (MARIE, False)
    assert fake.tickets[37]["status"] == "solved"
    assert asked == [
        "Apply the macro «Accusé de réception» to ticket 35 «La lampe clignote», which sends this to Jean Dupont? "
        "«Bonjour, bien reçu.»"
    ]


# -- found and read ---------------------------------------------------------------------------------------------------


async def test_search_tickets_by_caller_tag_and_day(fake: FakeZendesk, tool: Tool) -> None:
    fake.tickets[36]["tags"] = ["vip"]
    page = await tool("search_tickets", requester="+33 6 12 34 56 78", tag="VIP", since="2030-06-03")
    row = page["items"][0]
    assert (row["ticket"], row["requester"], row["status"]) == ("36", "Jean Dupont", "open")
    assert row["updated_at"] == "2030-06-03T09:05:00+02:00"
    assert row["url"].endswith("/agent/tickets/36")
    query = dict(fake.vendor.requests[-1].query)["query"]
    assert query == f"type:ticket requester:{JEAN} tags:vip updated>=2030-06-02T22:00:00Z"


async def test_search_tickets_of_group_and_agent(fake: FakeZendesk, tool: Tool) -> None:
    fake.tickets[36]["group_id"] = 98
    assert [row["ticket"] for row in (await tool("search_tickets", assigned_to="facturation"))["items"]] == ["36"]
    assert [row["ticket"] for row in (await tool("search_tickets", assigned_to="Marie Curie"))["items"]] == ["37"]
    assert (await tool("search_tickets", assigned_to="me", status="unsolved"))["items"] == []


async def test_search_tickets_unknown_agent_lists_names(problem: Tool) -> None:
    message = await problem("search_tickets", assigned_to="Paul")
    assert message.startswith("Error: There is no agent or group `Paul`. There are: ")
    assert "Marie Curie" in message


async def test_search_tickets_unknown_caller(problem: Tool) -> None:
    assert "Nobody in Zendesk has 06 99 99 99 99." in await problem("search_tickets", requester="06 99 99 99 99")


async def test_get_ticket_newest_comments_first(fake: FakeZendesk, tool: Tool) -> None:
    fake.comment(35, {"body": "Voir\u200b la facture", "public": False}, MARIE)
    fake.tickets[35] |= {
        "custom_fields": [{"id": 21, "value": "chaise"}, {"id": 24, "value": "x"}],
        "satisfaction_rating": {"score": "bad", "comment": "Trop long"},
        "slas": {"policy_metrics": [{"metric": "first_reply_time", "breach_at": "2030-06-03T09:00:00Z"}]},
    }
    ticket = await tool("get_ticket", ticket="#35", limit=1)
    assert ticket["comments"] == [
        {"author": "Marie Curie", "public": False, "at": "2030-06-03T09:09:00+02:00", "text": "Voir la facture"}
    ]
    assert ticket["fields"] == {"Produit": "Meubles::Chaise"}  # an inactive field is not shown
    assert ticket["satisfaction"] == "bad: Trop long"
    assert ticket["sla"] == [{"metric": "first_reply_time", "breach_at": "2030-06-03T11:00:00+02:00"}]
    older = await tool(
        "get_ticket", ticket="https://atelier.zendesk.com/agent/tickets/35", cursor=ticket["next_cursor"], limit=1
    )
    assert [one["text"] for one in older["comments"]] == ["Elle clignote."]
    assert "next_cursor" not in older


async def test_get_ticket_not_a_number(problem: Tool) -> None:
    assert "`lampe` is not the number of a ticket." in await problem("get_ticket", ticket="lampe")


async def test_anonymous_answer_is_an_error(fake: FakeZendesk, problem: Tool) -> None:
    fake.users[ZOE] = {"id": None, "name": "Anonymous user", "role": "end-user"}
    assert "does not know who is connected" in await problem("get_ticket", ticket="35")


# -- opened -----------------------------------------------------------------------------------------------------------


async def test_create_ticket_for_known_phone(fake: FakeZendesk, tool: Tool, asked: list[str]) -> None:
    made = await tool(
        "create_ticket",
        requester="0612345678",
        subject="Chaise cassée",
        text="Le pied est cassé.",
        priority="high",
        assign_to="Facturation",
        fields={"produit": "meubles/chaise", "Montant": "1 250,50 €", "Garantie": "oui"},
    )
    ticket = fake.tickets[int(made["ticket"])]
    assert (ticket["requester_id"], ticket["group_id"], ticket["priority"]) == (JEAN, 98, "high")
    assert ticket["custom_fields"] == [
        {"id": 21, "value": "chaise"},
        {"id": 22, "value": "1250.50"},
        {"id": 23, "value": True},
    ]
    assert not fake.comments[ticket["id"]][0]["public"]
    assert (made["requester"], made["assigned_to"]) == ("Jean Dupont", "Facturation")
    assert asked == []  # nobody is written to


async def test_create_ticket_for_new_phone_adds_person(fake: FakeZendesk, tool: Tool) -> None:
    made = await tool("create_ticket", requester="06 98 76 54 32", name="Léa Petit", subject="Devis", text="Un devis.")
    person = fake.users[fake.tickets[int(made["ticket"])]["requester_id"]]
    assert (person["name"], person["phone"], person["role"]) == ("Léa Petit", "+33698765432", "end-user")


async def test_create_ticket_for_new_address_in_one_request(fake: FakeZendesk, tool: Tool, asked: list[str]) -> None:
    made = await tool("create_ticket", requester="lea@exemple.fr", subject="Devis", text="Un devis.", public=True)
    assert len(fake.writes) == 1
    assert fake.users[fake.tickets[int(made["ticket"])]["requester_id"]]["name"] == "lea"
    assert asked == ["Open the ticket «Devis» for lea, and send its text to lea@exemple.fr?"]


async def test_create_ticket_duplicate_refused(fake: FakeZendesk, problem: Tool) -> None:
    message = await problem(
        "create_ticket", requester="jean.dupont@exemple.fr", subject="la lampe  clignote", text="Encore."
    )
    assert "This person has an unsolved ticket with this subject: 35" in message
    assert not fake.writes


async def test_create_ticket_shared_number_lists_people(fake: FakeZendesk, problem: Tool) -> None:
    fake.add_user(35440, "Jeanne Dupont", None, phone="+33612345678")
    message = await problem("create_ticket", requester="06 12 34 56 78", subject="Devis", text="Un devis.")
    assert "Jean Dupont (user:35436)" in message or "Jeanne Dupont (user:35440)" in message
    assert not fake.writes


async def test_create_ticket_dry_run_shows_both_requests(fake: FakeZendesk, tool: Tool) -> None:
    shown = await tool("create_ticket", requester="06 98 76 54 32", subject="Devis", text="Un devis.", dry_run=True)
    assert shown["dry_run"]["url"].endswith("/api/v2/users")
    assert shown["dry_run"]["then"][0]["body"]["ticket"]["requester_id"] == "{user.id}"
    assert not fake.writes


async def test_create_ticket_unknown_choice_lists_choices(problem: Tool) -> None:
    message = await problem(
        "create_ticket", requester="lea@exemple.fr", subject="Devis", text="Un devis.", fields={"Produit": "Table"}
    )
    assert "There is no choice of Produit `Table`. There are: Lampe, Meubles/Chaise." in message


# -- changed ----------------------------------------------------------------------------------------------------------


async def test_update_ticket_tags_are_added_and_removed(fake: FakeZendesk, tool: Tool) -> None:
    fake.tickets[35]["tags"] = ["lampe", "urgent"]
    changed = await tool("update_ticket", ticket="35", add_tags=["Client VIP"], remove_tags=["urgent"], assign_to="me")
    assert changed["tags"] == ["lampe", "client_vip"]
    assert fake.tickets[35]["assignee_id"] == ZOE


async def test_update_ticket_changed_meanwhile_refused(fake: FakeZendesk, problem: Tool) -> None:
    fake.before_write = lambda: fake.tickets[35].update(updated_at="2030-06-03T12:00:00Z")
    message = await problem("update_ticket", ticket="35", add_tags=["vip"])
    assert "changed by somebody else in the meantime; nothing was done" in message
    assert fake.tickets[35]["tags"] == []


async def test_update_ticket_custom_status_by_name(fake: FakeZendesk, tool: Tool) -> None:
    await tool("update_ticket", ticket="35", status="en atelier", subject="Lampe", assign_to="marie@atelier.example")
    assert fake.tickets[35]["custom_status_id"] == 11
    assert (fake.tickets[35]["subject"], fake.tickets[35]["assignee_id"]) == ("Lampe", MARIE)


async def test_update_ticket_closed_refused(fake: FakeZendesk, problem: Tool) -> None:
    fake.tickets[35]["status"] = "closed"
    assert "Ticket 35 is closed" in await problem("update_ticket", ticket="35", status="open")
    assert not fake.writes


async def test_update_ticket_without_change_refused(problem: Tool) -> None:
    assert "Nothing is to be changed." in await problem("update_ticket", ticket="35")


async def test_merge_tickets(fake: FakeZendesk, tool: Tool, asked: list[str]) -> None:
    assert (await tool("merge_tickets", into="35", tickets=["36"])) == {"done": True, "tickets": 1}
    assert fake.tickets[36]["status"] == "closed"
    assert not fake.comments[35][-1]["public"]
    assert asked == ["Merge ticket 36 «Facture» into ticket 35 «La lampe clignote», and close them for good?"]


async def test_merge_tickets_into_itself_refused(problem: Tool) -> None:
    assert "into itself" in await problem("merge_tickets", into="35", tickets=["#35"])


async def test_update_tickets_reports_failures(fake: FakeZendesk, tool: Tool, asked: list[str]) -> None:
    result = await tool("update_tickets", tickets=["35", "36", "99"], status="solved", add_tags=["Lot 1"])
    assert result == {"done": False, "tickets": 3, "failed": ["99 Not found"]}
    assert fake.tickets[35]["tags"] == ["lot_1"]
    assert asked == ["Change 3 tickets (35, 36, 99): status solved, tags added ['Lot 1']?"]


async def test_delete_ticket(fake: FakeZendesk, tool: Tool, asked: list[str]) -> None:
    await tool("delete_ticket", ticket="36")
    assert 36 not in fake.tickets
    assert asked == ["Delete ticket 36 «Facture» of Jean Dupont?"]


# -- written ----------------------------------------------------------------------------------------------------------


async def test_reply_to_ticket_with_file(fake: FakeZendesk, tool: Tool, data: Path, asked: list[str]) -> None:
    (data / "devis été.txt").write_text("12 €", encoding="utf-8")
    await tool("reply_to_ticket", ticket="35", text="Voici le devis.", status="pending", attachments=["devis été.txt"])
    last = fake.comments[35][-1]
    assert (last["body"], last["public"], last["attachments"][0]["file_name"]) == (
        "Voici le devis.",
        True,
        "devis été.txt",
    )
    assert fake.tickets[35]["status"] == "pending"
    assert asked == [
        "Send this public reply to Jean Dupont on ticket 35 «La lampe clignote»? «Voici le devis.»",
    ]


async def test_reply_to_ticket_dry_run_shows_upload_and_reply(fake: FakeZendesk, tool: Tool, data: Path) -> None:
    (data / "a.txt").write_text("x", encoding="utf-8")
    shown = await tool("reply_to_ticket", ticket="35", text="Voici.", attachments=["a.txt"], dry_run=True)
    assert shown["dry_run"]["url"].endswith("/api/v2/uploads?filename=a.txt")
    assert shown["dry_run"]["then"][0]["body"]["ticket"]["comment"]["uploads"] == ["{upload.token}"]
    assert not fake.writes


async def test_reply_to_ticket_customer_wrote_meanwhile_refused(fake: FakeZendesk, problem: Tool) -> None:
    fake.before_write = lambda: fake.tickets[35].update(updated_at="2030-06-03T12:00:00Z")
    assert "nothing was done" in await problem("reply_to_ticket", ticket="35", text="Voici.")
    assert len(fake.comments[35]) == 1


async def test_reply_to_ticket_declined_sends_nothing(fake: FakeZendesk) -> None:
    async with client(server, answer="decline") as connected:
        result = await call(connected, "zendesk_reply_to_ticket", ticket="35", text="Voici.")
    assert "did not agree" in text_of(result)
    assert not fake.writes


async def test_run_macro_internal_is_not_asked(fake: FakeZendesk, tool: Tool, asked: list[str]) -> None:
    changed = await tool("run_macro", ticket="35", macro="Escalade", intro="Urgent.")
    assert fake.comments[35][-1]["body"] == "Urgent.\n\nÀ voir."
    assert (fake.tickets[35]["group_id"], changed["status"]) == (98, "new")
    assert asked == []


async def test_run_macro_of_category_by_last_part(fake: FakeZendesk, tool: Tool) -> None:
    await tool("run_macro", ticket="35", macro="sans reponse")
    assert (fake.tickets[35]["status"], len(fake.comments[35])) == ("solved", 1)


async def test_run_macro_unknown_lists_macros(problem: Tool) -> None:
    assert "There is no macro `Remboursement`. There are: " in await problem(
        "run_macro", ticket="35", macro="Remboursement"
    )


async def test_run_macro_without_effect_refused(fake: FakeZendesk, problem: Tool) -> None:
    fake.tickets[35]["status"] = "solved"
    assert "would change nothing" in await problem("run_macro", ticket="35", macro="Sans réponse")


async def test_list_macros_by_words(tool: Tool) -> None:
    assert [one["name"] for one in (await tool("list_macros", query="clôture"))["items"]] == ["Clôture::Sans réponse"]


async def test_get_attachment_is_saved(tool: Tool, data: Path) -> None:
    saved = await tool("get_attachment", attachment="498483")
    assert (saved["path"], saved["bytes"]) == ("zendesk/498483--photo.txt", 5)
    assert (data / saved["path"]).read_text(encoding="utf-8") == "été"


async def test_get_attachment_with_malware_refused(problem: Tool) -> None:
    assert "malware" in await problem("get_attachment", attachment="666")


@pytest.mark.parametrize("tool_name", ["list_views", "list_macros"])
async def test_list_pages_end(tool: Tool, tool_name: str) -> None:
    first = await tool(tool_name, limit=1)
    second = await tool(tool_name, limit=1, cursor=first["next_cursor"])
    assert first["items"] != second["items"]
    last = await tool(tool_name, limit=100)
    assert "next_cursor" not in last
