"""Zendesk: tickets, replies, macros, views, people, help center. API: https://developer.zendesk.com/api-reference/"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import articles, organizations, quality, replies, tickets, users, views

server = Server(
    integration,
    toolsets=[
        tickets.tools,
        replies.tools,
        views.tools,
        users.tools,
        articles.tools,
        organizations.tools,
        quality.tools,
    ],
)
