"""Intercom: conversations, contacts, companies, tickets, articles, events.

API: https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io
"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import account, articles, companies, contacts, conversations, events, tickets

server = Server(
    integration,
    toolsets=[
        conversations.tools,
        contacts.tools,
        tickets.tools,
        companies.tools,
        articles.tools,
        events.tools,
        account.tools,
    ],
)
