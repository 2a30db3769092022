"""Where the servers' secrets are kept: the catalog's secrets file, or Docker Desktop's keychain."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from flotilla_cli import paths as place
from flotilla_cli import servers as fleet
from flotilla_cli import system as machine


def file_with(text: str, secrets: Mapping[str, str]) -> str:
    """Return the text of a secrets file with these values in it; everything else stays as it is."""
    left, lines = dict(secrets), text.splitlines(keepends=True)  # of two lines for one secret, the last one counts
    for number, line in enumerate(lines):
        name = line.partition("=")[0].strip()
        if "=" in line and not line.lstrip().startswith("#") and name in secrets:
            lines[number] = f"{name}={secrets[name]}\n"
            left.pop(name, None)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join([*lines, *(f"{name}={value}\n" for name, value in left.items())])


def desktop() -> bool:
    """Tell whether Docker Desktop keeps secrets here: its plugin answers, and so does its keychain."""
    return machine.gateway_plugin() is not None and machine.docker("mcp", "secret", "ls", "--json") is not None


def listed() -> str:
    """Return what Docker Desktop says of the secrets it keeps: their names; it gives no value back."""
    return machine.docker("mcp", "secret", "ls", "--json") or ""


def store(secrets: Mapping[str, str], to_desktop: bool, path: Path | None = None) -> str:
    """Keep secrets, and return where; raises OSError. A value never stands on a command line, where others see it."""
    if any("\n" in value or "\r" in value for value in secrets.values()):
        raise ValueError("A secret holds a line break; it cannot be stored.")
    if to_desktop:
        for name, value in secrets.items():
            done = subprocess.run(
                ["docker", "mcp", "secret", "set", name],
                input=value,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            if done.returncode:
                raise OSError(f"docker mcp secret set {name}: {done.stderr.strip()[:300]}")
        return "Docker Desktop's keychain"
    path = path or place.secrets_file()
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    place.write(path, file_with(text, secrets), 0o600)
    return place.short(path)


def forget(names: Iterable[str], from_desktop: bool) -> None:
    """Empty secrets: the lines of the file stay, since others may have been written beside them."""
    names = list(names)
    if from_desktop:
        machine.docker("mcp", "secret", "rm", *names)
    kept = fleet.secrets(place.secrets_file())
    if there := {name: "" for name in names if name in kept}:
        store(there, False)
