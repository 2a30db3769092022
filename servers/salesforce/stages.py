"""Stages and statuses by what they mean: won and lost, converted, done. Their names are each org's own."""

from __future__ import annotations

from typing import Any

from flotilla import Model, choose, errors, readable
from flotilla.parsing import folded, listed

from . import people, queries

WON = ("won", "closed won", "gagne", "gagnee", "signe", "signee")
LOST = ("lost", "closed lost", "perdu", "perdue")
OPEN = ("open", "ouvert", "ouverte", "en cours")
DONE = ("done", "closed", "completed", "finished", "fait", "faite", "termine", "terminee", "ferme", "fermee")


class Stage(Model):
    """A stage of opportunities, or a status of leads, tasks or cases: `value` is what a record holds."""

    value: str
    label: str
    closed: bool = False
    won: bool = False
    converted: bool = False
    default: bool = False


_FIELDS = {
    "OpportunityStage": "MasterLabel, ApiName, IsClosed, IsWon FROM OpportunityStage WHERE IsActive = true",
    "LeadStatus": "MasterLabel, ApiName, IsConverted, IsDefault FROM LeadStatus",
    "TaskStatus": "MasterLabel, ApiName, IsClosed, IsDefault FROM TaskStatus",
    "CaseStatus": "MasterLabel, ApiName, IsClosed, IsDefault FROM CaseStatus",
}


async def known(kind: str) -> list[Stage]:
    """Return the stages of opportunities (OpportunityStage), or the statuses of a LeadStatus and the like, in order."""

    async def fetch() -> list[Stage]:
        rows = await queries.select(f"SELECT {_FIELDS[kind]} ORDER BY SortOrder LIMIT 200")
        return readable(Stage, [_read(row) for row in rows if row.get("ApiName") or row.get("MasterLabel")])

    return (await people.cached(kind, fetch))[0]


def _read(row: dict[str, Any]) -> dict[str, Any]:
    value = row.get("ApiName") or row.get("MasterLabel")
    return {
        "value": value,
        "label": row.get("MasterLabel") or value,
        **{name: bool(row.get(f"Is{name.capitalize()}")) for name in ("closed", "won", "converted", "default")},
    }


async def stage(wanted: str) -> Stage:
    """Return the stage of this name; won and lost mean the stage that the org has for it, whatever it is called.

    Raises errors.InvalidInputError with the candidates where there are several, errors.NotFoundError for no stage.
    """
    rows, name = await known("OpportunityStage"), folded(wanted)
    named = [one for one in rows if name in (folded(one.value), folded(one.label))]
    if len(named) == 1:
        return named[0]
    for terms, won in ((WON, True), (LOST, False)):
        if name in terms:
            return _only([one for one in rows if one.closed and one.won is won], rows, wanted)
    return choose(wanted, rows, id=lambda s: s.value, name=lambda s: s.label, kind="stage")


async def first_open() -> Stage:
    """Return the stage at which an opportunity begins."""
    rows = [one for one in await known("OpportunityStage") if not one.closed]
    if not rows:
        raise errors.InvalidInputError("This org has no open stage.", "Pass the stage.")
    return rows[0]


async def status(kind: str, wanted: str) -> Stage:
    """Return the status of tasks or cases of this name; done and open mean what the org has for it."""
    rows, name = await known(kind), folded(wanted)
    named = [one for one in rows if name in (folded(one.value), folded(one.label))]
    if len(named) == 1:
        return named[0]
    if name in DONE or name in OPEN:
        fitting = [one for one in rows if one.closed is (name in DONE)]
        return _only([one for one in fitting if one.default] or fitting[:1], rows, wanted)
    return choose(wanted, rows, id=lambda s: s.value, name=lambda s: s.label, kind="status")


async def converted(wanted: str | None) -> Stage:
    """Return the status of a converted lead: the named one, else the org's first."""
    rows = [one for one in await known("LeadStatus") if one.converted]
    if wanted:
        return choose(wanted, rows, id=lambda s: s.value, name=lambda s: s.label, kind="status of converted leads")
    if not rows:
        raise errors.InvalidInputError(
            "This org has no status for converted leads.", "Tell the user: an administrator can mark one."
        )
    return next((one for one in rows if one.default), rows[0])


def _only(fitting: list[Stage], rows: list[Stage], wanted: str) -> Stage:
    if len(fitting) == 1:
        return fitting[0]
    shown = listed(one.label for one in fitting or rows)
    if fitting:
        raise errors.InvalidInputError(f"More than one stage counts as {wanted}: {shown}.", "Pass the name of one.")
    raise errors.NotFoundError(f"No stage of this org counts as {wanted}.", f"There are: {shown}.")
