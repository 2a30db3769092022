"""What `flotilla` offers: the same names for type checkers, for `import *`, for completion and at run time."""

from __future__ import annotations

import ast
from pathlib import Path

import flotilla


def test_init_names_are_the_same_in_both_lists() -> None:
    tree = ast.parse(Path(flotilla.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    checked = {alias.asname: node.module for node in block.body for alias in node.names}  # type: ignore[attr-defined]
    assert checked == {**flotilla._HOMES, "errors": None, "files": None}
    assert sorted(checked) == sorted(flotilla.__all__)


def test_init_dir_lists_the_public_names() -> None:
    assert dir(flotilla) == sorted(flotilla.__all__)
    assert all(getattr(flotilla, name) is not None for name in dir(flotilla))
