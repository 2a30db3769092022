"""Recurring invoices and purchases, which the vendor only shows. https://www.facturation.dev/api/invoices/"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset

from .bill_models import Recurring
from .client import api

tools = Toolset("recurring")

RecurringId = Annotated[int, Field(description="Id", examples=[77])]


@tools.reads(core=False, group="invoices")
async def list_recurring_invoices(limit: Limit = 20, cursor: Cursor = None) -> Page[Recurring]:
    """List the recurring invoices (factures récurrentes)."""
    return await api.listed("/recurring_invoices.json", Recurring, limit=limit, cursor=cursor)


@tools.reads(core=False, group="invoices")
async def get_recurring_invoice(recurring_id: RecurringId) -> Recurring:
    """Get one recurring invoice."""
    return Recurring.model_validate(await api.get(f"/recurring_invoices/{recurring_id}.json"))


@tools.reads(core=False, group="purchases")
async def list_recurring_purchases(limit: Limit = 20, cursor: Cursor = None) -> Page[Recurring]:
    """List the recurring purchases (achats récurrents)."""
    return await api.listed("/recurring_purchases.json", Recurring, limit=limit, cursor=cursor)


@tools.reads(core=False, group="purchases")
async def get_recurring_purchase(recurring_id: RecurringId) -> Recurring:
    """Get one recurring purchase."""
    return Recurring.model_validate(await api.get(f"/recurring_purchases/{recurring_id}.json"))
