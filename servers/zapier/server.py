"""Zapier: named webhooks, and the actions of its MCP endpoint. https://docs.zapier.com/mcp"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import actions, hooks

server = Server(integration, toolsets=[hooks.tools, actions.tools])
