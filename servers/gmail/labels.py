"""Labels by name: people say "Clients" or "Promotions", the API wants Label_12 or CATEGORY_PROMOTIONS."""

from __future__ import annotations

from collections.abc import Sequence

from flotilla import choose, readable
from flotilla.parsing import folded

from .client import COST, ME, api
from .models import Label

OWN = frozenset(("INBOX", "UNREAD", "STARRED", "IMPORTANT", "SENT", "DRAFT", "SPAM", "TRASH"))
SPOKEN = {  # how Gmail's own labels are called on the screen
    "drafts": "DRAFT",
    "bin": "TRASH",
    "primary": "CATEGORY_PERSONAL",
    "promotions": "CATEGORY_PROMOTIONS",
    "social": "CATEGORY_SOCIAL",
    "updates": "CATEGORY_UPDATES",
    "forums": "CATEGORY_FORUMS",
}


async def known() -> list[Label]:
    """Return all labels: the API has no pages of them."""
    rows = await api.rows(f"{ME}/labels", "labels", missing=True, cost=COST["labels.list"])
    return readable(Label, rows)


async def ids_of(names: Sequence[str]) -> list[str]:
    """Return the ids of labels that are named by name or id; a child's own name will do: Dupont for Clients/Dupont.

    Raises errors.NotFoundError for an unknown one, errors.InvalidInputError where several are meant.
    """
    if all(name.strip().upper() in OWN for name in names):
        return [name.strip().upper() for name in names]
    labels = await known()
    return [_id_of(name.strip(), labels) for name in names]


def _id_of(name: str, labels: Sequence[Label]) -> str:
    spoken = SPOKEN.get(folded(name), "")
    if name.upper() in OWN or (spoken and all(folded(label.name) != folded(name) for label in labels)):
        return name.upper() if name.upper() in OWN else spoken
    return choose(name, labels, kind="label", listed_by="gmail_list_labels").id


async def names_of(ids: Sequence[str]) -> list[str]:
    """Return the names of labels by their ids. Gmail's own keep their ids, which every tool takes."""
    names: dict[str, str] = api.connection.metadata.setdefault("labels", {})
    if any(one.startswith("Label_") and one not in names for one in ids):
        names.update({label.id: label.name for label in await known()})
    return [names.get(one, one) for one in ids]
