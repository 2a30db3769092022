"""What counts as set. Standard library only: the launcher reads settings before anything heavy is imported."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as in `typing`, whose import would cost the launcher 5 ms
if TYPE_CHECKING:
    from collections.abc import Mapping
OFF = ("", "0", "false", "no", "off")


def is_placeholder(value: str) -> bool:
    """Tell whether a value stands for "nothing": what gateways, catalogs and examples put where no one filled it in."""
    word = value.strip().lower()
    pairs = (("<", ">"), ("{{", "}}"))  # the gateway's <UNKNOWN>; a template that nobody filled
    starts = ("se://", "your_", "your-")  # a secret reference that nobody resolved; an example
    return not word or word.startswith(starts) or any(word.startswith(a) and word.endswith(b) for a, b in pairs)


def setting(name: str, environ: Mapping[str, str] | None = None) -> str | None:
    """Return the value of `name`, or of the file that `name`_FILE points to; None when that is not configured."""
    env = os.environ if environ is None else environ
    value = env.get(name, "")
    if is_placeholder(value):
        path = env.get(f"{name}_FILE", "")
        if is_placeholder(path):
            return None
        try:
            with open(path, encoding="utf-8") as file:
                value = file.read().strip()
        except (OSError, UnicodeDecodeError):
            return None
    return None if is_placeholder(value) else value.strip()


def switched_on(name: str, environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether a switch is on: any value but 0, false, no and off."""
    return (setting(name, environ) or "").lower() not in OFF


def words(name: str, environ: Mapping[str, str] | None = None) -> frozenset[str]:
    """Return a comma-separated list as a set, empty when it is not configured."""
    return frozenset(w.strip() for w in (setting(name, environ) or "").split(",") if w.strip())
