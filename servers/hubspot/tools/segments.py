"""Segments, which HubSpot's API calls lists. API: https://developers.hubspot.com/docs/api-reference/crm-lists-v3/guide"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Model, Page, Toolset, choose, cursor_number, errors, readable

from ..client import api
from ..models import CrmObject, Row, Segment, SegmentChange
from ..records import NAMES, PLURAL, RecordRef, resolved

tools = Toolset("segments")

KINDS = {"0-1": "contact", "0-2": "company", "0-3": "deal", "0-5": "ticket"}  # ids of HubSpot's object types
READ = ["crm.lists.read crm.objects.contacts.read"]
WRITE = ["crm.lists.read crm.lists.write crm.objects.contacts.read"]
MOST = 500  # lists that one request returns
SegmentRef = Annotated[
    str, Field(description="Name or id of the segment, from hubspot_search_segments.", examples=["12"])
]
Records = Annotated[
    list[RecordRef],
    Field(min_length=1, max_length=100, description="Records by number or name.", examples=[["contact:51"]]),
]


class _Member(Model):
    """A membership as HubSpot returns it."""

    id: str = Field(alias="recordId")


@tools.reads(
    core=False,
    scopes=["crm.lists.read"],
    search=(
        "segments listes segment liste cherche trouve lists audience diffusion groupes ciblage cible "
        "audiences list groups target mailing newsletter which static dynamic VIP invités abonnés groupe "
        "guests subscribers group combien personnes taille how many there existe a-t-on"
    ),
    examples=[
        "Quelles listes avons-nous ?",
        "Find the segment of newsletter readers",
        "quels segments avons-nous",
        "retrouve la liste newsletter",
        "on a une liste des clients VIP ?",
        "quels groupes de ciblage existent",
        "combien de personnes dans la liste des inscrits",
        "which lists do we have",
        "find the VIP list",
        "is there a group for event guests",
        "what audiences exist",
        "how big is the newsletter list",
    ],
)
async def search_segments(
    query: Annotated[str | None, Field(description="Words of the name; all segments without it.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Segment]:
    """Search segments (lists) of contacts, companies, deals or tickets by name, each with its id, type and size.

    A manual or snapshot segment is changed with hubspot_add_to_segment; a dynamic one fills itself by its filters. To
    see who is in one, use hubspot_list_segment_members.
    """
    answer = await _search(query, limit, cursor_number(cursor, 0))
    following = str(answer.get("offset") or "") if answer.get("hasMore") else None
    return Page(items=readable(Segment, api.rows_in(answer, "lists")), next_cursor=following or None)


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "qui membres du segment de la liste contenu who is in membre personnes inscrits contient composition "
        "abonnés members people inside list contains belongs subscribers newsletter VIP invités groupe "
        "audience guests group everyone"
    ),
    examples=[
        "qui est dans la liste newsletter",
        "montre les membres de ce segment",
        "quelles personnes contient la liste VIP",
        "liste les abonnés de l'audience",
        "il y a qui dans ce groupe",
        "who is on the newsletter list",
        "show the members of that segment",
        "which people does the VIP list contain",
        "give me everyone in this group",
        "who belongs to the event audience",
    ],
)
async def list_segment_members(segment: SegmentRef, limit: Limit = 20, cursor: Cursor = None) -> Page[Row]:
    """List the records of a segment (list), each with its name, and of contacts the e-mail address.

    Take the segment from hubspot_search_segments. For all properties of one record, use hubspot_get_record.
    """
    wanted = await _segment(segment)
    page = await api.page(f"/crm/v3/lists/{wanted.id}/memberships", _Member, limit=limit, cursor=cursor)
    kind = KINDS.get(wanted.object_type)
    if kind is None:
        raise errors.InvalidInputError(
            "This segment holds records of another kind than contacts, companies, deals and tickets.",
            "Look at it in HubSpot.",
        )
    return Page(items=await _rows(kind, [one.id for one in page.items]), next_cursor=page.next_cursor)


@tools.writes(
    core=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "ajoute mets au segment à la liste inscris put into a list ajouter inscrire mettre rajoute add "
        "subscribe include enroll newsletter VIP invités abonnés groupe audience guests subscribers group "
        "ajoute-le"
    ),
    examples=[
        "ajoute-le à la liste newsletter",
        "mets ces contacts dans le segment VIP",
        "inscris cette cliente à la liste des invités",
        "rajoute-les dans l'audience du salon",
        "add him to the newsletter list",
        "put these contacts into the VIP segment",
        "include her in the guest list",
        "subscribe them to the event audience",
    ],
)
async def add_to_segment(segment: SegmentRef, records: Records) -> SegmentChange:
    """Add records to a manual or snapshot segment (list), up to 100 at once. Who is in it already stays.

    Returns which were added, and which were not: those that are in it already, or do not exist. A dynamic segment
    takes none: change its filters in HubSpot.
    """
    return await _change(segment, records, "add")


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "enlève retire du segment de la liste désinscris take out of a list enlever retirer désinscrire sors "
        "ôte supprime remove drop off unsubscribe exclude leave newsletter VIP invités abonnés groupe "
        "audience guests subscribers group enlève-le"
    ),
    examples=[
        "enlève-le de la liste newsletter",
        "retire ces contacts du segment VIP",
        "sors-la de la liste des invités",
        "désinscris ce client de l'audience",
        "take him off the newsletter list",
        "remove these people from the VIP segment",
        "drop her from the guest list",
        "exclude them from the audience",
    ],
)
async def remove_from_segment(segment: SegmentRef, records: Records) -> SegmentChange:
    """Remove records from a manual or snapshot segment (list), up to 100 at once. The records themselves stay.

    Returns which were removed, and which were not because they were not in it. A dynamic segment is changed by its
    filters in HubSpot only.
    """
    return await _change(segment, records, "remove")


async def _search(query: str | None, count: int, offset: int) -> dict[str, Any]:
    body = {"query": query, "count": count, "offset": offset, "additionalProperties": ["hs_list_size"]}
    return await api.post("/crm/v3/lists/search", json=body, reads=True)


async def _segment(ref: str) -> Segment:
    """Return a segment by its id, else by its name; raises what `choose` does."""
    if ref.isascii() and ref.isdecimal():
        return Segment.model_validate((await api.get(f"/crm/v3/lists/{ref}"))["list"])
    rows = readable(Segment, api.rows_in(await _search(ref, MOST, 0), "lists"))
    if not rows:  # accents and dashes may be written in another way than HubSpot has them
        rows = readable(Segment, api.rows_in(await _search(None, MOST, 0), "lists"))
    return choose(ref, rows, kind="segment", listed_by="hubspot_search_segments")


async def _rows(kind: str, ids: Sequence[str]) -> list[Row]:
    """Return the names of records, in the order of the ids, in one request; what is gone is left out."""
    if not ids:
        return []
    names = [*NAMES[kind], *(["email"] if kind == "contact" else [])]
    body = {"inputs": [{"id": one} for one in ids], "properties": names, "propertiesWithHistory": []}
    answer = await api.post(f"/crm/v3/objects/{PLURAL[kind]}/batch/read", json=body, reads=True)
    there = {one.id: one for one in readable(CrmObject, api.rows_in(answer, "results"))}
    return [there[one].row(kind) for one in ids if one in there]


async def _change(ref: str, records: Sequence[str], action: str) -> SegmentChange:
    wanted = await _segment(ref)
    if wanted.type == "dynamic":
        raise errors.InvalidInputError(
            f"The segment {wanted.name} fills itself by its filters.", "Ask the user to change them in HubSpot."
        )
    kind = KINDS.get(wanted.object_type, "")
    ids: list[str] = []
    for record in records:
        other, number = await resolved(record)
        if other != kind:
            raise errors.InvalidInputError(
                f"The segment {wanted.name} takes no {other}.", f"Pass records of the kind {kind or 'it has'}."
            )
        ids.append(number)
    unique = list(dict.fromkeys(ids))
    answer = await api.put(f"/crm/v3/lists/{wanted.id}/memberships/{action}", json=unique, idempotent=True)
    key = "Added" if action == "add" else "Removed"
    changed = {str(one) for name in (f"recordsIds{key}", f"recordIds{key}") for one in answer.get(name) or []}
    return SegmentChange(
        segment=wanted.name,
        changed=[f"{kind}:{one}" for one in unique if one in changed],
        unchanged=[f"{kind}:{one}" for one in unique if one not in changed],
    )
