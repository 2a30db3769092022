"""People, organizations, satisfaction, suspended messages and the help center."""

from __future__ import annotations

from flotilla_servers.zendesk.tests.conftest import Tool
from flotilla_servers.zendesk.tests.fake import JEAN, FakeZendesk


async def test_search_users_who_is_this_number(tool: Tool) -> None:
    result = await tool("search_users", query="+33 (0)6 12 34 56 78")
    assert result["items"] == [
        {
            "user": "user:35436",
            "name": "Jean Dupont",
            "email": "jean.dupont@exemple.fr",
            "phone": "06 12 34 56 78",
            "role": "end-user",
            "organization": "Boulangerie Roy",
        }
    ]
    assert [one["ticket"] for one in result["tickets"]] == ["37", "36", "35"]


async def test_search_users_by_name_and_address(tool: Tool) -> None:
    assert [one["user"] for one in (await tool("search_users", query="dupont"))["items"]] == ["user:35436"]
    assert [one["role"] for one in (await tool("search_users", query="marie@atelier.example"))["items"]] == ["agent"]
    assert (await tool("search_users", query="06 00 00 00 00"))["items"] == []


async def test_create_user(fake: FakeZendesk, tool: Tool) -> None:
    made = await tool("create_user", name="Léa Petit", phone="06 98 76 54 32", organization="boulangerie roy")
    person = fake.users[int(made["user"].removeprefix("user:"))]
    assert (person["phone"], person["organization_id"]) == ("+33698765432", 57)
    assert fake.writes[-1].json()["user"]["skip_verify_email"] is True


async def test_create_user_existing_refused(fake: FakeZendesk, problem: Tool) -> None:
    message = await problem("create_user", name="Jean", phone="0612345678")
    assert "Zendesk knows this person already: Jean Dupont (user:35436)" in message
    assert not fake.writes
    assert "needs an e-mail address or a phone number" in await problem("create_user", name="Jean")


async def test_update_user(fake: FakeZendesk, tool: Tool, problem: Tool) -> None:
    await tool("update_user", user="jean.dupont@exemple.fr", phone="01 02 03 04 05", notes="Rappeler le matin.")
    assert (fake.users[JEAN]["phone"], fake.users[JEAN]["notes"]) == ("+33102030405", "Rappeler le matin.")
    assert "Nothing is to be changed." in await problem("update_user", user="user:35436")


async def test_organizations(fake: FakeZendesk, tool: Tool, problem: Tool) -> None:
    assert (await tool("search_organizations", name="boul"))["items"][0]["domains"] == ["roy.example"]
    made = await tool("create_organization", name="Café Noir", domains=["noir.example"])
    await tool("update_organization", organization="café noir", notes="Paie à 30 jours.")
    assert fake.organizations[int(made["organization"])]["notes"] == "Paie à 30 jours."
    assert "has already been taken" in await problem("create_organization", name="Café Noir")
    assert "Nothing is to be changed." in await problem("update_organization", organization="57")


async def test_lists_of_the_account(tool: Tool) -> None:
    assert [one["name"] for one in (await tool("list_agents", name="curie"))["items"]] == ["Marie Curie"]
    assert [one["name"] for one in (await tool("list_groups"))["items"]] == ["Facturation", "Atelier"]
    fields = (await tool("list_ticket_fields"))["items"]
    assert fields[0] == {"label": "Produit", "type": "tagger", "choices": ["Lampe", "Meubles::Chaise"]}
    assert [one["label"] for one in fields] == ["Produit", "Montant", "Garantie"]


async def test_list_satisfaction_ratings(tool: Tool) -> None:
    rating = (await tool("list_satisfaction_ratings", score="good", since="2030-06-01"))["items"][0]
    assert (rating["ticket"], rating["comment"]) == ("35", "Merci !")
    assert (await tool("list_satisfaction_ratings", score="bad"))["items"] == []


async def test_suspended_tickets(fake: FakeZendesk, tool: Tool, problem: Tool, asked: list[str]) -> None:
    held = (await tool("list_suspended_tickets"))["items"][0]
    assert (held["suspended"], held["author"]) == ("1001", "Spam spam@exemple.fr")
    fake.suspended[1002] = {**fake.suspended[1001], "id": 1002}
    await tool("restore_suspended_ticket", suspended="1001")
    assert any(one["subject"] == "Gagnez" for one in fake.tickets.values())
    await tool("delete_suspended_ticket", suspended="1002")
    assert fake.suspended == {}
    assert asked == ["Delete «Gagnez» of Spam spam@exemple.fr for good?"]
    assert "is not the number of a suspended message" in await problem("restore_suspended_ticket", suspended="x")


async def test_articles(fake: FakeZendesk, tool: Tool, problem: Tool) -> None:
    result = (await tool("search_articles", query="mot de passe"))["items"][0]
    assert (result["article"], result["excerpt"]) == ("360001", "Cliquez sur Oublié.")
    assert (await tool("get_article", article="360001"))["text"] == "Cliquez sur Oublié."
    draft = await tool("create_article", title="Retours", text="30 jours.\n\nSans frais & vite.", section="commandes")
    assert draft["draft"] is True
    assert fake.articles[0]["body"] == "<p>30 jours.</p><p>Sans frais &amp; vite.</p>"
    assert (fake.articles[0]["draft"], fake.articles[0]["notify_subscribers"]) == (True, False)
    assert "There is no section `Divers`. There are: Commandes." in await problem(
        "create_article", title="Retours", text="x", section="Divers"
    )
