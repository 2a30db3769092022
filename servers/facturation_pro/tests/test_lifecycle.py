"""What is refused before the vendor refuses it, what is sent whole, and what is warned of."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from flotilla_testing.amounts import NUMBERS, READ, TWO_WAYS

LINE = {"title": "Conseil", "quantity": "1", "unit_price": "100.00", "vat": "20"}


@pytest.fixture
async def draft(firm: Any, customer: int) -> dict[str, Any]:
    made = await firm.ask("create_invoice", customer_id=customer, items=[LINE, {**LINE, "title": "Suivi"}])
    return dict(await firm.ask("get_invoice", invoice_id=made["id"]))


@pytest.fixture
async def final(firm: Any, draft: dict[str, Any]) -> int:
    await firm.ask("update_invoice", invoice_id=draft["id"], finalize=True)
    return int(draft["id"])


async def test_update_invoice_sends_whole_lines(firm: Any, draft: dict[str, Any]) -> None:
    first, second = draft["items"]
    changes = [{"id": second["id"], "vat": "10"}, {"id": first["id"], "remove": True}, {**LINE, "title": "Port"}]
    await firm.ask("update_invoice", invoice_id=draft["id"], items=changes)
    sent = firm.sent("PATCH")[-1].json()["items"]
    assert sent[0] == {
        "id": first["id"], "title": "Conseil", "quantity": "1", "unit_price": "100.00", "vat": "0.200", "_destroy": "1",
    }  # fmt: skip
    assert sent[1] == {"id": second["id"], "title": "Suivi", "quantity": "1", "unit_price": "100.00", "vat": "0.100"}
    assert sent[2] == {"title": "Port", "quantity": "1", "unit_price": "100.00", "vat": "0.200"}
    now = await firm.ask("get_invoice", invoice_id=draft["id"])
    assert [(line["title"], line["vat"]) for line in now["items"]] == [("Suivi", "10"), ("Port", "20")]


async def test_update_invoice_sends_changed_fields_only(firm: Any, draft: dict[str, Any]) -> None:
    """Other fields of the document are left out of the request."""
    await firm.ask("update_invoice", invoice_id=draft["id"], title="Juin", other_fields={"term_on": None})
    request = firm.sent("PATCH")[-1]
    assert request.json() == {"title": "Juin", "term_on": None}
    assert request.query == [("type_doc", "draft")]


@pytest.mark.parametrize(
    "items",
    [
        [{"id": 1, "quantity": "2"}],
        [{"remove": True}],
        [{"id": 0, "remove": True}],
    ],
)
async def test_update_invoice_unknown_lines_refused(firm: Any, draft: dict[str, Any], items: list[Any]) -> None:
    assert "Error: " in await firm.no("update_invoice", invoice_id=draft["id"], items=items)
    gone = [{"id": line["id"], "remove": True} for line in draft["items"]]
    assert "No line would be left" in await firm.no("update_invoice", invoice_id=draft["id"], items=gone)
    assert not firm.sent("PATCH")


async def test_final_invoice_keeps_its_amounts(firm: Any, final: int) -> None:
    firm.vendor.requests.clear()
    for more in ({"items": [LINE]}, {"other_fields": {"currency": "USD"}}):
        message = await firm.no("update_invoice", invoice_id=final, **more)
        assert "FA202506-1 is final" in message
        assert "cancelled by a credit note, with facturation_refund_invoice" in message
    assert "is final, so it cannot be deleted" in await firm.no("delete_invoice", invoice_id=final)
    assert {request.method for request in firm.vendor.requests} == {"GET"}
    await firm.ask("update_invoice", invoice_id=final, other_fields={"paid_on": "2025-06-30", "payment_mode": "cash"})
    assert firm.sent("PATCH")[-1].json() == {"paid_on": "2025-06-30", "payment_mode": 5}
    assert firm.sent("PATCH")[-1].query == []


@pytest.mark.parametrize("final", [False, True])
async def test_update_invoice_finalizes_an_invoice_from_a_quote(firm: Any, customer: int, final: bool) -> None:
    """What a quote became can be finalized, whether it is a draft or final already."""
    firm.books.converts_to_final = final
    quote = await firm.ask("create_quote", customer_id=customer, items=[LINE])
    made = await firm.ask("create_invoice_from_quote", quote_id=quote["id"])
    assert made["draft"] is not final
    done = await firm.ask("update_invoice", invoice_id=made["id"], finalize=True)
    assert (done["draft"], done["number"]) == (False, "FA202506-1")
    assert len(firm.sent("PATCH")) == (not final)
    firm.vendor.requests.clear()
    await firm.ask("update_invoice", invoice_id=made["id"], finalize=True, other_fields={"information": "Merci"})
    assert (firm.sent("PATCH")[0].query, firm.sent("PATCH")[0].json()) == ([], {"information": "Merci"})


async def test_draft_invoice_deleted_but_not_refunded_or_sent(firm: Any, draft: dict[str, Any]) -> None:
    assert "is a draft" in await firm.no("refund_invoice", invoice_id=draft["id"])
    assert "is a draft" in await firm.no("send_email", bill_id=draft["id"])
    assert not firm.books.emails
    assert (await firm.ask("delete_invoice", invoice_id=draft["id"]))["done"] == "deleted"


async def test_create_invoice_issued_elsewhere(firm: Any, customer: int) -> None:
    made = await firm.ask(
        "create_invoice", customer_id=customer, items=[LINE], other_fields={"external_ref": "F-2019-7"}
    )
    assert firm.sent("POST")[-1].query == [("external", "1")]
    assert "is external" in await firm.no("send_email", bill_id=made["id"])


async def test_send_email_sends_a_quote(firm: Any, customer: int) -> None:
    quote = await firm.ask("create_quote", customer_id=customer, items=[LINE])
    firm.books.rows["customers"][customer]["email"] = "zoe@atelier.example"
    sent = await firm.ask("send_email", bill_id=quote["id"])
    assert sent == {"id": quote["id"], "done": "sent", "to": "zoe@atelier.example"}
    assert firm.books.emails == [{"bill_id": quote["id"]}]


async def test_send_email_without_any_address_refused(firm: Any, customer: int) -> None:
    quote = await firm.ask("create_quote", customer_id=customer, items=[LINE])
    assert await firm.no("send_email", bill_id=quote["id"]) == (
        "Error: The customer of document 1 has no e-mail address, so nothing was sent. "
        "Ask the user for the address and pass it as `to`."
    )
    assert not [r for r in firm.sent("POST") if r.path.endswith("/emails.json")]


async def test_delete_customer_refused_after_an_invoice(firm: Any, customer: int, final: int) -> None:
    """The error points to facturation_archive_customer."""
    message = await firm.no("delete_customer", customer_id=customer)
    assert "was invoiced" in message
    assert "facturation_archive_customer" in message
    assert not firm.sent("DELETE")


@pytest.mark.parametrize(
    ("fields", "warned"),
    [
        ({"company_name": "Sans"}, True),
        ({"company_name": "Sans", "fields": {"country": "FR"}}, True),
        ({"company_name": "GmbH", "fields": {"country": "DE"}}, False),
        ({"company_name": "Avec", "siret": "53165179200016"}, False),
        ({"last_name": "Curie"}, False),
        ({"last_name": "Curie", "other_fields": {"individual": False}}, True),
        ({"last_name": "Curie", "other_fields": {"vat_number": "FR40303265045"}}, True),
    ],
)
async def test_customer_siret_warning(firm: Any, fields: dict[str, Any], warned: bool) -> None:
    made = await firm.ask("create_customer", **fields)
    assert ("warning" in made) == warned
    assert ("warning" in await firm.ask("get_customer", customer_id=made["id"])) == warned


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("create_customer", {}, "needs a name"),
        ("create_customer", {"company_name": "x", "fields": {"phon": "1"}}, "phone"),
        ("create_customer", {"company_name": "x", "other_fields": {"phon": "1"}}, "did you mean `phone`"),
        ("create_customer", {"company_name": "x", "other_fields": {"siret": "1", "company_name": "y"}}, "given twice"),
        ("update_customer", {"customer_id": 1, "changes": {}}, "nothing to change"),
        ("update_quote", {"quote_id": 1}, "nothing to change"),
        ("create_quote", {"customer_id": 1, "items": []}, "at least one line"),
        ("create_quote", {"customer_id": 1, "items": [{**LINE, "vat": "0.2"}]}, "a percentage: 20, not 0.2"),
        ("create_quote", {"customer_id": 1, "items": [{**LINE, "unit_price": "dix"}]}, "`dix` is not a number"),
        ("create_quote", {"customer_id": 1, "items": [{**LINE, "unit_price": "12.500"}]}, "Write 12500 or 12.50"),
        ("create_quote", {"customer_id": 1, "items": [{**LINE, "unit_price": "12 USD"}]}, "the document's currency"),
        (
            "create_settlement",
            {"invoice_id": 1, "total": "1,234", "payment_mode": 3, "paid_on": "2025-06-30"},
            "Write 1234 or 1.2340",
        ),
        ("create_settlement", {"invoice_id": 1, "total": "1", "payment_mode": "troc", "paid_on": "2025-06-30"}, "bank"),
        ("list_invoices", {"period_start": "juin"}, "period_start"),
        ("list_invoices", {"other_filters": {"customer": 1}}, "did you mean `customer_id`"),
        ("list_quotes", {"status": "perdu"}, "accepted"),
        ("list_files", {"attached_to": "contract"}, "purchase"),
    ],
)
async def test_invalid_arguments_not_sent(firm: Any, tool: str, arguments: dict[str, Any], message: str) -> None:
    assert message in await firm.no(tool, **arguments)
    assert not [r for r in firm.vendor.requests if r.path != "/account.json"]


PAYMENT = {"invoice_id": 1, "payment_mode": "check", "paid_on": "2025-06-30"}
PURCHASE = {"supplier_id": 1, "title": "Papier", "invoiced_on": "2025-06-12", "vat_amount": "0"}


@pytest.mark.parametrize(
    ("tool", "params", "field"),
    [
        ("create_settlement", PAYMENT, "total"),
        ("create_product", {"title": "Conseil", "vat": "20"}, "unit_price"),
        ("create_purchase", PURCHASE, "total_with_vat"),
        ("create_quote", {"customer_id": 1}, "unit_price"),
    ],
)
async def test_amounts_read_as_in_every_server(firm: Any, tool: str, params: dict[str, Any], field: str) -> None:
    """One table for all servers: what is read, what is refused because it has two readings, and JSON numbers."""

    def arguments(value: Any) -> dict[str, Any]:
        one = {field: value}
        return {**params, **({"items": [{**LINE, **one}]} if tool == "create_quote" else one)}

    for value, amount in {**READ, **{number: Decimal(str(number)) for number in NUMBERS}}.items():
        body = (await firm.ask(tool, **arguments(value), dry_run=True))["dry_run"]["body"]
        sent = body["items"][0] if tool == "create_quote" else body
        assert Decimal(sent[field]) == amount, value
    for text, readings in TWO_WAYS.items():
        assert f"Write {readings}" in await firm.no(tool, **arguments(text))
    assert "in the document's currency" in await firm.no(tool, **arguments("1 250 dollars"))


@pytest.mark.parametrize("quantity", ["1,5", "0,25", "12,50", 1.125])
async def test_quantities_read(firm: Any, quantity: Any) -> None:
    """A decimal comma is read wherever there is one reading; a JSON number has one."""
    body = await firm.ask("create_quote", customer_id=1, items=[{**LINE, "quantity": quantity}], dry_run=True)
    sent = body["dry_run"]["body"]["items"][0]["quantity"]
    assert Decimal(sent) == Decimal(str(quantity).replace(",", "."))
    assert "Write 1234 or 1.2340" in await firm.no("create_quote", customer_id=1, items=[{**LINE, "quantity": "1,234"}])


async def test_list_period_by_invoice_date_by_default(firm: Any) -> None:
    june = {"period_start": "2025-06", "period_end": "2025-06"}
    for tool in ("list_invoices", "list_purchases"):
        await firm.ask(tool, **june)
        assert ("period_type", "billed") in firm.sent("GET")[-1].query
        await firm.ask(tool, **june, other_filters={"period_type": "paid"})
        assert ("period_type", "") in firm.sent("GET")[-1].query
        await firm.ask(tool)
        assert firm.sent("GET")[-1].query == []


@pytest.mark.parametrize("text", ["2025-13", "2025-02-31", "30/06/2025", "juin 2025"])
async def test_periods_that_do_not_exist_refused(firm: Any, text: str) -> None:
    assert "write a month or a day, as 2025-06 or 2025-06-30" in await firm.no("list_quotes", period_start=text)
    for period in ("2025-06", "2025-06-30"):
        await firm.ask("list_quotes", period_start=period)
        assert ("period_start", period) in firm.sent("GET")[-1].query


async def test_list_invoices_summaries_and_details(firm: Any, final: int) -> None:
    row = (await firm.ask("list_invoices"))["items"][0]
    assert set(row) == {
        "id", "number", "draft", "total", "total_with_vat", "currency", "customer_id", "customer", "balance",
    }  # fmt: skip
    row = (await firm.ask("list_invoices", details=True))["items"][0]
    assert [line["vat"] for line in row["details"]["items"]] == ["20", "20"]
    assert row["details"]["payment_mode"] == "unpaid"


async def test_suppliers_purchases_and_products(firm: Any) -> None:
    supplier = await firm.ask("create_supplier", company_name="Office Depot", fields={"country": "fr"})
    params = {"supplier_id": supplier["id"], "title": "Papier", "invoiced_on": "2025-06-12", "vat_amount": "10"}
    made = await firm.ask(
        "create_purchase", **params, total_with_vat="60", fields={"payment_mode": 7, "nature": "service"}
    )
    assert firm.sent("POST")[-1].json()["payment_mode"] == 7
    purchase = await firm.ask("get_purchase", purchase_id=made["id"])
    assert (purchase["total_with_vat"], purchase["details"]["payment_mode"]) == ("60.00", "partner account")
    product = await firm.ask("create_product", title="Jour", unit_price=450, vat="5,5")
    assert firm.sent("POST")[-1].json() == {"title": "Jour", "unit_price": "450", "vat": "0.055"}
    assert (await firm.ask("get_product", product_id=product["id"]))["vat"] == "5.5"
    assert (await firm.ask("update_product", product_id=product["id"], changes={"vat": 20}))["vat"] == "20"
    assert (await firm.ask("delete_product", product_id=product["id"]))["done"] == "deleted"


async def test_update_customer_with_empty_response(firm: Any, customer: int) -> None:
    """The vendor may answer a change with nothing; the id is returned then."""
    firm.books.silent = True
    assert await firm.ask("update_customer", customer_id=customer, changes={"phone": "1"}) == {"id": customer}
    assert firm.books.rows["customers"][customer]["phone"] == "1"
