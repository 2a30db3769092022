"""The acceptance suite: every rule of the quality scale, on one server. A server inherits it by one line:

    from flotilla_testing.acceptance import suite

    TestAcceptance = suite("calendly")

It makes a pytest class with a test a rule. Every rule must pass, unless `quality.yaml` exempts the server: then its
test is skipped with the reason. See `rules` for the scale, `case` for what the suite finds in the server's folder.

What depends on the library more than on the tool, such as most ways of a vendor to fail, is tried on one tool for each
kind of request; with `--every-tool` on all of them, and with more generated arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from flotilla_testing.checks import (
    CHECKS,
    NothingToCheck,
    accounts,
    calls,
    contracts,
    descriptions,
    hosts,
    processes,
    surface,
    vendors,
    writes,
)
from flotilla_testing.rules import RULES, Claim, Rule, quality_problems
from flotilla_testing.subject import Environment, Subject

__all__ = ["suite", "wrong"]
MODULES = (
    accounts,
    calls,
    contracts,
    descriptions,
    hosts,
    processes,
    surface,
    vendors,
    writes,
)  # imported for their checks


async def wrong(case: Subject, rule: Rule, claim: Claim) -> list[str]:
    """Return what is wrong with a server under a rule that it claims to keep, in sentences."""
    problems, tried = [], 0
    case.examples = frozenset(claim.excepted)  # else an exception that is needed could seem idle
    for function in CHECKS[rule.id]:
        try:
            problems += await function(case)
            tried += 1
        except NothingToCheck:
            continue
    if not tried and not rule.evidence:
        return [f"There is nothing to check: in quality.yaml, exempt the server from {rule.id} and say why."]
    hit = {tool for tool in claim.excepted for problem in problems if problem.startswith((f"{tool} ", f"{tool}:"))}
    idle = [f"{tool} is excepted from {rule.id}, and keeps it." for tool in claim.excepted if tool not in hit]
    return [p for p in problems if not p.startswith(tuple(f"{t}{end}" for t in hit for end in " :"))] + idle


def suite(
    slug: str,
    *,
    setup: Environment | None = None,
    arguments: Mapping[str, Mapping[str, Any]] | None = None,
    lossy: Mapping[str, Mapping[str, Any]] | None = None,
) -> type[Any]:
    """Return the pytest class of a server.

    `setup`: for servers whose other side is not an HTTP vendor: a function of a temporary folder that returns a context
    manager; it starts that side and yields the settings (variable: value) that lead there. `arguments`: by tool, more
    arguments for the calls that are to work, where the examples of the required ones are not enough. `lossy`: by tool
    that replaces, more arguments with which something is lost, such as a path that is there and overwrite.
    """

    class Acceptance:
        @staticmethod
        def opened(every_tool: bool = False) -> Subject:
            """Return a new case."""
            return Subject(slug, setup=setup, arguments=arguments, lossy=lossy, every_tool=every_tool)

        @pytest.fixture(scope="class")
        @classmethod
        def case(cls, request: pytest.FixtureRequest) -> Iterator[Subject]:
            with cls.opened(request.config.getoption("--every-tool", default=False)) as case:
                yield case

        def test_quality_yaml(self, case: Subject) -> None:
            problems = quality_problems(case.quality, case.folder)
            assert not problems, _listed(problems)

    Acceptance.__doc__ = f"{slug} on the quality scale."
    for rule in RULES:
        setattr(Acceptance, f"test_{rule.id}", _test_of(rule))
    return Acceptance


def _test_of(rule: Rule) -> Any:
    async def test(self: Any, case: Subject) -> None:
        claim = case.quality[rule.id]
        if claim.state == "exempt":
            pytest.skip(f"exempt: {claim.reason}")
        problems = await wrong(case, rule, claim)
        assert not problems, _listed(problems)

    test.__doc__ = rule.description
    return test


def _listed(problems: list[str]) -> str:
    more = [f"… and {len(problems) - 30} more"] if len(problems) > 30 else []
    return "\n".join(["", *problems[:30], *more])
