"""Free time of several people. https://developers.google.com/workspace/calendar/api/v3/reference/freebusy"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Annotated

from pydantic import Field

from flotilla import TimeZone, Toolset, When, errors, readable, slots
from flotilla.parsing import to_utc, zone
from flotilla_servers._google import scope

from ..client import api
from ..models import Availability, Busy, Free

tools = Toolset("availability")

MOST = 100  # stretches of free time in one answer
LONGEST = timedelta(days=60)


@tools.reads(
    scopes=[scope(s) for s in ("calendar.freebusy", "calendar.readonly", "calendar")],
    search=(
        "créneau libre disponibilité disponible quand se voir place trou agenda pris occupé dispo "
        "disponibilités moment possible monde trouver horaire free busy slot gap opening time works everyone "
        "when can meet room space available availability gaps"
    ),
    examples=[
        "y a-t-il de la place mardi",
        "quand est-ce qu'on peut se voir tous les trois",
        "je suis dispo à quel moment jeudi",
        "trouve un trou d'une heure cette semaine",
        "est-ce que je suis libre demain après-midi",
        "quel créneau marche pour toute l'équipe",
        "when am I free on Tuesday",
        "find a time that works for everyone",
        "do I have a gap tomorrow afternoon",
        "is there a slot for an hour this week",
        "il reste de la place jeudi matin ?",
        "any room on Friday",
        "who is available for a call at five",
    ],
)
async def check_availability(
    calendars: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=50,
            description="Whose time counts: primary for the account, e-mail addresses of others.",
            examples=[["primary"]],
        ),
    ],
    after: Annotated[
        When, Field(description="First time or day to search.", examples=["2030-06-03", "2030-06-03T14:00:00+02:00"])
    ],
    before: Annotated[
        When, Field(description="End of the search, at most 60 days later; a day is included.", examples=["2030-06-07"])
    ],
    timezone: Annotated[
        TimeZone, Field(description="Time zone of the hours, an IANA name.", examples=["Europe/Paris"])
    ],
    minutes: Annotated[int, Field(ge=5, le=1440, description="Length of the free slot in minutes.")] = 30,
    hours: Annotated[
        str, Field(pattern=slots.HOURS, description="Hours of a day to search, HH:MM-HH:MM.")
    ] = "09:00-18:00",
    weekends: Annotated[bool, Field(description="Search Saturdays and Sundays too.")] = False,
) -> Availability:
    """Find when several people are all free, within working hours of a time zone, Monday to Friday.

    Nothing is booked: use gcal_create_event for that. `unreadable` names calendars that the account may not see; they
    are not counted. With more_after there are more slots: pass it as `after`.
    """
    searched_zone = zone(timezone)
    begin, end = after.at(searched_zone).astimezone(UTC), before.end(searched_zone).astimezone(UTC)
    if not timedelta(0) < end - begin <= LONGEST:
        raise errors.InvalidInputError("`before` is not within 60 days after `after`.", "Correct the two times.")
    body = {"timeMin": to_utc(begin), "timeMax": to_utc(end), "items": [{"id": name} for name in calendars]}
    answer = (await api.post("/freeBusy", json=body, reads=True))["calendars"]
    busy = [
        (one.start, one.end)
        for calendar in answer.values()
        for one in readable(Busy, api.rows_in(calendar, "busy", missing=True))
    ]
    reasons = {
        name: [str(one["reason"]) for one in api.rows_in(calendar, "errors", missing=True) if one.get("reason")]
        for name, calendar in answer.items()
    }
    unreadable = [f"{name}: {reason}" for name, result in reasons.items() for reason in result]
    if unreadable and all(reasons.values()):
        raise errors.NotFoundError(
            f"None of the calendars can be read ({unreadable[0]}).",
            "Check the addresses, or ask their owners to share their free and busy times.",
        )
    stretches = slots.free(
        begin,
        end,
        busy,
        length=timedelta(minutes=minutes),
        zone=searched_zone,
        hours=slots.working_hours(hours),
        weekends=weekends,
    )
    free = [Free(start=a.isoformat(), end=b.isoformat(), utc=f"{to_utc(a)}/{to_utc(b)}") for a, b in stretches]
    more_after = free[MOST].start if len(free) > MOST else None
    return Availability(free=free[:MOST], unreadable=unreadable, more_after=more_after)
