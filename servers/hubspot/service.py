"""Tickets, associations and owners. API: https://developers.hubspot.com/docs/api-reference/crm-tickets-v3/guide"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, errors

from . import records, setup, values
from .client import api
from .models import Associated, Owner, Placed
from .records import Free, Ref, Refs, StageOf, split

tools = Toolset("service")


@tools.writes(creates=True, core=False, group="tickets", scopes=["tickets"])
async def create_ticket(
    subject: Annotated[str, Field(description="Subject", examples=["Accès refusé"])],
    text: Annotated[str | None, Field(description="What it is about")] = None,
    stage: StageOf = None,
    priority: Annotated[str | None, Field(description="LOW, MEDIUM, HIGH …")] = None,
    linked_to: Refs = None,
    properties: Free = None,
) -> Placed:
    """Open a support ticket: ouvre, crée ticket, réclamation."""
    where = await setup.place("tickets", stage)
    given = {
        "subject": subject,
        "content": text,
        "hs_pipeline": where.pipeline,
        "hs_pipeline_stage": where.stage,
        "hs_ticket_priority": priority,
    }
    raw = await records.create("tickets", await records.prepared("tickets", given, properties), linked_to)
    got = raw["properties"]
    _, stage = setup.named(await setup.pipelines("tickets"), got.get("hs_pipeline"), got.get("hs_pipeline_stage"))
    return Placed(record=f"ticket:{raw['id']}", stage=stage)


@tools.writes(idempotent=True, core=False, group="associations", scopes=["crm.objects.contacts.write"])
async def associate_records(
    record: Annotated[Ref, Field(description="One record", examples=["deal:77"])],
    others: Annotated[
        list[Ref],
        Field(min_length=1, description="Records", examples=[["contact:51"]]),
    ],
    label: Annotated[str | None, Field(description="Of the association")] = None,
) -> Associated:
    """Link existing records to each other: associe, rattache, relie. Tells which could not be."""
    kind, _ = split(record)
    by_kind: dict[str, list[str]] = {}
    for other in dict.fromkeys(others):
        by_kind.setdefault(split(other)[0], []).append(other)
    specs = {to: await _label(kind, to, label) for to in by_kind} if label else {}
    done: list[str] = []
    refused: list[str] = []
    for to, refs in by_kind.items():
        try:
            linked, wrong = await _batch(record, to, refs, specs.get(to))
        except errors.FlotillaError as problem:
            if not done:
                raise
            linked, wrong = [], [f"{ref}: {problem}" for ref in refs]
        done, refused = done + linked, refused + wrong
    if not done:
        raise errors.InvalidInputError(f"HubSpot associated none of them: {refused[0]}", "Check the ids.")
    return Associated(associated=done, refused=refused)


async def _label(kind: str, to: str, label: str) -> list[dict[str, Any]]:
    """Return the association type that a label means between two kinds, in this direction."""
    path = f"/crm/v4/associations/{records.PLURAL[kind]}/{records.PLURAL[to]}/labels"
    rows = [row for row in await api.rows(path, "results") if row.get("label")]
    for row in rows:
        if values.folded(row["label"]) == values.folded(label):
            return [{"associationCategory": row["category"], "associationTypeId": row["typeId"]}]
    names = ", ".join(dict.fromkeys(row["label"] for row in rows)) or "none"
    raise errors.InvalidInputError(
        f"There is no association label {errors.excerpt(label, 60)!r} from {kind} to {to}.", f"There are: {names}."
    )


async def _batch(
    record: str, to: str, refs: list[str], types: list[dict[str, Any]] | None
) -> tuple[list[str], list[str]]:
    """Associate one record with others of one kind, in one request, and read the answer pair by pair.

    https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
    """
    kind, number = split(record)
    pairs = [
        {"from": {"id": number}, "to": {"id": split(ref)[1]}, **({"types": types} if types else {})} for ref in refs
    ]
    last = "batch/create" if types else "batch/associate/default"
    path = f"/crm/v4/associations/{records.PLURAL[kind]}/{records.PLURAL[to]}/{last}"
    answer = await api.post(path, json={"inputs": pairs})
    rows = api.rows_in(answer, "results")
    ids = {str(row.get("toObjectId") or (row.get("to") or {}).get("id")) for row in rows}
    # The default batch answers both directions of a pair; those of another direction name our record.
    ids |= {str((row.get("from") or {}).get("id")) for row in rows if str((row.get("to") or {}).get("id")) == number}
    linked = [ref for ref in refs if split(ref)[1] in ids]
    wrong = api.rows_in(answer, "errors", missing=True)
    return linked, [f"{ref}: {_reason(split(ref)[1], wrong)}" for ref in refs if ref not in linked]


def _reason(number: str, wrong: list[dict[str, Any]]) -> str:
    """Return HubSpot's words about one id, else its first ones."""
    told = [errors.excerpt(error.get("message") or "", 200) for error in wrong]
    own = [errors.excerpt(e.get("message") or "", 200) for e in wrong if number in str(e.get("context")) + str(e)]
    return next(iter(own or told), "HubSpot gave no reason.")


@tools.reads(core=False, group="owners", scopes=["crm.objects.owners.read"])
async def list_owners(
    email: Annotated[str | None, Field(description="Only this person")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Owner]:
    """List the users who can own records: propriétaires, commerciaux, sales team."""
    rows = await api.page("/crm/v3/owners/", _Person, params={"email": email}, limit=limit, cursor=cursor)
    items = [Owner(id=row.id, name=f"{row.first} {row.last}".strip() or None, email=row.email) for row in rows.items]
    return Page(items=items, next_cursor=rows.next_cursor)


class _Person(Owner):
    """An owner as HubSpot says it."""

    first: str = Field("", alias="firstName")
    last: str = Field("", alias="lastName")
