"""A server apart from the machine that tests it: an environment of its own, and no waiting."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

import httpx2 as httpx

from flotilla.connection import Network
from flotilla.http.retry import Retry
from flotilla.server import Server
from flotilla.settings import variable

NOISE = ("FLOTILLA_", "FASTMCP_", "OTEL_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
TIMEOUT = 5.0  # seconds a vendor gets to answer in a session, unless it is about that


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()  # made once: reading all authorities takes longer than a session


@contextmanager
def environment(server: Server[Any], **values: str) -> Iterator[None]:
    """Run with these variables, and with nothing else that a server reads; its caches are dropped before and after.

    Unless FLOTILLA_STATE is among them, its state folder is a new one that is gone afterwards.
    """
    own = variable(server.slug, "")
    with patch.dict(os.environ), tempfile.TemporaryDirectory(prefix="flotilla-state-") as state:
        for name in [n for n in os.environ if n.upper().startswith((own, *NOISE))]:
            del os.environ[name]
        os.environ.update({"FLOTILLA_STATE": state, **values})
        server.reset()
        try:
            yield
        finally:
            server.reset()


@contextmanager
def impatient(
    server: Server[Any], transport: httpx.AsyncBaseTransport | None = None, timeout: float = TIMEOUT
) -> Iterator[None]:
    """Let a server's requests wait for nothing: no pause between attempts, no client-side limit, a short timeout."""
    connection = server.connection
    before, connection.network = (
        connection.network,
        Network(
            transport or httpx.AsyncHTTPTransport(verify=_tls()),
            Retry(base=0.0005, jitter=0),
            httpx.Timeout(timeout, connect=2, pool=5),
            limits=False,
        ),
    )
    try:
        yield
    finally:
        connection.network = before
