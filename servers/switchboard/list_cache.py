"""What the switchboard lists, kept ready to be sent: made once, used again while nothing has changed.

To make the lists of thirty servers takes three times as long as Python's own start: two megabytes of JSON are parsed,
and all is imported that decides who sees what. So what was made is kept in the state folder, with one digest of
everything that it was made from: the command line, the environment, the files, the decisions about tools. The digest
is of contents, never of dates, and takes a few milliseconds; where it differs, the lists are made anew.

Only what the launcher has imported anyway, and a hash that is compiled in.
"""

from __future__ import annotations

import os

from flotilla_launcher.discovery import dumps, loads
from flotilla_launcher.environment import setting
from flotilla_launcher.sources import blake2b

TYPE_CHECKING = False  # as in `typing`, whose import would cost the launcher 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from .combined import Combined

FORMAT = 1
KINDS = ("tools", "prompts", "resources", "resourceTemplates")
MOST = 20  # files: one for each command line and environment with which a client starts the switchboard
ALWAYS = ("HOME", "XDG_CONFIG_HOME")  # variables that count, beside ours and those that the lists name


def listed(own: dict[str, Any], argv: list[str]) -> dict[str, Any] | None:
    """Return `own`, the switchboard's discovery file, with every server's definitions, as text that is kept or made.

    Returns None, or raises, where `combined.combined_discovery` does.
    """
    path = _path(argv)
    about, lists = _read(path)
    before = digest(own, argv, about)
    if lists and before == about.get("digest"):
        return _discovery(own, lists, about["idle"])
    from .combined import combined_discovery  # not at the top: it imports all that this module spares
    from .options import arguments

    made = combined_discovery(arguments(argv))
    if made is None:
        return None
    lists = [dumps(made.discovery.get(kind) or []) for kind in KINDS]
    _keep(path, own, argv, made, lists, before)
    return _discovery(own, lists, made.discovery["idle"])


def _discovery(own: dict[str, Any], lists: Sequence[str], idle: float) -> dict[str, Any]:
    nothing: dict[str, Any] = {kind: [] for kind in KINDS}
    return {**own, **nothing, "attributes": {}, "serialised": dict(zip(KINDS, lists, strict=True)), "idle": idle}


def digest(own: dict[str, Any], argv: list[str], about: Mapping[str, Any]) -> str:
    """Return the digest of everything that decides the lists: `about` names the files, the variables and the state."""
    environment = _environment(about.get("variables", ()))
    files = [value for name, value in environment.items() if name.endswith("_FILE")]
    files += about.get("paths", ())
    state = about.get("state", "")
    result = blake2b(digest_size=16)
    known = [own, argv, environment, files, state and _decisions(state)]
    for data in (dumps(known).encode("utf-8", "surrogatepass"), *map(_content, files)):
        result.update(b"-" if data is None else b"%d\0" % len(data))
        result.update(data or b"")
    return result.hexdigest()


def _keep(path: str, own: dict[str, Any], argv: list[str], made: Combined, lists: Sequence[str], before: str) -> None:
    """Keep the lists, if what they were made from is known since before they were made: else only what that is.

    A file that changes while it is read is thus never taken for the one that was read.
    """
    if not made.paths or not all(map(os.path.isabs, made.paths)):
        return
    about = {"format": FORMAT, "variables": made.variables, "paths": made.paths, "state": made.state}
    about |= {"digest": digest(own, argv, about), "idle": made.discovery["idle"]}
    lines = [dumps(about), *(lists if about["digest"] == before else ())]
    folder, part = os.path.dirname(path), f"{path}.{os.getpid()}"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if len(others := os.listdir(folder)) > MOST:
            for name in others:
                os.unlink(f"{folder}/{name}")
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write("\n".join(lines).encode("utf-8", "surrogatepass"))
        os.replace(part, path)
    except OSError:  # a state folder that cannot be written to: the lists are made each time
        return


def _read(path: str) -> tuple[dict[str, Any], list[str]]:
    """Return what a file says of its lists, and the lists, none where it holds none."""
    try:
        with open(path, "rb") as file:
            first, *lists = file.read().decode("utf-8", "surrogatepass").split("\n")
        about = loads(first)
        if about["format"] == FORMAT and len(lists) in (0, len(KINDS)):
            return about, lists
    except Exception:  # not there, or not what this module writes
        pass
    return {}, []


def _path(argv: list[str]) -> str:
    """Return the file of the lists for a command line and this environment, below the state folder."""
    state = setting("FLOTILLA_STATE") or os.path.expanduser("~/.local/state/flotilla")
    for word, following in zip(argv, [*argv[1:], ""], strict=True):
        if word.startswith("--state="):
            state = word.removeprefix("--state=")
        elif word == "--state":
            state = following
    key = blake2b(dumps([argv, _environment(())]).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{os.path.abspath(state)}/switchboard/lists/{key}.jsonl"


def _environment(names: Iterable[str]) -> dict[str, str]:
    counting = {*ALWAYS, *names}
    return {
        name: value for name, value in sorted(os.environ.items()) if name.startswith("FLOTILLA_") or name in counting
    }


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return None


def _decisions(state: str) -> list[list[Any]]:
    """Return what people have decided about tools, which the lists depend on; calls that wait are not part of it."""
    from pathlib import Path

    from .database import Database

    database = Database(Path(state))
    if not database.exists():
        return []
    try:
        query = "SELECT * FROM permission ORDER BY tenant, subject, server, tool"
        return [list(row) for row in database.connection().execute(query)]
    finally:
        database.close()
