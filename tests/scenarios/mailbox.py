"""A mail server of this machine that keeps the mail that arrives."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP


@dataclass
class Mailbox:
    """The mail that arrived, and the settings with which the server `email` sends to it."""

    settings: dict[str, str] = field(default_factory=dict)
    messages: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a mail."""
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@asynccontextmanager
async def mail_server(host: str, sender: str) -> AsyncIterator[Mailbox]:
    """Run a mail server at an address of this machine, and yield its mailbox; `sender` is who writes."""
    box, loop = Mailbox(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, loop=loop), host, 0)
    port = str(server.sockets[0].getsockname()[1])
    box.settings = {"smtp_host": host, "smtp_port": port, "security": "none", "sender": sender}
    try:
        yield box
    finally:
        server.close()
