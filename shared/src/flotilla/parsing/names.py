"""Things by the names that people give them: an id, the exact name, or one that differs in case and accents alone."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from flotilla import errors

MOST = 20  # names in one message
LONGEST_NAME = 60  # characters of a name in a message

_SEPARATORS = re.compile(r"[_\s'’‘ʼ`´\u2010-\u2015\u2212-]+")
_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i"})  # no accents to Unicode

Item = TypeVar("Item")


def folded(text: str) -> str:
    """Return a name for comparing: no case, no accents, one space in place of spaces, apostrophes, dashes, underscores.

    "L’Été_2030" and "l'ete 2030" are one. A name of separators alone keeps them.
    """
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_LETTERS)
    saved = "".join(letter for letter in letters if unicodedata.category(letter) not in ("Mn", "Cf"))
    return " ".join(_SEPARATORS.sub(" ", saved).split()) or saved


def listed(things: Iterable[object], most: int = MOST) -> str:
    """Return things in one line, each as an excerpt: "Clients, Devis and 3 more"; "" for none."""
    names = [errors.excerpt(thing, LONGEST_NAME) for thing in things]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _id(item: Any) -> str:
    return str(item["id"] if isinstance(item, dict) else item.id)


def _name(item: Any) -> str:
    return str((item.get("name") if isinstance(item, dict) else item.name) or "")


def choose(
    wanted: str,
    items: Iterable[Item],
    *,
    id: Callable[[Item], str] = _id,  # noqa: A002 - the item's id
    name: Callable[[Item], str] = _name,
    kind: str = "item",
    listed_by: str = "",
    parts: bool = False,
) -> Item:
    """Return the item that is meant: of this id, else of exactly this name, else the only one of this folded name.

    With `parts`, else the only one whose name has all words of the text, as people call each other: Marie finds Marie
    Curie.

    The last part of a path counts as its name where no whole name fits: Dupont finds Clients/Dupont. `id` and `name`
    read an item, by default its key or attribute. `kind` is what an item is called in messages ("label"), `listed_by`
    the tool that lists them.

    Raises errors.InvalidInputError with the candidates and their ids where several fit, also where a text is the id of
    one item and the name of another; errors.NotFoundError with the existing names where none does.
    """
    known = list({id(item): item for item in items}.values())
    text = unicodedata.normalize("NFC", wanted).strip()
    if not text:
        raise errors.InvalidInputError(f"No {kind} is named.", _listing(known, name, text, listed_by))
    of_id = [item for item in known if id(item) == wanted.strip()]
    exact = [item for item in known if unicodedata.normalize("NFC", name(item)).strip() == text]
    if of_id and any(item is not of_id[0] for item in exact):
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, LONGEST_NAME)}` is the id of one {kind} and the name of another: "
            f"{_candidates([*of_id, *exact], id, name)}.",
            "Pass the name of the first one or the id of the other.",
        )
    fitting = of_id or exact or _folded(text, known, name) or (_with_words(text, known, name) if parts else [])
    if len(fitting) == 1:
        return fitting[0]
    shown = errors.excerpt(text, LONGEST_NAME)
    if fitting:
        raise errors.InvalidInputError(
            f"More than one {kind} is called `{shown}`: {_candidates(fitting, id, name)}.", "Pass the id of one."
        )
    raise errors.NotFoundError(f"There is no {kind} `{shown}`.", _listing(known, name, text, listed_by))


def _folded(text: str, items: Sequence[Item], name: Callable[[Item], str]) -> list[Item]:
    wanted = _path(text)
    paths = [(_path(name(item)), item) for item in items]
    whole = [item for path, item in paths if path == wanted]
    return whole or [item for path, item in paths if path[-len(wanted) :] == wanted]


def _with_words(text: str, items: Sequence[Item], name: Callable[[Item], str]) -> list[Item]:
    terms = set(folded(text).split())
    return [item for item in items if terms <= set(folded(name(item)).split())]


def _path(text: str) -> list[str]:
    return [folded(part) for part in text.split("/")]


def _candidates(items: Sequence[Item], id: Callable[[Item], str], name: Callable[[Item], str]) -> str:  # noqa: A002
    shown = {id(item): f"{errors.excerpt(name(item), LONGEST_NAME)} ({errors.excerpt(id(item), 80)})" for item in items}
    lines = list(shown.values())
    return ", ".join(lines[:MOST]) + (f" and {len(lines) - MOST} more" if len(lines) > MOST else "")


def _listing(items: Sequence[Item], name: Callable[[Item], str], text: str, listed_by: str) -> str:
    """Return which names there are, those that resemble the text first."""
    by_folded = {folded(name(item)): name(item) for item in items}
    near = [by_folded[result] for result in difflib.get_close_matches(folded(text), by_folded, 5)]
    names = list(dict.fromkeys([*near, *(name(item) for item in items)]))
    if not names:
        return f"Look for it with {listed_by}." if listed_by else "There are none."
    there = f"There are: {listed(names)}."
    return f"{there} {listed_by} lists them." if listed_by and len(names) > MOST else there
