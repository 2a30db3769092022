"""Changing and cancelling events, and series of them.

https://developers.google.com/workspace/calendar/api/guides/recurringevents
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import Addresses, Toolset, When, confirm, errors, segment, will_ask
from flotilla.parsing import Moment, shown

from ..bodies import changed_guests, checked_rules, event_time, moved, reminding
from ..client import WRITE, api, calendar_of, path, standing_event, with_calendar, zone_of
from ..models import Booked, Cancelled, guests_of, moment_of
from ..series import COPIED, Occurrence, Shift, continued, counted, ended, occurrences, shifted, wall, zone_of_series
from .events import (
    NOTIFY,
    WITH_LINK,
    Description,
    EventId,
    Location,
    Reminders,
    Rules,
    Updates,
    Visibility,
    Zone,
    ask,
    booked,
    meet_link,
    notice,
    notified,
)

tools = Toolset("events")

SeriesScope = Annotated[
    Literal["this", "this_and_following", "all"],
    Field(description="Which occurrences of a series."),
]


@tools.writes(
    replaces=True,
    scopes=WRITE,
    search=(
        "déplacer décaler reporter modifier rendez-vous ajouter un invité visio série hebdomadaire à partir "
        "de repousse avance décale change heure changer salle renommer rallonger raccourcir ajoute quelqu'un "
        "réunion postpone push back reschedule bring forward time room rename extend add guest meeting plutôt "
        "instead durée raccourcis later earlier tard tôt changement move"
    ),
    examples=[
        "décale le point hebdo à 15 h à partir de la semaine prochaine",
        "add a Meet link to tomorrow's meeting",
        "repousse mon rendez-vous de deux heures",
        "avance la réunion à 9 h",
        "mets le dentiste à jeudi plutôt",
        "change la salle de la réunion de demain",
        "ajoute ma collègue à l'invitation",
        "push the call back an hour",
        "reschedule Monday's meeting to Wednesday",
        "make it 45 minutes instead of an hour",
        "invite one more person to the standup",
        "bring the appointment forward to ten",
        "mets-la plutôt à 16 h",
    ],
)
async def update_event(
    event: EventId,
    scope: SeriesScope = "this",
    title: Annotated[str | None, Field(description="The new title.")] = None,
    start: Annotated[When | None, Field(description="New start; the length stays.")] = None,
    end: Annotated[When | None, Field(description="New end, or the last day.")] = None,
    timezone: Zone = None,
    location: Location = None,
    description: Description = None,
    recurrence: Rules = None,
    meet: Annotated[bool, Field(description="Add a Google Meet link.")] = False,
    reminders: Reminders = None,
    visibility: Visibility = None,
    add_guests: Annotated[Addresses | None, Field(description="Guests to add.")] = None,
    remove_guests: Annotated[Addresses | None, Field(description="Guests to take off.")] = None,
    send_updates: Updates = "all",
) -> Booked:
    """Move or change an event; what is left out stays. Guests get an e-mail.

    Of what repeats, pass the id of one occurrence, and `scope`: this_and_following makes a series with a new id, and
    leaves the earlier ones. The user is asked before a series is moved.
    """
    old = await standing_event(event)
    part = await _part(event, old, scope)
    base = part.series if part else old
    name = errors.excerpt(base.get("summary") or "", 80)
    body: dict[str, Any] = {
        "summary": title,
        "location": location,
        "description": description,
        "visibility": visibility,
        "reminders": reminding(reminders),
        "conferenceData": meet_link(event, base.get("etag")) if meet else None,
    }
    zone = await _zone_to_read(event, old, start, end, timezone) if start or end else None
    rules = checked_rules((recurrence or "").splitlines())
    if rules and not timezone and not old["start"].get("timeZone"):
        timezone = (await zone_of(calendar_of(event))).key  # what repeats needs one
    times = moved(old, start, end, zone, timezone) if start or end else {}
    if add_guests or remove_guests:
        known = {str(one["email"]).casefold() for one in guests_of(base)}
        new = [address for address in add_guests or () if address.key not in known]
        await ask(new, f"Invite to «{name}»", send_updates)
        body["attendees"] = changed_guests(base.get("attendees") or (), new, remove_guests or ())
    body = {key: value for key, value in body.items() if value is not None}
    if not (body or times or rules):
        hint = "`timezone` only says how `start` and `end` are read. " if timezone else ""
        raise errors.InvalidInputError("There is nothing to change.", f"{hint}Pass at least one new value.")
    params = {"sendUpdates": NOTIFY[send_updates], **(WITH_LINK if meet else {})}
    if part:
        return await _update_series(part, body, times, rules, params, send_updates)
    if rules and old.get("recurringEventId"):
        raise errors.InvalidInputError("One occurrence cannot repeat by itself.", "Pass `scope` too.")
    if rules:
        body |= {"recurrence": rules, **_in_zone(old, timezone)}
    answer = await _patched(event, old, {**body, **times}, params)
    return booked(answer, calendar_of(event), send_updates)


@dataclass(frozen=True)
class Part:
    """What a change of a series is about: all of it, or what begins with the slot `start`."""

    id: str
    series: dict[str, Any]
    start: Moment  # the slot of the occurrence that was named; of a series that was named, its first one
    slots: list[Occurrence]
    following: bool
    named: bool  # the series itself was named, and no occurrence

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that it repeats in."""
        return zone_of_series(self.series)

    @property
    def name(self) -> str:
        """The title, as a question says it."""
        return errors.excerpt(self.series.get("summary") or "", 80)

    def standing(self, *, later: bool) -> list[Occurrence]:
        """Return the occurrences that stand: from `start` on, or all."""
        first = wall(self.start, self.zone)
        return [one for one in self.slots if not one.cancelled and (not later or wall(one.slot, self.zone) >= first)]


