"""Arguments that several tools take."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from .records import Period

Details = Annotated[bool, Field(description="Return all fields of each row.")]
Upload = Annotated[str, Field(description="Path of the file in the data folder.", examples=["justificatif.pdf"])]
FileName = Annotated[str | None, Field(description="Name to store it under; the file's own if left out.")]
Visible = Annotated[bool, Field(description="Let the customer see the file.")]
CustomerId = Annotated[int, Field(description="Customer's id, from facturation_list_customers.", examples=[180366])]
DocumentId = Annotated[
    int, Field(description="Id from facturation_list_invoices or facturation_list_quotes.", examples=[411588])
]
QuoteId = Annotated[int, Field(description="Id of the quote, from facturation_list_quotes.", examples=[411583])]
InvoiceId = Annotated[int, Field(description="Id of the invoice, from facturation_list_invoices.", examples=[411588])]
DraftId = Annotated[int, Field(description="Id of the invoice, from facturation_list_invoices.", examples=[411590])]
PurchaseId = Annotated[
    int, Field(description="Id of the purchase, from facturation_list_purchases.", examples=[125459])
]
SupplierId = Annotated[int, Field(description="Id of the supplier, from facturation_list_suppliers.", examples=[49091])]
ProductId = Annotated[int, Field(description="Id of the product, from facturation_list_products.", examples=[46125])]
CategoryId = Annotated[int, Field(description="Id of the category, from facturation_list_categories.", examples=[4866])]
FollowupId = Annotated[int, Field(description="Id of the follow-up, from facturation_list_followups.", examples=[4867])]
SettlementId = Annotated[
    int, Field(description="Id of the payment, from facturation_list_settlements.", examples=[14064])
]
FileId = Annotated[int, Field(description="Id of the attached file, from facturation_list_files.", examples=[31])]


CustomerName = Annotated[str | None, Field(description="Part of the customer's name or e-mail address.")]
PeriodStart = Annotated[Period | None, Field(description="From this month, as 2025-06, or day.")]
PeriodEnd = Annotated[Period | None, Field(description="Until this month or day.")]


def other_fields(names: str) -> Any:
    """Return the description of an argument for the rarer fields of an object."""
    return Field(description=f"Rarer fields by the vendor's names: {names}. null empties any field.")


def documented_fields(page: str) -> Any:
    """Return the description of an argument for the rarer fields of an object that are too many to be listed.

    The error for an unknown one lists them.
    """
    return Field(description=f"Rarer fields, named as at facturation.dev/api/{page}.")


def other_filters(names: str) -> Any:
    """Return the description of an argument for the rarer filters of a list."""
    return Field(description=f"Rarer filters: {names}.")
