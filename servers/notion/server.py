"""Notion: search, databases and their columns, pages as Markdown, comments. API: https://developers.notion.com/reference/intro"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import blocks, comments, databases, pages, schema, search, users

server = Server(
    integration,
    toolsets=[
        search.tools,
        databases.tools,
        pages.tools,
        blocks.tools,
        comments.tools,
        schema.tools,
        users.tools,
    ],
)
