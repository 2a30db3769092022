"""Zoho CRM: leads, contacts, accounts, deals, notes, tasks, meetings, calls and every other module.

API: https://www.zoho.com/crm/developer/docs/api/v8/
"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import activities, attachments, changes, deals, people, search, setup

server = Server(
    integration,
    toolsets=[
        search.tools,
        people.tools,
        deals.tools,
        changes.tools,
        activities.tools,
        setup.tools,
        attachments.tools,
    ],
)
