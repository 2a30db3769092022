"""A month and its unpaid invoices, against numbers that were computed by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from flotilla_servers.facturation_pro import values
from flotilla_servers.facturation_pro.tools import prompts


def invoice(number: int, lines: list[tuple[str, str]], **more: Any) -> dict[str, Any]:
    items = [{"total": total, "vat": vat, "style": None} for total, vat in lines]
    return {
        "id": number,
        "kind": "invoice",
        "currency": "EUR",
        "draft": False,
        "customer_id": 1,
        "items": items,
        **more,
    }


# By hand: 1) 1000.00 at 20 % = 200.00 and 99.95 at 5.5 % = 5.49725 → 5.50; 2) a credit note of -250.00 at 20 %;
# 3) lines of 300.00 at 10 % with a rebate to 270.00: TVA 27.00, no TTC told; 4) 80.00 in dollars without TVA;
# 5) a draft, which does not count.
MONTH = [
    invoice(1, [("1000.0", "0.200"), ("99.95", "0.055")], total="1099.95", total_with_vat="1305.45", balance="305.45"),
    invoice(2, [("-250.0", "0.200")], total="-250.0", total_with_vat="-300.0", refund_id=1, paid_on="2025-06-20"),
    invoice(3, [("300.0", "0.100")], total="270.0", rebate_percentage="10.0"),
    invoice(4, [("80.0", "0.0")], total="80.0", total_with_vat="80.0", currency="USD", paid_on="2025-06-30"),
    invoice(5, [("9999.0", "0.200")], total="9999.0", total_with_vat="11998.8", draft=True),
]


PAID = [{"id": 1, "total": "90.0"}, {"id": 2, "total": "7.0"}]


async def reported(firm: Any, name: str, **arguments: str) -> str:
    try:
        result = await firm.client.get_prompt(f"facturation_{name}", arguments)
    except MCPError as refusal:
        return str(refusal.error.message)
    return str(result.messages[0].content.text)


async def test_month_revenue_totals(firm: Any) -> None:
    firm.books.rows["bills"] = {row["id"]: row for row in MONTH}
    text = await reported(firm, "month_revenue", month="2025-06")
    assert "- 3 invoices and credit notes in EUR; credit notes: -250.00 HT" in text
    assert "- HT 1119.95 EUR, TVA 182.50 EUR, TTC 1302.45 EUR" in text
    assert "  - TVA 20 %: base 750.00, TVA 150.00 EUR" in text
    assert "  - TVA 5.5 %: base 99.95, TVA 5.50 EUR" in text
    assert "  - TVA 10 %: base 270.00, TVA 27.00 EUR" in text
    assert "- HT 80.00 USD, TVA 0.00 USD, TTC 80.00 USD" in text
    assert "?" not in text
    first = firm.sent("GET")[1].query
    assert ("period_start", "2025-06") in first
    assert ("period_type", "billed") in first
    assert len([r for r in firm.sent("GET") if r.path.endswith("/invoices.json")]) == 3  # every page


async def test_get_revenue_totals(firm: Any) -> None:
    """The same numbers for clients that cannot call a prompt."""
    firm.books.rows["bills"] = {row["id"]: row for row in MONTH}
    assert await firm.ask("get_revenue", month="2025-06") == {
        "month": "2025-06",
        "complete": True,
        "revenue": [
            {
                "currency": "EUR", "documents": 3, "credit_notes": "-250.00",
                "total": "1119.95", "vat_amount": "182.50", "total_with_vat": "1302.45",
                "rates": [
                    {"vat": "10", "total": "270.00", "vat_amount": "27.00"},
                    {"vat": "20", "total": "750.00", "vat_amount": "150.00"},
                    {"vat": "5.5", "total": "99.95", "vat_amount": "5.50"},
                ],
            },
            {
                "currency": "USD", "documents": 1, "credit_notes": "0.00",
                "total": "80.00", "vat_amount": "0.00", "total_with_vat": "80.00",
                "rates": [{"vat": "0", "total": "80.00", "vat_amount": "0.00"}],
            },
        ],
    }  # fmt: skip
    assert (await firm.no("get_revenue", month="juin")).startswith("Error: The month must look like 2025-06.")


async def test_month_revenue_shows_unexplained_vat(firm: Any) -> None:
    """What the lines do not explain is shown."""
    odd = invoice(1, [("100.0", "0.200")], total="100.0", total_with_vat="121.0")
    firm.books.rows["bills"] = {1: odd}
    assert "  - TVA ? %: base 0.00, TVA 1.00 EUR" in await reported(firm, "month_revenue", month="2025-06")


async def test_unpaid_invoices(firm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "today", lambda: date(2025, 8, 10))
    # by hand: 1) is 305.45 by its balance; 3) has none: 270.00 HT and 27.00 TVA, less 97.00 paid, leave 200.00
    rows = [
        {**MONTH[0], "customer_identity": "Lefèvre\u202e", "term_on": "2025-07-31", "invoice_ref": "7"},
        {**MONTH[2], "customer_identity": "Lefèvre", "term_on": "2025-06-30", "invoice_ref": "3", "settlements": PAID},
        {**MONTH[3], "customer_identity": "Acme", "term_on": "2025-08-30", "invoice_ref": "4", "paid_on": None},
        {**MONTH[1], "customer_identity": "Payée"},
    ]
    firm.books.rows["bills"] = {row["id"]: row for row in rows}
    text = await reported(firm, "unpaid_invoices", overdue_only="no")
    assert "- Lefèvre: 505.45 EUR" in text
    assert "  - 3 (id 3), due 2025-06-30, 41 days late, 200.00 EUR" in text
    assert "  - 7 (id 1), due 2025-07-31, 10 days late, 305.45 EUR" in text
    assert "  - 4 (id 4), due 2025-08-30, 0 days late, 80.00 USD" in text
    assert "- total: 505.45 EUR\n- total: 80.00 USD" in text
    assert "Payée" not in text
    assert text.index("Lefèvre") < text.index("Acme")


def test_today_is_the_day_in_france(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "now", lambda: datetime(2025, 6, 30, 22, 30, tzinfo=UTC))
    assert values.today() == date(2025, 7, 1)


@pytest.mark.parametrize(
    "odd", [{"term_on": "2025-13-45"}, {"term_on": "soon"}, {"items": ["x", None]}, {"settlements": ["x"]}]
)
async def test_unpaid_invoices_with_odd_invoices(firm: Any, odd: dict[str, Any]) -> None:
    """One odd invoice spoils no list, and nothing of it is shown as an error."""
    firm.books.rows["bills"] = {row["id"]: {**row, **odd} for row in MONTH}
    text = await reported(firm, "unpaid_invoices", overdue_only="no")
    assert text.startswith("Unpaid invoices on")


async def test_prompts_report_errors(firm: Any) -> None:
    """An error is the text of the prompt, in one sentence."""
    assert (await reported(firm, "month_revenue", month="juin")).startswith("Error: The month must look like 2025-06.")
    assert (await reported(firm, "month_revenue")).startswith("Error: Argument `month` is missing.")
    firm.books.key = "other"
    assert "credentials" in await reported(firm, "unpaid_invoices")
