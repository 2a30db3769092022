"""HubSpot: contacts, companies, deals, notes, tasks, calls, tickets.

API: https://developers.hubspot.com/docs/api-reference/overview
"""

from __future__ import annotations

from . import contacts, companies, deals, activities, service  # isort: skip - the order of the tools
from .app import server  # isort: skip

__all__ = ["activities", "companies", "contacts", "deals", "server", "service"]
