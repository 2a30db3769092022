"""Generated bodies of each writing tool against the vendor's contract: every field that a tool takes.

The fields come from the same models that check them, so what is generated is what a tool accepts.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import AwareDatetime, BaseModel

from flotilla_servers.facturation_pro import bills, fields
from flotilla_servers.facturation_pro.tests import test_acceptance
from flotilla_servers.facturation_pro.tools import customers, products, purchases, suppliers
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
DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(str)


def unwrapped(hint: Any) -> tuple[Any, list[Any], bool]:
    """Return a type without its annotations, the functions that validate it, and whether it may be None."""
    functions, optional = list[Any](), False
    while True:
        if typing.get_origin(hint) is typing.Annotated:
            hint, *more = typing.get_args(hint)
            functions += [function for one in more if (function := getattr(one, "func", None))]
        elif type(None) in typing.get_args(hint):
            optional, hint = True, next(part for part in typing.get_args(hint) if part is not type(None))
        else:
            return hint, functions, optional


hints_of = cache(typing.get_type_hints)  # it evaluates all of a model's, and each field is asked for


def values(model: type[BaseModel], name: str) -> st.SearchStrategy[Any]:
    """Return what a field takes."""
    bare, functions, optional = unwrapped(hints_of(model, include_extras=True)[name])
    validators = {function.__qualname__: function for function in functions}
    if {"vat_rate", "percentage"} & set(validators):
        matches: st.SearchStrategy[Any] = RATES
    elif {"amount", "quantity"} & set(validators):
        matches = AMOUNTS
    elif reader := validators.get("Enumeration.read"):
        matches = st.sampled_from(list(reader.__self__.names.values()))
    elif check := validators.get("at_most.<locals>.check"):
        longest = check.__closure__[0].cell_contents
        matches = TEXTS.map(lambda text: text[:longest])
    elif check := validators.get("letters.<locals>.check"):
        matches = st.sampled_from(["eur", "USD"] if check.__closure__[0].cell_contents == 3 else ["fr", "DE"])
    elif "_period" in validators:
        matches = st.sampled_from(["2025-06", "2025-06-30"])
    elif typing.get_origin(bare) is typing.Literal:
        matches = st.sampled_from(list(typing.get_args(bare)))
    else:
        kinds: dict[Any, st.SearchStrategy[Any]] = {
            bool: st.booleans(), int: IDS, date: DAYS, AwareDatetime: st.just("2025-06-30T10:00:00+02:00"),
        }  # fmt: skip
        matches = kinds.get(bare, TEXTS)
    return st.one_of(matches, st.none()) if optional else matches


def some(model: type[BaseModel], *without: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with any of a model's fields."""
    names = [name for name in model.model_fields if name not in without]
    return st.fixed_dictionaries({}, optional={name: values(model, name) for name in names})


def flat(model: type[BaseModel], *names: str) -> dict[str, st.SearchStrategy[Any]]:
    """Return arguments that are fields of a model."""
    return {name: values(model, name) for name in names}


