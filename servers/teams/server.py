"""Microsoft Teams: chats, channels, people, meetings. https://learn.microsoft.com/graph/teams-concept-overview"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import cards, channels, chats, marks, meetings, people

server = Server(
    integration,
    toolsets=[chats.tools, channels.tools, people.tools, meetings.tools, cards.tools, marks.tools],
)
