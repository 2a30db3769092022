"""What `flotilla` offers: plain imports, and the same names in `__all__`."""

from __future__ import annotations

import ast
from pathlib import Path

import flotilla


def imported() -> list[str]:
    """Return the public names that `flotilla/__init__.py` imports."""
    tree = ast.parse(Path(flotilla.__file__).read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [alias.asname or alias.name for node in imports for alias in node.names]
    return [name for name in names if not name.startswith("_")]


def test_init_all_is_what_is_imported() -> None:
    assert sorted(flotilla.__all__) == sorted(imported())
    assert len(set(flotilla.__all__)) == len(flotilla.__all__)


def test_init_all_is_sorted() -> None:
    constants = sorted(name for name in flotilla.__all__ if name.isupper())
    classes = sorted(name for name in flotilla.__all__ if name[0].isupper() and not name.isupper())
    functions = sorted(name for name in flotilla.__all__ if name[0].islower())
    assert [*constants, *classes, *functions] == flotilla.__all__


def test_init_names_are_there() -> None:
    assert all(getattr(flotilla, name) is not None for name in flotilla.__all__)
