"""What may be written, by object: the vendor's fields marked "modifiable", under its names, with its limits.

A tool takes the usual ones as arguments and the rest in one object; `body` checks all of them and says them the
vendor's way. https://www.facturation.dev/api/ (the table of each object)
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from flotilla import errors

from .amounts import Amount, Percentage, Quantity, Rate
from .enums import CategoryUse, FollowupUse, Mode, Nature, PurchaseMode, PurchaseNature, QuoteStatus

Short = Annotated[str, Field(max_length=255)]
Code = Annotated[str, Field(max_length=8)]
Currency = Annotated[str, AfterValidator(str.upper), Field(pattern="^[A-Za-z]{3}$")]
Country = Annotated[str, AfterValidator(str.upper), Field(pattern="^[A-Za-z]{2}$")]
Language = Literal["fr", "en", "es", "nl"]
F = TypeVar("F", bound="Fields")


class Brief:
    """Says only the JSON type of an argument in the schema: its description is shorter than its fields or words are,
    and what is wrong is told by name anyway."""

    def __init__(self, kind: str = "object") -> None:
        self.kind = kind

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        told = handler(core)
        return {"type": self.kind, **{k: told[k] for k in ("description", "examples", "default") if k in told}}


OBJECT, WORD = Brief(), Brief("string")
Changes = Annotated[dict[str, Any], OBJECT]


class Fields(BaseModel):
    """Base: all optional, nothing unknown. What is None is cleared; the rest of what was not given stays."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class Labelled(Fields):
    """References of the firm's other programs."""

    api_id: int | None = None
    api_custom: Short | None = None


class Party(Labelled):
    """What customers and suppliers share."""

    company_name: Short | None = None
    civility: Short | None = None
    first_name: Short | None = None
    last_name: Short | None = None
    short_name: Short | None = None
    street: Short | None = None
    city: Short | None = None
    zip_code: Annotated[str, Field(max_length=20)] | None = None
    country: Country | None = None
    phone: Short | None = None
    fax: Short | None = None
    email: str | None = None
    mobile: Short | None = None
    website: Short | None = None
    notes: str | None = None
    vat_number: Annotated[str, Field(max_length=30)] | None = None
    siret: Annotated[str, Field(max_length=100)] | None = None
    category_id: int | None = None
    account_code: Annotated[str, Field(max_length=11)] | None = None
    accounting_entry: Code | None = None
    sepa_iban: str | None = None
    sepa_bic: str | None = None


class CustomerFields(Party):
    """https://www.facturation.dev/api/customers/"""

    individual: bool | None = None
    sepa_rum: str | None = None
    sepa_signature_on: date | None = None
    reference: Short | None = None
    penalty: Percentage | None = None
    discount: Percentage | None = None
    pay_before: Short | None = None
    validity: int | None = None
    currency: Currency | None = None
    language: Language = "fr"
    default_vat: Rate | None = None
    vat_country: Annotated[str, Field(max_length=3)] | None = None
    vat_exemption: Short | None = None
    invoice_email: str | None = None
    electronic_address: Annotated[str, Field(max_length=128)] | None = None
    field1: Short | None = None
    field2: Short | None = None
    field3: Short | None = None
    field4: Short | None = None
    field5: Short | None = None


class SupplierFields(Party):
    """https://www.facturation.dev/api/suppliers/"""

    reverse_charge: bool | None = None


class Line(BaseModel):
    """One line of a quote or invoice. The vendor computes its total."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    title: str | None = None
    quantity: Quantity | None = None
    unit_price: Amount | None = None
    vat: Rate | None = None
    product_id: int | None = None
    measure: Annotated[str, Field(max_length=32)] | None = None
    position: int | None = None
    optional: bool | None = None
    style: Literal["", "comment", "title", "subtotal", "new_page", "subsidy"] = ""
    nature: Nature = "none"
    sap_nature: int | str | None = None


class LineChange(Line):
    """A line to add (no id), to change (its id and what changes), or to remove."""

    id: int | None = None
    remove: bool = False


class BillFields(Labelled):
    """What quotes and invoices share. Totals are computed by the vendor."""

    customer_id: int | None = None
    title: Short | None = None
    language: Language = "fr"
    category_id: int | None = None
    followup_id: int | None = None
    invoiced_on: date | None = None
    term_on: date | None = None
    currency: Currency | None = None
    rebate_percentage: Percentage | None = None
    vat_exemption: Short | None = None
    vat_country: Annotated[str, Field(max_length=2)] | None = None
    tax_title: Short | None = None
    tax_percent: Percentage | None = None
    penalty: Percentage | None = None
    pay_before: Annotated[str, Field(max_length=16)] | None = None
    discount: Percentage | None = None
    precompte: bool | None = None
    activity_title: Short | None = None
    service_personne: bool | None = None
    accounting_entry: Code | None = None
    information: str | None = None
    internal_note: str | None = None
    purchase_number: Annotated[str, Field(max_length=100)] | None = None
    user_id: int | None = None
    delivery_on: date | None = None


class QuoteFields(BillFields):
    """https://www.facturation.dev/api/quotes/"""

    quote_status: QuoteStatus = "waiting"
    ignore_quote: bool | None = None


