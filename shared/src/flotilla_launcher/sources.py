"""What decides a server's discovery data in a checkout: its sources, compared by content, whatever their dates are.

The generator writes the digest into discovery.json, and the launcher compares it at each start: a hundred files, read
and hashed in 2 ms. Only `os` and a hash that is compiled in: `hashlib` alone would cost as much as the hashing.
"""

from __future__ import annotations

import os

try:
    from _blake2 import blake2b as blake2b
except ImportError:  # an interpreter built without it
    from hashlib import blake2b as blake2b

PARTS = (  # beside the server's own folder and those that several servers share
    "shared/src/flotilla",
    "shared/src/flotilla_launcher",
    "scripts/flotilla_cli/generator/collect.py",
    "scripts/flotilla_cli/generator/discovery.py",
    "scripts/flotilla_cli/generator/servers.py",
    "requirements/base.txt",
)
SKIPPED = ("tests", "__pycache__")


def digest(root: str, module: str) -> str:
    """Return the digest of everything that decides what the server in `servers/<module>` answers to discovery.

    Raises OSError where a part of the checkout is missing.
    """
    servers = f"{root}/servers"
    common = sorted(f"servers/{entry.name}" for entry in os.scandir(servers) if _is_common(entry))
    result = blake2b(digest_size=16)
    for part in (*PARTS, *common, f"servers/{module}"):
        _add(result, f"{root}/{part}", part)
    return result.hexdigest()


def _is_common(entry: os.DirEntry[str]) -> bool:
    return entry.name.startswith("_") and entry.name not in SKIPPED and entry.is_dir()


def _add(result: blake2b, path: str, name: str) -> None:
    """Add a file, or the Python files below a folder."""
    if os.path.splitext(name)[1]:
        with open(path, "rb", buffering=0) as file:
            data = file.read()
        result.update(f"{name}\0{len(data)}\0".encode() + data)
        return
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        is_folder = "." not in entry.name and entry.name not in SKIPPED and entry.is_dir()
        if entry.name.endswith(".py") or is_folder:
            _add(result, entry.path, f"{name}/{entry.name}")
