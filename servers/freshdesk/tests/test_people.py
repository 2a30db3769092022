"""People, companies, time, satisfaction and solution articles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.freshdesk.server import server
from flotilla_servers.freshdesk.tests.conftest import Tool
from flotilla_servers.freshdesk.tests.fake import JEAN, MARIE, ZOE, FakeFreshdesk
from flotilla_testing import environment


async def test_search_contacts_who_is_this_number(tool: Tool) -> None:
    result = await tool("search_contacts", query="+33 (0)6 12 34 56 78")
    assert result["items"] == [
        {
            "contact": "contact:35436",
            "name": "Jean Dupont",
            "email": "jean.dupont@exemple.fr",
            "mobile": "06 12 34 56 78",
            "company": "company:57",
        }
    ]
    assert [one["ticket"] for one in result["tickets"]] == ["37", "36", "35"]


async def test_search_contacts_new_number_is_found_at_once(fake: FakeFreshdesk, tool: Tool) -> None:
    fake.add_contact(35441, "Léa Petit", mobile="+33698765432")
    assert [one["name"] for one in (await tool("search_contacts", query="06 98 76 54 32"))["items"]] == ["Léa Petit"]
    assert not any("/search/contacts" in request.url for request in fake.vendor.requests)


async def test_search_contacts_by_name_and_address(fake: FakeFreshdesk, tool: Tool) -> None:
    fake.add_contact(35440, "Jeanne Dupont", email="jeanne@exemple.fr")
    both = await tool("search_contacts", query="dupont", limit=1)
    last = await tool("search_contacts", query="dupont", limit=1, cursor=both["next_cursor"])
    assert [one["contact"] for one in [*both["items"], *last["items"]]] == ["contact:35436", "contact:35440"]
    assert "tickets" not in both
    assert (await tool("search_contacts", query="jeanne@exemple.fr"))["items"][0]["name"] == "Jeanne Dupont"
    assert (await tool("search_contacts", query="06 00 00 00 00"))["items"] == []


async def test_create_contact(fake: FakeFreshdesk, tool: Tool) -> None:
    made = await tool("create_contact", name="Léa Petit", phone="06 98 76 54 32", company="boulangerie roy")
    person = fake.contacts[int(made["contact"].removeprefix("contact:"))]
    assert (person["phone"], person["company_id"]) == ("+33698765432", 57)


async def test_create_contact_existing_refused(fake: FakeFreshdesk, problem: Tool) -> None:
    message = await problem("create_contact", name="Jean", phone="0612345678")
    assert "Freshdesk knows this person already: Jean Dupont (contact:35436)" in message
    assert not fake.writes
    assert "needs an e-mail address or a phone number" in await problem("create_contact", name="Jean")


async def test_update_contact(fake: FakeFreshdesk, tool: Tool, problem: Tool) -> None:
    await tool("update_contact", person="jean.dupont@exemple.fr", phone="01 02 03 04 05", job_title="Boulanger")
    assert (fake.contacts[JEAN]["phone"], fake.contacts[JEAN]["job_title"]) == ("+33102030405", "Boulanger")
    assert "Nothing is to be changed." in await problem("update_contact", person="contact:35436")


async def test_companies(fake: FakeFreshdesk, tool: Tool, problem: Tool) -> None:
    assert (await tool("search_companies", name="boul"))["items"][0]["domains"] == ["roy.example"]
    made = await tool("create_company", name="Café Noir", domains=["noir.example"])
    await tool("update_company", company="café noir", note="Paie à 30 jours.")
    assert fake.companies[int(made["company"])]["note"] == "Paie à 30 jours."
    assert "Freshdesk has this already" in await problem("create_company", name="Café Noir")
    assert "Nothing is to be changed." in await problem("update_company", company="57")


async def test_lists_of_the_account(fake: FakeFreshdesk, tool: Tool, problem: Tool) -> None:
    assert [one["name"] for one in (await tool("list_agents", name="curie"))["items"]] == ["Marie Curie"]
    assert [one["name"] for one in (await tool("list_groups"))["items"]] == ["Facturation", "Atelier"]
    fields = (await tool("list_ticket_fields"))["items"]
    assert fields[0]["choices"] == ["Ouvert", "En attente", "Résolu", "Clos", "En atelier"]
    assert fields[2] == {"label": "Produit", "type": "custom_dropdown", "choices": ["Lampe", "Chaise"]}


@pytest.mark.parametrize(
    ("written", "sent"), [("20 min", "00:20"), ("1:30", "01:30"), ("2h", "02:00"), ("1 h 5", "01:05"), ("90m", "01:30")]
)
async def test_log_time(fake: FakeFreshdesk, tool: Tool, written: str, sent: str) -> None:
    entry = await tool("log_time", ticket="35", time_spent=written, note="Appel")
    assert (entry["time_spent"], entry["agent"]) == (sent, "Zoé Lefèvre")
    assert fake.times[0]["agent_id"] == ZOE


async def test_log_time_refused(problem: Tool) -> None:
    assert "`soon` is not a length of time." in await problem("log_time", ticket="35", time_spent="soon")
    assert "is a group, not an agent." in await problem("log_time", ticket="35", time_spent="1h", agent="Atelier")


async def test_list_time_entries(fake: FakeFreshdesk, tool: Tool) -> None:
    await tool("log_time", ticket="35", time_spent="1h", agent="marie curie", at="2030-06-03T10:00", billable=False)
    await tool("log_time", ticket="36", time_spent="2h")
    entry = (await tool("list_time_entries", ticket="35"))["items"][0]
    expected: dict[str, Any] = {"agent": "Marie Curie", "billable": False, "at": "2030-06-03T10:00:00+02:00"}
    assert expected.items() <= entry.items()
    assert [one["ticket"] for one in (await tool("list_time_entries", agent="me", after="2030-06-01"))["items"]] == [
        "36"
    ]
    assert fake.times[0]["agent_id"] == MARIE


async def test_list_satisfaction_ratings(tool: Tool) -> None:
    rating = (await tool("list_satisfaction_ratings", since="2030-06-01"))["items"][0]
    assert (rating["ticket"], rating["score"], rating["feedback"]) == ("35", "extremely happy", "Merci !")


async def test_articles(fake: FakeFreshdesk, tool: Tool, problem: Tool) -> None:
    result = (await tool("search_articles", query="mot de passe"))["items"][0]
    assert (result["article"], result["excerpt"], result["draft"]) == ("360001", "Cliquez sur Oublié.", False)
    assert (await tool("get_article", article="360001"))["text"] == "Cliquez sur Oublié."
    draft = await tool("create_article", title="Retours", text="30 jours.\n\nSans frais & vite.", folder="commandes")
    assert (draft["draft"], draft["folder"]) == (True, "Général/Commandes")
    assert fake.articles[0]["description"] == "<p>30 jours.</p><p>Sans frais &amp; vite.</p>"
    assert "There is no folder `Divers`. There are: Général/Commandes." in await problem(
        "create_article", title="Retours", text="x", folder="Divers"
    )


@pytest.mark.parametrize("written", ["Atelier", "atelier.freshdesk.com", "https://atelier.freshdesk.com/a/tickets/1"])
def test_domain_of_what_people_paste(written: str) -> None:
    with environment(server, FRESHDESK_DOMAIN=written, FRESHDESK_API_KEY="k3y-k3y"):
        assert server.connection.settings.address == "https://atelier.freshdesk.com"


def test_domain_of_another_host_refused(tmp_path: Path) -> None:
    with environment(server, FRESHDESK_DOMAIN="support.atelier.example", FRESHDESK_API_KEY="k3y-k3y"):
        with pytest.raises(Exception, match="first part of the account's own address"):
            _ = server.connection.settings
