"""Slack: read, search and write messages, find people and channels, send and fetch files."""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import channels, conversations, files, messages, people, personal, search, webhook

server = Server(
    integration,
    toolsets=[
        conversations.tools,
        search.tools,
        messages.tools,
        people.tools,
        channels.tools,
        files.tools,
        personal.tools,
        webhook.tools,
    ],
)
