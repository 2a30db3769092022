"""HubSpot: contacts, companies, deals, notes, tasks, calls, tickets.

API: https://developers.hubspot.com/docs/api-reference/overview
"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import activities, associations, companies, contacts, deals, owners, records, segments, tickets

server = Server(
    integration,
    toolsets=[
        contacts.tools,
        records.tools,
        companies.tools,
        deals.tools,
        activities.tools,
        tickets.tools,
        associations.tools,
        owners.tools,
        segments.tools,
    ],
)
