"""A morning in support: what waits is listed, one ticket answered from a template, one handed over, one closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flotilla_servers.freshdesk.tests.fake import MARIE as FRESHDESK_MARIE
from flotilla_servers.freshdesk.tests.fake import FakeFreshdesk
from flotilla_servers.zendesk.tests.fake import MARIE, FakeZendesk
from tests.scenarios.harness import KINDS, Gateway, call_error, call_ok
from tests.scenarios.vendors import connected

pytestmark = pytest.mark.timeout(180)


@dataclass
class Desks:
    """A gateway to two help desks that remember: three tickets of Jean in each, of which Marie has one."""

    gateway: Gateway
    zendesk: FakeZendesk
    freshdesk: FakeFreshdesk


@pytest.fixture(params=KINDS)
def desks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desks]:
    """Both help desks, and a gateway to them."""
    zendesk, freshdesk = FakeZendesk(), FakeFreshdesk()
    with connected(request.param, tmp_path, "support", {"zendesk": zendesk, "freshdesk": freshdesk}) as gateway:
        yield Desks(gateway, zendesk, freshdesk)


async def test_support_scenario(desks: Desks) -> None:
    """Zendesk's queue, then Freshdesk's: only the answer to the customer is asked about, with its text."""
    gateway = desks.gateway
    note = {"ticket": "36", "text": "Facture n° 1042 à renvoyer.", "assign_to": "Marie Curie"}
    async with gateway.client(answer=True) as client:
        waiting = (await call_ok(client, "zendesk_search_tickets", status="waiting", assigned_to="none"))["items"]
        assert {row["ticket"]: row["subject"] for row in waiting} == {"35": "La lampe clignote", "36": "Facture"}
        read = await call_ok(client, "zendesk_get_ticket", ticket="35")
        assert [comment["text"] for comment in read["comments"]] == ["Elle clignote."]
        (macro,) = (await call_ok(client, "zendesk_list_macros", query="réception"))["items"]
        answered = await call_ok(client, "zendesk_run_macro", ticket="35", macro=macro["name"])
        assert answered["status"] == "pending"
        handed = await call_ok(client, "zendesk_add_note", **note)
        assert handed["assigned_to"] == "Marie Curie"
        closed = await call_ok(client, "zendesk_update_ticket", ticket="37", status="solved")
        assert closed["status"] == "solved"
        left = (await call_ok(client, "zendesk_search_tickets", status="waiting"))["items"]
        assert [(row["ticket"], row["assignee"]) for row in left] == [("36", "Marie Curie")]

        waiting = (await call_ok(client, "freshdesk_list_tickets"))["items"]
        assert {row["ticket"]: row["requester"] for row in waiting} == {"35": "Jean Dupont", "36": "Jean Dupont"}
        read = await call_ok(client, "freshdesk_get_ticket", ticket="35")
        assert [message["text"] for message in read["messages"]] == ["Elle clignote."]
        (canned,) = (await call_ok(client, "freshdesk_list_canned_responses", query="accusé"))["items"]
        reply = {"ticket": "35", "canned_response": canned["name"], "status": "pending"}
        answered = await call_ok(client, "freshdesk_reply_to_ticket", **reply)
        assert answered["text"] == "Bonjour Jean, bien reçu."
        handed = await call_ok(client, "freshdesk_add_note", **note)
        assert handed["assigned_to"] == "Marie Curie"
        closed = await call_ok(client, "freshdesk_update_ticket", ticket="37", status="closed")
        assert closed["status"] == "closed"
        assert (await call_ok(client, "freshdesk_list_tickets"))["items"] == []

    of_zendesk, of_freshdesk = gateway.asked
    assert "«Accusé de réception»" in of_zendesk
    assert "Jean Dupont? «Bonjour, bien reçu.»" in of_zendesk
    assert "Jean Dupont" in of_freshdesk
    assert "«Bonjour Jean, bien reçu.»" in of_freshdesk
    zendesk, freshdesk = desks.zendesk, desks.freshdesk
    assert [zendesk.tickets[number]["status"] for number in (35, 36, 37)] == ["pending", "open", "solved"]
    assert zendesk.tickets[36]["assignee_id"] == MARIE
    texts = {number: [(one["body"], one["public"]) for one in rows[1:]] for number, rows in zendesk.comments.items()}
    assert texts == {35: [("Bonjour, bien reçu.", True)], 36: [(note["text"], False)], 37: []}
    assert [freshdesk.tickets[number]["status"] for number in (35, 36, 37)] == [3, 2, 5]
    assert freshdesk.tickets[36]["responder_id"] == FRESHDESK_MARIE
    sent = {number: [(one["body_text"], one["private"]) for one in rows] for number, rows in freshdesk.messages.items()}
    assert sent == {35: [("Bonjour Jean, bien reçu.", False)], 36: [(note["text"], True)], 37: []}


async def test_support_scenario_declined_answers_nobody(desks: Desks) -> None:
    async with desks.gateway.client(answer=False) as client:
        macro = {"ticket": "35", "macro": "Accusé de réception"}
        assert "did not agree" in await call_error(client, "zendesk_run_macro", **macro)
        reply = {"ticket": "35", "canned_response": "Accusé de réception", "status": "pending"}
        assert "did not agree" in await call_error(client, "freshdesk_reply_to_ticket", **reply)
    assert len(desks.gateway.asked) == 2
    assert desks.zendesk.writes == []
    assert desks.freshdesk.writes == []


async def test_support_scenario_unknown_names_list_what_there_is(desks: Desks) -> None:
    """A macro, a canned response or an agent that is not there: the names that are, and nothing is done."""
    async with desks.gateway.client(answer=True) as client:
        error = await call_error(client, "zendesk_run_macro", ticket="35", macro="Remerciement")
        assert "Accusé de réception" in error
        error = await call_error(client, "freshdesk_reply_to_ticket", ticket="35", canned_response="Remerciement")
        assert "Accusé de réception" in error
        for prefix in ("zendesk", "freshdesk"):
            error = await call_error(client, f"{prefix}_add_note", ticket="36", text="À voir.", assign_to="Paul")
            assert "Marie Curie" in error
    assert desks.gateway.asked == []
    assert desks.zendesk.writes == []
    assert desks.freshdesk.writes == []
