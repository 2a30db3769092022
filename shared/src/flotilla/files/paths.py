"""The data folder's paths: what one may look like, and how a folder is opened so that nothing leads out of it.

Each part of a path is opened by itself, relative to the folder before it and never through a link: `..`, links, and
folders that are swapped for links at the wrong moment all end in an error. `files` is what servers use.
"""

from __future__ import annotations

import errno
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from flotilla import errors
from flotilla.calls.context import environ
from flotilla.mounts import is_kept
from flotilla.text import escaped, hides, unescaped
from flotilla_launcher.environment import setting

TEMPORARY = re.compile(r"\.flotilla-[0-9a-f]{16}\.tmp")
_BROKEN = re.compile("[\0\ud800-\udfff]")
_FOREIGN = re.compile(r"[A-Za-z]:(/|$)|~(/|$)|.*\\", re.DOTALL)
_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_RIGHT = (
    errors.ConfigurationError,
    "The server has no right to do that with {}.",
    "Ask the user to let it write there.",
)
_FULL = (errors.ConfigurationError, "There is no room for {}: the disk is full.", "Ask the user to make room.")
_ERRORS: dict[int, tuple[type[errors.FlotillaError], str, str]] = {
    errno.EACCES: _RIGHT,
    errno.EPERM: _RIGHT,
    errno.EROFS: _RIGHT,
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.ENOENT: (errors.NotFoundError, "{} does not exist.", "List its folder to see what is there."),
    errno.EEXIST: (
        errors.InvalidInputError,
        "{} exists already.",
        "Choose another path, or overwrite it if it is a file.",
    ),
    errno.ENOTDIR: (
        errors.InvalidInputError,
        "{} is not a folder, or leads through a file or a link.",
        "Links are not followed.",
    ),
    errno.EISDIR: (errors.InvalidInputError, "{} is a folder.", "Give the path of a file."),
    errno.ELOOP: (
        errors.InvalidInputError,
        "{} is a link.",
        "Links are not followed: give the path of the file itself.",
    ),
    errno.ENOTEMPTY: (
        errors.InvalidInputError,
        "{} is a folder that is not empty.",
        "Delete it recursively if all of it may go.",
    ),
}


def root() -> str:
    """Return where the data folder is on this machine."""
    with errors.setting_errors():
        return os.path.abspath(os.path.expanduser(setting("FLOTILLA_DATA", environ()) or "/data"))


def writable() -> None:
    """Raise errors.ConfigurationError where what is written would be lost with the container."""
    if not is_kept(root()):
        message = f"The data folder {root()} is part of the container and is lost with it: nothing is written there."
        raise errors.ConfigurationError(
            message, f"Ask the user to start the container with `-v flotilla-data:{root()}`."
        )


def parts_of(path: str) -> tuple[str, ...]:
    """Return the names along a path, accents composed (NFC), none for the folder itself.

    Raises errors.InvalidInputError for a path that leads out of the folder or is not valid. Hidden characters of a name
    may be written as `joined` shows them: ⟨U+200B⟩.
    """
    text = unicodedata.normalize("NFC", unescaped(path))
    prefix = next((p for p in (root(), "/data") if text == p or text.startswith(p + "/")), "")
    parts: list[str] = []
    for part in text[len(prefix) :].split("/"):
        if part == ".." and not parts:
            raise errors.InvalidInputError("The path leads out of the data folder.", "Give a path inside it.")
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    if problem := path_problem(parts):
        raise errors.InvalidInputError(
            f"The path {problem}.", "Give a path inside the data folder, such as reports/june.md."
        )
    return tuple(parts)


def path_problem(parts: Sequence[str]) -> str:
    """Tell what is wrong with the names of a path, or nothing."""
    path = "/".join(parts)
    if _BROKEN.search(path):
        return "holds a NUL or half a character"
    if _FOREIGN.match(path):
        return "holds a ~, a drive or a backslash, which mean nothing here"
    if len(path.encode()) > 1024 or any(len(part.encode()) > 255 for part in parts):
        return "is too long: at most 255 bytes a name and 1024 in all"
    if (parts and parts[0].casefold() == ".flotilla") or any(TEMPORARY.fullmatch(part) for part in parts):
        return "is reserved for the server itself"
    return ""


def shown(path: str) -> str:
    """Return a path as results show it: relative, normalised, `.` for the folder itself."""
    return joined(parts_of(path))


def joined(parts: Sequence[str]) -> str:
    """Return names as results and questions show them, and as every path is taken: a⟨U+200B⟩b.txt."""
    return escaped("/".join(parts), name=True) or "."


def refuse_hidden(name: str) -> None:
    """Raise errors.InvalidInputError for a new name that would show as another one."""
    if code := hides(name):
        message = f"The name {escaped(name, name=True)} would hold a character that is not seen ({code})."
        raise errors.InvalidInputError(message, "Choose a name without it.")


@contextmanager
def explaining(path: str) -> Iterator[None]:
    """Raise an OSError about `path` as one of the library's errors."""
    try:
        yield
    except OSError as problem:
        other = (errors.UpstreamError, f"{{}} failed: {problem.strerror}.", "Ask the user to look at the data folder.")
        kind, message, hint = _ERRORS.get(problem.errno or 0, other)
        raise kind(message.format(path or "."), hint) from None


@contextmanager
def folder(parts: tuple[str, ...], make: bool = False) -> Iterator[int]:
    """Open a folder part by part, making what is missing if so asked; gives its descriptor."""
    try:
        fd = os.open(root(), _DIR & ~os.O_NOFOLLOW)  # the operator may have made the folder itself a link
    except OSError as problem:
        message = f"The data folder {root()} cannot be opened: {problem.strerror}."
        hint = "Ask the user to mount a volume there or to set FLOTILLA_DATA."
        raise errors.ConfigurationError(message, hint) from None
    try:
        with explaining(joined(parts)):
            for part in parts:
                name = actual(fd, part)
                if make and not lstat(fd, name):
                    refuse_hidden(name)
                    with suppress(FileExistsError):
                        os.mkdir(name, dir_fd=fd)
                inner = os.open(name, _DIR, dir_fd=fd)
                os.close(fd)
                fd = inner
        yield fd
    finally:
        os.close(fd)


@contextmanager
def place(path: str, make: bool = False) -> Iterator[tuple[int, str, str]]:
    """Open the folder around `path`; gives its descriptor, the name in it, and the path to show."""
    parts = parts_of(path)
    if not parts:
        raise errors.InvalidInputError("That is the data folder itself.", "Give the path of something in it.")
    shown_path = joined(parts)
    with folder(parts[:-1], make) as fd:
        with explaining(shown_path):
            name = actual(fd, parts[-1])
            if make and not lstat(fd, name):
                refuse_hidden(name)
        yield fd, name, shown_path


def actual(fd: int, name: str) -> str:
    """Return the name as the disk spells it: macOS and archives leave accents decomposed."""
    if name.isascii() or lstat(fd, name):
        return name
    return next((other for other in os.listdir(fd) if unicodedata.normalize("NFC", other) == name), name)


def lstat(fd: int, name: str) -> os.stat_result | None:
    """Return what a name in a folder stands for, None when it is free."""
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return None
