"""Save a copy of a sent mail in the mailbox's Sent folder, over IMAP. RFC 3501 (APPEND), 6154 (special folders).

The mail is on its way when this begins, so nothing in here fails the call: the result says what was not saved.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flotilla import errors

from .message import Mail
from .smtp import tls_context
from .smtp_errors import Route

if TYPE_CHECKING:
    from imapclient import IMAPClient


@dataclass(frozen=True)
class Mailbox:
    """Where copies go. `folder` is a name, or empty for the one that the server marks; the login is the route's."""

    host: str
    port: int
    folder: str
    route: Route
    seconds: float  # for one command

    def save(self, mail: Mail) -> tuple[str | None, str | None]:
        """Store the mail as read; return the folder's name, or None and why there is no copy."""
        try:
            with self._session() as client:
                folder = self._folder(client)
                client.append(folder, mail.content, flags=(rb"\Seen",), msg_time=mail.date)
        except errors.FlotillaError as error:
            return None, f"The mail was sent, but no copy of it was saved. {error.message}"
        return folder, None

    def look(self) -> str:
        """Return the name of the folder, without storing anything. Raises errors.UpstreamError."""
        with self._session() as client:
            return self._folder(client)

    def _folder(self, client: IMAPClient) -> str:
        from imapclient.imapclient import SENT  # only where a mailbox is set

        if not self.folder:
            if name := client.find_special_folder(SENT):
                return str(name)
            raise errors.UpstreamError(
                f"{self.host} marks no folder as that of sent mail.",
                "Ask the user to set EMAIL_SENT_FOLDER to its name.",
            )
        names = [str(name) for _, _, name in client.list_folders()]
        if self.folder not in names:
            raise errors.UpstreamError(
                f"{self.host} has no folder `{self.folder}`. There are: {', '.join(names[:20])}.",
                "Ask the user to correct EMAIL_SENT_FOLDER.",
            )
        return self.folder

    @contextmanager
    def _session(self) -> Iterator[IMAPClient]:
        """Yield a client that is encrypted and logged in."""
        from imapclient import IMAPClient
        from imapclient.exceptions import IMAPClientError

        try:
            tls, context = self.port == 993, tls_context(self.route)
            client = IMAPClient(
                self.host, self.port, ssl=tls, ssl_context=context if tls else None, timeout=self.seconds
            )
            try:
                if not tls:
                    client.starttls(context)
                if self.route.token:
                    client.oauth2_login(self.route.username, self.route.token)
                elif b"AUTH=PLAIN" in client.capabilities():  # takes passwords with accents, as LOGIN does not
                    client.plain_login(self.route.username, self.route.password)
                else:
                    client.login(self.route.username, self.route.password)
                yield client
            finally:
                with suppress(IMAPClientError, OSError):
                    client.logout()
        except (IMAPClientError, OSError, UnicodeEncodeError) as error:
            reason = self.route.clean(str(error)) or type(error).__name__
            raise errors.UpstreamError(
                f'{self.host}:{self.port} did not do it: "{reason}"',
                "Ask the user to check EMAIL_IMAP_HOST and EMAIL_IMAP_PORT, and that the mailbox allows IMAP.",
            ) from None
