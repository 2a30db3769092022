"""Associations. API: https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Model, Toolset, errors, readable
from flotilla.parsing import folded

from ..client import api
from ..models import Associated
from ..records import PLURAL, RecordRef, resolved, split

tools = Toolset("associations")


class _Label(Model):
    """A kind of association between two kinds of record, in one direction."""

    label: str
    category: str
    type_id: int = Field(alias="typeId")


@tools.writes(
    idempotent=True,
    scopes=["crm.objects.contacts.write"],
    search=(
        "associe rattache relie lie link records together associer rattacher relier lier lien affecte société "
        "relation connecte connect attach tie associate assign company join ces deux fiches ensemble"
    ),
    examples=[
        "rattache ce contact à la société",
        "relie l'affaire à ce client",
        "il travaille chez eux, fais le lien",
        "associe le ticket à la bonne entreprise",
        "lie ces deux fiches",
        "attach this contact to the company",
        "connect the deal with that client",
        "he works for them, link him",
        "tie the ticket to the right company",
        "associate these two records",
    ],
)
async def associate_records(
    record: Annotated[RecordRef, Field(description="The record to link, by number or name.", examples=["deal:77"])],
    others: Annotated[
        list[RecordRef],
        Field(min_length=1, description="Records to link it with, by number or name.", examples=[["contact:51"]]),
    ],
    label: Annotated[str | None, Field(description="Label of the association, by name.")] = None,
) -> Associated:
    """Link an existing record with other existing ones, such as a deal with a contact and a company.

    Returns what was linked, and what was refused with the reason. A new record is linked by the tool that creates it.
    """
    kind, number = await resolved(record)
    record = f"{kind}:{number}"
    by_kind: dict[str, list[str]] = {}
    for other in dict.fromkeys([":".join(await resolved(other)) for other in others]):
        by_kind.setdefault(split(other)[0], []).append(other)
    specs = {to: await _label(kind, to, label) for to in by_kind} if label else {}
    done: list[str] = []
    refused: list[str] = []
    for to, refs in by_kind.items():
        try:
            linked, wrong = await _batch(record, to, refs, specs.get(to))
        except errors.FlotillaError as error:
            if not done:
                raise
            linked, wrong = [], [f"{ref}: {error}" for ref in refs]
        done, refused = done + linked, refused + wrong
    if not done:
        raise errors.InvalidInputError(f"HubSpot associated none of them: {refused[0]}", "Check the ids.")
    return Associated(associated=done, refused=refused)


async def _label(kind: str, to: str, label: str) -> list[dict[str, Any]]:
    """Return the association type that a label means between two kinds, in this direction."""
    path = f"/crm/v4/associations/{PLURAL[kind]}/{PLURAL[to]}/labels"
    rows = readable(_Label, [row for row in await api.rows(path, "results") if row.get("label")])
    for row in rows:
        if folded(row.label) == folded(label):
            return [{"associationCategory": row.category, "associationTypeId": row.type_id}]
    names = ", ".join(dict.fromkeys(row.label for row in rows)) or "none"
    raise errors.InvalidInputError(
        f"There is no association label `{errors.excerpt(label, 60)}` from {kind} to {to}.", f"There are: {names}."
    )


async def _batch(
    record: str, to: str, refs: list[str], types: list[dict[str, Any]] | None
) -> tuple[list[str], list[str]]:
    """Associate one record with others of one kind, in one request; returns what was linked, and what was not."""
    kind, number = split(record)
    pairs = [
        {"from": {"id": number}, "to": {"id": split(ref)[1]}, **({"types": types} if types else {})} for ref in refs
    ]
    last = "batch/create" if types else "batch/associate/default"
    answer = await api.post(f"/crm/v4/associations/{PLURAL[kind]}/{PLURAL[to]}/{last}", json={"inputs": pairs})
    rows = api.rows_in(answer, "results")
    ids = {str(row.get("toObjectId") or (row.get("to") or {}).get("id")) for row in rows}
    # The default batch answers both directions of a pair; those of the other direction name our record.
    ids |= {str((row.get("from") or {}).get("id")) for row in rows if str((row.get("to") or {}).get("id")) == number}
    linked = [ref for ref in refs if split(ref)[1] in ids]
    wrong = api.rows_in(answer, "errors", missing=True)
    return linked, [f"{ref}: {_reason(split(ref)[1], wrong)}" for ref in refs if ref not in linked]


def _reason(number: str, wrong: list[dict[str, Any]]) -> str:
    """Return HubSpot's message about one id, else its first one."""
    messages = [errors.excerpt(error.get("message") or "", 200) for error in wrong]
    own = [errors.excerpt(e.get("message") or "", 200) for e in wrong if number in str(e.get("context")) + str(e)]
    return next(iter(own or messages), "HubSpot gave no reason.")
