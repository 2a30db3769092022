"""One error voice: what a tool may fail with, and what the model reads then.

    Problem
    ├── Setup      a setting is missing or wrong: the operator must act
    ├── Auth       the vendor does not accept the credentials
    ├── Scope      the credentials are good but not allowed to do this
    ├── Input      the arguments cannot work: the model must change them
    ├── NotFound   the thing is not there
    ├── Rate       too many requests: wait
    └── Upstream   the vendor failed, or could not be reached

A message is one sentence about what is wrong and one about what to do next. `Error: ` is put in front by the library.
"""

from __future__ import annotations

import re

from .environment import SettingError
from .text import plain

LONGEST = 300  # characters of a vendor's own words: enough for a reason, too little for a body
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x9b[0-?]*[ -/]*[@-~]|\x1b[@-_]")  # colours and the like of a terminal


class Problem(Exception):  # noqa: N818 - read as errors.Input, errors.Rate: the module says "error"
    """Base of the seven classes. `what` says what is wrong, `then` what to do next; both are whole sentences."""

    kind = "upstream"

    def __init__(self, what: str, then: str = "") -> None:
        self.what, self.then = what.strip(), then.strip()
        super().__init__(self.what, self.then)

    def __str__(self) -> str:
        return f"{self.what} {self.then}".strip()

    def noted(self, note: str) -> Problem:
        """Add a sentence to what is wrong, unless it is there already; returns the problem."""
        if note.strip() not in self.what:
            self.what += note
        return self


class Setup(Problem, SettingError):  # noqa: N818 - as Problem
    """A setting is missing or wrong."""

    kind = "setup"


class Auth(Problem):
    """The vendor refuses the credentials (401)."""

    kind = "auth"


class Scope(Problem):
    """The credentials lack a right (403)."""

    kind = "scope"


class Input(Problem):
    """The arguments cannot work (400, 409, 422, or refused before the call)."""

    kind = "input"


class NotFound(Problem):
    """No such thing (404, 410)."""

    kind = "not_found"


class Rate(Problem):
    """Too many requests (429). `again`: another try within the same call may work; false for what ends at midnight."""

    kind = "rate"

    def __init__(self, what: str, then: str = "", *, again: bool = True) -> None:
        super().__init__(what, then)
        self.again = again


class Upstream(Problem):
    """The vendor failed or cannot be reached (5xx, timeouts, cut connections, answers that make no sense)."""

    kind = "upstream"


def excerpt(text: object, longest: int = LONGEST) -> str:
    """Return somebody else's words in one line of at most `longest` characters."""
    line = " ".join(plain(_ANSI.sub("", str(text))).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def quoted(text: object, longest: int = LONGEST) -> str:
    """Return somebody else's words in quotation marks, so that a reader sees whose they are; "" without words."""
    line = excerpt(text, longest).rstrip(". ").replace('"', "'")
    return f'"{line}"' if line else ""
