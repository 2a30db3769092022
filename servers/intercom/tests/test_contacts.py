"""People and companies: who is this, searching, creating, changing, merging, deleting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from flotilla_servers.intercom.tests.fake import SUPPORT, ZOE, FakeIntercom

Tool = Callable[..., Awaitable[Any]]


@pytest.fixture
def jean(fake: FakeIntercom) -> str:
    return fake.add_contact(
        "Jean Dupont",
        "jean@dupont.example",
        phone="+33612345678",
        external_id="C-1001",
        custom_attributes={"plan": "Pro"},
    )


@pytest.mark.parametrize(
    "written",
    ["06 12 34 56 78", "+33 6 12 34 56 78", "0612345678", "Jean@Dupont.example", "jean dupont", "Dupont", "C-1001"],
)
async def test_get_contact_tells_who_it_is_in_one_call(fake: FakeIntercom, jean: str, tool: Tool, written: str) -> None:
    fake.members[jean] = [fake.add_company("Boulangerie Roy", "roy")]
    fake.contacts[jean]["tags"]["data"] = [{"id": "72", "type": "tag"}]
    number = fake.add_conversation(jean, "Où est ma commande ?", team_assignee_id=int(SUPPORT))
    await tool("add_note", to=jean_ref(jean), text="Rappeler")
    who = await tool("get_contact", contact=written)
    assert who["details"]["record"] == f"contact:{jean}"
    assert (who["details"]["tags"], who["details"]["plan"]) == ("VIP", "Pro")
    assert [one["name"] for one in who["companies"]] == ["Boulangerie Roy"]
    assert who["notes"][0] == {"at": "2030-03-17T18:46:40+01:00", "by": "Zoé Lefèvre", "text": "Rappeler"}
    assert who["conversations"][0]["record"] == f"conversation:{number}"
    assert who["conversations"][0]["team"] == "Support"


def jean_ref(number: str) -> str:
    return f"contact:{number}"


async def test_get_contact_unknown_says_what_to_do(fake: FakeIntercom, problem: Tool) -> None:
    message = await problem("get_contact", contact="06 99 99 99 99")
    assert "Intercom has no contact `06 99 99 99 99`" in message
    assert "intercom_create_contact" in message


async def test_get_contact_without_the_permission_for_tickets(fake: FakeIntercom, jean: str, tool: Tool) -> None:
    """Who it is does not depend on what else the app may read."""
    fake.forbidden = {"tickets"}
    fake.add_conversation(jean, "Bonjour", admin_assignee_id=int(ZOE))
    who = await tool("get_contact", contact="0612345678")
    assert who["conversations"][0]["assignee"] == "Zoé Lefèvre"
    assert "tickets" not in who or who["tickets"] == []
    assert "tickets are not shown" in who["note"]


async def test_get_contact_of_several_lists_them(fake: FakeIntercom, jean: str, problem: Tool, tool: Tool) -> None:
    other = fake.add_contact("Anne Dupont", "anne@dupont.example")
    message = await problem("get_contact", contact="Dupont")
    assert jean in message
    assert other in message
    assert (await tool("get_contact", contact=other))["details"]["name"] == "Anne Dupont"


async def test_get_contact_user_goes_before_the_lead_of_the_same_address(
    fake: FakeIntercom, jean: str, tool: Tool, problem: Tool
) -> None:
    fake.add_contact("Jean", "jean@dupont.example", role="lead")
    assert (await tool("get_contact", contact="jean@dupont.example"))["details"]["record"] == f"contact:{jean}"
    assert "More than one contact fits" in await problem("delete_contact", contact="jean@dupont.example")


async def test_search_contacts(fake: FakeIntercom, jean: str, tool: Tool, problem: Tool) -> None:
    lead = fake.add_contact("Anne Martin", "anne@martin.example", role="lead", owner_id=ZOE)

    async def records(**arguments: Any) -> list[str]:
        return [row["record"].partition(":")[2] for row in (await tool("search_contacts", **arguments))["items"]]

    assert await records() == [jean, lead]
    assert await records(query="martin") == [lead]
    assert await records(query="0612345678") == [jean]
    assert await records(role="lead") == [lead]
    assert await records(owner="me") == [lead]
    assert await records(tag="VIP") == []
    assert await records(segment="actifs") == [jean, lead]
    page = await tool("search_contacts", limit=1)
    assert page["note"] == "2 in all"
    assert (await tool("search_contacts", limit=1, cursor=page["next_cursor"]))["items"][0]["name"] == "Anne Martin"
    assert "There is no segment `Perdus`" in await problem("search_contacts", segment="Perdus")


async def test_create_contact_with_company_and_attributes(fake: FakeIntercom, tool: Tool) -> None:
    firm = fake.add_company("Boulangerie Roy", "roy")
    made = await tool(
        "create_contact",
        name=" Léa  Roy ",
        email="Lea@Roy.example",
        phone="06 12 34 56 70",
        company="roy",
        attributes={"plan": "pro", "Places": "12", "Fin d'essai": "2030-06-03", "lettre": "oui"},
    )
    person = fake.contacts[made["record"].partition(":")[2]]
    assert (person["name"], person["email"], person["phone"]) == ("Léa Roy", "lea@roy.example", "+33612345670")
    assert person["custom_attributes"] == {
        "plan": "Pro",
        "seats": 12,
        "trial_end": 1906668000,  # midnight in Paris
        "newsletter": True,
    }
    assert fake.members[person["id"]] == [firm]


@pytest.mark.parametrize(
    "known", [{"email": "JEAN@dupont.example"}, {"phone": "+33612345678"}, {"external_id": "C-1001"}]
)
async def test_create_contact_known_already(
    fake: FakeIntercom, jean: str, problem: Tool, known: dict[str, str]
) -> None:
    message = await problem("create_contact", name="Jean", **known)
    assert f"contact:{jean}" in message
    assert fake.writes == []


async def test_create_contact_conflict_of_the_vendor(fake: FakeIntercom, jean: str, problem: Tool) -> None:
    """A person whom the search does not find yet is refused by Intercom itself."""
    hidden = fake.contacts[jean]
    fake._held = lambda noun, one, field: None  # type: ignore[method-assign]
    message = await problem("create_contact", name="Jean", email="jean@dupont.example")
    assert hidden["id"] in message
    assert "nothing was done" in message


async def test_create_contact_wants_something_to_be_found_by(fake: FakeIntercom, problem: Tool) -> None:
    assert "needs an e-mail address" in await problem("create_contact", name="Jean")


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"Plan": "Gold"}, "There are: Pro, Free"),
        ({"Couleur": "bleu"}, "no custom attribute `Couleur`"),
        ({"Lettre": "peut-être"}, "is not yes or no"),
        ({"Places": "1,5"}, "whole numbers"),
        ({"Places": "beaucoup"}, "number"),
        ({"trial_end": "demain"}, "not a time or a day"),
    ],
)
async def test_update_contact_attribute_that_does_not_fit(
    fake: FakeIntercom, jean: str, problem: Tool, attributes: dict[str, str], reason: str
) -> None:
    assert reason in await problem("update_contact", contact="jean@dupont.example", attributes=attributes)
    assert fake.writes == []


async def test_update_contact(fake: FakeIntercom, jean: str, tool: Tool, problem: Tool) -> None:
    firm = fake.add_company("Boulangerie Roy", "roy")
    await tool(
        "update_contact",
        contact="Jean Dupont",
        phone="0612345699",
        owner="zoé",
        company="Roy",
        attributes={"Plan": None},
    )
    person = fake.contacts[jean]
    assert (person["phone"], person["owner_id"], person["custom_attributes"]) == ("+33612345699", ZOE, {"plan": None})
    assert (person["name"], person["email"]) == ("Jean Dupont", "jean@dupont.example")
    assert fake.members[jean] == [firm]
    assert "nothing to change" in await problem("update_contact", contact="Jean Dupont")


async def test_merge_contacts_asks_and_merges_a_lead_into_a_user(
    fake: FakeIntercom, jean: str, tool: Tool, problem: Tool, asked: list[str]
) -> None:
    lead = fake.add_contact("Jean", "jean@perso.example", role="lead")
    assert "a lead into a user, not a user into a lead" in await problem("merge_contacts", lead=jean, into=lead)
    assert fake.writes == []
    await tool("merge_contacts", lead=f"contact:{lead}", into="Jean Dupont")
    assert list(fake.contacts) == [jean]
    assert "Merge Jean jean@perso.example" in asked[0]
    assert "cannot be undone" in asked[0]


async def test_delete_contact_archives_unless_permanently(
    fake: FakeIntercom, jean: str, tool: Tool, asked: list[str]
) -> None:
    assert (await tool("delete_contact", contact="jean@dupont.example"))["state"] == "archived"
    assert fake.contacts[jean]["archived"]
    assert (await tool("delete_contact", contact=jean, permanently=True))["state"] == "deleted"
    assert fake.contacts == {}
    assert asked[0].startswith("Archive Jean Dupont jean@dupont.example (user ")
    assert "for good" in asked[1]


# -- companies --------------------------------------------------------------------------------------------------------


async def test_search_companies(fake: FakeIntercom, tool: Tool) -> None:
    for number in range(3):
        fake.add_company(f"Atelier {number}", f"a{number}")
    first = await tool("search_companies", limit=2)
    assert (len(first["items"]), first["note"]) == (2, "3 in all")
    last = await tool("search_companies", limit=2, cursor=first["next_cursor"])
    assert [row["name"] for row in last["items"]] == ["Atelier 2"]
    assert "next_cursor" not in last
    assert [row["name"] for row in (await tool("search_companies", name="atelier"))["items"]] == [
        "Atelier 0",
        "Atelier 1",
        "Atelier 2",
    ]


async def test_get_company_with_its_people(fake: FakeIntercom, jean: str, tool: Tool, problem: Tool) -> None:
    firm = fake.add_company("Boulangerie Roy", "roy")
    fake.add_company("Boulangerie Petit", "petit")
    fake.members[jean] = [firm]
    shown = await tool("get_company", company="Boulangerie Roy")
    assert [one["name"] for one in shown["contacts"]] == ["Jean Dupont"]
    assert firm in await problem("get_company", company="boulangerie")
    assert "Intercom has no company `Garage`" in await problem("get_company", company="Garage")


async def test_set_company_creates_then_changes_the_same(fake: FakeIntercom, tool: Tool, problem: Tool) -> None:
    made = await tool("set_company", name="Boulangerie Roy", monthly_spend="1 250,50 €", attributes={"SIRET": "123"})
    assert made["state"] == "created"
    changed = await tool("set_company", name="boulangerie roy", size=12, plan="Pro")
    assert (changed["record"], changed["state"]) == (made["record"], "changed")
    firm = fake.companies[made["record"].partition(":")[2]]
    assert (firm["company_id"], firm["monthly_spend"], firm["size"]) == ("Boulangerie Roy", 1250, 12)
    assert firm["custom_attributes"] == {"siret": "123"}
    assert len(fake.companies) == 1
    by_number = await tool("set_company", name="Roy & fils", company_id="Boulangerie Roy")
    assert by_number["record"] == made["record"]
    fake.add_company("Twin", "t1")
    assert (await tool("set_company", name="Twin", company_id="t2"))["state"] == "created"
    assert "no custom attribute `Code`" in await problem("set_company", name="Twin", attributes={"Code": "1"})
