"""Reads the files that Docker's gateway, the switchboard and the command line share. Standard library only.

The formats are Docker's: https://github.com/docker/mcp-gateway/blob/main/docs/catalog.md
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False  # as in `typing`, whose import would cost the launcher 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def secret_lines(text: str) -> Iterator[tuple[int, str, str | None]]:
    """Yield number (from 1), name and value of each line of a secrets file that is neither empty nor a comment.

    As Docker's gateway reads them: `#` begins a comment only at the start of a line, blanks before and around the name
    belong to it, and of the value only those at its end are dropped. The value is None where the line has no `=`.
    Nothing but a line feed ends a line: not U+2028, for example, which str.splitlines takes for an end.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.startswith("#"):
            name, equals, value = line.partition("=")
            yield number, name, value.rstrip() if equals else None


def parse_secrets(text: str) -> dict[str, str]:
    """Return the secrets of a file; the last of two lines with the same name counts, as in Docker's gateway.

    Raises ValueError for a line without `=`, for which Docker's gateway ignores the whole file. The message does not
    quote the line, since it may be a secret.
    """
    result: dict[str, str] = {}
    for number, name, value in secret_lines(text):
        if value is None:
            raise ValueError(f"line {number} has no `=`, for which Docker's gateway ignores the whole file")
        result[name] = value
    return result


def read_document(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a JSON or YAML file that holds a mapping; an empty file is an empty mapping.

    Raises OSError when it cannot be read, ValueError when it is neither JSON nor YAML, or holds something else.
    """
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        document = json.loads(text)
    except ValueError:  # YAML then, whose reader takes a hundred times as long
        import yaml

        try:
            document = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError as problem:
            raise ValueError(f"it is neither YAML nor JSON: {' '.join(str(problem).split())}") from None
    if not isinstance(document or {}, dict):
        raise ValueError("it does not hold a mapping of names to values")
    return document or {}
