"""Freshdesk: tickets, replies, canned responses, people, time, solutions. API: https://developers.freshdesk.com/api/"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import articles, contacts, replies, tickets, work

server = Server(integration, toolsets=[tickets.tools, replies.tools, contacts.tools, work.tools, articles.tools])
