"""Facturation.PRO: quotes, invoices, payments, purchases. https://www.facturation.dev"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import (
    account,
    categories,
    customers,
    files,
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

server = Server(
    integration,
    toolsets=[
        customers.tools,
        quotes.tools,
        invoices.tools,
        settlements.tools,
        files.tools,
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
