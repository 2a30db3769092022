"""How the portal is set up: pipelines with their stages, and the owners of records."""

from __future__ import annotations

from typing import Any, NamedTuple

from flotilla import errors

from . import values
from .client import api
from .schema import kept


class Place(NamedTuple):
    """A stage of a pipeline, by ids."""

    pipeline: str
    stage: str


async def pipelines(kind: str, renew: bool = False) -> list[dict[str, Any]]:
    """Return the pipelines of deals or tickets in their order."""
    rows, _ = await kept(f"pipelines-{kind}", f"/crm/v3/pipelines/{kind}", renew)
    return sorted(rows, key=lambda row: row["order"])


def named(rows: list[dict[str, Any]], pipeline: str | None, stage: str | None) -> tuple[str | None, str | None]:
    """Return the names of a pipeline and a stage by their ids, the ids where they are unknown."""
    here = [row for row in rows if row["id"] == pipeline]
    stages = [step for row in here or rows for step in row["stages"]]
    labels = {str(step["id"]): str(step["label"]) for step in stages}
    return (str(here[0]["label"]) if here else pipeline), labels.get(stage or "", stage)


async def place(kind: str, stage: str | None, here: str | None = None) -> Place:
    """Return where a stage's name or id, or "pipeline / stage", leads; without one, the first of the first pipeline.

    `here` is the pipeline that a record is in. Raises errors.InvalidInputError with the names there are; what is
    unknown is looked up once more before.
    """
    try:
        return _place(await pipelines(kind), stage, here)
    except errors.InvalidInputError:
        return _place(await pipelines(kind, renew=True), stage, here)


def _place(rows: list[dict[str, Any]], stage: str | None, here: str | None) -> Place:
    if stage is None:
        found = [(row, step) for row in rows[:1] for step in row["stages"][:1]]
    else:
        found = [(row, step) for row in rows for step in row["stages"] if _is(row, step, stage)]
        found = [pair for pair in found if pair[0]["id"] == here] or found
    if len(found) == 1:
        return Place(found[0][0]["id"], found[0][1]["id"])
    if found:
        names = ", ".join(f"{row['label']} / {step['label']}" for row, step in found)
        raise errors.InvalidInputError(
            f"Several pipelines have a stage {errors.excerpt(stage, 60)!r}.", f"Write one of: {names}."
        )
    names = "; ".join(f"{row['label']}: {', '.join(step['label'] for step in row['stages'])}" for row in rows[:8])
    raise errors.InvalidInputError(
        f"There is no stage {errors.excerpt(stage or '', 60)!r}.", f"There are {names or 'none'}."
    )


def _is(row: dict[str, Any], step: dict[str, Any], text: str) -> bool:
    """Tell whether a text means this stage: its id, its name, or with the pipeline's name or id in front."""
    if text == step["id"] or values.folded(text) == values.folded(step["label"]):
        return True
    own = {values.folded(f"{p}/{s}") for p in (row["id"], row["label"]) for s in (step["id"], step["label"])}
    return values.folded("/".join(part.strip() for part in text.split("/"))) in own


async def owner(text: str | None) -> str | None:
    """Return the id of an owner by id or e-mail address; raises errors.InvalidInputError for a stranger."""
    if text is None or (text.isascii() and text.isdecimal()):
        return text
    if "@" not in text:
        raise errors.InvalidInputError(
            f"{errors.excerpt(text, 60)!r} is no owner.", "Pass an e-mail address or an owner's id."
        )
    rows = await api.rows("/crm/v3/owners/", "results", params={"email": text, "limit": 1})
    if not rows:
        raise errors.InvalidInputError(
            f"Nobody in HubSpot has the address {errors.excerpt(text, 80)}.", "List them with hubspot_list_owners."
        )
    return str(rows[0]["id"])
