"""Scopes: what is enough for a tool, what is better than nothing, and what a login asks for."""

from __future__ import annotations

import pytest
from pydantic import Field

from flotilla import AccessLevels, Integration, Server, ServerSettings, Toolset
from flotilla.http.consent import Scopes
from flotilla.http.scopes import access_level, scopes, wider_levels

LEVELS = AccessLevels("files", "access", {"own": "own", "read": "own read", "all": "all"})


class Settings(ServerSettings):
    access: str = Field("own", description="How much is open")


def integration(levels: AccessLevels | None) -> Integration[Settings]:
    tools = Toolset()

    @tools.reads(scopes=["read", "all"], tolerated=["own"])
    async def list_files() -> dict[str, str]:
        """List."""
        return {}

    @tools.writes(scopes=["all"], tolerated=["own"])
    async def create_file() -> dict[str, str]:
        """Create."""
        return {}

    result = Integration(
        "acme", title="Acme", description="x", category="productivity", settings=Settings, access=levels
    )
    Server(result, toolsets=[tools])
    return result


@pytest.mark.parametrize(
    ("granted", "coverage"),
    [
        ({"a"}, "full"),
        ({"b", "c"}, "full"),
        ({"b"}, "none"),
        ({"own"}, "part"),
        ({"own", "a"}, "full"),
        (set(), "none"),
    ],
)
def test_scopes_coverage(granted: set[str], coverage: str) -> None:
    assert Scopes(("a", "b c"), ("own",)).coverage(granted) == coverage


def test_scopes_coverage_of_a_tool_that_needs_none() -> None:
    assert Scopes().coverage(()) == "full"


@pytest.mark.parametrize(
    ("environ", "asked"),
    [({}, ["own"]), ({"ACME_ACCESS": "read"}, ["read", "own"]), ({"ACME_ACCESS": "all"}, ["all"])],
)
def test_scopes_follow_the_access_level(environ: dict[str, str], asked: list[str]) -> None:
    assert scopes(integration(LEVELS), environ) == asked


def test_scopes_without_levels_are_the_sufficient_ones() -> None:
    """A tolerated scope is never asked for because it is narrower."""
    assert scopes(integration(None), {}) == ["all"]


def test_scopes_leave_out_a_tool_that_the_level_closes() -> None:
    closed = AccessLevels("files", "access", {"none": "other", "all": "all"})
    assert scopes(integration(closed), {}) == []


def test_access_level_and_the_wider_ones() -> None:
    acme = integration(LEVELS)
    assert (access_level(acme, {"ACME_ACCESS": "read"}), wider_levels(acme, {"ACME_ACCESS": "read"})) == (
        "read",
        ["all"],
    )
    assert (access_level(acme, {"ACME_ACCESS": "?"}), wider_levels(acme, {})) == ("own", ["read", "all"])
    assert (access_level(integration(None)), wider_levels(integration(None))) == ("", [])


def test_integration_refuses_a_level_without_its_setting() -> None:
    with pytest.raises(TypeError, match="no field 'level'"):
        integration(AccessLevels("files", "level", {"own": "own"}))
