"""What counts as set. Standard library only: the launcher reads settings before anything heavy is imported.

Two rules. An ordinary setting, a token for one, is not set where a gateway, a catalog or an example left a placeholder.
A guard, a setting that protects or steers, is not set only where nothing was given at all: whatever is unclear in it is
an error, since a guard that is ignored protects nobody.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as in `typing`, whose import would cost the launcher 5 ms
if TYPE_CHECKING:
    from collections.abc import Mapping

YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
NOT_SET = ("", "<unknown>")  # the second is what Docker's gateway writes for a secret that nobody set


class SettingError(Exception):
    """A setting is wrong: `message` says what, `hint` what to do next. The library makes a ConfigurationError of it."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.message, self.hint = message, hint
        super().__init__(message, hint)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


_plain: dict[str, str] = {}
_read_from: object = None  # what _plain was read from


def _variables() -> Mapping[str, str]:
    """Return the variables of this process as they are now, in a dict.

    A call reads two dozen of them, and os.environ encodes the name and decodes the value each time. What it holds
    inside is compared instead (`_data`, in CPython as in PyPy), which costs a fiftieth of that.
    """
    global _plain, _read_from
    held = getattr(os.environ, "_data", None)
    if held is None or held != _read_from:
        _plain, _read_from = dict(os.environ), dict(held or {})
    return _plain


def snapshot(environ: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """Return variables as they are now: for this process's own, the same object until one of them changes."""
    return _variables() if environ is None or environ is os.environ else environ


def is_placeholder(value: str) -> bool:
    """Return whether a value stands for "nothing".

    What gateways, catalogs and examples put where no one filled it in.
    """
    word = value.strip().lower()
    pairs = (("<", ">"), ("{{", "}}"))  # the gateway's <UNKNOWN>; a template that nobody filled
    starts = ("se://", "your_", "your-")  # a secret reference that nobody resolved; an example
    return not word or word.startswith(starts) or any(word.startswith(a) and word.endswith(b) for a, b in pairs)


def setting(name: str, environ: Mapping[str, str] | None = None, guard: bool = False) -> str | None:
    """Return the value of `name`, or of the file that `name`_FILE points to; None when that is not configured.

    Raises SettingError for a file that is named and cannot be read or is empty, and for a guard that is
    unclear.
    """
    env = snapshot(environ)
    value = env.get(name, "")
    if not value or _is_absent(value, guard):
        path = env.get(f"{name}_FILE", "")
        if not path or _is_absent(path, guard):
            return None
        value = _content(f"{name}_FILE", path)
    if not is_placeholder(value):
        return value.strip()
    if guard:
        raise _unclear(name, value)
    return None


def _is_absent(value: str, guard: bool) -> bool:
    return value.strip().lower() in NOT_SET if guard else is_placeholder(value)


def _content(name: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            if value := file.read().strip():
                return value
    except (OSError, ValueError):  # not there, not ours to read, not UTF-8, a NUL in the path
        pass
    raise wrong(
        f"{name} names a file that cannot be read, or that is empty.",
        f"Ask the user to correct the path or the file, or to unset {name}.",
    )


def _unclear(name: str, value: str) -> SettingError:
    """Say what is wrong without the value: it may be a secret."""
    if value.strip().lower().startswith("se://"):
        return wrong(
            f"{name} holds a reference (se://…) that nobody resolved, so nobody knows what it is set to.",
            "Only Docker Desktop resolves it: elsewhere, start the gateway with `--servers` and `--secrets`.",
        )
    return wrong(
        f"{name} holds what looks like a placeholder, so nobody knows what it is set to.",
        "Ask the user to set it to what is meant, or to unset it.",
    )


def wrong(message: str, hint: str = "Ask the user to correct it.") -> SettingError:
    """Return the error of a setting that cannot be used as it is."""
    return SettingError(message, hint)


def yes_or_no(text: str) -> bool | None:
    """Read `true`, "yes", 1, on and their opposites; None for anything else."""
    word = text.strip().strip("'\"").lower()
    return True if word in YES else False if word in NO else None


def switched_on(name: str, environ: Mapping[str, str] | None = None) -> bool:
    """Return whether a guard is on, off where it is not set.

    Raises SettingError when it is neither yes nor no.
    """
    value = setting(name, environ, guard=True)
    answer = False if value is None else yes_or_no(value)
    if answer is None:
        raise wrong(f"{name} must be yes or no (true, 1, on, false, 0, off).")
    return answer


def listed(text: str) -> list[str]:
    """Split a list as people and gateways write it: by commas, semicolons and blanks, perhaps in [brackets]."""
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    return [word for part in text.replace(",", " ").replace(";", " ").split() if (word := part.strip("'\""))]


def name_set(name: str, environ: Mapping[str, str] | None = None) -> frozenset[str]:
    """Return a guard that is a list as a set of lower-case words, empty when not set.

    Raises SettingError.
    """
    value = setting(name, environ, guard=True)
    if value is None:
        return frozenset()
    names = frozenset(word.lower() for word in listed(value))
    if not names:
        raise wrong(f"{name} is set, but names nothing.", "Ask the user to correct it, or to unset it.")
    return names
