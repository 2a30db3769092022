"""Forwards events to an address of the operator's, signed by Standard Webhooks, again and again until one is taken.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx2 as httpx

from flotilla import in_thread
from flotilla.audit import Audit
from flotilla.http.responses import retry_after

from ..schemes import Signature
from ..store import Forward, ForwardState, Store, UnreadableError
from ..vendors import VENDORS

PAUSES = (5, 30, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)  # seconds after each attempt: three days
AT_ONCE = 10
TIMEOUT = 20.0  # seconds of one attempt
LEASE = 120.0  # seconds in which nobody else tries the same: longer than an attempt
LONGEST_WAIT = 60.0  # seconds between two looks for what the tools have put back
LONGEST_PROBLEM = 300  # characters
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@cache
def _certificates() -> ssl.SSLContext:
    """Return the TLS context of all forwards; each new one would read all CA certificates."""
    return httpx.create_ssl_context()


class UnsafeAddressError(Exception):
    """The address leads to this machine or to a private network."""


async def resolved(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a host; raises OSError."""
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in answers]


class Forwarder:
    """Sends what is due; `wake` says that something may be.

    `private` allows addresses of private networks. `secrets` are those of Standard Webhooks: one signature each.
    It sends `at_once` messages at the same time. Forwarders that share `turns` take turns.
    """

    def __init__(
        self,
        store: Store,
        url: str,
        secrets: Sequence[str],
        audit: Audit,
        *,
        private: bool = False,
        at_once: int = AT_ONCE,
        turns: asyncio.Semaphore | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        resolve: Resolve = resolved,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._url, self._secrets, self._audit = store, httpx.URL(url), secrets, audit
        self._private, self._resolve, self._clock = private, resolve, clock
        self._at_once, self._turns, self._transport = at_once, turns or asyncio.Semaphore(), transport
        self._client: httpx.AsyncClient | None = None  # as long as there is something to send
        self._woken = asyncio.Event()
        self._ended = False

    def wake(self) -> None:
        """Look at once what is due."""
        self._woken.set()

    def end(self) -> None:
        """Send nothing more after what is being sent."""
        self._ended = True
        self._woken.set()

    async def run(self) -> None:
        """Forward until `end`, or until cancelled."""
        try:
            while not self._ended:
                self._woken.clear()
                wait = await self._turn()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._woken.wait()
        finally:
            await self._disconnect()

    async def _turn(self) -> float:
        """Try what is due, and return after how many seconds to look again unless woken."""
        due = None
        try:
            async with self._turns:
                if not self._ended and await self.step():
                    return 0.0  # at the end of the queue for the next turn
            await self._disconnect()
            due = await in_thread(self._store.next_due)
        except Exception as error:  # a full disk, for example: it goes on once there is room
            if not self._ended:
                self._audit.bug("forwarding", error)
        return LONGEST_WAIT if due is None else min(max(due - self._clock(), 0.05), LONGEST_WAIT)

    async def _disconnect(self) -> None:
        """Keep no connection open that nothing is sent over."""
        client, self._client = self._client, None
        if client:
            await client.aclose()

    async def step(self) -> int:
        """Try what is due, `at_once` at most; return how many were tried."""
        claimed = await in_thread(self._store.claim, LEASE, self._at_once)
        await asyncio.gather(*(self._try(forward) for forward in claimed))
        return len(claimed)

    async def _try(self, forward: Forward) -> None:
        problem, final, asked = "", False, 0.0
        try:
            payload = await in_thread(self._store.payload, forward.event)
            async with asyncio.timeout(TIMEOUT):
                response = await self._send(forward, message(forward, payload))
            if not response.is_success:
                problem, asked = f"it answered {response.status_code}", _retry_after(response)
                final = response.status_code == 410  # the address is gone for good
        except UnreadableError as error:
            problem, final = error.message, True
        except UnsafeAddressError as error:
            problem = str(error)
        except (TimeoutError, httpx.TimeoutException):
            problem = f"it took longer than {TIMEOUT:g} seconds"
        except (httpx.HTTPError, OSError) as error:
            problem = f"it cannot be reached: {type(error).__name__} {error}"
        except Exception as error:  # an attempt that did not count would be made again for ever
            self._audit.bug("forwarding", error)
            problem = f"it could not be sent: {type(error).__name__}"
        state: ForwardState
        state, due = "delivered", 0.0
        if problem and (final or forward.attempts >= len(PAUSES)):
            state = "dead"
        elif problem:
            state, due = "waiting", self._clock() + max(PAUSES[forward.attempts], asked)
        await in_thread(self._store.attempted, forward, state, due, problem[:LONGEST_PROBLEM])
        if problem:
            self._audit.line("not forwarded", level="warning", forwarded=forward.event.id, state=state, reason=problem)

    async def _send(self, forward: Forward, body: bytes) -> httpx.Response:
        """Send a message to an address that was checked: to the very one, whatever the name means a moment later."""
        stamp = str(int(self._clock()))
        headers = {
            "content-type": "application/json",
            "host": self._url.netloc.decode(),
            "webhook-id": forward.event.message_id,
            "webhook-timestamp": stamp,
            "webhook-signature": signatures(self._secrets, forward.event.message_id, stamp, body),
        }
        url = self._url.copy_with(host=await self._checked_address())
        if self._client is None:  # one for each address: a connection is reused for the name that it was opened for
            self._client = httpx.AsyncClient(
                transport=self._transport, timeout=TIMEOUT, follow_redirects=False, verify=_certificates()
            )
        return await self._client.post(
            url, content=body, headers=headers, extensions={"sni_hostname": self._url.host.encode()}
        )

    async def _checked_address(self) -> str:
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        addresses = await self._resolve(self._url.host, port)
        if not self._private and not all(ipaddress.ip_address(one).is_global for one in addresses):
            raise UnsafeAddressError(
                f"{self._url.host} is an address of this machine or of a private network; "
                "WEBHOOKS_FORWARD_PRIVATE=on allows it"
            )
        return addresses[0]


def message(forward: Forward, payload: Any) -> bytes:
    """Return the message of an event: type, timestamp and data as Standard Webhooks has them, and where it is from."""
    event = forward.event
    when = datetime.fromtimestamp(event.happened or event.received, UTC)
    content = {
        "type": f"{event.vendor}.{event.kind}" if event.kind else event.vendor,
        "timestamp": when.isoformat(),
        "vendor": event.vendor,
        "endpoint": event.endpoint,
        "account": event.account,
        "event": str(event.id),
        "data": payload,
    }
    return json.dumps(content, separators=(",", ":")).encode()


def signatures(secrets: Sequence[str], message_id: str, stamp: str, body: bytes) -> str:
    """Return the header webhook-signature: one signature for each secret."""
    scheme = VENDORS["standard"].verification
    assert isinstance(scheme, Signature)
    signed = f"{message_id}.{stamp}.".encode() + body
    return " ".join(scheme.sign(secret, signed) for secret in secrets)


def _retry_after(response: httpx.Response) -> float:
    """Return how many seconds an address asks not to be called, a day at most."""
    asked = retry_after(response) if response.status_code in (429, 503) else None
    return min(asked or 0.0, PAUSES[-1])
