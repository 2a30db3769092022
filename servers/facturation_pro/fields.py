"""What may be written, by object: the vendor's fields marked "modifiable", under its names, with its limits.

A tool takes the usual fields as arguments, or where these are many as one described object (`CustomerFields`), and the
rarer ones by the vendor's names in `other_fields`; `body` checks all of them.
https://www.facturation.dev/api/ (the table of each object)
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from flotilla import errors

from .enums import CategoryUse, FollowupUse, Mode, Nature, PurchaseMode, PurchaseNature, QuoteStatus
from .values import Amount, Day, Percentage, Quantity, VatRate

F = TypeVar("F", bound="Fields")


def at_most(length: int) -> AfterValidator:
    """Return a validator of a text's length. It does not stand in the schema, where it would only cost room."""

    def check(text: str) -> str:
        if len(text) > length:
            raise ValueError(f"write at most {length} characters")
        return text

    return AfterValidator(check)


def letters(length: int) -> AfterValidator:
    """Return a validator of a code of so many letters, which are made capitals."""

    def check(code: str) -> str:
        if not (code.isascii() and code.isalpha() and len(code) == length):
            raise ValueError(f"write a code of {length} letters")
        return code.upper()

    return AfterValidator(check)


Short = Annotated[str, at_most(255)]
Code = Annotated[str, at_most(8)]
Currency = Annotated[str, letters(3)]
Country = Annotated[str, letters(2)]
Language = Literal["fr", "en", "es", "nl"]
OtherFields = dict[str, Any] | None


def about(description: str) -> Any:
    """Return the description of an argument."""
    return Field(description=description)


class Fields(BaseModel):
    """Base: all optional, nothing unknown. None empties a field; what is left out stays as it is."""

    # Not every client reads `additionalProperties` beside named ones; unknown names are refused all the same.
    model_config = ConfigDict(
        extra="forbid",
        coerce_numbers_to_str=True,
        json_schema_extra=lambda schema: schema.pop("additionalProperties", None) and None,
    )


class PartyFields(Fields):
    """The usual fields of customers and suppliers."""

    first_name: Annotated[Short | None, about("First name, of a person.")] = None
    email: Annotated[str | None, about("Address for e-mail.")] = None
    phone: Annotated[Short | None, about("Phone number as text.")] = None
    street: Annotated[Short | None, about("Street and number.")] = None
    zip_code: Annotated[Annotated[str, at_most(20)] | None, about("Postal code as text.")] = None
    city: Annotated[Short | None, about("Town or city.")] = None
    country: Annotated[Country | None, about("Two letters, as FR.")] = None


class CustomerFields(PartyFields):
    """The usual fields of a customer, next to its names and SIRET."""


class CustomerChanges(CustomerFields):
    """The usual fields of a customer that exists."""

    company_name: Annotated[Short | None, about("Name of the company.")] = None
    last_name: Annotated[Short | None, about("Last name of the person.")] = None
    siret: Annotated[Annotated[str, at_most(100)] | None, about("SIRET of a French company.")] = None


class Labelled(Fields):
    """References of the firm's other programs."""

    api_id: int | None = None
    api_custom: Short | None = None


class RarePartyFields(Labelled):
    """What customers and suppliers share besides."""

    vat_number: Annotated[str, at_most(30)] | None = None
    notes: str | None = None
    civility: Short | None = None
    short_name: Short | None = None
    fax: Short | None = None
    mobile: Short | None = None
    website: Short | None = None
    category_id: int | None = None
    account_code: Annotated[str, at_most(11)] | None = None
    accounting_entry: Code | None = None
    sepa_iban: str | None = None
    sepa_bic: str | None = None


class AllCustomerFields(CustomerChanges, RarePartyFields):
    """https://www.facturation.dev/api/customers/"""

    individual: bool | None = None
    reference: Short | None = None
    pay_before: Short | None = None
    sepa_rum: str | None = None
    sepa_signature_on: Day | None = None
    penalty: Percentage | None = None
    discount: Percentage | None = None
    validity: int | None = None
    currency: Currency | None = None
    language: Language = "fr"
    default_vat: VatRate | None = None
    vat_country: Annotated[str, at_most(3)] | None = None
    vat_exemption: Short | None = None
    invoice_email: str | None = None
    electronic_address: Annotated[str, at_most(128)] | None = None
    field1: Short | None = None
    field2: Short | None = None
    field3: Short | None = None
    field4: Short | None = None
    field5: Short | None = None


