"""The accounts of calls, where customers connect them and the switchboard renews their tokens: an interface.

One person's servers have their credentials in their settings, and there is nothing to do.
"""

from __future__ import annotations

from typing import Protocol

from .call import Call
from .catalog import Entry
from .jsonrpc import Message


class AccountError(Exception):
    """The account of a call cannot be used, and nothing was done. The message says why, and what to do next."""


class DisconnectedError(AccountError):
    """There is no account, or its vendor gives no more access: a person must connect it. The message says which."""


class AccountConnectedError(Exception):
    """A person has connected the account while the call waited: the call can be made by a new gateway."""


class Accounts(Protocol):
    """The accounts of one tenant."""

    async def access(self, entry: Entry, refused: str) -> Message | None:
        """Return the access token of a server's account, another one than `refused`; None for a server without.

        Raises AccountError.
        """

    async def connected(self, call: Call, problem: str = "") -> Message | None:
        """Return None where a call has an account, else the result that ends it: a question, or an error with a link.

        `problem` is a sentence on what is wrong with an account that is there. Raises AccountConnectedError where the
        person has connected one meanwhile. The state of a result that asks is yet to be signed.
        """
