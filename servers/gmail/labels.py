"""Labels by name: people say "Clients", the API wants Label_12."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flotilla import errors

from .client import ME, api

OWN = frozenset(("INBOX", "UNREAD", "STARRED", "IMPORTANT", "SENT", "DRAFT", "SPAM", "TRASH"))


async def known() -> list[dict[str, Any]]:
    """Return all labels: the API has no pages of them."""
    return await api.rows(f"{ME}/labels", "labels", missing=True)


async def ids_of(names: Sequence[str]) -> list[str]:
    """Return the ids of labels that are given by name or id.

    Raises errors.InvalidInputError for one that is not there.
    """
    if all(name.upper() in OWN for name in names):
        return [name.upper() for name in names]
    labels = await known()
    by_name, ids = {label["name"].casefold(): label["id"] for label in labels}, {label["id"] for label in labels}
    found = []
    for name in names:
        named, own = by_name.get(name.casefold(), ""), name.upper() in OWN
        if not own and name in ids and named not in ("", name):
            raise errors.InvalidInputError(
                f"`{errors.excerpt(name, 60)}` is the id of one label and the name of another ({named}).",
                f"Pass {named} for the one of this name, or the other one's name.",
            )
        found.append(name.upper() if own else name if name in ids else named)
    if "" in found:
        what = errors.excerpt(names[found.index("")], 60)
        raise errors.InvalidInputError(f"There is no label `{what}`.", "gmail_list_labels tells which there are.")
    return found
