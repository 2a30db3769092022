"""Changing and cancelling events, and series of them.

https://learn.microsoft.com/graph/api/event-update
https://learn.microsoft.com/graph/api/event-cancel
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import Addresses, Toolset, When, confirm, errors, will_ask
from flotilla.parsing import Moment, shown

from ..bodies import (
    attendee,
    changed_guests,
    day_of,
    described,
    key_of,
    moved,
    room_guests,
    room_places,
    times,
    without_meeting,
)
from ..client import WRITE, api, mailbox_zone, path, place, prefer, standing_event
from ..models import Booked, Cancelled, guests_of, moment_of, own_zone
from ..recurrence import continued, ended, endless, recurrence_of, shifted
from ..series import COPIED, Part, counted, number, part_of, wall
from .events import (
    Categories,
    Comment,
    Description,
    EventId,
    Location,
    Private,
    Reminder,
    Rooms,
    Rules,
    ShowAs,
    Zone,
    ask,
    booked,
    details,
    notice,
    notified,
    teams_link,
)
from .rooms import rooms_by_name

tools = Toolset("events")

SeriesScope = Annotated[
    Literal["this", "this_and_following", "all"],
    Field(description="Which occurrences of a series."),
]


@tools.writes(
    replaces=True,
    scopes=WRITE,
    search="déplacer décaler reporter modifier rendez-vous ajouter un invité visio teams série à partir de",
    examples=[
        "décale le point hebdo à 15 h à partir de la semaine prochaine",
        "add a Teams link to tomorrow's meeting",
    ],
)
async def update_event(
    event: EventId,
    scope: SeriesScope = "this",
    title: Annotated[str | None, Field(description="The new title.")] = None,
    start: Annotated[When | None, Field(description="New start; the length stays.")] = None,
    end: Annotated[When | None, Field(description="New end or last day.")] = None,
    timezone: Zone = None,
    location: Location = None,
    description: Description = None,
    recurrence: Rules = None,
    teams: Annotated[bool, Field(description="Add a Teams link.")] = False,
    rooms: Rooms = None,
    reminder: Reminder = None,
    private: Private = None,
    show_as: ShowAs = None,
    categories: Categories = None,
    add_guests: Annotated[Addresses | None, Field(description="Guests to add.")] = None,
    remove_guests: Annotated[Addresses | None, Field(description="Whom to take off.")] = None,
) -> Booked:
    """Move or change an event; what is left out stays. Guests get an e-mail.

    Of what repeats, pass the id of one occurrence, and `scope`: this_and_following makes a series with a new id. The
    user is asked before a series is moved.
    """
    old = await standing_event(event)
    part = await part_of(event, old, scope)
    base = part.series if part else old
    _must_organize(base)
    body: dict[str, Any] = {
        "subject": title,
        "location": {"displayName": location} if location is not None else None,
        "body": described(description, base) if description is not None else None,
        **await details(private, show_as, reminder, categories),
    }
    if teams and not base.get("isOnlineMeeting"):
        body |= await teams_link()
    if add_guests or remove_guests or rooms:
        known = {key_of(one) for one in guests_of(base)}
        new = [address for address in add_guests or () if address.key not in known]
        added = [attendee(one) for one in new]
        if rooms:
            chosen = await rooms_by_name(rooms)
            added += room_guests(chosen)
            body["locations"] = [*room_places(chosen), *([body.pop("location")] if location else [])]
        await ask(new, f"Invite to «{errors.excerpt(base.get('subject') or '', 80)}»")
        body["attendees"] = changed_guests(base.get("attendees") or (), added, remove_guests or ())
    body = {key: value for key, value in body.items() if value is not None}
    if not (body or start or end or recurrence):
        hint = "`timezone` only says how `start` and `end` are read. " if timezone else ""
        raise errors.InvalidInputError("There is nothing to change.", f"{hint}Pass at least one new value.")
    mailbox = await mailbox_zone()
    read_in = ZoneInfo(timezone) if timezone else mailbox
    own = ZoneInfo(timezone) if timezone else own_zone(base, mailbox)
    span = moved(old, start, end, read_in) if start or end else None
    if part:
        return await _update_series(part, body, span, recurrence, own)
    if recurrence and old.get("seriesMasterId"):
        raise errors.InvalidInputError("One occurrence cannot repeat by itself.", "Pass `scope` too.")
    begins = span[0] if span else moment_of(old, "start")
    if recurrence:
        body["recurrence"] = recurrence_of(recurrence, day_of(begins, own), own)
    answer = await _patched(event, old, {**body, **(times(*span, own) if span else {})})
    return booked(answer, event)


def _must_organize(event: dict[str, Any]) -> None:
    """Raise errors.InvalidInputError for a meeting of somebody else: Outlook would change the own copy alone."""
    if event.get("isOrganizer") is False:
        raise errors.InvalidInputError(
            "Somebody else organizes this meeting, and only the organizer can change or cancel it.",
            "Answer with outlook_respond_to_invitation, which can propose another time.",
        )


async def _update_series(
    part: Part, body: dict[str, Any], span: tuple[Moment, Moment] | None, rule: str | None, own: ZoneInfo
) -> Booked:
    """Change a whole series, or let another one go on with what is changed."""
    zone = part.zone
    begins, ends = span or (moment_of(part.series, "start"), moment_of(part.series, "end"))
    if span and isinstance(begins, datetime) is not isinstance(part.start, datetime):
        raise errors.InvalidInputError(
            "A series cannot change from days to times or back.", "Book a new one with outlook_create_event."
        )
    old_wall = wall(part.start, zone)
    shift = wall(begins, zone) - old_wall if span else timedelta()
    days = ((old_wall + shift).date() - old_wall.date()).days
    length = wall(ends, zone) - wall(begins, zone)
    past = any(one.past for one in part.standing(later=False))
    if part.named and days and past:
        raise errors.InvalidInputError(
            f"The series began on {shown(part.start, zone)}: a start on another day would change what is past.",
            "Pass the id of the occurrence to move, from outlook_list_events, with scope=this_and_following or all.",
        )
    if span or rule or part.following:
        await confirm(_series_question(part, begins, shift, days, rule))
    if not part.following:
        first = wall(moment_of(part.series, "start"), zone) + shift
        if span:
            body |= _span(part.series, first, first + length, zone, own)
        if rule:
            body["recurrence"] = recurrence_of(rule, first.date(), zone)
        elif days:
            body["recurrence"] = shifted(part.recurrence, first.date(), days)
        return booked(await _patched(part.id, part.series, body), part.id)
    return await _continue_series(part, body, old_wall + shift, length, days, rule, own)


async def _continue_series(
    part: Part, body: dict[str, Any], first: datetime, length: timedelta, days: int, rule: str | None, own: ZoneInfo
) -> Booked:
    """Let a new series go on with what is changed, and end the old one before it."""
    zone, later = part.zone, part.standing(later=True)
    last = None if endless(part.recurrence) else wall(later[-1].slot, zone).date()
    recurrence = (
        recurrence_of(rule, first.date(), zone) if rule else continued(part.recurrence, first.date(), last, days)
    )
    go_on = {
        **{key: part.series[key] for key in COPIED if part.series.get(key) is not None},
        "body": without_meeting(part.series.get("body")),
        "attendees": changed_guests(part.series.get("attendees") or (), (), ()),
        **(
            {"isOnlineMeeting": True, "onlineMeetingProvider": part.series.get("onlineMeetingProvider")}
            if part.series.get("isOnlineMeeting")
            else {}
        ),
        **body,
        **_span(part.series, first, first + length, zone, own),
        "recurrence": recurrence,
    }
    if "location" in body:
        go_on.pop("locations", None)  # which would win
    rest = {"recurrence": ended(part.recurrence, wall(part.start, zone).date() - timedelta(days=1))}
    api.follows("PATCH", path(part.id), json=rest)
    begin = wall(part.start, zone).date()
    gone = [] if rule else [day + timedelta(days=days) for day in part.cancelled if day >= begin]
    for _ in gone:
        api.follows("DELETE", f"{place(part.id)}/events/{{occurrence}}")
    # First what comes, then the end of what was: if a later step fails, nothing is lost.
    answer = await api.post(f"{place(part.id)}/events", json=go_on, headers=prefer(part.mailbox))
    result = booked(answer, part.id)
    await _patched(part.id, part.series, rest)
    await _cancel_days(result.id, gone)
    result.earlier = part.id
    return result


async def _cancel_days(series: str, days: list[date]) -> None:
    """Take occurrences off a new series whose days were cancelled in the old one."""
    for day in days:
        params = {
            "startDateTime": f"{day - timedelta(days=1)}T00:00:00Z",
            "endDateTime": f"{day + timedelta(days=2)}T00:00:00Z",
        }
        answer = await api.get(f"{path(series)}/instances", params=params, headers=prefer(await mailbox_zone()))
        for one in api.rows_in(answer, "value", missing=True):
            if one.get("id") and str(one["start"]["dateTime"]).startswith(day.isoformat()):
                await api.delete(f"{place(series)}/events/{one['id']}")


def _series_question(part: Part, begins: Moment, shift: timedelta, days: int, rule: str | None) -> str:
    standing = part.standing(later=part.following)
    first = shown(part.start, part.zone)
    subject = f"«{part.name}» from {first} on" if part.following else f"the whole series «{part.name}»"
    count = number(standing) if part.following else counted(standing)
    if endless(part.recurrence):
        count = "all occurrences"
    sentences = [f"{'Move' if shift else 'Change'} {subject}, {count}?"]
    if rule:
        sentences.append(f"It then repeats by {rule.strip()}.")
    if shift and part.following:
        sentences.append(f"The first of these is then at {shown(begins, part.zone)}.")
    elif shift:
        clock = [f"at {wall(begins, part.zone):%H:%M}"] if isinstance(begins, datetime) else []
        moved_days = [f"moved by {days} day{'' if abs(days) == 1 else 's'}"] if days else []
        sentences.append(f"Each is then {', '.join([*clock, *moved_days])}.")
    if changed := sum(one.changed for one in standing):
        sentences.append(f"What was changed in {changed} of them alone may be lost.")
    if part.following:
        sentences.append("The earlier ones stay as they are.")
    if part.following and part.series.get("hasAttachments"):
        sentences.append("The attached files stay with them.")
    return " ".join([*sentences, notice(part.series)]).strip()


def _span(series: dict[str, Any], begins: datetime, ends: datetime, zone: ZoneInfo, own: ZoneInfo) -> dict[str, Any]:
    """Return start and end of a series by the clock on the wall, as the API takes them."""
    if series.get("isAllDay"):
        return times(begins.date(), ends.date(), own)
    return times(begins.replace(tzinfo=zone), ends.replace(tzinfo=zone), own)


async def _patched(event: str, old: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    headers = prefer(await mailbox_zone())
    if old.get("@odata.etag"):
        headers["If-Match"] = old["@odata.etag"]
    return await api.patch(path(event), json=body, headers=headers)


@tools.destroys(
    asks=True,
    scopes=WRITE,
    idempotent=True,
    search="annuler supprimer rendez-vous réunion prévenir arrêter la série hebdomadaire",
    examples=["annule la réunion de mardi et dis que je suis malade", "stop the weekly meeting after June"],
)
async def cancel_event(event: EventId, scope: SeriesScope = "this", comment: Comment = None) -> Cancelled:
    """Cancel an event, after the user agreed; its guests get an e-mail with `comment`. It cannot be undone.

    Of what repeats, pass the id of one occurrence, and `scope`; `all` leaves the past. To decline an invitation, use
    outlook_respond_to_invitation.
    """
    old = await standing_event(event)
    _must_organize(old)
    part = await part_of(event, old, scope)
    if part:
        return await _cancel_series(part, comment)
    name = errors.excerpt(old.get("subject") or "", 80)
    if will_ask():
        start = shown(moment_of(old, "start"), await mailbox_zone())
        question = f"Cancel «{name}» of {start}?"
        if old.get("seriesMasterId"):
            question = f"Cancel the one occurrence of «{name}» of {start}? The rest of the series stays."
        await confirm(f"{question} {notice(old)}".strip())
    await _gone(event, old, comment)
    return Cancelled(cancelled=event, notified=notified(old))


async def _gone(event: str, raw: dict[str, Any], comment: str | None) -> None:
    """Cancel what has guests, with a word to them, and delete what has none."""
    if guests_of(raw):
        await api.send("POST", f"{path(event)}/cancel", json={"comment": comment})
    else:
        await api.delete(path(event))


async def _cancel_series(part: Part, comment: str | None) -> Cancelled:
    """Cancel what of a series is meant; what is past stays, unless it was named."""
    standing = part.standing(later=False)
    gone = part.standing(later=True) if part.following else [one for one in standing if not one.past]
    if not gone:
        raise errors.InvalidInputError("Every occurrence of this series is past.", "The user can delete it in Outlook.")
    first, stay = gone[0].slot, len(standing) - len(gone)
    begins = shown(first, part.zone)
    count = "all occurrences" if endless(part.recurrence) else number(gone)
    if stay:
        stays = "The 1 earlier one stays." if stay == 1 else f"The {stay} earlier ones stay."
        word = " Outlook sends no word of yours with it." if comment and guests_of(part.series) else ""
        question = f"Cancel «{part.name}» from {begins} on, {count}? {stays}{word}"
    else:
        question = f"Cancel the whole series «{part.name}» from {begins} on, {count}?"
    await confirm(f"{question} {notice(part.series)}".strip())
    if stay:
        last = wall(first, part.zone).date() - timedelta(days=1)
        await _patched(part.id, part.series, {"recurrence": ended(part.recurrence, last)})
    else:
        await _gone(part.id, part.series, comment)
    return Cancelled(cancelled=part.id, from_start=begins, notified=notified(part.series))
