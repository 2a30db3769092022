"""Which names of arguments and fields hold secrets, and values without them: for the audit line and the action log."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

MASKED = ("password", "secret", "token", "api_key", "apikey", "authorization", "credential", "cookie")


@lru_cache(1_000)  # the same names come with each call
def is_secret(name: str) -> bool:
    """Tell whether a value of this name is a secret."""
    low = name.lower()
    return any(word in low for word in MASKED)


def masked(value: Any, name: str = "") -> Any:
    """Return JSON data with what stands under a secret's name as ***."""
    if value is not None and is_secret(name):
        return "***"
    if isinstance(value, dict):
        return {key: masked(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, name) for item in value]
    return value
