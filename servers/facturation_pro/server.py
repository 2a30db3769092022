"""Facturation.PRO: quotes, invoices, payments, purchases. API: https://www.facturation.dev

A module a group of the vendor's documentation; the day's work comes first.
"""

from __future__ import annotations

from flotilla import Server

from . import (
    account,
    attachments,
    categories,
    customers,
    followups,
    invoices,
    products,
    prompts,
    purchases,
    quotes,
    recurring,
    settlements,
    suppliers,
)
from .client import integration

server = Server(
    integration,
    toolsets=[
        customers.tools,
        quotes.tools,
        invoices.tools,
        settlements.tools,
        attachments.tools,
        purchases.tools,
        suppliers.tools,
        products.tools,
        recurring.tools,
        categories.tools,
        followups.tools,
        account.tools,
        prompts.tools,
    ],
)
