"""Facturation.PRO: quotes, invoices, payments, purchases. API: https://www.facturation.dev

A module a group of the vendor's documentation. They register their tools when they are imported, so the order of the
imports is the order of the list: the day's work first.
"""

# ruff: noqa: I001
from __future__ import annotations

from . import customers as customers
from . import quotes as quotes
from . import invoices as invoices
from . import settlements as settlements
from . import attachments as attachments
from . import purchases as purchases
from . import suppliers as suppliers
from . import products as products
from . import recurring as recurring
from . import categories as categories
from . import followups as followups
from . import account as account
from . import prompts as prompts
from .app import server as server
