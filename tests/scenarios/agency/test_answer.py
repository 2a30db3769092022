"""What did Bastien answer? Then his opportunity is won. On the core tier alone."""

from __future__ import annotations

import pytest

from .conftest import Agency

pytestmark = pytest.mark.timeout(180)
SENTENCE = "Oui, c’est d’accord pour 1 250,50 €. On commence lundi ?"


async def test_answer_scenario(agency: Agency) -> None:
    """A new lead after a call; another customer's answer is read, his opportunity moved to won."""
    bastien = agency.ghl.contact(firstName="Bastien", lastName="Léger", phone="+33612345678")
    agency.ghl.contact(firstName="Bastienne", lastName="Roy", phone="+33612345679")
    async with agency.agent() as agent:
        who = {"first_name": "Jean", "last_name": "Dupont", "email": "jean@dupont.example", "tags": ["Lead Chaud"]}
        jean = await agent.does("contact", "ghl_create_contact", **who, idempotency_key="lead")
        await agent.does("workflow", "ghl_trigger_automation", contact_id=jean["id"], workflow="nurturing leads chauds")

        made = await agent.does("offer", "ghl_create_opportunity", contact_id=bastien, name="Site", amount="1250.50")
        await agent.does("question", "ghl_send_message", contact_id=bastien, channel="SMS", text="Alors, ce devis ?")
        agency.ghl.received(bastien, SENTENCE)

        unread, _ = await agent.call("ghl_list_messages", unread=True)
        assert [row["contact_id"] for row in unread["items"]] == [bastien]
        contacts, _ = await agent.call("ghl_search_contacts", query="Bastien Léger")
        messages, _ = await agent.call("ghl_list_messages", contact_id=contacts["items"][0]["id"])
        assert SENTENCE in str(messages["items"][0])
        won = await agent.does("won", "ghl_update_opportunity", opportunity="Bastien Léger", status="won")
        assert won["id"] == made["id"]
        assert agent.report == "Done: contact; workflow; offer; question; won."
    (opportunity,) = agency.ghl.opportunities.values()
    assert (opportunity["status"], opportunity["contactId"]) == ("won", bastien)
    assert agency.ghl.enrolled == [("78559bb3-b920-461e-b010-7b2a2816d2a9", jean["id"])]
