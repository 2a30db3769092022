"""Outlook Calendar: events, free time, invitations, rooms. https://learn.microsoft.com/graph/outlook-calendar-concept-overview"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import availability, calendars, changes, events, rooms

server = Server(integration, toolsets=[calendars.tools, events.tools, changes.tools, availability.tools, rooms.tools])
