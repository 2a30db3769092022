"""Customers by the name that a person says, and their documents; no second customer of one name or SIRET."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from flotilla_servers.facturation_pro import bills, values
from flotilla_servers.facturation_pro.server import server
from flotilla_testing import client, environment

LINE = {"title": "Conseil", "quantity": "1", "unit_price": "100.00", "vat": "20"}
PDF_OF_FINAL = b"FA202506-1"


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "now", lambda: datetime(2025, 6, 30, 12, tzinfo=UTC))


@pytest.fixture
async def people(firm: Any) -> dict[str, int]:
    """Two persons and a company called Dupont, a company whose contact is called so, and two others."""
    rows: dict[str, dict[str, Any]] = {
        "jean": {"last_name": "Dupont", "fields": {"first_name": "Jean", "email": "jean@dupont.example"}},
        "marie": {"last_name": "Dupont", "fields": {"first_name": "Marie"}},
        "company": {"company_name": "Établissements Dupont", "other_fields": {"invoice_email": "compta@ets.example"}},
        "contact": {"company_name": "Acme", "last_name": "Dupont", "fields": {"email": "paul@acme.example"}},
        "morel": {"company_name": "Boulangerie Morel"},
        "legoff": {"last_name": "Le Goff", "fields": {"first_name": "Anne"}},
    }
    return {name: int((await firm.ask("create_customer", **row))["id"]) for name, row in rows.items()}


def names(people: dict[str, int], page: dict[str, Any], key: str = "id") -> list[str]:
    """Return whose rows stand on a page."""
    known = {number: name for name, number in people.items()}
    return [known[row[key]] for row in page["items"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("dupont", ["company", "jean", "marie", "contact"]),
        ("Jean Dupont", ["jean"]),
        ("Dupont Jean", ["jean"]),
        ("Anne Le Goff", ["legoff"]),
        ("Le Goff", ["legoff"]),
        ("Jean Dup", ["jean"]),
        ("Goff Anne", ["legoff"]),
        ("Boulangerie", ["morel"]),
        ("@acme", ["contact"]),
        ("Durand", []),
    ],
)
async def test_list_customers_finds_companies_and_persons(
    firm: Any, people: dict[str, int], query: str, expected: list[str]
) -> None:
    page = await firm.ask("list_customers", query=query, limit=50)
    assert names(people, page) == expected
    assert all("details" not in row for row in page["items"])


async def test_list_customers_by_name_pages_and_details(firm: Any, people: dict[str, int]) -> None:
    first = await firm.ask("list_customers", query="dupont", limit=3, details=True)
    rest = await firm.ask("list_customers", query="dupont", limit=3, cursor=first["next_cursor"])
    assert names(people, first) + names(people, rest) == ["company", "jean", "marie", "contact"]
    assert "next_cursor" not in rest
    assert first["items"][1]["details"]["first_name"] == "Jean"


async def test_list_customers_by_name_and_kind(firm: Any, people: dict[str, int]) -> None:
    await firm.ask("archive_customer", customer_id=people["marie"])
    for mode, expected in (("individual", ["jean"]), ("archived", ["marie"]), ("company", ["company", "contact"])):
        assert names(people, await firm.ask("list_customers", query="dupont", mode=mode)) == expected


async def test_list_customers_with_too_many_of_a_name(firm: Any) -> None:
    """A search is read to the end; one that would take too many pages is refused, not cut."""
    for number in range(9):  # more than four of the fake's pages
        firm.books.rows["customers"][number] = {"id": number, "company_name": f"Atelier {number}"}
    assert await firm.no("list_customers", query="Atelier") == (
        "Error: Too many customers fit `Atelier`. Give more of the name, or the e-mail address."
    )


async def invoices(firm: Any, people: dict[str, int]) -> dict[int, str]:
    """Make a final invoice for each of three customers, one of them late; return whose they are by their ids."""
    terms = {"jean": "2025-06-10", "company": "2025-07-31", "morel": "2025-06-01"}
    made = {}
    for name, term in terms.items():
        answer = await firm.ask(
            "create_invoice", customer_id=people[name], items=[LINE], final=True, term_on=term, invoiced_on="2025-05-31"
        )
        made[int(answer["id"])] = name
    return made


async def test_list_invoices_of_a_name_with_address_and_days_late(firm: Any, people: dict[str, int]) -> None:
    made = await invoices(firm, people)
    page = await firm.ask("list_invoices", bill_type="unpaid", customer="Dupont")
    rows = {made[row["id"]]: row for row in page["items"]}
    assert list(rows) == ["jean", "company"]
    assert (rows["jean"]["email"], rows["jean"]["days_late"]) == ("jean@dupont.example", 20)
    assert (rows["company"]["email"], "days_late" in rows["company"]) == ("compta@ets.example", False)
    overdue = await firm.ask("list_invoices", bill_type="overdue", customer="Dupont")
    assert [made[row["id"]] for row in overdue["items"]] == ["jean"]
    assert ("bill_type", "term") in firm.sent("GET")[-1].query


async def test_list_invoices_unpaid_of_all_with_addresses(firm: Any, people: dict[str, int]) -> None:
    made = await invoices(firm, people)
    page = await firm.ask("list_invoices", bill_type="unpaid", limit=50)
    page["items"] += (await firm.ask("list_invoices", bill_type="unpaid", cursor=page["next_cursor"]))["items"]
    rows = {made[row["id"]]: row for row in page["items"]}
    assert {name: row.get("email") for name, row in rows.items()} == {
        "jean": "jean@dupont.example", "company": "compta@ets.example", "morel": None,
    }  # fmt: skip
    assert rows["morel"]["days_late"] == 29


async def test_list_invoices_of_a_name_pages_through_customers(firm: Any, people: dict[str, int]) -> None:
    expected = [
        (await firm.ask("create_invoice", customer_id=people[name], items=[LINE], final=True))["id"]
        for name in ("jean", "jean", "jean", "company", "contact")
    ]
    for limit in (1, 2, 3, 50):
        seen, cursor = list[int](), {}
        while True:
            page = await firm.ask("list_invoices", customer="Dupont", limit=limit, **cursor)
            seen += [row["id"] for row in page["items"]]
            assert len(page["items"]) <= limit
            if "next_cursor" not in page:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == expected
    assert "cursor is not valid" in await firm.no("list_invoices", customer="Dupont", cursor="2")


async def test_list_quotes_of_a_person(firm: Any, people: dict[str, int]) -> None:
    quote = await firm.ask("create_quote", customer_id=people["jean"], items=[LINE])
    await firm.ask("create_quote", customer_id=people["marie"], items=[LINE])
    page = await firm.ask("list_quotes", customer="Jean Dupont")
    assert [(row["id"], row["customer"]) for row in page["items"]] == [(quote["id"], "Jean Dupont")]


@pytest.mark.parametrize("tool", ["list_invoices", "list_quotes"])
async def test_list_of_an_unknown_customer_fails(firm: Any, people: dict[str, int], tool: str) -> None:
    """An empty list would read as "nothing is unpaid"."""
    message = await firm.no(tool, customer="Durand")
    assert message.startswith("Error: There is no customer whose name contains `Durand`.")
    assert "Error: " in await firm.no(tool, other_filters={"customer_id": 99})
    assert "given twice" in await firm.no(tool, customer="Morel", other_filters={"customer_id": people["morel"]})


async def test_list_invoices_of_too_many_customers_refused(firm: Any) -> None:
    firm.books.per_page = 50
    for number in range(1, 22):
        firm.books.rows["customers"][number] = {"id": number, "company_name": f"Atelier {number}"}
    message = await firm.no("list_invoices", customer="Atelier")
    assert message.startswith("Error: 21 customers fit `Atelier`: Atelier 1, Atelier 2,")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("impayées", "unpaid"), ("Unpaid", "unpaid"), ("en retard", "overdue"), ("term", "overdue"),
        ("échues", "overdue"), ("brouillons", "draft"), ("Avoirs", "refund"), ("down_payment", "down_payment"),
        ("notes", "notes"),
    ],
)  # fmt: skip
async def test_bill_type_read_as_people_say_it(firm: Any, text: str, kind: str) -> None:
    await firm.ask("list_invoices", bill_type=text)
    sent = dict(firm.sent("GET")[-1].query)["bill_type"]
    assert sent == ("term" if kind == "overdue" else kind)


async def test_bill_type_unknown_lists_the_names(firm: Any) -> None:
    message = await firm.no("list_invoices", bill_type="perdue")
    assert all(kind in message for kind in ("unpaid", "overdue", "refund"))
    assert bills._BILL_TYPES["overdue"] == "overdue"


async def test_documents_have_their_link(firm: Any, people: dict[str, int]) -> None:
    made = await firm.ask("create_invoice", customer_id=people["morel"], items=[LINE], final=True)
    firm.books.rows["bills"][made["id"]]["public_download_url"] = "https://www.facturation.pro/d/abc"
    assert (await firm.ask("get_invoice", invoice_id=made["id"]))["link"] == "https://www.facturation.pro/d/abc"
    row = (await firm.ask("list_invoices"))["items"][0]
    assert row["link"] == "https://www.facturation.pro/d/abc"


# -- no second customer -----------------------------------------------------------------------------------------------


async def test_create_customer_of_a_known_name_returns_it(firm: Any, people: dict[str, int]) -> None:
    """Also where it is archived; another one is made where the user means another one."""
    await firm.ask("archive_customer", customer_id=people["morel"])
    again = await firm.ask("create_customer", company_name="boulangerie morel")
    assert (again["id"], again["created"]) == (people["morel"], False)
    assert again["note"].startswith("Not created and not changed: this customer has the name already.")
    person = await firm.ask("create_customer", last_name="Dupont", fields={"first_name": "Marie"})
    assert (person["id"], person["created"]) == (people["marie"], False)
    other = await firm.ask("create_customer", company_name="Boulangerie Morel", allow_duplicate=True)
    assert other["id"] not in people.values()


@pytest.mark.parametrize(
    "arguments",
    [
        {"company_name": "Dupont"},  # part of another name
        {"last_name": "Dupont", "fields": {"first_name": "Paul"}},
        {"last_name": "Dupont", "fields": {"first_name": "Jean", "email": "jean.dupont@autre.example"}},
        {"company_name": "Établissements Dupont Frères"},
    ],
)
async def test_create_customer_that_differs_is_created(firm: Any, people: dict[str, int], arguments: Any) -> None:
    made = await firm.ask("create_customer", **arguments)
    assert made["id"] not in people.values()
    assert "created" not in made


async def test_create_customer_for_another_establishment_of_a_company(firm: Any) -> None:
    """Establishments of one company have its name and a SIRET each."""
    one = await firm.ask("create_customer", company_name="Atelier", siret="53165179200016")
    two = await firm.ask("create_customer", company_name="Atelier", siret="53165179200024")
    assert one["id"] != two["id"]


async def test_create_customer_by_last_name_is_a_person(firm: Any, people: dict[str, int]) -> None:
    rows = firm.books.rows["customers"]
    assert [rows[people[name]]["individual"] for name in ("jean", "company", "contact")] == [True, False, False]


async def test_update_customer_to_the_siret_of_another_refused(firm: Any, people: dict[str, int]) -> None:
    siret = "53165179200016"
    await firm.ask("update_customer", customer_id=people["company"], changes={"siret": siret})
    await firm.ask("update_customer", customer_id=people["company"], changes={"siret": "531 651 792 00016"})
    message = await firm.no("update_customer", customer_id=people["morel"], changes={"siret": siret})
    assert f"Établissements Dupont (id {people['company']}) has this SIRET already" in message
    assert "siret" not in firm.books.rows["customers"][people["morel"]]


# -- a day on the core tier -------------------------------------------------------------------------------------------


async def test_core_tier_does_a_day_of_invoicing(firm: Any, settings: dict[str, str], people: dict[str, int]) -> None:
    """Find a person's quote, invoice it once, send it, see what is late, be paid, cancel; and save both PDFs."""
    await firm.ask("create_quote", customer_id=people["jean"], items=[LINE], title="Audit")
    with environment(server, **{**settings, "FLOTILLA_TIER": "core"}):
        async with client(server) as connected:
            core = type(firm)(connected, firm.books, firm.vendor, firm.data, firm.scenario)
            (quote,) = (await core.ask("list_quotes", customer="jean dupont"))["items"]
            saved = await core.ask("download_document", document_id=quote["id"], kind="quote")
            assert saved["path"] == f"facturation-pro/quote-{quote['id']}.pdf"
            draft = await core.ask("create_invoice_from_quote", quote_id=quote["id"])
            assert "invoiced already" in await core.no("create_invoice_from_quote", quote_id=quote["id"])
            changes = {"term_on": "2025-06-15"}
            final = await core.ask("update_invoice", invoice_id=draft["id"], finalize=True, other_fields=changes)
            sent = await core.ask("send_email", bill_id=final["id"])
            assert sent["to"] == "jean@dupont.example"
            (late,) = (await core.ask("list_invoices", bill_type="overdue", customer="Dupont"))["items"]
            assert (late["number"], late["balance"], late["days_late"]) == (final["number"], "120.00", 15)
            payment = {"total": "20", "payment_mode": "virement", "paid_on": "2025-06-30"}
            await core.ask("create_settlement", invoice_id=final["id"], **payment)
            assert (await core.ask("get_invoice", invoice_id=final["id"]))["balance"] == "100.00"
            note = await core.ask("refund_invoice", invoice_id=final["id"])
            assert note["total_with_vat"] == "-120.00"
            saved = await core.ask("download_document", document_id=final["id"])
            assert PDF_OF_FINAL in (firm.data / saved["path"]).read_bytes()


async def test_refund_invoice_of_a_part_refused(firm: Any, people: dict[str, int]) -> None:
    """The vendor has no such thing: an amount is not silently left out."""
    final = await firm.ask("create_invoice", customer_id=people["jean"], items=[LINE], final=True)
    for more in ({"amount": "50"}, {"other_fields": {"total": "50"}}):
        assert "Error: " in await firm.no("refund_invoice", invoice_id=final["id"], **more)
    assert not [r for r in firm.sent("POST") if r.path.endswith("/refund.json")]
