"""What the acceptance suite tries, rule by rule: a check takes a case and returns what is wrong, in sentences.

    @check("hints")
    async def hints(case: Subject) -> list[str]: …

A sentence about one tool begins with its name, so that quality.yaml can except that tool. A check that finds nothing
to try raises NothingToCheck: then quality.yaml must say why the rule does not apply.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flotilla_testing.subject import Subject

Check = Callable[["Subject"], Awaitable[list[str]]]
CHECKS: dict[str, list[Check]] = defaultdict(list)


class NothingToCheck(Exception):  # noqa: N818 - no error: an empty case
    """The server has nothing that the rule is about."""


def check(rule: str) -> Callable[[Check], Check]:
    """Make a function a check of a rule."""

    def add(function: Check) -> Check:
        CHECKS[rule].append(function)
        return function

    return add
