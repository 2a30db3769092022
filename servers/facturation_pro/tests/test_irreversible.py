"""What cannot be taken back is looked at first, asked about with its amount, and refused where it was done already."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from flotilla_servers.facturation_pro import values
from flotilla_servers.facturation_pro.server import server
from flotilla_testing import call, client, environment, tools_of

LINE = {"title": "Conseil", "quantity": "2", "unit_price": "450.00", "vat": "20"}
NO_WAY_BACK = "A final invoice has a legal number and can be neither changed nor deleted."
MAY_BE_FINAL = "It may be final at once: then it has a legal number and can be neither changed nor deleted."


@pytest.fixture
async def quote(firm: Any, customer: int) -> int:
    return int((await firm.ask("create_quote", customer_id=customer, items=[LINE]))["id"])


@pytest.mark.parametrize("final", [True, False])
async def test_create_invoice_from_quote_refused_when_already_invoiced(firm: Any, quote: int, final: bool) -> None:
    """It is refused with the number of the first invoice."""
    firm.books.converts_to_final = final
    made = await firm.ask("create_invoice_from_quote", quote_id=quote)
    named = f"invoice FA202506-1 (id {made['id']})" if final else f"draft invoice {made['id']} (id {made['id']})"
    assert await firm.no("create_invoice_from_quote", quote_id=quote) == (
        f"Error: Quote 1 is invoiced already: {named}. Tell the user its number; facturation_get_invoice shows it."
    )
    assert len([row for row in firm.books.rows["bills"].values() if row["kind"] == "invoice"]) == 1


async def test_create_invoice_from_quote_refuses_a_refused_quote(firm: Any, quote: int) -> None:
    await firm.ask("update_quote", quote_id=quote, quote_status="refusé")
    message = await firm.no("create_invoice_from_quote", quote_id=quote)
    assert message.startswith("Error: Quote 1 was refused, so no invoice was made from it.")
    assert not [r for r in firm.sent("POST") if r.path.endswith("/invoice.json")]


async def test_create_invoice_from_quote_confirms_customer_and_amount(asking: Any, customer: int) -> None:
    firm, asked = asking
    quote = (await firm.ask("create_quote", customer_id=customer, items=[LINE]))["id"]
    assert asked == []
    await firm.ask("create_invoice_from_quote", quote_id=quote)
    assert asked == [f"Turn the quote 1 of Atelier Lefèvre, 1080.00 EUR TTC, into an invoice? {MAY_BE_FINAL}"]


async def test_create_invoice_from_quote_partly_invoiced_confirms_both_amounts(
    asking: Any, customer: int, quote: int
) -> None:
    firm, asked = asking
    part = await firm.ask("create_invoice", customer_id=customer, items=[{**LINE, "quantity": "1"}])
    firm.books.rows["bills"][quote] |= {"invoice_ids": [part["id"]], "amount_invoiced": "540.0"}
    await firm.ask("create_invoice_from_quote", quote_id=quote)
    assert asked == [
        "Turn the quote 1 of Atelier Lefèvre, 1080.00 EUR TTC, 540.00 of it invoiced already "
        f"(draft invoice {part['id']} (id {part['id']})), into a further invoice? {MAY_BE_FINAL}"
    ]


async def test_create_invoice_confirmed_only_when_final(asking: Any, customer: int) -> None:
    firm, asked = asking
    await firm.ask("create_invoice", customer_id=customer, items=[LINE])
    assert asked == []
    made = await firm.ask("create_invoice", customer_id=customer, items=[LINE], final=True)
    assert made["number"] == "FA202506-1"
    await firm.ask("create_invoice", customer_id=customer, items=[LINE], other_fields={"external_ref": "F-2019-7"})
    assert asked == [
        f"Create a final invoice for Atelier Lefèvre: 1 line, 900.00 EUR HT? {NO_WAY_BACK}",
        f"Create the invoice F-2019-7 of another program for Atelier Lefèvre: 1 line, 900.00 EUR HT? {NO_WAY_BACK}",
    ]


@pytest.mark.parametrize("kind", ["quote", "invoice"])
async def test_create_of_the_same_lines_again_on_one_day_is_asked_about(
    asking: Any, customer: int, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A request that was said twice; other lines, another customer and another day are not asked about."""
    firm, asked = asking
    monkeypatch.setattr(values, "now", lambda: datetime(2025, 6, 30, 12, tzinfo=UTC))
    other = int((await firm.ask("create_customer", company_name="Acme"))["id"])
    made = await firm.ask(f"create_{kind}", customer_id=customer, items=[LINE])
    await firm.ask(f"create_{kind}", customer_id=customer, items=[{**LINE, "quantity": "3"}])
    await firm.ask(f"create_{kind}", customer_id=customer, items=[LINE, LINE])
    await firm.ask(f"create_{kind}", customer_id=other, items=[LINE])
    assert asked == []
    number = "quote 1" if kind == "quote" else f"draft invoice {made['id']}"
    firm.books.per_page = 50
    await firm.ask(f"create_{kind}", customer_id=customer, items=[{**LINE, "unit_price": "450"}])
    another = "one" if kind == "quote" else "draft"
    assert asked == [f"The {number} of today has the same lines. Create another {another}?"]
    monkeypatch.setattr(values, "now", lambda: datetime(2025, 7, 1, 12, tzinfo=UTC))
    await firm.ask(f"create_{kind}", customer_id=customer, items=[LINE])
    assert len(asked) == 1