class InvoiceFields(BillFields):
    """https://www.facturation.dev/api/invoices/"""

    balance_year: int | None = None
    external_ref: Short | None = None
    payment_mode: Mode = "unpaid"
    paid_on: date | None = None
    payment_ref: Short | None = None
    paid_in_main_currency: Amount | None = None
    overdue_at: AwareDatetime | None = None


class PurchaseFields(Labelled):
    """https://www.facturation.dev/api/purchases/"""

    supplier_id: int | None = None
    title: str | None = None
    ref: Short | None = None
    total_with_vat: Amount | None = None
    vat_amount: Amount | None = None
    currency: Currency | None = None
    invoiced_on: date | None = None
    term_on: date | None = None
    paid_on: date | None = None
    payment_mode: PurchaseMode = "unpaid"
    payment_ref: Short | None = None
    paid_in_main_currency: Amount | None = None
    draft: bool | None = None
    reverse_charge: bool | None = None
    prepaid: bool | None = None
    notes: str | None = None
    skip_export: bool | None = None
    category_id: int | None = None
    accounting_entry: Code | None = None
    accounting_asset: bool | None = None
    asset_end_on: date | None = None
    asset_end_reason: Short | None = None
    nature: PurchaseNature = "other"


class ProductFields(Labelled):
    """https://www.facturation.dev/api/products/"""

    ref: Short | None = None
    title: str | None = None
    unit_price: Amount | None = None
    vat: Rate | None = None
    measure: Annotated[str, Field(max_length=32)] | None = None
    sap_nature: int | None = None
    nature: Nature = "none"
    category_id: int | None = None
    notes: str | None = None
    field1: Short | None = None
    field2: Short | None = None
    field3: Short | None = None
    field4: Short | None = None
    field5: Short | None = None


class CategoryFields(Fields):
    """https://www.facturation.dev/api/categories/"""

    title: Short | None = None
    status: CategoryUse = "both"


class FollowupFields(Fields):
    """https://www.facturation.dev/api/followups/"""

    title: Short | None = None
    status: FollowupUse = "both"


class SettlementFields(Fields):
    """https://www.facturation.dev/api/settlements/"""

    total: Amount
    payment_mode: Mode
    paid_on: date
    payment_ref: str | None = None


def body(fields: type[F], more: Mapping[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    """Return a request body out of arguments (None: not given) and of an object of further fields.

    Raises errors.InvalidInputError that names the field.
    """
    known = {name: value for name, value in given.items() if value is not None}
    if twice := sorted(set(known) & set(more or {})):
        raise errors.InvalidInputError(f"`{twice[0]}` is given twice.", "Give it once.")
    try:
        found = fields.model_validate({**known, **(more or {})})
    except ValidationError as problem:
        raise _input(fields, problem) from None
    return found.model_dump(mode="json", exclude_unset=True)


def _input(fields: type[BaseModel], problem: ValidationError) -> errors.InvalidInputError:
    first = problem.errors(include_url=False, include_input=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, list(fields.model_fields), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else "."
        return errors.InvalidInputError(
            f"Unknown field `{errors.excerpt(name, 60)}`{hint}", f"There are: {', '.join(fields.model_fields)}."
        )
    message = errors.excerpt(first["msg"].removeprefix("Value error, ").rstrip("."), 200)
    return errors.InvalidInputError(f"`{name}` does not fit: {message}.", "Correct it and call again.")


def names(fields: type[BaseModel], *without: str) -> str:
    """Return the names of an object's fields, for the description of an argument that takes them."""
    return ", ".join(name for name in fields.model_fields if name not in without)
