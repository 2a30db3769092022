"""One JSON line a call on stderr: who called what, with which arguments (masked), how it ended and how long it took."""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress
from itertools import islice
from typing import Any

import pydantic_core
import structlog

from flotilla.settings import scrub
from flotilla_launcher.masking import is_secret

LONGEST = 200  # characters of one argument: enough to recognise a call
NAME = 100  # characters of a name
MOST_KEYS, MOST = 50, 20  # names of an object, rows of a list
DEEPEST = 10  # levels
LINE = 8_000  # bytes of a line


_PROCESSORS: list[Any] = [
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.add_log_level,
    structlog.processors.JSONRenderer(),
]


class Audit:
    """Writes the lines of one server; `always` are fields of each."""

    def __init__(self, slug: str, masked: frozenset[str], **always: str) -> None:
        self._names, self._always = masked, {"mcp_server": slug, **always}
        self._log: tuple[Any, Any] = None, None  # stderr, and what writes to it

    def masked(self, value: Any, name: str = "") -> Any:
        """Return arguments or a request as they may be shown: secrets as ***, long text cut."""
        if value is not None and (name.lower() in self._names or is_secret(name)):
            return "***"
        if isinstance(value, dict):
            return {k: self.masked(v, str(k)) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.masked(v, name) for v in value]
        return scrub(value) if isinstance(value, str) else value

    def line(self, event: str, level: str = "info", **fields: Any) -> None:
        """Write one line, flushed: the process may end at any time. A broken stderr breaks nothing."""
        with suppress(Exception):
            if self._log[0] is not sys.stderr:  # tests and servers replace it
                log = structlog.wrap_logger(structlog.PrintLogger(file=sys.stderr), processors=_PROCESSORS)
                self._log = sys.stderr, log.bind(**self._always)
            getattr(self._log[1], level)(event, **fields)

    def call(self, *, arguments: dict[str, Any], figures: dict[str, Any], **fields: Any) -> None:
        """Write the line of one call, LINE bytes at most. The figures are numbers of the library's own."""
        shown: Any = "cannot be shown"
        with suppress(Exception):  # such as arguments that are nested too deeply: the line is written all the same
            shown = self._short(arguments)
            if len(pydantic_core.to_json(shown, fallback=str)) > LINE - 2_000:
                shown = {"…": f"{len(arguments)} arguments, too long to be shown"}
        self.line("call", **{name: self._short(value) for name, value in fields.items()}, **figures, arguments=shown)

    def bug(self, tool: str, bug: Exception) -> None:
        """Write an unexpected exception with the end of its traceback, secrets masked."""
        trace = scrub("".join(traceback.format_exception(bug)))
        self.line("bug", level="error", tool_name=self._short(tool), exception=trace[-(LINE - 1_000) :])

    def _short(self, value: Any, name: str = "", depth: int = 0) -> Any:
        """Return a value masked, and cut: MOST keys and rows, NAME characters of a key, LONGEST of a text."""
        if value is not None and (name.lower() in self._names or is_secret(name)):
            return "***"
        if isinstance(value, dict | list | tuple) and depth > DEEPEST:
            return "…"
        if isinstance(value, dict):
            first = list(islice(value.items(), MOST_KEYS))
            shown = {_cut(scrub(str(k)), NAME): self._short(v, str(k), depth + 1) for k, v in first}
            return shown | ({"…": f"{len(value) - MOST_KEYS} more"} if len(value) > MOST_KEYS else {})
        if isinstance(value, list | tuple):
            more = [f"… {len(value) - MOST} more"] if len(value) > MOST else []
            return [self._short(v, name, depth + 1) for v in value[:MOST]] + more
        if isinstance(value, str):
            return _cut(scrub(value), LONGEST)
        return "***" if isinstance(value, int | float) and scrub(str(value)) != str(value) else value


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"
