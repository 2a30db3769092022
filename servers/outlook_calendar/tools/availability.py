"""Free time of several people, and times that Outlook proposes.

https://learn.microsoft.com/graph/api/calendar-getschedule
https://learn.microsoft.com/graph/api/user-findmeetingtimes
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import Addresses, TimeZone, Toolset, When, errors, readable, slots
from flotilla.parsing import to_utc, zone
from flotilla_servers._microsoft import account, app_only, owner, work_only

from ..bodies import attendee, event_time
from ..client import READ, SHARED, api, mailbox_zone, prefer
from ..models import Availability, Busy, Free, Suggestion, Suggestions, time_of

tools = Toolset("availability")

MOST = 100  # stretches of free time in one answer
LONGEST = timedelta(days=60)
AT_ONCE = 20  # schedules of one request
WHY_NONE = {
    "attendeesUnavailable": "The people are not free at the same time within these times.",
    "attendeesUnavailableOrUnknown": "The people are not free at the same time, or their times cannot be read.",
    "locationsUnavailable": "No room is free.",
    "organizerUnavailable": "The account itself is not free within these times.",
    "unknown": "Outlook does not say why.",
}


@tools.reads(scopes=READ, search="créneau libre disponibilité disponible quand se voir")
async def check_availability(
    calendars: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=50,
            description="Whose time counts: primary for the account, e-mail addresses of others or rooms.",
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

    Nothing is booked: use outlook_create_event for that. `unreadable` names calendars that the account may not see;
    they are not counted. With more_after there are more slots: pass it as `after`.
    """
    searched_zone = zone(timezone)
    begin, end = after.at(searched_zone).astimezone(UTC), before.end(searched_zone).astimezone(UTC)
    if not timedelta(0) < end - begin <= LONGEST:
        raise errors.InvalidInputError("`before` is not within 60 days after `after`.", "Correct the two times.")
    names = list(dict.fromkeys(one.strip() for one in calendars))
    if names == ["primary"]:
        times, refused = {"primary": await own_busy_times(begin, end)}, dict[str, str]()
    else:
        await work_only(api, "see when other people are free")
        own = (await account(api)).address if "primary" in names else ""
        times, refused = await busy_times([own if one == "primary" else one for one in names], begin, end)
    unreadable = [f"{name}: {reason}" for name, reason in refused.items()]
    if unreadable and not times:
        raise errors.NotFoundError(
            f"None of the calendars can be read ({unreadable[0]}).",
            "Check the addresses, or ask their owners to share their free and busy times.",
        )
    stretches = slots.free(
        begin,
        end,
        [(one.start, one.end) for busy in times.values() for one in busy],
        length=timedelta(minutes=minutes),
        zone=searched_zone,
        hours=slots.working_hours(hours),
        weekends=weekends,
    )
    free = [Free(start=a.isoformat(), end=b.isoformat(), utc=f"{to_utc(a)}/{to_utc(b)}") for a, b in stretches]
    more_after = free[MOST].start if len(free) > MOST else None
    return Availability(free=free[:MOST], unreadable=unreadable, more_after=more_after)


async def busy_times(
    addresses: Sequence[str], begin: datetime, end: datetime
) -> tuple[dict[str, list[Busy]], dict[str, str]]:
    """Return when people and rooms are busy, by address, and of those that cannot be read the reason."""
    times, unreadable = dict[str, list[Busy]](), dict[str, str]()
    utc = ZoneInfo("UTC")
    for first in range(0, len(addresses), AT_ONCE):
        body = {
            "schedules": list(addresses[first : first + AT_ONCE]),
            "startTime": event_time(begin, utc),
            "endTime": event_time(end, utc),
            "availabilityViewInterval": 30,
        }
        at = f"{owner(api)}/calendar/getSchedule"
        answer = await api.post(at, json=body, reads=True, headers=prefer(utc))
        for row in api.rows_in(answer, "value"):
            name, problem = str(row.get("scheduleId") or ""), row.get("error")
            if isinstance(problem, dict):
                unreadable[name] = errors.excerpt(problem.get("responseCode") or problem.get("message") or "error", 80)
            elif name:
                rows = api.rows_in(row, "scheduleItems", missing=True)
                times[name] = [one for one in readable(Busy, rows) if one.counts]
    return times, unreadable


