"""Runs one of Flotilla's commands: `python scripts/flotilla_cli up`. `scripts/flotilla` sets up Python first."""

from __future__ import annotations  # `--help` answers under the Pythons that systems come with, too

import difflib
import importlib
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]
sys.path[0] = str(SCRIPTS)  # so that flotilla_cli is imported as a package

from flotilla_cli.registry import COMMANDS, usage  # noqa: E402 - found by the path above


def main(argv: list[str]) -> int:
    """Run a command; returns its exit status."""
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    name, *options = argv
    if name.startswith("generator."):  # a part of the generator that runs in a process of its own
        return _run(name, options)
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        print(f"Error: {name!r} is not a command.{hint} `scripts/flotilla --help` lists them.", file=sys.stderr)
        return 2
    if not COMMANDS[name].module:
        return subprocess.run([str(SCRIPTS / name), *options], check=False).returncode
    return _run(COMMANDS[name].module, options)


def _run(module: str, options: list[str]) -> int:
    try:
        status: int | None = importlib.import_module(f"flotilla_cli.{module}").main(options)
    except KeyboardInterrupt:
        print("\nError: Interrupted. Run it again: it continues where it was.", file=sys.stderr)
        return 130
    except OSError as problem:
        if not problem.filename:  # not of a file: a mistake of ours
            raise
        print(
            f"Error: {problem.filename}: {problem.strerror}. Correct that and try again; `make doctor` says more.",
            file=sys.stderr,
        )
        return 1
    return status or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
