"""Pipelines of deals and tickets with their stages, found by name or id.

https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from pydantic import Field, model_validator

from flotilla import Model, choose, errors, readable
from flotilla.parsing import folded

from .properties import cached


class Stage(Model):
    """A step of a pipeline."""

    id: str
    label: str
    outcome: str | None = None  # won or lost, of a stage that closes a deal; closed, of one that closes a ticket

    @model_validator(mode="before")
    @classmethod
    def _closing(cls, raw: Any) -> Any:
        """Read the metadata: https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide."""
        rules = raw.get("metadata") if isinstance(raw, dict) else None
        if not isinstance(rules, dict):
            return raw
        likely = {"1": "won", "1.0": "won", "0": "lost", "0.0": "lost"}.get(str(rules.get("probability")))
        closed = str(rules.get("isClosed")).lower() == "true" or rules.get("ticketState") == "CLOSED"
        return {**raw, "outcome": (likely or "closed") if closed else None}


class Pipeline(Model):
    """A pipeline with the stages that are in use, in order."""

    id: str
    label: str
    order: int = Field(0, alias="displayOrder")
    stages: list[Stage]

    @model_validator(mode="before")
    @classmethod
    def _ordered(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        used = [stage for stage in raw.get("stages") or [] if isinstance(stage, dict) and not stage.get("archived")]
        return {**raw, "stages": readable(Stage, sorted(used, key=lambda stage: stage.get("displayOrder") or 0))}


class Position(NamedTuple):
    """A stage of a pipeline, by ids."""

    pipeline: str
    stage: str
    name: str
    outcome: str | None


# What people say of a deal or ticket that is over, whatever the stage is called.
_OUTCOMES = {
    "won": "won", "closed won": "won", "gagne": "won", "gagnee": "won", "lost": "lost", "closed lost": "lost",
    "perdu": "lost", "perdue": "lost", "closed": "closed", "close": "closed", "ferme": "closed", "fermee": "closed",
}  # fmt: skip


async def fetch(kind: str, renew: bool = False) -> list[Pipeline]:
    """Return the pipelines of "deals" or "tickets" in their order."""
    rows, _ = await cached(f"pipelines-{kind}", f"/crm/v3/pipelines/{kind}", Pipeline, renew)
    return sorted(rows, key=lambda row: row.order)


def names(rows: list[Pipeline], pipeline: str | None, stage: str | None) -> tuple[str | None, str | None]:
    """Return the names of a pipeline and of a stage by their ids, the ids where they are unknown."""
    of_id = [row for row in rows if row.id == pipeline]
    labels = {step.id: step.label for row in of_id or rows for step in row.stages}
    return (of_id[0].label if of_id else pipeline), labels.get(stage or "", stage)


async def position(kind: str, stage: str | None, pipeline: str | None = None) -> Position:
    """Return the stage of a name, an id or "pipeline / stage"; without one, the first stage of the first pipeline.

    `pipeline` is the one that the record is in: its stages go first. What is unknown is looked up once more. Raises
    errors.InvalidInputError where several stages fit, errors.NotFoundError where none does.
    """
    with suppress(errors.InvalidInputError, errors.NotFoundError):
        return _position(await fetch(kind), stage, pipeline)
    return _position(await fetch(kind, renew=True), stage, pipeline)


def _position(rows: list[Pipeline], stage: str | None, pipeline: str | None) -> Position:
    positions = [
        Position(row.id, step.id, f"{row.label}/{step.label}", step.outcome) for row in rows for step in row.stages
    ]
    if stage is None:
        if not positions:
            raise errors.NotFoundError("HubSpot has no pipeline with a stage.", "Ask the user to create one.")
        return positions[0]
    own = [one for one in positions if one.pipeline == pipeline]
    with suppress(errors.InvalidInputError, errors.NotFoundError):
        return _chosen(stage, own)
    with suppress(errors.NotFoundError):
        return _chosen(stage, positions)
    outcome = _OUTCOMES.get(folded(stage))
    closing = [one for one in own or positions if outcome and one.outcome == outcome]
    if len(closing) == 1:
        return closing[0]
    if closing:
        names = ", ".join(one.name for one in closing)
        raise errors.InvalidInputError(f"Several stages mean {outcome}: {names}.", "Pass one of these names.")
    return _chosen(stage, positions)


def _chosen(stage: str, positions: list[Position]) -> Position:
    return choose(stage, positions, id=lambda one: one.stage, name=lambda one: one.name, kind="stage")
