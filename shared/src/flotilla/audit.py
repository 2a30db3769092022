"""One JSON line a call on stderr: who called what, with which arguments (masked), how it ended and how long it took."""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress
from typing import Any

import structlog

from .settings import scrub

MASKED = ("password", "secret", "token", "api_key", "apikey", "authorization", "credential", "cookie")
LONGEST = 200  # characters of one argument: enough to recognise a call


_PROCESSORS: list[Any] = [
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.add_log_level,
    structlog.processors.JSONRenderer(),
]


class Audit:
    """Writes the lines of one server."""

    def __init__(self, slug: str, masked: frozenset[str]) -> None:
        self._slug, self._names = slug, masked

    def masked(self, value: Any, name: str = "") -> Any:
        """Return arguments or a request as they may be shown: secrets as ***, long text cut."""
        low = name.lower()
        if value is not None and (low in self._names or any(word in low for word in MASKED)):
            return "***"
        if isinstance(value, dict):
            return {k: self.masked(v, str(k)) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.masked(v, name) for v in value]
        return scrub(value) if isinstance(value, str) else value

    def line(self, event: str, level: str = "info", **fields: Any) -> None:
        """Write one line, flushed: the process may end at any time. A broken stderr breaks nothing."""
        with suppress(Exception):
            log = structlog.wrap_logger(structlog.PrintLogger(file=sys.stderr), processors=_PROCESSORS)
            getattr(log, level)(event, mcp_server=self._slug, **fields)
            sys.stderr.flush()

    def call(self, *, arguments: dict[str, Any], **fields: Any) -> None:
        """Write the line of one call."""
        self.line("call", arguments=_short(self.masked(arguments)), **fields)

    def bug(self, tool: str, bug: Exception) -> None:
        """Write an unexpected exception with its traceback, secrets masked."""
        trace = scrub("".join(traceback.format_exception(bug)))
        self.line("bug", level="error", tool_name=tool, exception=trace)


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _short(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_short(v) for v in value[:20]] + ([f"… {len(value) - 20} more"] if len(value) > 20 else [])
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}… ({len(value)} characters)"
    return value
