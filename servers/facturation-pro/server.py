"""Facturation.PRO: quotes, invoices, payments, purchases. API: https://www.facturation.dev

A module a group of the vendor's documentation; they register their tools when they are imported, in this order.
"""

from __future__ import annotations

from . import account as account
from . import categories as categories
from . import customers as customers
from . import quotes as quotes
from . import invoices as invoices
from . import settlements as settlements
from . import purchases as purchases
from . import recurring as recurring
from . import suppliers as suppliers
from . import products as products
from . import followups as followups
from . import attachments as attachments
from .app import server as server
