"""Meeting rooms of the organization. https://learn.microsoft.com/graph/api/place-list"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Page, Toolset, When, choose, errors, readable, sliced
from flotilla.parsing import folded
from flotilla_servers._microsoft import work_only

from ..client import PLACES, READ, api, mailbox_zone
from ..models import Room
from .availability import busy_times

tools = Toolset("rooms")

MOST_PAGES = 10


@tools.reads(
    scopes=[f"{PLACES} {one}" for one in READ],
    search="salle de réunion libre disponible pour combien de personnes",
    examples=["quelle salle est libre demain à 10 h pour six personnes", "find a free meeting room"],
)
async def list_rooms(
    query: Annotated[str | None, Field(description="Words of name, building or floor.")] = None,
    seats: Annotated[int | None, Field(ge=1, description="Least number of seats.")] = None,
    free_from: Annotated[When | None, Field(description="Start of the time to be free.")] = None,
    free_until: Annotated[When | None, Field(description="End of that time.")] = None,
    limit: Annotated[int, Field(ge=1, le=40, description="Maximum items per page.")] = 20,
    cursor: Cursor = None,
) -> Page[Room]:
    """List the meeting rooms of the organization, smallest first, each with seats, building, floor and equipment.

    With `free_from` and `free_until`, `free` says whether the room is free then, and taken ones are left out. Book a
    room with `rooms` of outlook_create_event. It needs a work account.
    """
    await work_only(api, "see meeting rooms")
    if bool(free_from) is not bool(free_until):
        raise errors.InvalidInputError("One of free_from and free_until is missing.", "Pass both, or none of them.")
    terms = folded(query or "").split()
    fitting = [room for room in readable(Room, await rooms()) if _fits(room, terms, seats)]
    fitting.sort(key=lambda room: (room.seats or 10_000, folded(room.name)))
    page = sliced(fitting, limit, cursor)
    if free_from and free_until and page.items:
        page.items = await _free(page.items, free_from, free_until)
    return page


def _fits(room: Room, terms: list[str], seats: int | None) -> bool:
    text = folded(f"{room.name} {room.building or ''} {room.floor or ''} {room.address}")
    return all(term in text for term in terms) and (not seats or (room.seats or 0) >= seats)


async def _free(shown: list[Room], after: When, before: When) -> list[Room]:
    """Return the rooms that are free in a time; one whose times cannot be read stays, without `free`."""
    zone = await mailbox_zone()
    begin, end = after.at(zone), before.end(zone)
    if not begin < end:
        raise errors.InvalidInputError("`free_until` is not after `free_from`.", "Correct one of them.")
    times, unreadable = await busy_times([room.address for room in shown], begin, end)
    taken = {address.casefold() for address, busy in times.items() if busy}
    unknown = {address.casefold() for address in unreadable}
    free = [room for room in shown if room.address.casefold() not in taken]
    for room in free:
        room.free = None if room.address.casefold() in unknown else True
    return free


async def rooms() -> list[dict[str, Any]]:
    """Return the rooms of the organization, as the API gives them."""
    params: dict[str, Any] = {"$top": 100, "$skip": 0}
    rows: list[dict[str, Any]] = []
    for _ in range(MOST_PAGES):
        answer = await api.get("/places/microsoft.graph.room", params=params)
        page = api.rows_in(answer, "value", missing=True)
        rows += page
        if not page or not answer.get("@odata.nextLink"):
            break
        params["$skip"] += len(page)
    return rows


async def rooms_by_name(wanted: list[str]) -> list[dict[str, Any]]:
    """Return rooms by their names or addresses; raises errors.NotFoundError with candidates."""
    await work_only(api, "book meeting rooms")
    known = [row for row in await rooms() if row.get("emailAddress") and row.get("displayName")]
    by_address = {str(row["emailAddress"]).casefold(): row for row in known}
    return [
        by_address.get(one.strip().casefold())
        or choose(one, known, name=_name, kind="room", listed_by="outlook_list_rooms", parts=True)
        for one in wanted
    ]


def _name(row: dict[str, Any]) -> str:
    return str(row["displayName"])