async def _part(event: str, old: dict[str, Any], scope: str) -> Part | None:
    """Return what of a series is meant; None where it is one event alone."""
    named = bool(old.get("recurrence"))
    if not named and (scope == "this" or not old.get("recurringEventId")):
        return None
    if named and scope == "this_and_following":
        raise errors.InvalidInputError(
            "This is the id of a whole series, which does not say from which occurrence on.",
            "Pass the id of that occurrence, from gcal_list_events.",
        )
    series_id = event if named else with_calendar(old, calendar_of(event))["recurringEventId"]
    series = old if named else await standing_event(series_id)
    start = moment_of(series["start"] if named else old.get("originalStartTime") or old["start"])
    slots = await occurrences(series_id)
    earlier = any(wall(one.slot, zone_of_series(series)) < wall(start, zone_of_series(series)) for one in slots)
    return Part(series_id, series, start, slots, scope == "this_and_following" and earlier, named)


async def _update_series(
    part: Part, body: dict[str, Any], times: dict[str, Any], rules: list[str], params: dict[str, Any], updates: str
) -> Booked:
    """Change a whole series, or let another one go on with what is changed."""
    lines, zone = list(part.series.get("recurrence") or ()), part.zone
    begins, ends = (moment_of(times[side] if times else part.series[side]) for side in ("start", "end"))
    if times and isinstance(begins, datetime) is not isinstance(part.start, datetime):
        raise errors.InvalidInputError(
            "A series cannot change from days to times or back.", "Book a new one with gcal_create_event."
        )
    shift = Shift.between(wall(part.start, zone), wall(begins, zone)) if times else Shift()
    length = wall(ends, zone) - wall(begins, zone)
    past = any(one.past for one in part.standing(later=False))
    if part.named and shift.days and past:
        raise errors.InvalidInputError(
            f"The series began on {shown(part.start, zone)}: a start on another day would change what is past.",
            "Pass the id of the occurrence to move, from gcal_list_events, with scope=this_and_following or all.",
        )
    if times or rules:
        await confirm(_series_question(part, begins, shift, rules))
    if not part.following:
        first = wall(moment_of(part.series["start"]), zone) + shift.by
        body |= _span(part.series, first, first + length, zone) if times else {}
        body |= {"recurrence": rules or shifted(lines, shift)} if rules or times else {}
        answer = await _patched(part.id, part.series, body, params)
        return booked(answer, calendar_of(part.id), updates)
    first = wall(part.start, zone) + shift.by
    go_on = {
        **{key: part.series[key] for key in COPIED if key in part.series},
        **_conference(part.series),
        **body,
        **_span(part.series, first, first + length, zone),
        "recurrence": rules or continued(lines, part.slots, part.start, shift, zone),
    }
    go_on["attendees"] = changed_guests(go_on.get("attendees") or (), (), ()) or None
    rest = {"recurrence": ended(lines, part.start, zone)}
    query = "&".join(f"{key}={value}" for key, value in params.items() if key == "sendUpdates")
    api.follows("PATCH", f"{path(part.id)}?{query}", json=rest)
    # First what comes, then the end of what was: if the second step fails, nothing is lost.
    more = {**params, **WITH_LINK, **({"supportsAttachments": "true"} if "attachments" in go_on else {})}
    answer = await api.post(f"/calendars/{segment(calendar_of(part.id))}/events", params=more, json=go_on)
    await _patched(part.id, part.series, rest, {"sendUpdates": params["sendUpdates"]})
    result = booked(answer, calendar_of(part.id), updates)
    result.earlier = part.id
    return result


