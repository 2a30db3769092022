"""Telephony through Twilio: calls, questions, texts, numbers, recordings, codes. https://www.twilio.com/docs"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import account, calls, codes, messages, numbers, questions, recordings

server = Server(
    integration,
    toolsets=[
        calls.tools,
        questions.tools,
        messages.tools,
        numbers.tools,
        codes.tools,
        recordings.tools,
        account.tools,
    ],
)
