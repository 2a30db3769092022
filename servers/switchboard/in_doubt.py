"""What a client reads when nobody knows whether a write was done: how to look before it calls again."""

from __future__ import annotations

from collections.abc import Iterable

from flotilla_launcher.naming import words_of

MOST = 2  # tools that are named


def how_to_look(tool: str, reads: Iterable[str], *, foreign: bool = False) -> str:
    """Return the sentence that says how to look: with those of the server's reads that are about the same thing."""
    about = _nouns(tool, foreign)
    common = {name: len(about & _nouns(name, foreign)) for name in sorted(reads)}
    best = sorted((name for name in common if common[name]), key=lambda name: -common[name])[:MOST]
    if not best:
        return "Check whether it was done before you call it again."
    return f"Look with {' or '.join(f'`{name}`' for name in best)} whether it was done before you call it again."


def _nouns(tool: str, foreign: bool) -> set[str]:
    """Return what a tool is about: the words of its name after the verb, as singulars."""
    nouns = words_of(tool, foreign=foreign)[1:]
    return {f"{w[:-3]}y" if w.endswith("ies") else w.removesuffix("s") for w in nouns}
