"""Contacts, tags and notes against the fake, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.gohighlevel.models import CustomField
from flotilla_servers.gohighlevel.server import server
from flotilla_servers.gohighlevel.tests.fake import LOCATION, FakeGoHighLevel
from flotilla_testing import call, client, environment, text_of

JEAN = {"first_name": "Jean", "last_name": "Dupont", "email": "jean.dupont@exemple.fr", "phone": "06 12 34 56 78"}


def writes(ghl: FakeGoHighLevel) -> list[tuple[str, str, Any]]:
    return [(r.method, r.path, r.json()) for r in ghl.vendor.requests if r.writes]


async def test_create_contact(tool: Any, ghl: FakeGoHighLevel) -> None:
    made = await tool("create_contact", **JEAN, company="Boulangerie de l’Œuvre")
    assert writes(ghl) == [
        (
            "POST",
            "/contacts/",
            {
                "locationId": LOCATION,
                "firstName": "Jean",
                "lastName": "Dupont",
                "email": "jean.dupont@exemple.fr",
                "phone": "+33612345678",
                "companyName": "Boulangerie de l’Œuvre",
            },
        )
    ]
    assert made.pop("id") in ghl.contacts
    assert made == {
        "created": True, "name": "Jean Dupont", "email": "jean.dupont@exemple.fr", "phone": "+33612345678", "tags": [],
        "company": "Boulangerie de l’Œuvre",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("known_by", "shared"),
    [({"email": "JEAN.DUPONT@exemple.fr"}, "e-mail"), ({"phone": "+33 (0)6 12 34 56 78"}, "phone")],
)
async def test_create_contact_with_known_email_or_phone_returns_existing(
    tool: Any, ghl: FakeGoHighLevel, known_by: dict[str, str], shared: str
) -> None:
    there = ghl.contact(
        firstName="J.", email="jean.dupont@exemple.fr", phone="+33612345678", tags=["Client"], city="Lyon"
    )
    before = {**ghl.contacts[there]}
    made = await tool("create_contact", first_name="Jean", **known_by)
    assert (made["id"], made["created"], made["tags"], made["name"]) == (there, False, ["Client"], "J.")
    assert made["note"] == (
        f"Not created and not changed: a contact with this {shared} exists already. It differs from the arguments in "
        "first_name. To change it, call ghl_update_contact with its id; to tag it, ghl_add_tags. For another person: "
        f"leave the {shared} out."
    )
    assert ghl.contacts == {there: before}
    assert writes(ghl) == []


async def test_create_contact_leaves_the_owner_of_a_shared_phone(tool: Any, ghl: FakeGoHighLevel) -> None:
    """The number of a switchboard belongs to Jean: creating Marie must not write over him."""
    jean = ghl.contact(
        firstName="Jean", lastName="Dupont", email="jean@dupont.example", phone="+33142000000",
        companyName="Dupont SARL", tags=["Client VIP"],
    )  # fmt: skip
    made = await tool(
        "create_contact", first_name="Marie", last_name="Durand", phone="01 42 00 00 00", company="Durand SAS"
    )
    assert made["created"] is False
    assert (made["id"], made["name"], made["company"]) == (jean, "Jean Dupont", "Dupont SARL")
    assert "It differs from the arguments in first_name, last_name, company." in made["note"]
    assert ghl.contacts[jean]["companyName"] == "Dupont SARL"
    assert writes(ghl) == []


async def test_create_contact_with_email_and_phone_of_two_contacts(problem: Any, ghl: FakeGoHighLevel) -> None:
    jean = ghl.contact(firstName="Jean", lastName="Dupont", email="jean@dupont.example")
    paul = ghl.contact(firstName="Paul", lastName="Roy", phone="+33612345678")
    before = {one: {**about} for one, about in ghl.contacts.items()}
    assert await problem("create_contact", first_name="Jean", email="jean@dupont.example", phone="06 12 34 56 78") == (
        f"Error: Nothing was created or changed: the e-mail address belongs to Jean Dupont ({jean}), and the phone "
        f"number to Paul Roy ({paul}). Ask the user who is meant, and use that contact's id."
    )
    assert ghl.contacts == before


async def test_create_contact_reports_dropped_fields(tool: Any, ghl: FakeGoHighLevel) -> None:
    """The result reports what GoHighLevel did not keep as given."""
    ghl.drops = {"phone"}
    made = await tool("create_contact", **JEAN)
    assert made["created"] is True
    assert "phone" not in made
    assert made["note"] == (
        "GoHighLevel did not store this as it was sent: phone. Tell the user; the result shows what it has."
    )


async def test_update_contact_reports_dropped_fields(tool: Any, ghl: FakeGoHighLevel) -> None:
    """The result reports what GoHighLevel did not keep as given."""
    one = ghl.contact(firstName="Jean", phone="+33612345678")
    ghl.drops = {"city"}
    changed = await tool("update_contact", contact_id=one, first_name="JEAN", city="Lyon")
    assert "city" in changed["note"]
    assert "note" not in await tool("update_contact", contact_id=one, first_name="Jean")


async def test_create_contact_by_name_searches_first(tool: Any, ghl: FakeGoHighLevel) -> None:
    first = await tool("create_contact", first_name="Hélène", last_name="Œuvrard")
    assert first["created"]
    second = await tool("create_contact", first_name="HÉLÈNE", last_name="œuvrard")
    assert (second["id"], second["created"]) == (first["id"], False)
    assert "same_name=true" in second["note"]
    assert len(ghl.contacts) == len(writes(ghl)) == 1
    third = await tool("create_contact", first_name="Hélène", last_name="Œuvrard", same_name=True)
    assert third["created"]
    assert len(ghl.contacts) == 2


async def test_create_contact_longer_name_is_another(tool: Any, ghl: FakeGoHighLevel) -> None:
    ghl.contact(firstName="Jean", lastName="Dupont-Martin")
    assert (await tool("create_contact", first_name="Jean", last_name="Dupont"))["created"]


@pytest.mark.parametrize(
    ("arguments", "terms"),
    [
        ({}, "needs a name, an e-mail address or a phone number"),
        ({"company": "Dupont SARL"}, "needs a name, an e-mail address or a phone number"),
        ({"first_name": "  "}, "needs a name, an e-mail address or a phone number"),
        ({"email": "jean.dupont"}, "is not a valid e-mail address"),
        ({"email": "jean@exemple"}, "is not a valid e-mail address"),
        ({"phone": "06 12 34"}, "numbers of +33 have more digits"),
        ({"phone": "demain"}, "is not a phone number"),
    ],
)
async def test_create_contact_invalid_arguments_not_sent(
    problem: Any, ghl: FakeGoHighLevel, arguments: dict[str, str], terms: str
) -> None:
    assert terms in await problem("create_contact", **arguments)
    assert writes(ghl) == []


async def test_create_contact_uses_country_setting(tmp_path: Any, ghl: FakeGoHighLevel) -> None:
    with environment(
        server, **ghl.settings, GOHIGHLEVEL_COUNTRY="BE", FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path)
    ):
        result = await call(server, "ghl_create_contact", first_name="Anouk", phone="0470 12 34 56")
        assert result.structured_content
        assert result.structured_content["phone"] == "+32470123456"


async def test_create_contact_idempotency_key(tool: Any, ghl: FakeGoHighLevel) -> None:
    for _ in range(2):
        made = await tool("create_contact", first_name="Jean", same_name=True, idempotency_key="appel-7")
        assert made["created"]
    assert len(ghl.contacts) == 1


async def test_search_contacts(tool: Any, ghl: FakeGoHighLevel) -> None:
    old = ghl.contact(firstName="Zoé", lastName="Lefèvre", email="zoe@exemple.fr", tags=["Client"])
    new = ghl.contact(firstName="Zoé", lastName="Martin", phone="+33612345678", tags=["Lead Chaud", "VIP"])
    matches = await tool("search_contacts", query="zoé")
    assert [one["id"] for one in matches["items"]] == [new, old]
    assert matches["items"][0] == {
        "id": new, "name": "Zoé Martin", "phone": "+33612345678", "tags": ["Lead Chaud", "VIP"],
    }  # fmt: skip
    assert [one["id"] for one in (await tool("search_contacts", tag="lead chaud"))["items"]] == [new]
    assert [one["id"] for one in (await tool("search_contacts", query="06 12 34 56 78"))["items"]] == [new]
    assert (await tool("search_contacts", query="06 12 34"))["items"] == []  # a part of a number is sent as it is
    assert ghl.vendor.requests[-1].json()["query"] == "06 12 34"
    assert (await tool("search_contacts", query="personne"))["items"] == []


async def test_search_contacts_pages(tool: Any, problem: Any, ghl: FakeGoHighLevel) -> None:
    ids = [ghl.contact(firstName=f"N{n}") for n in range(5)]
    seen: list[str] = []
    more: dict[str, str] = {}
    for _ in range(4):
        page = await tool("search_contacts", limit=2, **more)
        seen += [one["id"] for one in page["items"]]
        if "next_cursor" not in page:
            break
        more = {"cursor": page["next_cursor"]}
    assert seen == ids[::-1]
    for cursor in ("2", "é", "[1]", "eyJhIjoxfQ=="):
        assert "cursor is not valid" in await problem("search_contacts", cursor=cursor)


async def test_get_contact(tool: Any, problem: Any, ghl: FakeGoHighLevel) -> None:
    one = ghl.contact(
        firstName="Jean", companyName="Œuvre", address1="12 rue de l’Église", postalCode="69003", city="Lyon",
        country="FR", source="Salon\u202e", assignedTo="u1",
        customFields=[{"id": "MgobCB14YMVKuE4Ka8p1", "value": "12 000 €"}],
    )  # fmt: skip
    assert await tool("get_contact", contact_id=one) == {
        "id": one, "name": "Jean", "tags": [], "company": "Œuvre", "address": "12 rue de l’Église",
        "postal_code": "69003", "city": "Lyon", "country": "FR", "source": "Salon", "assigned_to": "u1",
        "date_added": "2030-05-01T08:01:00Z",
        "custom_fields": [{"id": "MgobCB14YMVKuE4Ka8p1", "name": "Budget", "value": "12 000 €"}],
        "notes": [], "tasks": [], "appointments": [], "opportunities": [],
        "removed": "1 hidden character",
    }  # fmt: skip
    assert "GoHighLevel does not have this" in await problem("get_contact", contact_id="nobody")


def test_custom_fields_converted_to_text() -> None:
    message = [CustomField.model_validate({"id": "f", "value": value}).value for value in (["a", "é"], 12.5, None)]
    assert message == ["a, é", "12.5", ""]


async def test_update_contact(tool: Any, problem: Any, ghl: FakeGoHighLevel) -> None:
    one = ghl.contact(firstName="Jean", email="jean@exemple.fr", tags=["Client"])
    await tool("update_contact", contact_id=one, phone="0612345678", city="Lyon", address="3 quai Saint-Antoine")
    assert writes(ghl) == [
        ("PUT", f"/contacts/{one}", {"phone": "+33612345678", "address1": "3 quai Saint-Antoine", "city": "Lyon"})
    ]
    assert ghl.contacts[one]["tags"] == ["Client"]
    assert "nothing to change" in await problem("update_contact", contact_id=one)
    other = ghl.contact(firstName="Zoé", lastName="Martin", email="zoe@exemple.fr")
    assert await problem("update_contact", contact_id=one, email="zoe@exemple.fr") == (
        f"Error: Nothing was changed: another contact has this email: Zoé Martin ({other}). Use that contact's id."
    )


async def test_add_tags_and_remove_tags(tool: Any, problem: Any, ghl: FakeGoHighLevel) -> None:
    one = ghl.contact(firstName="Jean", tags=["Client"])
    assert await tool("add_tags", contact_id=one, tags=["Lead Chaud", " Lead  Chaud", "Été"]) == {
        "tags": ["Client", "Lead Chaud", "Été"]
    }
    assert writes(ghl)[-1] == ("POST", f"/contacts/{one}/tags", {"tags": ["Lead Chaud", "Été"]})
    assert await tool("add_tags", contact_id=one, tags='["Client"]') == {"tags": ["Client", "Lead Chaud", "Été"]}
    assert await tool("remove_tags", contact_id=one, tags=["Client"]) == {"tags": ["Lead Chaud", "Été"]}
    assert writes(ghl)[-1] == ("DELETE", f"/contacts/{one}/tags", {"tags": ["Client"]})
    assert "A tag is empty" in await problem("add_tags", contact_id=one, tags=[" "])
    assert "`tags`" in await problem("add_tags", contact_id=one, tags=[])


async def test_add_note(tool: Any, ghl: FakeGoHighLevel) -> None:
    one = ghl.contact(firstName="Jean")
    made = await tool("add_note", contact_id=one, body="Budget : 12 000 €\nRappeler mardi", idempotency_key="n1")
    assert made["kind"] == "note"
    assert ghl.notes == [{"id": made["id"], "contactId": one, "body": "Budget : 12 000 €\nRappeler mardi"}]


async def test_delete_contact_confirmation_and_dry_run(ghl: FakeGoHighLevel, tmp_path: Any) -> None:
    one = ghl.contact(firstName="Jean")
    settings = {**ghl.settings, "FLOTILLA_TIER": "all", "FLOTILLA_STATE": str(tmp_path)}
    with environment(server, **settings):
        asked: list[str] = []
        async with client(server, answer="decline", asked=asked) as connected:
            assert "did not agree" in text_of(await call(connected, "ghl_delete_contact", contact_id=one))
        assert asked == ["Delete the contact Jean for good?"]
        shown = (await call(server, "ghl_delete_contact", contact_id=one, dry_run=True)).structured_content
        assert shown
        assert (shown["dry_run"]["method"], shown["dry_run"]["headers"]["version"]) == ("DELETE", "2021-07-28")
        assert one in ghl.contacts
        async with client(server, answer="accept") as connected:
            assert (await call(connected, "ghl_delete_contact", contact_id=one)).structured_content == {"done": True}
    assert ghl.contacts == {}


async def test_create_contact_with_tags(tool: Any, ghl: FakeGoHighLevel) -> None:
    made = await tool("create_contact", first_name="Jean", email="jean@exemple.fr", tags=["Lead Chaud", "Lead  Chaud"])
    assert made["tags"] == ["Lead Chaud"]
    assert [path for _, path, _ in writes(ghl)] == ["/contacts/"]


async def test_create_contact_adds_tags_to_the_same_person(tool: Any, ghl: FakeGoHighLevel) -> None:
    """Nothing else is written, and no tag is lost."""
    there = ghl.contact(firstName="J.", email="jean@exemple.fr", tags=["Client"], city="Lyon")
    made = await tool("create_contact", first_name="Jean", email="jean@exemple.fr", tags=["Lead Chaud"])
    assert (made["id"], made["created"], made["tags"]) == (there, False, ["Client", "Lead Chaud"])
    assert made["note"].startswith("Not created, only tagged: a contact with this e-mail exists already.")
    assert writes(ghl) == [("POST", f"/contacts/{there}/tags", {"tags": ["Lead Chaud"]})]


async def test_create_contact_does_not_tag_another_person(tool: Any, ghl: FakeGoHighLevel) -> None:
    """A number that belongs to somebody of another name may be that of a switchboard."""
    ghl.contact(firstName="Jean", lastName="Dupont", phone="+33142000000", tags=["Client"])
    made = await tool("create_contact", first_name="Marie", last_name="Durand", phone="01 42 00 00 00", tags=["Lead"])
    assert (made["created"], made["tags"]) == (False, ["Client"])
    assert writes(ghl) == []


async def test_get_contact_with_its_lists(tool: Any, ghl: FakeGoHighLevel) -> None:
    one = ghl.contact(firstName="Zoé", lastName="Lefèvre", phone="+33612345678")
    long = "Début. " + "x" * 3000 + " CONCLUSION : rappeler."
    for body in ("Premier appel", long):
        await tool("add_note", contact_id=one, body=body)
    await tool("add_note", contact_id=one, body="Rappeler", due="2030-06-06T10:00")
    booked = await tool("book_appointment", contact_id=one, start_time="2030-06-03T09:30", title="Démo")
    deal = await tool("create_opportunity", contact_id=one, name="Site", amount="1 250,50 €")
    shown = await tool("get_contact", contact_id=one)
    assert [note["body"] for note in shown["notes"]] == [long, "Premier appel"]
    assert (shown["tasks"][0]["title"], shown["tasks"][0]["completed"]) == ("Rappeler", False)
    assert [(a["id"], a["start_time"]) for a in shown["appointments"]] == [(booked["id"], "2030-06-03T09:30:00+02:00")]
    assert [(o["id"], o["amount"], o["stage"]) for o in shown["opportunities"]] == [
        (deal["id"], "1250.50", "Découverte")
    ]
    less = await tool("get_contact", contact_id=one, include=["notes"], limit=1)
    assert (len(less["notes"]), less["note"]) == (1, "1 of 2 notes are shown: pass a larger limit.")
    assert "tasks" not in less


async def test_get_contact_without_the_scope_of_opportunities(tool: Any, ghl: FakeGoHighLevel) -> None:
    one = ghl.contact(firstName="Zoé", customFields=[{"id": "MgobCB14YMVKuE4Ka8p1", "value": "7"}])
    ghl.no_scopes = {"opportunities", "customFields"}
    shown = await tool("get_contact", contact_id=one)
    assert shown["note"] == "The opportunities are not shown: the scope opportunities.readonly is missing."
    assert shown["custom_fields"] == [{"id": "MgobCB14YMVKuE4Ka8p1", "value": "7"}]


async def test_update_contact_custom_fields(tool: Any, problem: Any, ghl: FakeGoHighLevel) -> None:
    one = ghl.contact(firstName="Zoé")
    fields = {"budget": "12 000,50", "Intérêts": "site, referencement", "Anniversaire": "2030-06-03"}
    await tool("update_contact", contact_id=one, custom_fields=fields)
    assert writes(ghl)[-1][2] == {
        "customFields": [
            {"id": "MgobCB14YMVKuE4Ka8p1", "field_value": 12000.5},
            {"id": "NhpcDC25ZNWLvF5Lb9q2", "field_value": ["Site", "Référencement"]},
            {"id": "OiqdED36AOXMwG6Mc0r3", "field_value": "2030-06-03"},
        ]
    }
    for wrong, terms in (
        ({"Taille": "3"}, "There is no custom field `Taille`. There are: "),
        ({"Budget": "beaucoup"}, "is not a number"),
        ({"Intérêts": "Logo"}, "There is no option of Intérêts `Logo`. There are: Site, Référencement."),
    ):
        assert terms in await problem("update_contact", contact_id=one, custom_fields=wrong)
    assert len(writes(ghl)) == 1
