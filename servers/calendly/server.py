"""Calendly: event types, free slots, bookings, cancellations, no-shows. API: https://developer.calendly.com/api-docs"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import account, bookings, event_types, events

server = Server(integration, toolsets=[event_types.tools, bookings.tools, events.tools, account.tools])
