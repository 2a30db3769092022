"""GoHighLevel: contacts, workflows, calendars, opportunities, messages. API: https://marketplace.gohighlevel.com/docs"""

from __future__ import annotations

from flotilla import Server

from . import automations, calendars, contacts, messages, opportunities
from .client import integration

server = Server(
    integration,
    toolsets=[automations.tools, calendars.tools, contacts.tools, messages.tools, opportunities.tools],
)
