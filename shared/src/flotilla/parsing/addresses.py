"""Lists of e-mail addresses as people paste them: bare, with a name, several in one text."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

_ONE = re.compile(r'(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^,;"<]|["<])+')  # commas in quotes and brackets do not part


def split_addresses(value: Any) -> Any:
    """Return each address of a text, or of each text of a list, by itself; other values are left to the validator.

    `"Dupont, Jean" <jean@exemple.fr>; marie@exemple.fr` is two.
    """
    if isinstance(value, str):
        return [part.strip() for part in _ONE.findall(value) if part.strip()]
    if isinstance(value, list):
        return [part for item in value for part in (split_addresses(item) if isinstance(item, str) else [item])]
    return value


AddressList = Annotated[list[str], BeforeValidator(split_addresses)]
"""Addresses, each `jean@exemple.fr` or `Jean Dupont <jean@exemple.fr>`."""
