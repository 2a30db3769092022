"""WhatsApp: messages and templates to customers, files, profile. API: https://developers.facebook.com/docs/whatsapp"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import account, media, messages, templates

server = Server(integration, toolsets=[messages.tools, templates.tools, media.tools, account.tools])
