"""Where things are on this machine, small files that are written whole or not at all, and what a person is shown."""

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
CATALOG_JSON = CATALOG.with_suffix(".json")  # the same without tools, which is read in a hundredth of the time
VOLUME = "flotilla-data"  # where the servers keep files when they run in containers


def run_folder() -> Path:
    """Return the folder of the running gateway's token, state and log; tests set FLOTILLA_RUN_FOLDER."""
    return Path(os.environ.get("FLOTILLA_RUN_FOLDER") or ROOT / "build" / "run")


def mcp_home() -> Path:
    """Return Docker's folder for MCP, the only one from which its gateway reads catalogs."""
    return Path.home() / ".docker" / "mcp"


def installed_catalog() -> Path:
    """Return the path to which `make install` copies the catalog."""
    return mcp_home() / "catalogs" / "flotilla.yaml"


def secrets_file() -> Path:
    """Return the file of `server.name=value` lines that both gateways read."""
    return _named("FLOTILLA_SECRETS") or mcp_home() / "flotilla.secrets.env"


def config_file() -> Path:
    """Return the YAML file of settings that both gateways read."""
    return _named("FLOTILLA_CONFIG") or mcp_home() / "flotilla.config.yaml"


def data_folder() -> Path:
    """Return where the servers keep files when they run as processes."""
    return _named("FLOTILLA_DATA") or Path.home() / ".local" / "share" / "flotilla"


def state_folder() -> Path:
    """Return where servers that run as processes keep tokens, records and keys: never in the shared data folder."""
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return _named("FLOTILLA_STATE") or home / "flotilla"


def _named(variable: str) -> Path | None:
    """Return the path in a variable, absolute: gateways and clients are started in other folders than this command."""
    text = os.environ.get(variable)
    return Path(text).expanduser().absolute() if text else None


def port() -> int:
    """Return the gateway's port on 127.0.0.1. Raises ValueError."""
    text = os.environ.get("FLOTILLA_PORT") or "8811"
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError(f"FLOTILLA_PORT={text} is not a valid port. Use a number from 1 to 65535.")
    return int(text)


def owner() -> str:
    """Return the first part of the names of containers and volumes."""
    return os.environ.get("FLOTILLA_OWNER") or "flotilla"


def pairs(option: str, texts: list[str]) -> dict[str, str]:
    """Return the values of an option that is given as NAME=VALUE. Raises ValueError."""
    parts = [text.partition("=") for text in texts]
    if wrong := [text for text, (name, equals, _) in zip(texts, parts, strict=True) if not equals or not name.strip()]:
        number = texts.index(wrong[0]) + 1  # not the text, which may be a key
        raise ValueError(f"{option} needs NAME=VALUE: number {number} has no = after a name.")
    return {name.strip(): value for name, _, value in parts}


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file whole or not at all. A symbolic link stays one: its target is written."""
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


def read(path: Path) -> str:
    """Return a file's text with the ends of its lines as they are, so that what is not changed stays byte for byte."""
    return path.read_bytes().decode("utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of ours; {} when it does not exist or was cut off."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def short(path: Path) -> str:
    """Return a path as people write it: relative to the checkout, or with ~."""
    for base, prefix in ((ROOT, ""), (Path.home(), "~/")):
        if path.is_relative_to(base):
            return f"{prefix}{path.relative_to(base)}"
    return str(path)


def say(text: str = "") -> None:
    """Print a message."""
    print(text, flush=True)


def fail(text: str, new_line: bool = False) -> int:
    """Print an error message to stderr, below a question that was not answered; returns the exit status."""
    if new_line:
        print(file=sys.stderr)
    print(f"Error: {text}", file=sys.stderr, flush=True)
    return 1
