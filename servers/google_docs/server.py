"""Google Docs: documents from Markdown and as Markdown.

API: https://developers.google.com/workspace/docs/api/reference/rest
"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import documents

server = Server(integration, toolsets=[documents.tools])
