"""200 generated bodies a writing tool against the vendor's contract: every field that a tool takes.

The fields come from the same models that check them, so what is generated is what a tool accepts.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from datetime import date
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import AwareDatetime, BaseModel

from flotilla_servers.facturation_pro import bills, customers, fields, products, purchases, suppliers
from flotilla_servers.facturation_pro.tests import test_acceptance
from flotilla_testing.client import text_of
from flotilla_testing.contract import declared, read
from flotilla_testing.subject import WITHOUT_CONFIRMATION, Subject

pytestmark = pytest.mark.slow

RATES = st.sampled_from(["0", "2.1", "5,5", "8.5", "10", "20", 20, 5.5])
AMOUNTS = st.one_of(
    st.integers(-99_999, 999_999),
    st.decimals("-9999", "99999", places=2).map(str),
    st.sampled_from(["12,50", "1 234,5"]),
)
IDS = st.integers(0, 10**9)
TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=8)
OWN = ("with_details", "period_type", "ids")


def values(model: type[BaseModel], name: str) -> st.SearchStrategy[Any]:
    """Return what a field takes."""
    hint = typing.get_type_hints(model, include_extras=True)[name]
    told = str(hint)
    options = [st.none()] if type(None) in typing.get_args(hint) else []
    inner = next((part for part in typing.get_args(hint) if part is not type(None)), hint) if options else hint
    bare = typing.get_args(inner)[0] if typing.get_origin(inner) is typing.Annotated else inner
    if "percentage" in told:
        return st.one_of(RATES, *options)
    if "decimal" in told:
        return st.one_of(AMOUNTS, *options)
    if typing.get_origin(bare) is typing.Literal:
        return st.sampled_from(list(typing.get_args(bare)))
    if "[A-Za-z]{" in told:
        return st.sampled_from(["eur", "USD"] if "{3}" in told else ["fr", "DE"])
    if r"\\d{4}" in told:
        return st.sampled_from(["2025-06", "2025-06-30"])
    if "max_length=" in told:
        longest = int(told.split("max_length=")[1].split(")")[0])
        return st.one_of(TEXTS.map(lambda text: text[:longest]), *options)
    kinds: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(), int: IDS, date: st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(str),
        AwareDatetime: st.just("2025-06-30T10:00:00+02:00"),
    }  # fmt: skip
    return st.one_of(kinds.get(bare, TEXTS), *options)


def some(model: type[BaseModel], *without: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with any of a model's fields."""
    names = [name for name in model.model_fields if name not in without]
    return st.fixed_dictionaries({}, optional={name: values(model, name) for name in names})