class SupplierFields(PartyFields):
    """The usual fields of a supplier, next to its name."""

    last_name: Annotated[Short | None, about("Last name of the person.")] = None
    siret: Annotated[Annotated[str, at_most(100)] | None, about("SIRET of a French company.")] = None


class SupplierChanges(SupplierFields):
    """The usual fields of a supplier that exists."""

    company_name: Annotated[Short | None, about("Name of the company.")] = None


class AllSupplierFields(SupplierChanges, RarePartyFields):
    """https://www.facturation.dev/api/suppliers/"""

    reverse_charge: bool | None = None


LINE_FIELDS = "measure (unit), optional (not in the total), style (title, comment), position, nature."


class Line(Fields):
    """One line of a quote or invoice. The vendor computes its total."""

    title: Annotated[str | None, about("What is sold, as printed.")] = None
    quantity: Annotated[Quantity | None, about("Number of units, as 1.5.")] = None
    unit_price: Annotated[Amount | None, about("Price of a unit before VAT.")] = None
    vat: Annotated[VatRate | None, about("VAT rate in percent, as 5.5.")] = None
    product_id: Annotated[int | None, about("Product of the catalogue.")] = None
    other_fields: Annotated[OtherFields, about(LINE_FIELDS)] = None


class LineChange(Line):
    """A line to add (no id), to change (its id and what changes), or to remove."""

    id: Annotated[int | None, about("Line that exists already.")] = None
    remove: Annotated[bool, about("Delete this line.")] = False


class AllLineFields(Line):
    """https://www.facturation.dev/api/invoices/ (items)"""

    measure: Annotated[str, at_most(32)] | None = None
    optional: bool | None = None
    style: Literal["", "comment", "title", "subtotal", "new_page", "subsidy"] = ""
    position: int | None = None
    nature: Nature = "none"
    sap_nature: int | str | None = None


class BillFields(Labelled):
    """What quotes and invoices share. Totals are computed by the vendor."""

    title: Short | None = None
    invoiced_on: Day | None = None
    term_on: Day | None = None
    language: Language = "fr"
    currency: Currency | None = None
    rebate_percentage: Percentage | None = None
    information: str | None = None
    customer_id: int | None = None
    category_id: int | None = None
    followup_id: int | None = None
    vat_exemption: Short | None = None
    vat_country: Annotated[str, at_most(2)] | None = None
    tax_title: Short | None = None
    tax_percent: Percentage | None = None
    penalty: Percentage | None = None
    pay_before: Annotated[str, at_most(16)] | None = None
    discount: Percentage | None = None
    precompte: bool | None = None
    activity_title: Short | None = None
    service_personne: bool | None = None
    accounting_entry: Code | None = None
    internal_note: str | None = None
    purchase_number: Annotated[str, at_most(100)] | None = None
    user_id: int | None = None
    delivery_on: Day | None = None


class QuoteFields(BillFields):
    """https://www.facturation.dev/api/quotes/"""

    quote_status: QuoteStatus = "waiting"
    ignore_quote: bool | None = None


class InvoiceFields(BillFields):
    """https://www.facturation.dev/api/invoices/"""

    payment_mode: Mode = "unpaid"
    paid_on: Day | None = None
    external_ref: Short | None = None
    balance_year: int | None = None
    payment_ref: Short | None = None
    paid_in_main_currency: Amount | None = None
    overdue_at: AwareDatetime | None = None


class PurchaseFields(Fields):
    """The usual fields of a purchase, next to supplier, title, date and amounts."""

    ref: Annotated[Short | None, about("Number of the supplier's invoice.")] = None
    term_on: Annotated[Day | None, about("Due date, as 2025-06-30.")] = None
    paid_on: Annotated[Day | None, about("Day on which it was paid.")] = None
    payment_mode: Annotated[PurchaseMode, about("How it was paid, as card or check.")] = "unpaid"
    category_id: Annotated[int | None, about("Id of a category, from facturation_list_categories.")] = None
    nature: Annotated[PurchaseNature, about("Nature: goods, service, mixed or other.")] = "other"
    notes: Annotated[str | None, about("Notes that only the firm sees.")] = None


