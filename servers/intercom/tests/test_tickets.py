"""Tickets, articles, events, and the names that the workspace has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from flotilla_servers.intercom.tests.fake import BILLING, MARIE, FakeIntercom

Tool = Callable[..., Awaitable[Any]]


@pytest.fixture
def jean(fake: FakeIntercom) -> str:
    return fake.add_contact("Jean Dupont", "jean@dupont.example", phone="+33612345678")


# -- tickets ----------------------------------------------------------------------------------------------------------


async def test_create_ticket_for_a_caller(fake: FakeIntercom, jean: str, tool: Tool, problem: Tool) -> None:
    number = fake.add_conversation(jean, "Colis abîmé")
    made = await tool(
        "create_ticket",
        contact="06 12 34 56 78",
        title="Colis abîmé",
        text="Boîte ouverte",
        type="reclamation",
        assign_to="Facturation",
        conversation=f"conversation:{number}",
    )
    ticket = fake.tickets[made["record"].partition(":")[2]]
    assert ticket["ticket_attributes"] == {"_default_title_": "Colis abîmé", "_default_description_": "Boîte ouverte"}
    assert (ticket["team_assignee_id"], ticket["converted"]) == (int(BILLING), number)
    assert (made["state"], made["team"]) == ("Reçu", "Facturation")
    again = await problem("create_ticket", contact="jean@dupont.example", title="colis abime", type="Réclamation")
    assert "has an open ticket of this title already" in again
    assert made["record"] in again


async def test_create_ticket_type_and_fields(fake: FakeIntercom, jean: str, tool: Tool, problem: Tool) -> None:
    arguments = {"contact": "Jean Dupont", "title": "Panne"}
    assert "Réclamation, Panne" in await problem("create_ticket", **arguments)
    assert "need: Commande" in await problem("create_ticket", **arguments, type="Panne")
    assert "Commande" in await problem("create_ticket", **arguments, type="Panne", fields={"Numéro": "1"})
    assert fake.writes == []
    await tool("create_ticket", **arguments, type="Panne", fields={"commande": "1042"})
    assert next(iter(fake.tickets.values()))["ticket_attributes"]["Commande"] == "1042"


async def test_create_ticket_of_an_unknown_address_makes_the_contact(fake: FakeIntercom, tool: Tool) -> None:
    await tool("create_ticket", contact="neuf@client.example", title="Aide", type="Réclamation")
    assert [one["email"] for one in fake.contacts.values()] == ["neuf@client.example"]


async def test_create_ticket_of_another_kind_is_linked(
    fake: FakeIntercom, jean: str, tool: Tool, problem: Tool
) -> None:
    number = fake.add_conversation(jean, "Panne")
    arguments = {"title": "Serveur", "conversation": number}
    made = await tool("create_ticket", contact="Jean Dupont", type="Interne", assign_to="me", **arguments)
    ticket = fake.tickets[made["record"].partition(":")[2]]
    assert (ticket["linked"], made["assignee"]) == (number, "Zoé Lefèvre")
    fake.add_contact("Anna", "anna@client.example")
    message = await problem("create_ticket", contact="anna@client.example", type="Réclamation", **arguments)
    assert "is not one of this person" in message


async def test_create_ticket_link_must_be_a_conversation(fake: FakeIntercom, jean: str, problem: Tool) -> None:
    arguments = {"contact": "Jean Dupont", "title": "Aide", "type": "Réclamation"}
    assert "is not a conversation" in await problem("create_ticket", **arguments, conversation="ticket:3")
    assert fake.writes == []


async def test_list_and_update_ticket(fake: FakeIntercom, jean: str, tool: Tool, problem: Tool) -> None:
    made = await tool("create_ticket", contact="Jean Dupont", title="Panne", type="Réclamation")
    ticket = made["record"]
    row = (await tool("list_tickets", contact="jean@dupont.example", type="réclamation", query="pann"))["items"][0]
    assert (row["record"], row["title"], row["state"], row["type"]) == (ticket, "Panne", "Reçu", "Réclamation")
    changed = await tool("update_ticket", ticket=ticket, state="en cours", title="Panne totale", shared=False)
    assert changed["state"] == "En cours"
    assert (await tool("update_ticket", ticket=ticket, state="resolved", fields={"Commande": "7"}))["state"] == "Résolu"
    stored = fake.tickets[ticket.partition(":")[2]]
    assert stored["ticket_attributes"] == {"_default_title_": "Panne totale", "Commande": "7"}
    assert stored["is_shared"] is False
    assert [one["record"] for one in (await tool("list_tickets", state="resolved"))["items"]] == [ticket]
    assert "There is no ticket state `Perdu`" in await problem("update_ticket", ticket=ticket, state="Perdu")
    assert "is not a ticket" in await problem("update_ticket", ticket="12", title="a")
    assert "nothing to change" in await problem("update_ticket", ticket=ticket)


async def test_ticket_is_read_answered_assigned_snoozed_and_closed(fake: FakeIntercom, jean: str, tool: Tool) -> None:
    ticket = (await tool("create_ticket", contact="Jean Dupont", title="Panne", text="Rien ne va", type="Réclamation"))[
        "record"
    ]
    await tool("reply_to_conversation", conversation=ticket, text="Nous regardons")
    assert (await tool("assign_conversation", conversation=ticket, to="Marie"))["assignee"] == "Marie Curie"
    await tool("pause_conversation", conversation=ticket, until="2031-01-06T10:00")
    assert (await tool("close_conversation", conversation=ticket))["state"] == "closed"
    thread = await tool("get_conversation", conversation=ticket)
    assert [(m["kind"], m["text"]) for m in thread["items"]] == [
        ("description", "Rien ne va"),
        ("message", "Nous regardons"),
    ]
    assert (thread["details"]["title"], thread["details"]["assignee"]) == ("Panne", "Marie Curie")
    stored = fake.tickets[ticket.partition(":")[2]]
    assert (stored["admin_assignee_id"], stored["open"], stored["snoozed_until"]) == (int(MARIE), False, 1925456400)
    assert [one["record"] for one in (await tool("list_tickets", assigned_to="Marie", state="all"))["items"]] == [
        ticket
    ]
    await tool("reopen_conversation", conversation=ticket)
    assert stored["open"] is True


# -- articles ---------------------------------------------------------------------------------------------------------


async def test_article_from_draft_to_published(fake: FakeIntercom, tool: Tool, problem: Tool, asked: list[str]) -> None:
    made = await tool("create_article", title="Retours", text="# Délai\n\n30 jours", collection="commandes")
    assert (made["state"], fake.articles[made["id"]]["parent_id"]) == ("draft", 145)
    assert asked == []
    assert (await tool("search_articles", query="Retours"))["items"] == []
    matches = await tool("search_articles", query="Retours", drafts=True)
    assert matches["items"][0]["id"] == made["id"]
    await tool("update_article", article=made["id"], text="# Délai\n\n60 jours")
    assert asked == []
    await tool("update_article", article=made["id"], publish=True)
    await tool("update_article", article=made["id"], title="Retours et échanges")
    assert [question.split(" the article")[0] for question in asked] == ["Publish", "Change"]
    shown = await tool("get_article", article=made["id"])
    assert (shown["text"], shown["state"]) == ("# Délai\n\n60 jours", "published")
    assert "There is no collection `Rien`" in await problem("create_article", title="a", text="b", collection="Rien")
    assert "nothing to change" in await problem("update_article", article=made["id"])


async def test_create_article_published_at_once_asks(fake: FakeIntercom, tool: Tool, asked: list[str]) -> None:
    assert (await tool("create_article", title="Retours", text="30 jours", publish=True))["state"] == "published"
    assert len(asked) == 1


# -- events and names -------------------------------------------------------------------------------------------------


async def test_record_and_list_events(fake: FakeIntercom, jean: str, tool: Tool) -> None:
    at = "2030-06-03T09:00"
    await tool("record_event", contact="Jean Dupont", name="placed-order", at=at, details={"order": "1042"})
    await tool("record_event", contact="jean@dupont.example", name="logged-in")
    events = (await tool("list_events", contact="06 12 34 56 78"))["items"]
    assert [one["name"] for one in events] == ["logged-in", "placed-order"]
    assert (events[1]["at"], events[1]["details"]) == ("2030-06-03T09:00:00+02:00", {"order": "1042"})


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("teammates", {"name": "Zoé Lefèvre", "id": "991", "about": "e-mail: zoe@atelier.example"}),
        ("teams", {"name": "Support", "id": "814"}),
        ("tags", {"name": "Urgent", "id": "71"}),
        ("segments", {"name": "Actifs", "id": "6762f0dd1bb69f9f2193bb01"}),
        ("macros", {"name": "Délai de livraison", "id": "501"}),
        ("contact attributes", {"name": "Plan", "id": "plan", "about": "string", "choices": ["Pro", "Free"]}),
        ("company attributes", {"name": "SIRET", "id": "siret", "about": "string"}),
        (
            "ticket types",
            {
                "name": "Réclamation",
                "id": "88",
                "about": "category: Customer; fields: Commande",
                "choices": ["Reçu", "En cours", "Résolu"],
            },
        ),
    ],
)
async def test_list_options(fake: FakeIntercom, tool: Tool, kind: str, first: dict[str, Any]) -> None:
    assert (await tool("list_options", kind=kind))["items"][0] == first
