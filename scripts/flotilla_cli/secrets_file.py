"""Where the servers' secrets are kept: in the secrets file that both gateways read, or in Docker Desktop's keychain."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from flotilla_cli import paths, system
from flotilla_launcher.user_files import secret_lines


def read(path: Path | None = None) -> dict[str, str]:
    """Return the secrets by their catalog name; lines that cannot be read are left out: `make doctor` reports them."""
    try:
        text = (path or paths.secrets_file()).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    return {name: value for _, name, value in secret_lines(text) if value is not None}


def with_values(text: str, secrets: Mapping[str, str]) -> str:
    """Return the text of a secrets file with these values in it; every other line stays as it is."""
    missing, lines = dict(secrets), text.split("\n")
    end = "\r" if "\r\n" in text else ""  # as an editor of Windows leaves it
    for number, name, value in secret_lines(text):  # every line of a name, since the last one counts
        if value is not None and name in secrets:
            lines[number - 1] = f"{name}={secrets[name]}{end}"
            missing.pop(name, None)
    if missing and not lines[-1]:
        lines.pop()
    lines += [f"{name}={value}{end}" for name, value in missing.items()]
    return "\n".join([*lines, ""] if lines[-1] else lines)


def has_keychain() -> bool:
    """Tell whether Docker Desktop keeps secrets here: its plugin answers, and so does its keychain."""
    return system.gateway_plugin() is not None and system.docker("mcp", "secret", "ls", "--json") is not None


def chosen_keychain(option: str | None) -> bool:
    """Tell whether the keychain is used: where it exists, unless the option --store (file, desktop) says otherwise."""
    return option == "desktop" or (option is None and has_keychain())


def keychain_names() -> str:
    """Return Docker Desktop's list of the secrets that it keeps, as JSON text: names only, never values."""
    return system.docker("mcp", "secret", "ls", "--json") or ""


def store(secrets: Mapping[str, str], in_keychain: bool, path: Path | None = None) -> str:
    """Store secrets; return where. Raises OSError.

    A value is never part of a command line, which other users of the machine could read.
    """
    if any("\n" in value or "\r" in value for value in secrets.values()):
        raise ValueError("A secret contains a line break, so it cannot be stored. Copy it again, without line breaks.")
    if in_keychain:
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
    path = path or paths.secrets_file()
    try:
        text = paths.read(path) if path.exists() else ""
    except UnicodeDecodeError:
        raise ValueError(f"{paths.short(path)} is not UTF-8. Save it as UTF-8 and try again.") from None
    paths.write(path, with_values(text, secrets), 0o600)
    return paths.short(path)


def forget(names: Iterable[str], in_keychain: bool) -> None:
    """Remove secrets from the keychain, and empty their values in the file, whose lines stay."""
    names = list(names)
    if in_keychain:
        system.docker("mcp", "secret", "rm", *names)
    saved = read()
    if known := {name: "" for name in names if name in saved}:
        store(known, False)
