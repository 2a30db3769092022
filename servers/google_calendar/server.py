"""Google Calendar: events, free time, invitations. https://developers.google.com/workspace/calendar/api/guides/overview"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import availability, calendars, changes, events

server = Server(integration, toolsets=[calendars.tools, events.tools, changes.tools, availability.tools])