def _series_question(part: Part, begins: Moment, shift: Shift, rules: list[str]) -> str:
    standing = part.standing(later=part.following)
    first = shown(part.start, part.zone)
    subject = f"«{part.name}» from {first} on" if part.following else f"the whole series «{part.name}»"
    number = _number(standing) if part.following else counted(standing)
    sentences = [f"{'Move' if shift.by else 'Change'} {subject}, {number}?"]
    if rules:
        sentences.append(f"It then repeats by {'; '.join(rules)}.")
    if shift.by and part.following:
        sentences.append(f"The first of these is then at {shown(begins, part.zone)}.")
    elif shift.by:
        clock = [f"at {wall(begins, part.zone):%H:%M}"] if isinstance(begins, datetime) else []
        days = [f"moved by {shift.days} day{'' if abs(shift.days) == 1 else 's'}"] if shift.days else []
        sentences.append(f"Each is then {', '.join([*clock, *days])}.")
    if changed := sum(one.changed for one in standing):
        sentences.append(f"What was changed in {changed} of them alone may be lost.")
    if part.following:
        sentences.append("The earlier ones stay as they are.")
    return " ".join(sentences)


def _stays(number: int) -> str:
    return "The 1 earlier one stays." if number == 1 else f"The {number} earlier ones stay."


def _number(slots: Sequence[Occurrence]) -> str:
    return f"{len(slots)} occurrence{'' if len(slots) == 1 else 's'}"


