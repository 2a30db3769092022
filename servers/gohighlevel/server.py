"""GoHighLevel: contacts, workflows, calendars, opportunities, messages. API: https://marketplace.gohighlevel.com/docs"""

from __future__ import annotations

from . import automations, calendars, contacts, messages, opportunities  # noqa: F401 - each registers its tools
from .app import server as server
