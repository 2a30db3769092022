"""Crisp: conversations, people, help desk. API: https://docs.crisp.chat/references/rest-api/v1/"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import conversations, people, workspace

server = Server(integration, toolsets=[conversations.tools, people.tools, workspace.tools])
