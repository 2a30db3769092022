"""HubSpot: contacts, companies, deals, notes, tasks, calls, tickets.

API: https://developers.hubspot.com/docs/api-reference/overview
"""

from __future__ import annotations

from flotilla import Server

from . import activities, companies, contacts, deals, service
from .client import integration

server = Server(integration, toolsets=[contacts.tools, companies.tools, deals.tools, activities.tools, service.tools])
