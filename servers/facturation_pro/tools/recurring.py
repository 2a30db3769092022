"""Recurring invoices and purchases, which the vendor only shows. https://www.facturation.dev/api/invoices/"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset

from ..client import api
from ..models import Recurring, shaped
from ..records import read

tools = Toolset("recurring")

InvoiceId = Annotated[
    int, Field(description="Id of the recurring invoice, from facturation_list_recurring_invoices.", examples=[77])
]
PurchaseId = Annotated[
    int, Field(description="Id of the recurring purchase, from facturation_list_recurring_purchases.", examples=[77])
]
SHAPE = partial(shaped, Recurring, details=True)


@tools.reads(core=False, group="invoices", search="factures récurrentes abonnements")
async def list_recurring_invoices(limit: Limit = 20, cursor: Cursor = None) -> Page[Recurring]:
    """List the recurring invoices, which the vendor turns into invoices by itself, with all their fields.

    They can only be read here; the user changes them in the product itself.
    """
    return await api.listed("/recurring_invoices.json", Recurring, shape=SHAPE, limit=limit, cursor=cursor)


@tools.reads(core=False, group="invoices", search="facture récurrente")
async def get_recurring_invoice(recurring_id: InvoiceId) -> Recurring:
    """Get one recurring invoice with all its fields. It can only be read here.

    Invoices that were made from it are in facturation_list_invoices.
    """
    return read(Recurring, await api.get(f"/recurring_invoices/{recurring_id}.json"), details=True)


@tools.reads(core=False, group="purchases", search="achats récurrents")
async def list_recurring_purchases(limit: Limit = 20, cursor: Cursor = None) -> Page[Recurring]:
    """List the recurring purchases, which the vendor turns into purchases by itself, with all their fields.

    They can only be read here; the user changes them in the product itself.
    """
    return await api.listed("/recurring_purchases.json", Recurring, shape=SHAPE, limit=limit, cursor=cursor)


@tools.reads(core=False, group="purchases", search="achat récurrent")
async def get_recurring_purchase(recurring_id: PurchaseId) -> Recurring:
    """Get one recurring purchase with all its fields. It can only be read here.

    Purchases that were made from it are in facturation_list_purchases.
    """
    return read(Recurring, await api.get(f"/recurring_purchases/{recurring_id}.json"), details=True)
