"""Cal.com: event types, free slots, bookings, hours, teams, webhooks. API: https://cal.com/docs/api-reference/v2"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import account, bookings, event_types, schedules, webhooks

server = Server(
    integration,
    toolsets=[event_types.tools, bookings.tools, account.tools, schedules.tools, webhooks.tools],
)
