"""Who may open a stream: each call has a token that serves once and expires, and there are only so many calls."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TOKEN_SECONDS = 60.0  # Twilio opens the stream within a second or two of the webhook's answer


@dataclass(frozen=True)
class Ticket:
    """One call that Twilio announced by a signed webhook. `caller` and `called` are numbers as Twilio shows them;
    `task` is what the agent is to do, of a call that it makes."""

    call_sid: str
    account_sid: str
    caller: str = ""
    called: str = ""
    outbound: bool = False
    task: str = ""
    expires: float = 0.0


class Admission:
    """Tickets that wait for their stream, and the calls that run."""

    def __init__(self, most_calls: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_calls, self._clock = most_calls, clock
        self._tickets: dict[str, Ticket] = {}
        self._strangers = 0
        self.running = 0

    def issue(
        self, call_sid: str, account_sid: str, *, caller: str, called: str, outbound: bool, task: str = ""
    ) -> str | None:
        """Return the token of a call; None where there are as many calls as may be. Replaces an earlier one of it."""
        now = self._clock()
        self._tickets = {
            token: ticket
            for token, ticket in self._tickets.items()
            if ticket.expires > now and ticket.call_sid != call_sid
        }
        if self.running + len(self._tickets) >= self._most_calls:
            return None
        token = secrets.token_urlsafe(32)
        self._tickets[token] = Ticket(call_sid, account_sid, caller, called, outbound, task, now + TOKEN_SECONDS)
        return token

    def redeem(self, token: str, call_sid: str, account_sid: str) -> Ticket | None:
        """Return the ticket of a token; None for one that is unknown, used, expired or of another call."""
        ticket = self._tickets.pop(token, None)
        if ticket is None or ticket.expires <= self._clock():
            return None
        return ticket if (ticket.call_sid, ticket.account_sid) == (call_sid, account_sid) else None

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count a call while it runs."""
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1

    @contextmanager
    def stranger(self) -> Iterator[bool]:
        """Count a connection that has not shown its token; gives whether there is room for it."""
        self._strangers += 1
        try:
            yield self._strangers <= self._most_calls + 10
        finally:
            self._strangers -= 1
