"""Pipelines of deals and their stages, found by name. https://www.zoho.com/crm/developer/docs/api/v8/get-pipelines.html"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic import Field as Setting
from pydantic import model_validator

from flotilla import Model, choose, errors, readable
from flotilla.parsing import folded

from .metadata import cached, fields_of


class Stage(Model):
    """A step of a pipeline: `actual` is what the API takes, `name` what people see."""

    actual: str = Setting(alias="actual_value")
    name: str = Setting(alias="display_value")
    order: int = Setting(0, alias="sequence_number")
    forecast: str = Setting("", alias="forecast_type")

    @property
    def outcome(self) -> str:
        """Return won or lost of a stage that ends a deal, whatever it is called; else ""."""
        kind = folded(self.forecast or self.actual)
        return {"closed won": "won", "closed lost": "lost"}.get(kind, "")


class Pipeline(Model):
    """A pipeline with its stages in order."""

    actual: str = Setting(alias="actual_value")
    name: str = Setting(alias="display_value")
    default: bool = False
    stages: list[Stage]

    @model_validator(mode="before")
    @classmethod
    def _ordered(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or "stages" in raw:
            return raw
        steps = readable(Stage, [one for one in raw.get("maps") or [] if isinstance(one, Mapping)])
        return {**raw, "stages": sorted(steps, key=lambda one: one.order)}


class Layout(Model):
    """A layout of the deals module: pipelines belong to one."""

    id: str


class Deals(Model):
    """The deals module, of which only the layouts matter here."""

    layouts: list[Layout]

    @model_validator(mode="before")
    @classmethod
    def _active(cls, raw: Any) -> Any:
        rows = (raw.get("layouts") or []) if isinstance(raw, Mapping) else []
        usable = [r for r in rows if isinstance(r, Mapping | Layout) and _usable(r)]
        return {"layouts": readable(Layout, usable)}


def _usable(layout: Any) -> bool:
    return not isinstance(layout, Mapping) or layout.get("status", "active") == "active"


class Position(NamedTuple):
    """A stage of a pipeline, by what the API takes, and its name."""

    pipeline: str
    stage: str
    name: str
    outcome: str


# What people say of a deal that is over, whatever the stage is called.
_OUTCOMES = {
    "won": "won", "closed won": "won", "gagne": "won", "gagnee": "won", "lost": "lost", "closed lost": "lost",
    "perdu": "lost", "perdue": "lost",
}  # fmt: skip


async def fetch(renew: bool = False) -> list[Pipeline]:
    """Return the pipelines, the default one first; where an edition has none, all stages as one without a name."""
    modules = await cached("deals", "/settings/modules/Deals", "modules", Deals, renew)
    rows: list[Pipeline] = []
    for layout in (one for module in modules for one in module.layouts):
        name, path = f"pipelines-{layout.id}", "/settings/pipeline"
        rows += await cached(name, path, "pipeline", Pipeline, renew, layout_id=layout.id)
    if not rows:
        stage = (await fields_of("Deals", renew)).get("Stage")
        options = stage.options if stage else []
        steps = [
            {"actual": one.actual, "name": one.display or one.actual, "order": place}
            for place, one in enumerate(options)
        ]
        rows = [Pipeline.model_validate({"actual": "", "name": "", "default": True, "stages": steps})]
    unique: dict[str, Pipeline] = {}
    for row in rows:  # layouts may share one
        unique.setdefault(row.actual, row)
    return sorted(unique.values(), key=lambda row: not row.default)


async def position(stage: str | None, pipeline: str | None = None) -> Position:
    """Return the stage of a name or "pipeline / stage"; without one, the first stage of the pipeline.

    `pipeline` is the one that the deal is in, or is to be in: its stages go first. What is unknown is looked up once
    more. Raises errors.InvalidInputError where several stages fit, errors.NotFoundError where none does.
    """
    with suppress(errors.InvalidInputError, errors.NotFoundError):
        return _position(await fetch(), stage, pipeline)
    return _position(await fetch(renew=True), stage, pipeline)


def _position(rows: list[Pipeline], stage: str | None, pipeline: str | None) -> Position:
    positions = [
        Position(row.actual, step.actual, f"{row.name}/{step.name}" if row.name else step.name, step.outcome)
        for row in rows
        for step in row.stages
    ]
    names = [row.actual for row in rows if pipeline and folded(pipeline) in (folded(row.actual), folded(row.name))]
    own = [one for one in positions if one.pipeline in names]
    if stage is None:
        if not positions:
            raise errors.NotFoundError("Zoho CRM has no stage for deals.", "Ask the user to create one.")
        return (own or positions)[0]
    for some in (own, [one for one in positions if one.pipeline == rows[0].actual], positions):
        with suppress(errors.NotFoundError):
            if some:
                return _chosen(stage, some)
        outcome = _OUTCOMES.get(folded(stage))
        closing = [one for one in some if outcome and one.outcome == outcome]
        if len(closing) == 1:
            return closing[0]
        if closing:
            candidates = ", ".join(one.name for one in closing)
            raise errors.InvalidInputError(f"Several stages mean {outcome}: {candidates}.", "Pass one of these names.")
    return _chosen(stage, positions)


def _chosen(stage: str, positions: list[Position]) -> Position:
    """Return the stage of a name; what the API calls it counts too."""
    exact = [one for one in positions if one.stage == stage]
    if len(exact) == 1:
        return exact[0]
    return choose(
        stage, positions, id=lambda one: f"{one.pipeline}/{one.stage}", name=lambda one: one.name, kind="stage"
    )


def stage_name(rows: list[Pipeline], stage: str) -> str:
    """Return what people call a stage."""
    return next((step.name for row in rows for step in row.stages if stage in (step.actual, step.name)), stage)
