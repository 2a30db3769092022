"""Salesforce: people, leads, opportunities, tasks, events, cases, and any object by query, report or in bulk.

API: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm
"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import activities, attachments, bulk, cases, leads, opportunities, records, reports, search

server = Server(
    integration,
    toolsets=[
        search.tools,
        records.tools,
        leads.tools,
        opportunities.tools,
        activities.tools,
        cases.tools,
        reports.tools,
        bulk.tools,
        attachments.tools,
    ],
)
