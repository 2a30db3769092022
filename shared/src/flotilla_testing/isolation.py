"""A server apart from the machine that tests it: an environment of its own, and no waiting."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

import httpx2 as httpx

from flotilla.connection import Network
from flotilla.http.retry import Retry
from flotilla.server import Server
from flotilla.settings import variable
from flotilla_testing.fake_vendor import FakeVendor, ImpatientTransport

NOISE = ("FLOTILLA_", "FASTMCP_", "OTEL_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
KEPT = ("FLOTILLA_SPECS",)  # no server reads it: where the tests find the vendors' contracts
LONGEST_WAIT = 30.0  # seconds after which a session that hangs fails


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()  # made once: reading all authorities takes longer than a session


async def no_pause(seconds: float) -> None:
    """Sleep as a fake clock does."""


@contextmanager
def environment(server: Server[Any], **values: str) -> Iterator[None]:
    """Run with these variables, and with nothing else that a server reads; its caches are dropped before and after.

    Unless FLOTILLA_STATE is among them, its state folder is a new one that is gone afterwards.
    """
    own = variable(server.slug, "")
    folder = nullcontext("") if "FLOTILLA_STATE" in values else tempfile.TemporaryDirectory(prefix="flotilla-state-")
    before = dict(os.environ)
    with folder as state:
        try:
            for name in [n for n in before if n.upper().startswith((own, *NOISE)) and n not in KEPT]:
                del os.environ[name]
            os.environ.update({"FLOTILLA_STATE": state, **values})
            server.reset()
            yield
        finally:
            # Only what differs: patch.dict takes everything away and puts it back, a tenth of a session's time.
            after = dict(os.environ)
            for name in after.keys() - before.keys():
                del os.environ[name]
            os.environ.update(dict(before.items() - after.items()))
            server.reset()


@contextmanager
def impatient(
    server: Server[Any], recorder: httpx.AsyncBaseTransport | None = None, vendor: FakeVendor | None = None
) -> Iterator[None]:
    """Let a server's requests wait for nothing: no pause between attempts, no client-side limit, no timeout.

    `recorder` takes the place of the network; a request that `vendor` leaves without an answer times out at once.
    """
    network: httpx.AsyncBaseTransport = httpx.AsyncHTTPTransport(verify=_tls())
    connection = server.connection
    before, connection.network = (
        connection.network,
        Network(
            recorder or (ImpatientTransport(vendor, network) if vendor else network),
            Retry(base=0.0005, jitter=0, sleep=no_pause),
            httpx.Timeout(LONGEST_WAIT),
            limits=False,
        ),
    )
    try:
        yield
    finally:
        connection.network = before
