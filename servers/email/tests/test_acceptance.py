"""The quality scale, with a real mail server as the world."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult

from flotilla_testing.acceptance import suite


class _Sink:
    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        return "250 2.0.0 Ok: queued"


@contextmanager
def mail_server(folder: Path) -> Iterator[Mapping[str, str]]:
    """A mail server on loopback that takes any login, in a thread: its clients are processes too."""
    loop = asyncio.new_event_loop()
    options: dict[str, Any] = {
        "hostname": "sink.test",
        "auth_required": True,
        "auth_require_tls": False,
        "authenticator": lambda *params: AuthResult(success=True),
    }

    def session() -> SMTP:
        with warnings.catch_warnings():  # that a login without TLS is a bad idea
            warnings.simplefilter("ignore")
            return SMTP(_Sink(), loop=loop, **options)

    running = loop.run_until_complete(loop.create_server(session, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield {
            "EMAIL_SMTP_HOST": "127.0.0.1",
            "EMAIL_SMTP_PORT": str(running.sockets[0].getsockname()[1]),
            "EMAIL_SECURITY": "none",
            "EMAIL_USERNAME": "facturation@exemple.fr",
        }
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        running.close()
        loop.close()


TestAcceptance = suite("email", setup=mail_server, arguments={"email_send_email": {"text": "Bonjour Hélène"}})
