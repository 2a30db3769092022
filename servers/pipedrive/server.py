"""Pipedrive: callers, deals, leads, persons, organizations, activities, notes, products, files.

API: https://developers.pipedrive.com/docs/api/v1
"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import activities, contacts, deals, files, leads, notes, products, search, setup

server = Server(
    integration,
    toolsets=[
        search.tools,
        contacts.tools,
        deals.tools,
        leads.tools,
        activities.tools,
        notes.tools,
        products.tools,
        files.tools,
        setup.tools,
    ],
)
