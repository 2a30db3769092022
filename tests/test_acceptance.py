"""What only the whole fleet shows: names that meet at the gateway, and that no server escapes the quality scale."""

from __future__ import annotations

import ast
import importlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from flotilla import Server
from flotilla_launcher.naming import module_of
from flotilla_testing import environment, tools_of
from flotilla_testing.rules import RULES, quality_problems, read_quality
from flotilla_testing.subject import CHECKOUT

FOLDERS = sorted(path.parent for path in CHECKOUT.glob("*/server.py"))


def is_server(folder: Path) -> bool:
    """Tell whether one is made here; the switchboard, which is a gateway to servers, makes none."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in folder.glob("*.py")]
    calls = (n.func for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Call))
    return any(isinstance(called, ast.Name) and called.id == "Server" for called in calls)


SERVERS = [folder for folder in FOLDERS if is_server(folder)]


def server_in(folder: Path) -> Server[Any]:
    server: Server[Any] = importlib.import_module(f"flotilla_servers.{folder.name}.server").server
    return server


async def test_tool_names_unique() -> None:
    """A collision aborts the gateway."""
    counted: Counter[str] = Counter()
    for folder in SERVERS:
        server = server_in(folder)
        with environment(server, FLOTILLA_TIER="all"):
            counted.update(tool["name"] for tool in await tools_of(server))
    assert [name for name, times in counted.items() if times > 1] == []


def test_servers_have_unique_slug_prefix_and_title() -> None:
    servers = [server_in(folder) for folder in SERVERS]
    for word in ("slug", "prefix", "title"):
        counted = Counter(getattr(server.integration, word) for server in servers)
        assert [value for value, times in counted.items() if times > 1] == [], word
    assert [module_of(server.slug) for server in servers] == [folder.name for folder in SERVERS]


@pytest.mark.parametrize("folder", SERVERS, ids=lambda folder: folder.name)
def test_quality_scale_covers_every_server(folder: Path) -> None:
    test = folder / "tests" / "test_acceptance.py"
    assert test.is_file(), f"{folder.name} does not inherit the acceptance suite: add tests/test_acceptance.py"
    assert f'suite("{server_in(folder).slug}"' in "".join(test.read_text(encoding="utf-8").split())
    assert quality_problems(read_quality(folder / "quality.yaml"), folder) == []


def test_quality_rules_ordered_and_unique() -> None:
    """Each rule appears once."""
    assert len({rule.id for rule in RULES}) == len(RULES)
    tiers = [rule.tier for rule in RULES]
    assert tiers == sorted(tiers, key=["bronze", "silver", "gold"].index)
    assert all(rule.description.endswith(".") for rule in RULES)
