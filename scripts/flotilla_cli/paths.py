"""Where things are on this machine, and small files that are written whole or not at all."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv" / "bin"
CATALOG = ROOT / "catalog" / "flotilla.yaml"
QUICK_CATALOG = CATALOG.with_suffix(".json")  # the same, as the switchboard reads it in less time
VOLUME = "flotilla-data"  # where the servers keep files when they run in containers


def run_folder() -> Path:
    """Return where the running door's token, state and log are; FLOTILLA_RUN_FOLDER keeps tests apart from a user."""
    return Path(os.environ.get("FLOTILLA_RUN_FOLDER") or ROOT / "build" / "run")


def mcp_home() -> Path:
    """Return Docker's folder for MCP, the only one from which its gateway takes catalogs."""
    return Path.home() / ".docker" / "mcp"


def installed_catalog() -> Path:
    """Return where `make install` puts the catalog."""
    return mcp_home() / "catalogs" / "flotilla.yaml"


def secrets_file() -> Path:
    """Return the file of `server.name=value` lines that both doors read."""
    return Path(os.environ.get("FLOTILLA_SECRETS") or mcp_home() / "flotilla.secrets.env")


def config_file() -> Path:
    """Return the YAML file of settings that both doors read."""
    return Path(os.environ.get("FLOTILLA_CONFIG") or mcp_home() / "flotilla.config.yaml")


def data_folder() -> Path:
    """Return where the servers keep files when they run as processes."""
    given = os.environ.get("FLOTILLA_DATA")
    return Path(given).expanduser() if given else Path.home() / ".local" / "share" / "flotilla"


def state_folder() -> Path:
    """Return where servers that run as processes keep tokens, records and keys: not in a folder that may be shared."""
    given = os.environ.get("FLOTILLA_STATE")
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return Path(given).expanduser() if given else home / "flotilla"


def port() -> int:
    """Return the port of the door. Raises ValueError."""
    asked = os.environ.get("FLOTILLA_PORT") or "8811"
    if not (asked.isascii() and asked.isdigit() and 0 < int(asked) < 65536):
        raise ValueError(f"FLOTILLA_PORT={asked} is no port: give a number from 1 to 65535.")
    return int(asked)


def owner() -> str:
    """Return what the names of containers begin with."""
    return os.environ.get("FLOTILLA_OWNER") or "flotilla"


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file whole or not at all. A link is written through, since people link their settings to elsewhere."""
    path = path.resolve() if path.is_symlink() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(fd, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of ours, empty when it is not there or was cut off."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def short(path: Path) -> str:
    """Return a path as people write it."""
    for base, sign in ((ROOT, ""), (Path.home(), "~/")):
        if path.is_relative_to(base):
            return f"{sign}{path.relative_to(base)}"
    return str(path)


def say(text: str = "") -> None:
    """Tell the user."""
    print(text, flush=True)


def fail(text: str) -> int:
    """Tell what went wrong and what to do; returns the exit status."""
    print(f"Error: {text}", file=sys.stderr, flush=True)
    return 1