class PurchaseChanges(PurchaseFields):
    """The usual fields of a purchase that exists."""

    supplier_id: Annotated[int | None, about("Id of the supplier, from facturation_list_suppliers.")] = None
    title: Annotated[str | None, about("What was bought.")] = None
    total_with_vat: Annotated[Amount | None, about("Total including VAT.")] = None
    vat_amount: Annotated[Amount | None, about("Amount of the VAT.")] = None
    invoiced_on: Annotated[Day | None, about("Date of the supplier's invoice.")] = None


class AllPurchaseFields(PurchaseChanges, Labelled):
    """https://www.facturation.dev/api/purchases/"""

    currency: Currency | None = None
    payment_ref: Short | None = None
    paid_in_main_currency: Amount | None = None
    draft: bool | None = None
    reverse_charge: bool | None = None
    prepaid: bool | None = None
    skip_export: bool | None = None
    accounting_entry: Code | None = None
    accounting_asset: bool | None = None
    asset_end_on: Day | None = None
    asset_end_reason: Short | None = None


class ProductFields(Fields):
    """The usual fields of a product, next to title, price and VAT."""

    measure: Annotated[Annotated[str, at_most(32)] | None, about("Unit, as day or hour.")] = None
    nature: Annotated[Nature, about("Nature: sale, commercial service, liberal service, disbursement or none.")] = (
        "none"
    )
    category_id: Annotated[int | None, about("Id of a category, from facturation_list_categories.")] = None
    notes: Annotated[str | None, about("Notes that only the firm sees.")] = None


class ProductChanges(ProductFields):
    """The usual fields of a product that exists."""

    ref: Annotated[Short | None, about("Reference in the catalogue.")] = None
    title: Annotated[str | None, about("Name of the product.")] = None
    unit_price: Annotated[Amount | None, about("Price of a unit before VAT.")] = None
    vat: Annotated[VatRate | None, about("VAT in percent, as 20.")] = None


class AllProductFields(ProductChanges, Labelled):
    """https://www.facturation.dev/api/products/"""

    sap_nature: int | None = None
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


def names(fields: type[BaseModel], without: type[BaseModel] | None = None) -> str:
    """Return the names of an object's fields, for the description of an argument that takes them."""
    return ", ".join(name for name in fields.model_fields if name not in (without.model_fields if without else ()))


def body(
    fields: type[F], other: Mapping[str, Any] | None = None, usual: Fields | None = None, **arguments: Any
) -> dict[str, Any]:
    """Return a request body, or query, out of a tool's arguments (None: left out), its usual and its other fields.

    Raises errors.InvalidInputError that names the field: an unknown one with those that exist, or one given twice.
    """
    values = {name: value for name, value in arguments.items() if value is not None}
    described = {name: getattr(usual, name) for name in usual.model_fields_set} if usual else {}
    for further in (described, other or {}):
        if twice := sorted(set(values) & set(further)):
            raise errors.InvalidInputError(f"`{twice[0]}` is given twice.", "Give it once.")
        values |= further
    try:
        checked = fields.model_validate(values)
    except ValidationError as refusal:
        raise _input_error(fields, refusal) from None
    return checked.model_dump(mode="json", exclude_unset=True)


def changes_of(
    fields: type[F], other: Mapping[str, Any] | None = None, usual: Fields | None = None, **arguments: Any
) -> dict[str, Any]:
    """Return the body of a change; raises errors.InvalidInputError for one that changes nothing."""
    if not (changes := body(fields, other, usual, **arguments)):
        raise errors.InvalidInputError("There is nothing to change.", f"Give one of: {names(fields)}.")
    return changes


def _input_error(fields: type[BaseModel], refusal: ValidationError) -> errors.InvalidInputError:
    first = refusal.errors(include_url=False, include_input=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, list(fields.model_fields), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else "."
        return errors.InvalidInputError(
            f"Unknown field `{errors.excerpt(name, 60)}`{hint}", f"Known fields: {', '.join(fields.model_fields)}."
        )
    message = errors.excerpt(first["msg"].removeprefix("Value error, ").rstrip("."), 200)
    return errors.InvalidInputError(f"`{name}` is not valid: {message}.", "Correct it and call again.")
