"""Klaviyo: people and their consent, lists, events, campaigns, flows. https://developers.klaviyo.com"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import audiences, campaigns, events, flows, profiles, reports, subscriptions, templates

server = Server(
    integration,
    toolsets=[
        profiles.tools,
        subscriptions.tools,
        audiences.tools,
        events.tools,
        campaigns.tools,
        templates.tools,
        flows.tools,
        reports.tools,
    ],
)
