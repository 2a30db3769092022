"""The accounts of calls, where the switchboard itself renews their tokens: an interface, and what may be wrong.

One person's servers have their credentials in their settings, and there is nothing to do.
"""

from __future__ import annotations

from typing import Protocol

from .catalog import Entry
from .jsonrpc import Message


class AccountError(Exception):
    """The account of a call cannot be used, and nothing was done. The message says why, and what to do next."""


class Accounts(Protocol):
    """The accounts of one tenant."""

    async def access(self, entry: Entry, refused: str) -> Message | None:
        """Return the access token of a server's account, another one than `refused`; None for a server without.

        Raises AccountError.
        """
