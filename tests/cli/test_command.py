"""`scripts/flotilla` itself: its list of commands, and what it says to a command that does not exist."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from flotilla_cli.registry import COMMANDS

from .conftest import ROOT


def flotilla(*args: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "scripts" / "flotilla"), *args], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("args", [(), ("--help",), ("-h",), ("help",)])
def test_help_lists_every_command_on_one_line(args: tuple[str, ...]) -> None:
    done = flotilla(*args)
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines() if line.startswith("  ")]
    assert (done.returncode, [name for name, _ in lines]) == (0, list(COMMANDS))
    assert all(len(summary) > 20 for _, summary in lines)


def test_help_needs_no_packages(tmp_path: Path) -> None:
    """It is shown before .venv is there, by any Python."""
    command = [sys.executable, "-S", "-I", str(ROOT / "scripts" / "flotilla_cli"), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "connect" in done.stdout


def test_unknown_command_names_the_nearest_one() -> None:
    done = flotilla("stauts")
    assert done.returncode == 2
    assert done.stderr.endswith(
        "Error: 'stauts' is not a command. Did you mean status? `scripts/flotilla --help` lists them.\n"
    )


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.module])
def test_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"flotilla_cli.{COMMANDS[name].module}")
    with pytest.raises(SystemExit) as ended:
        module.main(["--help"])
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out


def test_commands_that_ask_first_start_without_the_library() -> None:
    """It takes two seconds to import, which a refused name or --help need not wait for."""
    names = [f"flotilla_cli.{name}" for name in ("add", "assist", "log", "remove", "servers", "tenant", "up")]
    program = f"import sys, {', '.join(names)}; print({{'flotilla', 'fastmcp', 'mcp', 'pydantic'}} & {{*sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT / "scripts", capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if not command.module])
def test_command_without_module_is_a_script(name: str) -> None:
    assert (ROOT / "scripts" / name).stat().st_mode & 0o100


def test_relative_paths_are_the_callers(tmp_path: Path) -> None:
    done = flotilla("connect", "cursor", "--dry-run", "--project", ".", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert ".cursor/mcp.json" in done.stdout
