"""Pipelines of deals and tickets with their stages, found by name or id.

https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from pydantic import Field, model_validator

from flotilla import Model, choose, errors, readable

from .properties import cached


class Stage(Model):
    """A step of a pipeline."""

    id: str
    label: str


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
    positions = [Position(row.id, step.id, f"{row.label}/{step.label}") for row in rows for step in row.stages]
    if stage is None:
        if not positions:
            raise errors.NotFoundError("HubSpot has no pipeline with a stage.", "Ask the user to create one.")
        return positions[0]
    own = [one for one in positions if one.pipeline == pipeline]
    with suppress(errors.InvalidInputError, errors.NotFoundError):
        return _chosen(stage, own)
    return _chosen(stage, positions)


def _chosen(stage: str, positions: list[Position]) -> Position:
    return choose(stage, positions, id=lambda one: one.stage, name=lambda one: one.name, kind="stage")