def lines(model: type[BaseModel], *without: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Return lines with usual and rarer fields."""
    rare = some(fields.AllLineFields, "sap_nature", *fields.Line.model_fields)
    usual = {name: values(model, name) for name in model.model_fields if name not in (*without, "other_fields")}
    return st.lists(st.fixed_dictionaries({}, optional={**usual, "other_fields": rare}), min_size=1, max_size=3)


NEW = lines(fields.LineChange, "id", "remove")
ID = {"customer": 180366, "supplier": 49091, "product": 46125, "purchase": 125459}
OF = {
    "customer": (fields.CustomerFields, fields.CustomerChanges, fields.AllCustomerFields),
    "supplier": (fields.SupplierFields, fields.SupplierChanges, fields.AllSupplierFields),
    "product": (fields.ProductFields, fields.ProductChanges, fields.AllProductFields),
    "purchase": (fields.PurchaseFields, fields.PurchaseChanges, fields.AllPurchaseFields),
}
BILL = ("title", "invoiced_on", "term_on")
FLAT = {
    "customer": {"company_name": "x"},
    "supplier": {"company_name": "x"},
    "product": {"title": "x", "unit_price": "1", "vat": "20"},
    "purchase": {"supplier_id": 1, "title": "x", "invoiced_on": "2025-06-12", "total_with_vat": "1", "vat_amount": "0"},
}
CALLS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "create_quote": st.fixed_dictionaries(
        {"customer_id": IDS, "items": lines(fields.Line)},
        optional={
            **flat(fields.QuoteFields, *BILL),
            "other_fields": some(fields.QuoteFields, "customer_id", *BILL),
        },
    ),
    "create_invoice": st.fixed_dictionaries(
        {"customer_id": IDS, "items": lines(fields.Line)},
        optional={
            **flat(fields.InvoiceFields, *BILL),
            "other_fields": some(fields.InvoiceFields, "customer_id", *BILL),
            "final": st.booleans(),
        },
    ),
    "update_quote": st.fixed_dictionaries(
        {"quote_id": IDS, "quote_status": values(fields.QuoteFields, "quote_status")},
        optional={
            **flat(fields.QuoteFields, *BILL),
            "other_fields": some(fields.QuoteFields, "quote_status", *BILL),
            "items": NEW,
        },
    ),
    "update_invoice": st.fixed_dictionaries(
        {"invoice_id": st.just(411590), "finalize": st.just(True)},
        optional={
            **flat(fields.InvoiceFields, "title"),
            "other_fields": some(fields.InvoiceFields, "title"),
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
        {"invoice_id": st.just(411588)}, optional={"other_fields": some(fields.Labelled)}
    ),
    **{
        f"{verb}_{noun}": st.fixed_dictionaries(
            {"title": TEXTS, **({f"{noun}_id": st.just(4866)} if verb == "update" else {})},
            optional={"status": st.sampled_from(terms)},
        )
        for verb in ("create", "update")
        for noun, terms in (
            ("category", ["both", "sales", "purchases"]),
            ("followup", ["both", "quotes", "invoices"]),
        )
    },
    **{
        f"create_{noun}": st.fixed_dictionaries(
            {name: st.just(value) for name, value in FLAT[noun].items()},
            optional={
                "fields": some(usual),
                "other_fields": some(every, *changes.model_fields),
            },
        )
        for noun, (usual, changes, every) in OF.items()
    },
    **{
        f"update_{noun}": st.fixed_dictionaries(
            {f"{noun}_id": st.just(ID[noun]), "other_fields": some(every, *changes.model_fields).filter(bool)},
            optional={"changes": some(changes)},
        )
        for noun, (_, changes, every) in OF.items()
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
        tool: st.fixed_dictionaries({"other_filters": some(model, *own, "ids", "with_details")})
        for tool, model, own in (
            (
                "list_invoices",
                bills.InvoiceFilters,
                ("bill_type", "period_start", "period_end", "period_type", "with_settlements"),
            ),
            ("list_quotes", bills.QuoteFilters, ("status", "period_start", "period_end")),
            ("list_customers", customers.CustomerFilters, ("mode",)),
            ("list_suppliers", suppliers.SupplierFilters, ("company", "country")),
            ("list_products", products.ProductFilters, ("ref", "title")),
            (
                "list_purchases",
                purchases.PurchaseFilters,
                ("purchase_type", "company", "period_start", "period_end", "period_type"),
            ),
        )
    },
}


@pytest.fixture(scope="module")
def case() -> Iterator[Subject]:
    with test_acceptance.TestAcceptance.opened() as case:
        yield case


async def test_contract_covers_every_writing_tool(case: Subject) -> None:
    writing = {t["name"].removeprefix("facturation_") for t in await case.tools() if case.kind_of(t) != "reads"}
    assert writing <= set(CALLS)


@pytest.mark.parametrize("name", list(CALLS))
async def test_contract_fits_generated_requests(case: Subject, name: str, request: pytest.FixtureRequest) -> None:
    declaration = declared(case.folder)
    assert declaration
    if not declaration.path.is_file():
        pytest.skip("the vendor's contract is not here; see FLOTILLA_SPECS")
    contract, sets = read(declaration), list[dict[str, Any]]()
    count = 200 if request.config.getoption("--every-tool") else 40

    @settings(
        max_examples=count, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(CALLS[name])
    def collect(arguments: dict[str, Any]) -> None:
        sets.append(arguments)

    collect()
    assert len(sets) >= 30 or name == "delete_invoice"  # hypothesis knows when it has tried everything
    real = {"FACTURATION_PRO_BASE_URL": "https://www.facturation.pro", **WITHOUT_CONFIRMATION}
    async with case.session(real, recorded=True) as session:
        for arguments in sets:
            result = await session.call(f"facturation_{name}", **arguments)
            assert not result.is_error, (arguments, text_of(result))
        wrong = {message for request in session.requests for message in contract.problems(request)}
        assert not wrong, sorted(wrong)[:5]
