"""What a client reads when nobody knows whether a write was done: how to look before it calls again."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 2  # tools that are named


def how_to_look(tool: str, reads: Iterable[str]) -> str:
    """Return the sentence that says how to look: with those of the server's reads that are about the same thing."""
    about = _nouns(tool)
    common = {name: len(about & _nouns(name)) for name in sorted(reads)}
    best = sorted((name for name in common if common[name]), key=lambda name: -common[name])[:MOST]
    if not best:
        return "Check whether it was done before you call it again."
    return f"Look with {' or '.join(f'`{name}`' for name in best)} whether it was done before you call it again."


def _nouns(tool: str) -> set[str]:
    """Return what a tool is about: the words of its name after prefix and verb, as singulars."""
    parts = tool.split("_")[2:]
    return {f"{w[:-3]}y" if w.endswith("ies") else w.removesuffix("s") for w in parts}