async def own_busy_times(begin: datetime, end: datetime) -> list[Busy]:
    """Return when the account itself is busy, from its events: a personal account has no schedule to ask for."""
    params: dict[str, Any] = {
        "startDateTime": to_utc(begin),
        "endDateTime": to_utc(end),
        "$select": "id,start,end,isAllDay,isCancelled,showAs,responseStatus",
        "$top": 200,
        "$skip": 0,
    }
    headers, busy = prefer(await mailbox_zone()), list[Busy]()
    while True:
        answer = await api.get(f"{owner(api)}/calendarView", params=params, headers=headers)
        rows = api.rows_in(answer, "value", missing=True)
        busy += [one for one in readable(Busy, [row for row in rows if not _left(row)]) if one.counts]
        if not rows or not answer.get("@odata.nextLink"):
            return busy
        params["$skip"] += len(rows)


def _left(row: dict[str, Any]) -> bool:
    answer = row.get("responseStatus")
    return bool(row.get("isCancelled")) or (isinstance(answer, dict) and answer.get("response") == "declined")


@tools.reads(
    scopes=[f"{SHARED} {one}" for one in READ],
    search="proposer un créneau meilleur moment trouver une date de réunion à plusieurs",
    examples=["quand peut-on se voir à trois la semaine prochaine", "suggest a time for a call with Paul and Marie"],
)
async def get_meeting_times(
    guests: Annotated[
        Addresses, Field(description="Who must come, beside the account.", examples=[["p@atelier.example"]])
    ],
    after: Annotated[When, Field(description="First time or day to search.", examples=["2030-06-03"])],
    before: Annotated[When, Field(description="End of the search; a day is included.", examples=["2030-06-07"])],
    minutes: Annotated[int, Field(ge=15, le=1440, description="Length of the meeting in minutes.")] = 30,
    optional_guests: Annotated[Addresses | None, Field(description="Who may be missing: a@b.c.")] = None,
    minimum: Annotated[int, Field(ge=0, le=100, description="Percent of the people who must be free.")] = 100,
    limit: Annotated[int, Field(ge=1, le=20, description="How many times to propose.")] = 5,
) -> Suggestions:
    """Have Outlook propose times for a meeting with colleagues, best first, within the account's working hours.

    Each has a confidence and who is not free. Where nobody needs to be weighed, outlook_check_availability lists all
    free time. Nothing is booked: use outlook_create_event. It needs a work account.
    """
    if app_only(api):
        raise errors.PermissionDeniedError(
            "Outlook proposes times to a user only, and here the app acts by itself.",
            "Use outlook_check_availability, or connect an account by consent.",
        )
    await work_only(api, "have meeting times proposed")
    own = await mailbox_zone()
    begin, end = after.at(own), before.end(own)
    if not begin < end:
        raise errors.InvalidInputError("`before` is not after `after`.", "Correct one of them.")
    people = [attendee(one) for one in guests] + [attendee(one, "optional") for one in optional_guests or ()]
    body = {
        "attendees": people,
        "timeConstraint": {
            "activityDomain": "work",
            "timeSlots": [{"start": event_time(begin, own), "end": event_time(end, own)}],
        },
        "meetingDuration": f"PT{minutes}M",
        "maxCandidates": limit,
        "minimumAttendeePercentage": minimum,
        "returnSuggestionReasons": True,
    }
    answer = await api.post(f"{owner(api)}/findMeetingTimes", json=body, reads=True, headers=prefer(own))
    rows = api.rows_in(answer, "meetingTimeSuggestions", missing=True)
    times = readable(Suggestion, [_suggestion(row) for row in rows])
    reason = str(answer.get("emptySuggestionsReason") or "unknown")
    return Suggestions(times=times, why_none=None if times else WHY_NONE.get(reason, f"Outlook says {reason}."))


def _suggestion(row: dict[str, Any]) -> dict[str, Any]:
    """Return a suggestion of the API as it is shown, {} for one without a time."""
    slot = row.get("meetingTimeSlot")
    if not (isinstance(slot, dict) and isinstance(slot.get("start"), dict) and isinstance(slot.get("end"), dict)):
        return {}
    begin, end = time_of(slot["start"]), time_of(slot["end"])
    return {
        "start": begin.isoformat(),
        "end": end.isoformat(),
        "utc": f"{to_utc(begin)}/{to_utc(end)}",
        "confidence": row.get("confidence"),
        "reason": row.get("suggestionReason") or None,
        "not_free": [name for one in row.get("attendeeAvailability") or () if (name := _not_free(one))],
    }


def _not_free(one: Any) -> str:
    if not isinstance(one, dict) or one.get("availability") in (None, "free"):
        return ""
    person = one.get("attendee") if isinstance(one.get("attendee"), dict) else {}
    email = (person or {}).get("emailAddress")
    return f"{email.get('address')} {one['availability']}" if isinstance(email, dict) else ""
