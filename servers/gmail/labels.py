"""Labels by name: people say "Clients", the API wants Label_12."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flotilla import errors

from .app import ME, api

OWN = frozenset(("INBOX", "UNREAD", "STARRED", "IMPORTANT", "SENT", "DRAFT", "SPAM", "TRASH"))


async def known() -> list[dict[str, Any]]:
    """Return all labels: the API has no pages of them."""
    return await api.rows(f"{ME}/labels", "labels", missing=True)


async def ids_of(names: Sequence[str]) -> list[str]:
    """Return the ids of labels that are given by name or id; raises errors.Input for one that is not there."""
    if all(name.upper() in OWN for name in names):
        return [name.upper() for name in names]
    labels = await known()
    ids = {label["name"].casefold(): label["id"] for label in labels} | {label["id"]: label["id"] for label in labels}
    found = [name.upper() if name.upper() in OWN else ids.get(name) or ids.get(name.casefold(), "") for name in names]
    if "" in found:
        what = errors.excerpt(names[found.index("")], 60)
        raise errors.Input(f"There is no label `{what}`.", "gmail_list_labels tells which there are.")
    return found
