"""Bookings: result, made, moved, confirmed, cancelled. https://cal.com/docs/api-reference/v2/bookings"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import (
    Address,
    Addresses,
    Cursor,
    Limit,
    Page,
    Phone,
    TimeZone,
    Toolset,
    When,
    confirm,
    confirm_recipients,
    errors,
    settings_of,
    sliced,
)
from flotilla.parsing import listed, looks_like_phone, period, shown, to_utc

from ..booking import (
    FormAnswer,
    answers_of,
    check_free,
    check_length,
    location_of,
    same_booking,
    start_of,
)
from ..client import api, booking_path, integration
from ..lookup import (
    BookingRef,
    EventTypeRef,
    Minutes,
    account,
    account_zone,
    all_within,
    booking_of,
    event_type_of,
    known_event_type,
    region,
    team_of,
    within,
    written_by,
)
from ..models import Attendee, Booked, Booking, NoShow

tools = Toolset("bookings")
READ = ["PROFILE_READ BOOKING_READ"]
WRITE = ["PROFILE_READ BOOKING_READ BOOKING_WRITE"]
BOOK = [
    "PROFILE_READ EVENT_TYPE_READ BOOKING_READ BOOKING_WRITE TEAM_PROFILE_READ TEAM_EVENT_TYPE_READ",
]
TOLERATED = ["PROFILE_READ EVENT_TYPE_READ BOOKING_READ BOOKING_WRITE"]
PAGES = 10  # of a hundred bookings, among which a phone number is looked for: Cal.com does not search by it
Start = Annotated[
    When,
    Field(description="Time of a free slot, from calcom_list_available_times.", examples=["2030-06-03T09:00:00+02:00"]),
]
Seat = Annotated[
    Address | None,
    Field(description="Only this attendee of a meeting with several seats, by e-mail address."),
]


@tools.writes(
    creates=True,
    asks=True,
    scopes=BOOK,
    tolerated=TOLERATED,
    search="réserver réserve prendre rendez-vous créneau inscrire caler fixer",
    examples=["Réserve un premier échange mardi à 14 h pour Jean Dupont.", "Book Marie a slot tomorrow at 10."],
)
async def book_event(
    event_type: EventTypeRef,
    start: Start,
    name: Annotated[str, Field(min_length=1, description="Full name of the attendee.", examples=["Jean Dupont"])],
    email: Annotated[
        Address | None,
        Field(description="E-mail address of the attendee, else their phone."),
    ] = None,
    phone: Annotated[Phone | None, Field(description="Phone number of the attendee.")] = None,
    timezone: Annotated[TimeZone | None, Field(description="IANA zone of the attendee.")] = None,
    minutes: Minutes = None,
    location: Annotated[
        str | None,
        Field(description="One of several places, or the attendee's own."),
    ] = None,
    answers: Annotated[list[FormAnswer] | None, Field(description="Answers for the booking form.")] = None,
    guests: Annotated[Addresses | None, Field(max_length=10, description="Addresses of further people.")] = None,
) -> Booked:
    """Book a free slot of an event type for somebody. Cal.com writes to the attendee and the guests at once.

    A time that is not free is refused. Questions and places stand in calcom_get_event_type. To let the attendee choose,
    use calcom_create_scheduling_link.
    """
    if not email and not phone:
        raise errors.InvalidInputError("Nobody can be written to.", "Pass the attendee's e-mail address or phone.")
    zone = await account_zone()
    begin = start_of(start, zone)
    kind = await event_type_of(event_type)
    check_length(kind, minutes)
    number, address = phone.e164(region()) if phone else None, email.address if email else None
    others = [one.address for one in guests or () if not email or one.key != email.key]
    attendee = {
        "name": name,
        "email": address,
        "phoneNumber": number,
        "timeZone": timezone or zone.key,
        "language": settings_of(integration).language,
    }
    body = {
        "eventTypeId": int(kind.id),
        "start": to_utc(begin),
        "attendee": {field: value for field, value in attendee.items() if value is not None},
        "lengthInMinutes": minutes,
        "location": location_of(kind, location, number),
        "bookingFieldsResponses": answers_of(kind.questions, answers or (), number),
        "guests": others or None,
    }
    if existing := await same_booking(kind, begin, address, number):
        raise errors.InvalidInputError(
            f"{address or number} has booked this time already; nothing was done.",
            f"Look at it with calcom_get_booking: {existing.uid}.",
        )
    await check_free(kind.id, begin, zone, minutes)
    people = [one for one in (address or number, *others) if one]
    if kind.repeats and kind.repeats > 1:
        await confirm(
            f"Book «{kind.name}» {kind.repeats} times, from {shown(begin, zone)} on, for {name}? "
            f"{', '.join(people)} will be notified."
        )
    else:
        await confirm_recipients(people, f"Book «{kind.name}» of {shown(begin, zone)} and send an e-mail")
    made = await api.data("POST", "/v2/bookings", json=body)
    return booked(made, people).within(zone)


def booked(made: Any, people: list[str]) -> Booked:
    """Return a booking as it stands now, or the first of a series."""
    first, *later = made if isinstance(made, list) and made else [made]
    further = [one["uid"] for one in later]
    known = first if isinstance(first, dict) else {}
    return Booked.model_validate({**known, "notified": people, "further": further})


@tools.reads(
    scopes=READ,
    search="réunions réservées agenda rendez-vous prévus qui vient semaine équipe client téléphone week team phone",
    examples=["Qu'est-ce que j'ai cette semaine ?", "Quand le 06 12 34 56 78 a-t-il rendez-vous ?"],
)
async def list_bookings(
    status: Annotated[
        Literal["upcoming", "unconfirmed", "past", "cancelled", "recurring"] | None,
        Field(description="Only these bookings; unconfirmed ones wait for an answer. All without it."),
    ] = None,
    attendee: Annotated[
        str | None,
        Field(
            min_length=1,
            description="E-mail address, name or phone number of somebody who booked.",
            examples=["jean.dupont@exemple.fr"],
        ),
    ] = None,
    event_type: Annotated[
        str | None, Field(description="Only of this event type, by its name or id of calcom_list_event_types.")
    ] = None,
    team: Annotated[str | None, Field(description="Only of the team with this name.")] = None,
    after: Annotated[When | None, Field(description="Only bookings that start on this day or time, or later.")] = None,
    before: Annotated[
        When | None, Field(description="Only bookings that end before this time; a day is included.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Booking]:
    """List booked meetings with their time, place, attendees and status, soonest first; past ones newest first.

    Times are read and shown in the user's own time zone; for today, pass the day as after and before. A phone number is
    looked for in the soonest thousand bookings, upcoming ones without a status.
    """
    zone = await account_zone()
    begin, end = period(after, before, zone, "after", "before")
    params: dict[str, Any] = {
        "status": status,
        "eventTypeId": (await event_type_of(event_type)).id if event_type else None,
        "teamId": (await team_of(team)).id if team else None,
        "afterStart": to_utc(begin) if begin else None,
        "beforeEnd": to_utc(end) if end else None,
        "sortStart": "desc" if status in ("past", "cancelled") else "asc",
    }
    if attendee and looks_like_phone(attendee):
        result = await _with_phone(Phone.read(attendee), {**params, "status": status or "upcoming"})
        return sliced(all_within(result, zone), limit, cursor)
    if attendee and "@" in attendee:
        params["attendeeEmail"] = Address.read(attendee).address
    elif attendee:
        params["attendeeName"] = attendee.strip()
    return within(await api.page("/v2/bookings", Booking, params=params, limit=limit, cursor=cursor), zone)


async def _with_phone(wanted: Phone, params: dict[str, Any]) -> list[Booking]:
    """Return the bookings of somebody with a phone number, among the first thousand."""
    wanted.e164(region())  # raises for anything but a number
    result: list[Booking] = []
    cursor: str | None = None
    for _ in range(PAGES):
        page = await api.page("/v2/bookings", Booking, params=params, limit=100, cursor=cursor)
        result += [one for one in page.items if written_by((person.phone for person in one.attendees), wanted)]
        cursor = page.next_cursor
        if not cursor:
            break
    return result


@tools.reads(scopes=READ, search="détail réunion rendez-vous lieu lien visio réponses formulaire")
async def get_booking(booking: BookingRef) -> Booking:
    """Get one booking: its time, place or video link, hosts, attendees with their answers, guests and status.

    Take the uid from calcom_list_bookings. A booking that was moved names the one that replaced it.
    """
    return await booking_of(booking)


@tools.destroys(
    asks=True,
    idempotent=False,
    scopes=BOOK,
    tolerated=TOLERATED,
    search="déplacer déplace reporter décaler avancer changer l'heure move postpone",
    examples=["Déplace le rendez-vous de Marie à vendredi 10 h.", "Move my call with Jean to Friday."],
)
async def reschedule_booking(
    booking: BookingRef,
    start: Start,
    reason: Annotated[
        str | None, Field(max_length=2_000, description="Why it is moved; the attendees read it.")
    ] = None,
    attendee: Seat = None,
) -> Booked:
    """Move a booking to another free slot. Cal.com replaces it by a new one with a new uid, and writes to everybody.

    The attendees, the place and the answers stay. Take the start from calcom_list_available_times, with the booking. To
    cancel without another time, use calcom_cancel_booking.
    """
    zone = await account_zone()
    begin = start_of(start, zone)
    old = await booking_of(booking)
    must_stand(old)
    if old.start_time == begin:
        raise errors.InvalidInputError("The booking is at this time already.", "Pass another time.")
    seat = seat_of(old, attendee, every=False)
    if old.event_type:
        kind = await known_event_type(old.event_type)
        length = int((old.end_time - old.start_time).total_seconds() // 60)
        await check_free(old.event_type, begin, zone, length if kind and kind.durations else None, old.uid)
    people = [str(attendee)] if attendee else people_of(old)
    await confirm(
        f"Move «{old.title}» from {shown(old.start_time, zone)} to {shown(begin, zone)}? "
        f"{listed(people)} will be notified."
    )
    body = {
        "start": to_utc(begin),
        "rescheduledBy": (
            await account()
        ).email,  # else a booking that needs confirming would have to be confirmed anew
        **({"seatUid": seat} if seat else {"reschedulingReason": reason}),
    }
    made = await api.data("POST", booking_path(old.uid, "reschedule"), json=body)
    return booked(made, people).within(zone)


@tools.destroys(
    asks=True,
    idempotent=False,
    scopes=WRITE,
    search="annuler annule rendez-vous réunion réservation série",
    examples=["Annule le rendez-vous de Jean demain.", "Cancel tomorrow's demo, I am ill."],
)
async def cancel_booking(
    booking: BookingRef,
    reason: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2_000,
            description="Why it is cancelled; the attendees read it, and Cal.com wants one.",
            examples=["Empêchement, merci de reprendre un créneau."],
        ),
    ],
    attendee: Seat = None,
    following: Annotated[bool, Field(description="True also cancels the later ones of a series.")] = False,
) -> Booked:
    """Cancel a booking; Cal.com writes to everybody who takes part. It cannot be undone.

    Take the uid from calcom_list_bookings. To move a meeting to another time, use calcom_reschedule_booking; to refuse
    one that waits for an answer, use calcom_respond_to_booking.
    """
    old = await booking_of(booking)
    must_stand(old)
    seat = seat_of(old, attendee, every=True)
    if following and not old.series:
        raise errors.InvalidInputError("This booking is not one of a series.", "Leave `following` out.")
    people, zone = [str(attendee)] if attendee else people_of(old), await account_zone()
    action = f"Cancel «{old.title}» of {shown(old.start_time, zone)}"
    more = " and the later ones of its series" if following else ""
    await confirm(f"{action}{more}? {listed(people)} will be notified.")
    body = {
        "cancellationReason": reason,
        **({"seatUid": seat} if seat else {}),
        **({"cancelSubsequentBookings": True} if following else {}),
    }
    return booked(await api.data("POST", booking_path(old.uid, "cancel"), json=body), people).within(zone)


@tools.writes(
    additive=False,
    asks=True,
    scopes=WRITE,
    search="confirmer accepter refuser décliner demande en attente valider approve accept decline pending",
    examples=["Accepte la demande de Jean.", "Decline the meeting request of tomorrow."],
)
async def respond_to_booking(
    booking: BookingRef,
    answer: Annotated[
        Literal["confirm", "decline"], Field(description="What the host answers to the request.", examples=["confirm"])
    ],
    reason: Annotated[
        str | None, Field(max_length=2_000, description="Why it is declined; the attendee reads it.")
    ] = None,
) -> Booked:
    """Confirm or decline a booking that waits for the host's answer; Cal.com writes to the attendee.

    calcom_list_bookings with the status unconfirmed finds them. Declining is asked about first and cannot be undone. A
    booking that is confirmed already is cancelled with calcom_cancel_booking.
    """
    old = await booking_of(booking)
    if old.status != "pending":
        raise errors.InvalidInputError(
            f"This booking is {old.status}, and waits for no answer; nothing was done.",
            "Look at it with calcom_get_booking.",
        )
    zone, people = await account_zone(), people_of(old)
    if answer == "confirm":
        if reason:
            raise errors.InvalidInputError("Cal.com sends no reason when it confirms.", "Leave the reason out.")
        done = await api.data("POST", booking_path(old.uid, "confirm"))
    else:
        await confirm(f"Decline «{old.title}» of {shown(old.start_time, zone)}? {listed(people)} will be notified.")
        done = await api.data("POST", booking_path(old.uid, "decline"), json={"reason": reason})
    return booked(done, people).within(zone)


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search="absent pas venu lapin finalement venu annuler l'absence undo",
    examples=["Jean n'est pas venu.", "Marie did show up after all."],
)
async def mark_no_show(
    booking: BookingRef,
    attendee: Annotated[
        Address | None, Field(description="E-mail address of the attendee; not needed where there is only one.")
    ] = None,
    undo: Annotated[bool, Field(description="True takes the mark back: the attendee did come.")] = False,
) -> NoShow:
    """Mark an attendee as a no-show after a meeting that they missed, or take that mark back with undo.

    The attendee is not notified. Take the uid from calcom_list_bookings; calcom_get_booking says who is marked.
    """
    old = await booking_of(booking)
    person = attendee_of(old, attendee)
    if not person.email:
        raise errors.InvalidInputError(
            "Cal.com marks attendees by their e-mail address, and this one has none.", "Ask the user to do it there."
        )
    body = {"attendees": [{"email": person.email, "absent": not undo}]}
    await api.send("POST", booking_path(old.uid, "mark-absent"), json=body)
    return NoShow(marked=not undo, attendee=person.email, booking=old.uid)


@tools.writes(
    creates=True,
    asks=True,
    scopes=WRITE,
    search="ajouter inviter participant invité quelqu'un d'autre au rendez-vous add invite",
    examples=["Ajoute Paul au rendez-vous de mardi.", "Invite Zoé to the demo."],
)
async def add_guests(
    booking: BookingRef,
    guests: Annotated[
        Addresses,
        Field(
            min_length=1,
            max_length=10,
            description="E-mail addresses of the people to add.",
            examples=[["luc@exemple.fr"]],
        ),
    ],
) -> Booked:
    """Add people to a booking that is there; Cal.com sends them the invitation, and tells the others.

    Those who take part already are left out. Take the uid from calcom_list_bookings. Nobody can be removed again except
    in Cal.com itself.
    """
    old = await booking_of(booking)
    must_stand(old)
    there = {one.casefold() for one in people_of(old)}
    new = [one for one in guests if one.key not in there]
    if not new:
        raise errors.InvalidInputError(
            "All of them take part already; nothing was done.", "Look at it with calcom_get_booking."
        )
    zone, people = await account_zone(), [one.address for one in new]
    await confirm_recipients(people, f"Add guests to «{old.title}» of {shown(old.start_time, zone)}, with an e-mail")
    language = settings_of(integration).language
    body = {
        "guests": [
            {"email": one.address, "language": language, **({"name": one.name} if one.name else {})} for one in new
        ]
    }
    return booked(await api.data("POST", booking_path(old.uid, "guests"), json=body), people).within(zone)


def must_stand(booking: Booking) -> None:
    """Raise errors.InvalidInputError for a booking that is cancelled, refused or over."""
    if booking.status in ("cancelled", "rejected"):
        moved = f" It was replaced by {booking.moved_to}." if booking.moved_to else ""
        raise errors.InvalidInputError(
            f"This booking is {booking.status} already; nothing was done.{moved}", "Look at it with calcom_get_booking."
        )
    if booking.end_time <= datetime.now(UTC):
        raise errors.InvalidInputError("This meeting is over.", "Book another one with calcom_book_event.")


def people_of(booking: Booking) -> list[str]:
    """Return the addresses of everybody who takes part beside the hosts, of some the phone number."""
    people = [one.email or one.phone or one.name for one in booking.attendees]
    return list(dict.fromkeys([*people, *booking.guests]))


def attendee_of(booking: Booking, wanted: Address | None) -> Attendee:
    """Return the attendee of an address, or the only one; raises errors.InvalidInputError, with their addresses."""
    fitting = [one for one in booking.attendees if not wanted or (one.email and one.email.casefold() == wanted.key)]
    if len(fitting) == 1:
        return fitting[0]
    problem = f"{wanted} does not take part." if wanted else "Several people take part."
    raise errors.InvalidInputError(problem, f"Pass one as attendee: {listed(people_of(booking)) or 'there is none'}.")


def seat_of(booking: Booking, wanted: Address | None, *, every: bool) -> str | None:
    """Return the seat of one attendee of a meeting with seats, None for the whole booking.

    `every`: without an attendee, all of them are meant. Raises errors.InvalidInputError where it is not clear.
    """
    seated = any(one.seat for one in booking.attendees)
    if not seated and wanted:
        raise errors.InvalidInputError(
            "This meeting has no seats: it stands or falls for everybody.", "Leave the attendee out."
        )
    return None if not seated or (every and not wanted) else attendee_of(booking, wanted).seat
