"""GoHighLevel: contacts, workflows, calendars, opportunities, messages. API: https://marketplace.gohighlevel.com/docs"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import account, automations, calendars, contacts, messages, opportunities, tasks

server = Server(
    integration,
    toolsets=[
        contacts.tools,
        tasks.tools,
        automations.tools,
        calendars.tools,
        messages.tools,
        opportunities.tools,
        account.tools,
    ],
)
