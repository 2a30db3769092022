"""Google Docs: documents from Markdown and as Markdown, templates, comments.

API: https://developers.google.com/workspace/docs/api/reference/rest
"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import comments, documents, texts

server = Server(integration, toolsets=[documents.tools, texts.tools, comments.tools])