async def test_update_invoice_confirmed_only_when_finalizing(asking: Any, customer: int) -> None:
    firm, asked = asking
    draft = (await firm.ask("create_invoice", customer_id=customer, items=[LINE]))["id"]
    await firm.ask("update_invoice", invoice_id=draft, title="Juin")
    assert asked == []
    await firm.ask("update_invoice", invoice_id=draft, finalize=True)
    assert asked == [f"Make the draft invoice {draft} of Atelier Lefèvre, 1080.00 EUR TTC, final? {NO_WAY_BACK}"]
    await firm.ask("update_invoice", invoice_id=draft, other_fields={"paid_on": "2025-06-30", "payment_mode": "cash"})
    assert len(asked) == 1


async def test_create_invoice_declined_creates_nothing(settings: dict[str, str], firm: Any, customer: int) -> None:
    with environment(server, **{**settings, "FLOTILLA_CONFIRM": "on"}):
        async with client(server, answer="decline") as connected:
            params = {"customer_id": customer, "items": [LINE]}
            assert (await call(connected, "facturation_create_invoice", **params, final=True)).is_error
    assert not firm.books.rows["bills"]


async def test_refund_invoice_refused_when_already_refunded(asking: Any, customer: int) -> None:
    """It is refused with the number of the first credit note."""
    firm, asked = asking
    final = (await firm.ask("create_invoice", customer_id=customer, items=[LINE], final=True))["id"]
    note = await firm.ask("refund_invoice", invoice_id=final)
    assert asked[-1] == (
        "Cancel the invoice FA202506-1 of Atelier Lefèvre, 1080.00 EUR TTC, with a credit note of its whole amount? "
        "A credit note has a legal number and can be neither changed nor deleted."
    )
    message = await firm.no("refund_invoice", invoice_id=final)
    assert f"is cancelled already, by the credit note FA202506-2 (id {note['id']})" in message
    assert "is a credit note itself" in await firm.no("refund_invoice", invoice_id=note["id"])
    assert len(firm.books.rows["bills"]) == 2


async def test_send_email_confirms_document_amount_and_address(asking: Any, customer: int, quote: int) -> None:
    firm, asked = asking
    firm.books.rows["customers"][customer]["email"] = "zoe@atelier.example"
    await firm.ask("send_email", bill_id=quote)
    await firm.ask("send_email", bill_id=quote, to="a@b.example", bcc="c@d.example")
    whole = "E-mail the quote 1 of Atelier Lefèvre, 1080.00 EUR TTC, to"
    assert asked == [
        f"{whole} zoe@atelier.example? A mail cannot be called back.",
        f"{whole} a@b.example, c@d.example? A mail cannot be called back.",
    ]


async def test_delete_settlement_confirms_amount_and_invoice(asking: Any, customer: int) -> None:
    firm, asked = asking
    final = (await firm.ask("create_invoice", customer_id=customer, items=[LINE], final=True))["id"]
    params = {"total": "100", "payment_mode": "virement", "paid_on": "2025-06-30"}
    paid = await firm.ask("create_settlement", invoice_id=final, **params)
    await firm.ask("delete_settlement", invoice_id=final, settlement_id=paid["id"])
    assert asked[-1] == (
        "Delete the payment of 100.00 by bank transfer on 2025-06-30 of the invoice FA202506-1 of Atelier Lefèvre, "
        "1080.00 EUR TTC?"
    )


@pytest.mark.parametrize("archived", [False, True])
async def test_create_customer_with_known_siret_returns_existing(firm: Any, customer: int, archived: bool) -> None:
    """On the second page of the vendor's list too, and where somebody archived it."""
    before = len(firm.books.rows["customers"])
    for name in ("Un", "Deux", "Trois"):
        await firm.ask("create_customer", company_name=name)
    there = await firm.ask("create_customer", company_name="Quatre", siret="80295478500028")
    assert "created" not in there
    if archived:
        await firm.ask("archive_customer", customer_id=there["id"])
    again = await firm.ask("create_customer", company_name="Quatre SAS", siret="802 954 785 00028")
    assert (again["id"], again["created"], again["name"]) == (there["id"], False, "Quatre")
    assert again["note"] == "Not created and not changed: this customer has the SIRET already. Use its id."
    assert len(firm.books.rows["customers"]) == before + 4


async def test_irreversible_tools_have_destructive_hint(settings: dict[str, str]) -> None:
    """Tools whose effect cannot be undone say so in their hints, and accept a confirm_token."""
    with environment(server, **settings):
        tools = {tool["name"].removeprefix("facturation_"): tool for tool in await tools_of(server)}
    for name in ("create_invoice", "update_invoice", "create_invoice_from_quote", "refund_invoice", "send_email"):
        assert tools[name]["annotations"]["destructiveHint"] is True
        assert "confirm_token" in tools[name]["inputSchema"]["properties"]
    changing = [name for name in tools if name.startswith(("update_", "delete_", "archive_"))]
    assert [name for name in changing if not tools[name]["annotations"]["destructiveHint"]] == []


async def test_fake_refuses_a_line_without_quantity(firm: Any, customer: int) -> None:
    message = await firm.no("create_quote", customer_id=customer, items=[{"title": "Conseil", "unit_price": "450"}])
    assert "la quantité et le prix doivent être remplis" in message
