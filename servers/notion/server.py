"""Notion: search, databases, pages as Markdown, comments. API: https://developers.notion.com/reference/intro"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import comments, databases, pages, search, users

server = Server(integration, toolsets=[search.tools, databases.tools, pages.tools, comments.tools, users.tools])
