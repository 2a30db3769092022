"""Gmail: search, read, answer, send, draft, label, trash. https://developers.google.com/workspace/gmail/api/guides"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import compose, drafts, labels, messages, settings

server = Server(integration, toolsets=[messages.tools, compose.tools, drafts.tools, labels.tools, settings.tools])