def lines(model: type[BaseModel], *without: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(some(model, *without, "sap_nature"), min_size=1, max_size=3)


NEW = lines(fields.LineChange, "id", "remove")
ID = {"customer": 180366, "supplier": 49091, "product": 46125, "purchase": 125459}
OF = {"customer": fields.CustomerFields, "supplier": fields.SupplierFields, "product": fields.ProductFields,
      "purchase": fields.PurchaseFields}  # fmt: skip
FLAT = {
    "customer": {"company_name": "x"},
    "supplier": {"company_name": "x"},
    "product": {"title": "x", "unit_price": "1", "vat": "20"},
    "purchase": {"supplier_id": 1, "title": "x", "invoiced_on": "2025-06-12", "total_with_vat": "1", "vat_amount": "0"},
}
CALLS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "create_quote": st.fixed_dictionaries(
        {"customer_id": IDS, "items": lines(fields.Line)}, optional={"fields": some(fields.QuoteFields, "customer_id")}
    ),
    "create_invoice": st.fixed_dictionaries(
        {"customer_id": IDS, "items": lines(fields.Line)},
        optional={"fields": some(fields.InvoiceFields, "customer_id"), "final": st.booleans()},
    ),
    "update_quote": st.fixed_dictionaries(
        {"quote_id": IDS, "quote_status": values(fields.QuoteFields, "quote_status")},
        optional={
            "changes": some(fields.QuoteFields, "quote_status"),
            "items": NEW,
        },
    ),
    "update_invoice": st.fixed_dictionaries(
        {"invoice_id": st.just(411590), "finalize": st.just(True)},
        optional={
            "changes": some(fields.InvoiceFields).filter(bool),
            "items": NEW,
        },
    ),
    "create_settlement": st.fixed_dictionaries(
        {
            "invoice_id": IDS,
            "total": AMOUNTS,
            "payment_mode": values(fields.SettlementFields, "payment_mode"),
            "paid_on": st.just("2025-06-30"),
        },
        optional={"payment_ref": TEXTS},
    ),
    "send_email": st.fixed_dictionaries(
        {"bill_id": st.just(411588)}, optional=dict.fromkeys(("to", "cc", "bcc", "subject", "message"), TEXTS)
    ),
    "refund_invoice": st.fixed_dictionaries(
        {"invoice_id": st.just(411588)}, optional={"api_id": IDS, "api_custom": TEXTS}
    ),
    **{
        f"{verb}_{noun}": st.fixed_dictionaries(
            {"title": TEXTS, **({f"{noun}_id": st.just(4866)} if verb == "update" else {})},
            optional={"status": st.sampled_from(words)},
        )
        for verb in ("create", "update")
        for noun, words in (
            ("category", ["both", "sales", "purchases"]),
            ("followup", ["both", "quotes", "invoices"]),
        )
    },
    **{
        f"create_{noun}": st.fixed_dictionaries(
            {name: st.just(value) for name, value in FLAT[noun].items()},
            optional={"fields": some(model, *FLAT[noun], "individual", "siret", "last_name", "ref")},
        )
        for noun, model in OF.items()
    },
    **{
        f"update_{noun}": st.fixed_dictionaries({f"{noun}_id": st.just(ID[noun]), "changes": some(model).filter(bool)})
        for noun, model in OF.items()
    },
    **{
        tool: st.fixed_dictionaries(dict.fromkeys(ids, IDS))
        for tool, ids in {
            **{f"delete_{noun}": [f"{noun}_id"] for noun in (*OF, "quote", "category", "followup", "file")},
            "delete_settlement": ["invoice_id", "settlement_id"],
            "archive_customer": ["customer_id"],
            "restore_customer": ["customer_id"],
            "create_invoice_from_quote": ["quote_id"],
        }.items()
    },
    "delete_invoice": st.fixed_dictionaries({"invoice_id": st.just(411590)}),
    **{
        f"upload_{noun}_file": st.fixed_dictionaries(
            {f"{noun}_id": IDS, "path": st.just("justificatif.pdf")},
            optional={"filename": TEXTS, **({"visible": st.booleans()} if noun in ("quote", "invoice") else {})},
        )
        for noun in ("customer", "purchase", "quote", "invoice")
    },
    **{
        tool: st.fixed_dictionaries({"filters": some(model, *flat)})
        for tool, model, flat in (
            (
                "list_invoices",
                bills.InvoiceFilters,
                ("bill_type", *OWN, "with_settlements"),
            ),
            ("list_quotes", bills.QuoteFilters, ("status", "with_details", "ids")),
            ("list_customers", customers.CustomerFilters, ("company", "ids")),
            ("list_suppliers", suppliers.SupplierFilters, ("company", "ids")),
            ("list_products", products.ProductFilters, ("ref", "title")),
            (
                "list_purchases",
                purchases.PurchaseFilters,
                ("purchase_type", "company", *OWN),
            ),
        )
    },
}


@pytest.fixture(scope="module")
def case() -> Iterator[Subject]:
    with test_acceptance.TestAcceptance.opened() as case:
        yield case


async def test_every_tool_that_writes_is_tried(case: Subject) -> None:
    writing = {t["name"].removeprefix("facturation_") for t in await case.tools() if case.effect(t) != "reads"}
    assert writing <= set(CALLS)


@pytest.mark.parametrize("name", list(CALLS))
async def test_generated_requests_fit_the_contract(case: Subject, name: str) -> None:
    declaration = declared(case.folder)
    assert declaration
    if not declaration.path.is_file():
        pytest.skip("the vendor's contract is not here; see FLOTILLA_SPECS")
    contract, sets = read(declaration), list[dict[str, Any]]()

    @settings(max_examples=200, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(CALLS[name])
    def collect(arguments: dict[str, Any]) -> None:
        sets.append(arguments)

    collect()
    assert len(sets) >= 50 or name == "delete_invoice"  # hypothesis knows when it has tried everything
    real = {"FACTURATION_PRO_BASE_URL": "https://www.facturation.pro", **WITHOUT_CONFIRMATION}
    async with case.session(real, recorded=True) as session:
        for arguments in sets:
            result = await session.call(f"facturation_{name}", **arguments)
            assert not result.is_error, (arguments, text_of(result))
        wrong = {told for request in session.requests for told in contract.problems(request)}
        assert not wrong, sorted(wrong)[:5]
