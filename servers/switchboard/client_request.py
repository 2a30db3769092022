"""One request of a client: what it says about the client, and the ways that lead back to it meanwhile."""

from __future__ import annotations

import re
import secrets
from typing import Any

from flotilla_launcher.protocol import (
    ACCESS_KEY,
    CAPABILITIES_KEY,
    CLIENT_KEY,
    LOG_LEVEL_KEY,
    LOG_LEVELS,
    TIMINGS_KEY,
    VERSION_KEY,
)

from .jsonrpc import INVALID_PARAMS, Message, RpcError

CONNECTION_KEYS = (VERSION_KEY, CLIENT_KEY, CAPABILITIES_KEY, TIMINGS_KEY, ACCESS_KEY, "progressToken")


class ClientRequest:
    """A request, by whatever transport it came. Transports implement `notify` and `ask`.

    `modern` tells whether the client speaks 2026-07-28, in which a question is the result of its request. Requests of
    one `client_id` surely come from one client; None is like no other. `log_level` is what a client before 2026-07-28
    has set, if anything. `client_name` is what the client calls itself. `meta` is the request's metadata without what
    concerns one connection only. `request_id` is the id that the client gave it; `sent` tells whether a server has got
    it.
    """

    request_id: int | str | None = None

    def __init__(
        self, params: Message, *, modern: bool, client_id: object, capabilities: Message, log_level: str | None
    ) -> None:
        meta = params.get("_meta") or {}
        if not is_meta(meta):
            raise invalid()
        self.modern, self.client_id, self.capabilities = modern, client_id, capabilities
        about = meta.get(CLIENT_KEY)
        self.client_name = str(about.get("name") or "") if type(about) is dict else ""
        self.sent = False
        self._progress_token, self._progressed = meta.get("progressToken"), False
        self.meta = {key: value for key, value in meta.items() if key not in CONNECTION_KEYS}
        if not modern:  # since 2026-07-28 a server sends the logs that are asked for; before, it sent all
            self.meta[LOG_LEVEL_KEY] = log_level or LOG_LEVELS[0]
        self.wants_logs = LOG_LEVEL_KEY in self.meta

    def trace(self) -> str:
        """Return the id of the call's trace, 32 hexadecimal digits: the client's own (W3C traceparent), or a new one.

        A new one is handed on, so that the server's audit line has it too.
        """
        parts = str(self.meta.get("traceparent") or "").split("-")
        if len(parts) == 4 and re.fullmatch(r"[0-9a-f]{32}", parts[1]):
            return parts[1]
        trace = secrets.token_hex(16)
        self.meta["traceparent"] = f"00-{trace}-{secrets.token_hex(8)}-01"
        return trace

    def notify(self, method: str, params: Message) -> None:
        """Send the client a notification that belongs to this request."""
        raise NotImplementedError

    async def ask(self, method: str, params: Message) -> Message:
        """Return the client's answer to a question, for protocols in which a client is asked during its request.

        Raises RpcError.
        """
        raise NotImplementedError

    def log(self, params: Message) -> None:
        """Pass a log message on."""
        if self.wants_logs:
            self.notify("notifications/message", params)

    def progress(self, params: Message) -> None:
        """Pass progress on to a client that wants it."""
        self._progressed = True
        if self._progress_token is not None:
            self.notify("notifications/progress", {**params, "progressToken": self._progress_token})

    def announce(self, sentence: str) -> None:
        """Send a sentence as the first progress, where there was none."""
        if not self._progressed:
            self.progress({"progress": 0, "message": sentence})


def is_meta(meta: Any) -> bool:
    """Tell whether the metadata of a request has the types of the protocol."""
    known = type(meta) is dict and type(meta.get("progressToken", 0)) in (int, str)
    return known and meta.get(LOG_LEVEL_KEY, LOG_LEVELS[0]) in LOG_LEVELS


def invalid() -> RpcError:
    """Return the error of parameters that have not the types of the protocol."""
    return RpcError(INVALID_PARAMS, "Invalid request parameters", "")
