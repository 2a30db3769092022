"""The state of a question, which a client of 2026-07-28 holds until it answers: signed, so that it fits one request.

The server's own state stands in it unchanged. Our servers seal theirs; the signature binds the state of other servers
too, and lets the switchboard refuse a state that is not its own.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

from .jsonrpc import INVALID_PARAMS, RpcError

LIFETIME = 600.0  # seconds in which a question can be answered


class RequestState:
    """Signs and reads states with one key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def signed(self, state: str, request: list[Any]) -> str:
        """Return the state for the client, bound to the request: its method, its name and its arguments."""
        until = f"{time.time() + LIFETIME:.0f}"
        return f"{until}.{self._signature(until, state, request)}.{state}"

    def read(self, text: Any, request: list[Any]) -> str:
        """Return the server's state. Raises RpcError for one that was not signed for this request, or is too old."""
        until, _, rest = str(text).partition(".")
        signature, _, state = rest.partition(".")
        ours = hmac.compare_digest(signature.encode(), self._signature(until, state, request).encode())
        if ours and float(until) > time.time():
            return state
        raise RpcError(INVALID_PARAMS, "Invalid or expired requestState", {"reason": "invalid_request_state"})

    def _signature(self, until: str, state: str, request: list[Any]) -> str:
        text = json.dumps([until, state, request], sort_keys=True)
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
