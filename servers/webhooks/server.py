"""Webhooks: what vendors send, as tools. `flotilla-webhooks receive` is the receiver. https://www.standardwebhooks.com"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import endpoints, events, forwards

server = Server(integration, toolsets=[events.tools, endpoints.tools, forwards.tools])
