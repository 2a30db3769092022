"""People, and whether they are there. https://learn.microsoft.com/graph/api/resources/presence"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import Cursor, Page, Toolset, When, errors, readable
from flotilla_servers._microsoft import owner

from ..client import PEOPLE, SETTINGS, api, me, users_only, zone_for
from ..models import Done, Person, Presence, Presences
from ..people import EVENTUAL, name_of, people, searched

tools = Toolset("people")

LONGEST_HOURS = 24
ACTIVITIES = {"Offline": "OffWork"}  # where it differs from the availability


@tools.reads(scopes=[PEOPLE], search="chercher une personne collègue annuaire adresse téléphone de")
async def search_people(
    query: Annotated[str, Field(min_length=1, description="Beginning of a name or an address.", examples=["Marie"])],
    limit: Annotated[int, Field(ge=1, le=50, description="Maximum items per page.")] = 10,
    cursor: Cursor = None,
) -> Page[Person]:
    """Search the organization's people by name or address: address, job, department, phone and id.

    Other tools take the name or the address as it is, such as teams_send_chat_message. teams_list_members says
    who is in a team.
    """
    await me()
    style = api.paging
    assert style
    more = style.query(limit, cursor)
    answer = await api.get("/users", params=more if cursor else {**searched(query), **more}, headers=EVENTUAL)
    rows, following = style.read(answer, {}, limit, cursor)
    return Page(items=readable(Person, api.rows_in({"value": rows}, "value")), next_cursor=following)


@tools.reads(scopes=[f"Presence.Read.All {PEOPLE}"], search="est-il disponible en ligne occupé absent présence statut")
async def get_presence(
    who: Annotated[
        list[str],
        Field(min_length=1, max_length=20, description="Names or addresses; me for the account.", examples=[["Marie"]]),
    ],
) -> Presences:
    """Get whether people are there: Available, Busy, DoNotDisturb, Away, Offline, what they do, and their message.

    Whoever is away can still be written to with teams_send_chat_message. Free times stand in their calendars, not here.
    """
    rows = await people(who)
    names = {str(row["id"]): name_of(row) for row in rows}
    answer = await api.post("/communications/getPresencesByUserId", json={"ids": list(names)}, reads=True)
    shown = [_presence(row, names) for row in api.rows_in(answer, "value") if row.get("id")]
    return Presences(people=readable(Presence, shown))


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=[f"Presence.ReadWrite {SETTINGS}"],
    search="changer mon statut absent occupé ne pas déranger message de statut",
)
async def set_presence(
    availability: Annotated[
        Literal["Available", "Busy", "DoNotDisturb", "BeRightBack", "Away", "Offline", "automatic"] | None,
        Field(description="What others see; automatic ends a choice."),
    ] = None,
    message: Annotated[str | None, Field(max_length=280, description="Status message; empty takes it away.")] = None,
    until: Annotated[When | None, Field(description="When the availability ends, within a day.")] = None,
) -> Done:
    """Set the account's own availability, its status message, or both, until a time that is at most a day away.

    Without `until` the availability lasts for eight hours. teams_get_presence with "me" says what is shown now.
    """
    users_only("choose how they are shown")
    await me()
    if availability is None and message is None:
        raise errors.InvalidInputError("There is nothing to change.", "Pass `availability` or `message`.")
    at, done = f"{owner(api)}/presence", []
    status = {"statusMessage": {"message": {"content": message, "contentType": "text"}}}
    if availability and message is not None:
        api.follows("POST", f"{at}/setStatusMessage", json=status)
    if availability == "automatic":
        await api.send("POST", f"{at}/clearUserPreferredPresence")
        done.append("the availability is automatic again")
    elif availability:
        body = {
            "availability": availability,
            "activity": ACTIVITIES.get(availability, availability),
            "expirationDuration": _duration(until, await zone_for(until)),
        }
        await api.send("POST", f"{at}/setUserPreferredPresence", json=body)
        done.append(f"the availability is {availability}")
    if message is not None:
        await api.send("POST", f"{at}/setStatusMessage", json=status)
        done.append("the message is set" if message else "the message is gone")
    return Done(done=" and ".join(done))


def _duration(until: When | None, zone: ZoneInfo) -> str:
    """Return how long an availability lasts, in ISO 8601; raises errors.InvalidInputError for too long."""
    if until is None:
        return "PT8H"
    minutes = round((until.end(zone) - datetime.now(UTC)).total_seconds() / 60)
    if not 5 <= minutes <= LONGEST_HOURS * 60:
        raise errors.InvalidInputError(
            "`until` is not between five minutes and a day from now.", "Pass another time, or leave it out."
        )
    return f"PT{minutes}M"


def _presence(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    status = row.get("statusMessage")
    note = status.get("message") if isinstance(status, dict) else None
    away = row.get("outOfOfficeSettings")
    availability, activity = str(row.get("availability") or ""), row.get("activity")
    return {
        "name": names.get(str(row.get("id")), ""),
        "availability": availability,
        "activity": None if activity == availability else activity,
        "message": (note.get("content") or None) if isinstance(note, dict) else None,
        "out_of_office": (away.get("message") or None)
        if isinstance(away, dict) and away.get("isOutOfOffice")
        else None,
    }