def _span(series: dict[str, Any], begins: datetime, ends: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """Return start and end of a series by the clock on the wall, as the API takes them."""
    if series["start"].get("date"):
        return {"start": event_time(begins.date(), None), "end": event_time(ends.date(), None)}
    times = {"start": begins.replace(tzinfo=zone), "end": ends.replace(tzinfo=zone)}
    return {side: event_time(moment, zone.key) for side, moment in times.items()}


def _in_zone(old: dict[str, Any], timezone: str | None) -> dict[str, Any]:
    """Return start and end of an event with the time zone that what repeats needs."""
    zone = timezone or old["start"].get("timeZone")
    return {side: event_time(moment_of(old[side]), zone) for side in ("start", "end")}


def _conference(series: dict[str, Any]) -> dict[str, Any]:
    """Return the video link of a series for another one: Google warns of one Meet link in two events."""
    conference = series.get("conferenceData")
    if series.get("hangoutLink"):
        return {"conferenceData": meet_link(series.get("id"), series.get("etag"))}
    return {"conferenceData": conference} if isinstance(conference, dict) else {}


async def _patched(event: str, old: dict[str, Any], body: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    headers = {"If-Match": old["etag"]} if old.get("etag") else {}
    return await api.patch(path(event), params=params, json=body, headers=headers)


async def _zone_to_read(
    event: str, old: dict[str, Any], start: When | None, end: When | None, timezone: str | None
) -> ZoneInfo | None:
    """Return the zone in which new times are read.

    The calendar's, in which the event is listed, not the event's own.
    """
    if timezone:
        return ZoneInfo(timezone)
    local = any(when and when.is_local for when in (start, end))
    becomes_timed = bool(start and not start.is_day and old["start"].get("date"))
    return await zone_of(calendar_of(event)) if local or becomes_timed else None


@tools.destroys(
    asks=True,
    scopes=WRITE,
    idempotent=True,
    search=(
        "annuler supprimer rendez-vous réunion arrêter la série hebdomadaire enlève retire agenda laisse "
        "tomber lieu supprime efface rdv call off drop delete remove scrap take calendar longer happening "
        "annule"
    ),
    examples=[
        "annule la réunion de mardi",
        "stop the weekly meeting after June",
        "supprime mon rdv de demain",
        "la réunion n'a plus lieu, enlève-la",
        "annule le dentiste",
        "retire ce point de mon agenda",
        "arrête le point hebdo, on n'en fait plus",
        "call off tomorrow's meeting",
        "take that off my calendar",
        "scrap the lunch on Friday",
        "delete the appointment",
        "we don't need the weekly call any more",
    ],
)
async def cancel_event(event: EventId, scope: SeriesScope = "this", send_updates: Updates = "all") -> Cancelled:
    """Cancel an event, after the user agreed; its guests get an e-mail. It cannot be undone.

    Of what repeats, pass the id of one occurrence, and `scope`; `all` leaves what is past. To move an event, use
    gcal_update_event; to decline an invitation, gcal_respond_to_invitation.
    """
    old = await standing_event(event)
    part = await _part(event, old, scope)
    if part:
        return await _cancel_series(part, send_updates)
    name = errors.excerpt(old.get("summary") or "", 80)
    if will_ask():
        start = shown(moment_of(old["start"]), await zone_of(calendar_of(event)))
        question = f"Cancel «{name}» of {start}?"
        if old.get("recurringEventId"):
            question = f"Cancel the one occurrence of «{name}» of {start}? The rest of the series stays."
        await confirm(f"{question} {notice(old, send_updates)}".strip())
    await api.delete(path(event), params={"sendUpdates": NOTIFY[send_updates]})
    return Cancelled(cancelled=event, notified=notified(old, send_updates))


async def _cancel_series(part: Part, send_updates: str) -> Cancelled:
    """Cancel what of a series is meant; what is past stays, unless it was named."""
    standing = part.standing(later=False)
    gone = part.standing(later=True) if part.following else [one for one in standing if not one.past]
    if not gone:
        raise errors.InvalidInputError(
            "Every occurrence of this series is past.", "The user can delete past ones in Google Calendar."
        )
    first, stay = gone[0].slot, len(standing) - len(gone)
    begins = shown(first, part.zone)
    endless = not any("COUNT=" in line or "UNTIL=" in line for line in part.series.get("recurrence") or ())
    number = "all occurrences" if endless else _number(gone)
    if stay:
        question = f"Cancel «{part.name}» from {begins} on, {number}? {_stays(stay)}"
    else:
        question = f"Cancel the whole series «{part.name}» from {begins} on, {number}?"
    await confirm(f"{question} {notice(part.series, send_updates)}".strip())
    params = {"sendUpdates": NOTIFY[send_updates]}
    if stay:
        rest = {"recurrence": ended(part.series.get("recurrence") or (), first, part.zone)}
        await _patched(part.id, part.series, rest, params)
    else:
        await api.delete(path(part.id), params=params)
    return Cancelled(cancelled=part.id, from_start=begins, notified=notified(part.series, send_updates))
