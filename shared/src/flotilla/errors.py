"""What a tool may fail with, and what the model reads then.

    FlotillaError
    ├── ConfigurationError     a setting is missing or wrong: the operator must act
    ├── AuthenticationError    the vendor does not accept the credentials
    ├── PermissionDeniedError  the credentials are good but not allowed to do this
    ├── InvalidInputError      the arguments cannot work: the model must change them
    ├── NotFoundError          the thing is not there
    ├── RateLimitError         too many requests: wait
    └── UpstreamError          the vendor failed, or could not be reached

A message is one sentence about what is wrong; a hint is one about what to do next. `Error: ` is put in front by the
library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from flotilla.text import plain
from flotilla_launcher.environment import SettingError

LONGEST = 300  # characters of a vendor's own words: enough for a reason, too little for a body
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x9b[0-?]*[ -/]*[@-~]|\x1b[@-_]")  # colours and the like of a terminal


class FlotillaError(Exception):
    """Base of the seven classes. `message` says what is wrong, `hint` what to do next; both are whole sentences."""

    kind = "upstream"

    def __init__(self, message: str, hint: str = "") -> None:
        self.message, self.hint = message.strip(), hint.strip()
        super().__init__(self.message, self.hint)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def noted(self, note: str) -> FlotillaError:
        """Add a sentence to what is wrong, unless it is there already; returns the error."""
        if note.strip() not in self.message:
            self.message += note
        return self


class ConfigurationError(FlotillaError, SettingError):
    """A setting is missing or wrong."""

    kind = "setup"


class AuthenticationError(FlotillaError):
    """The vendor refuses the credentials (401)."""

    kind = "auth"


class PermissionDeniedError(FlotillaError):
    """The credentials lack a right (403)."""

    kind = "scope"


class InvalidInputError(FlotillaError):
    """The arguments cannot work (400, 409, 422, or refused before the call)."""

    kind = "input"


class NotFoundError(FlotillaError):
    """No such thing (404, 410)."""

    kind = "not_found"


class RateLimitError(FlotillaError):
    """Too many requests (429). `again`: another try within the same call may work; false for what ends at midnight."""

    kind = "rate"

    def __init__(self, message: str, hint: str = "", *, again: bool = True) -> None:
        super().__init__(message, hint)
        self.again = again


class UpstreamError(FlotillaError):
    """The vendor failed or cannot be reached (5xx, timeouts, cut connections, answers that make no sense)."""

    kind = "upstream"


@contextmanager
def hint(text: str) -> Iterator[None]:
    """Give every FlotillaError that is raised inside this next step in place of its own."""
    try:
        yield
    except FlotillaError as error:
        error.hint = text
        raise


@contextmanager
def setting_errors() -> Iterator[None]:
    """Raise ConfigurationError where the launcher's functions, which know only SettingError, refuse a setting."""
    try:
        yield
    except ConfigurationError:
        raise
    except SettingError as error:
        raise ConfigurationError(error.message, error.hint) from None


def excerpt(text: object, longest: int = LONGEST) -> str:
    """Return somebody else's words in one line of at most `longest` characters."""
    line = " ".join(plain(_ANSI.sub("", str(text))).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def quoted(text: object, longest: int = LONGEST) -> str:
    """Return somebody else's words in quotation marks, so that a reader sees whose they are; "" without words."""
    line = excerpt(text, longest).rstrip(". ").replace('"', "'")
    return f'"{line}"' if line else ""
