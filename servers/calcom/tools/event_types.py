"""Event types, their free times and links. https://cal.com/docs/api-reference/v2/event-types"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, errors, sliced
from flotilla.parsing import folded

from ..booking import check_length, free_slots
from ..client import api
from ..lookup import (
    EventTypeRef,
    Minutes,
    account_zone,
    days_of,
    event_type_of,
    own_event_types,
    team_event_types,
    team_of,
)
from ..models import EventType, EventTypeDetails, SchedulingLink, Slot

tools = Toolset("event_types")
READ = ["PROFILE_READ EVENT_TYPE_READ"]
WRITE = ["PROFILE_READ EVENT_TYPE_READ EVENT_TYPE_WRITE"]
TEAMS = ["PROFILE_READ EVENT_TYPE_READ TEAM_PROFILE_READ TEAM_EVENT_TYPE_READ"]
Length = Annotated[int, Field(ge=1, le=1440, description="Length of a meeting in minutes.", examples=[45])]
Buffer = Annotated[int | None, Field(ge=0, le=1440, description="Minutes that stay free after each meeting.")]
Notice = Annotated[
    int | None, Field(ge=0, le=525_600, description="Minutes before a meeting until which it can be booked.")
]
Hidden = Annotated[bool | None, Field(description="True leaves it out of the booking page; its own link still works.")]
Kind = Literal["address", "link", "phone", "attendeePhone", "attendeeAddress", "cal-video", "google-meet", "zoom"]
Where = Annotated[str | None, Field(description="The address, the link, or the host's phone number of these kinds.")]


@tools.reads(
    scopes=TEAMS,
    tolerated=READ,
    search="types d'événement rendez-vous durée page de réservation équipe",
    examples=["Quels rendez-vous peut-on prendre chez moi ?", "Which meetings can people book with the sales team?"],
)
async def list_event_types(
    team: Annotated[
        str | None, Field(description="Name of a team whose event types are meant; your own without it.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[EventType]:
    """List the kinds of meeting that people can book, each with its length in minutes and its booking page.

    The other tools take their name or id. For the questions and places of one, use calcom_get_event_type.
    """
    kinds = await team_event_types(await team_of(team)) if team else await own_event_types()
    return sliced([EventType.model_validate(one.model_dump()) for one in kinds], limit, cursor)


@tools.reads(
    scopes=TEAMS, tolerated=READ, search="questions formulaire lieu lieux détail type de rendez-vous form location"
)
async def get_event_type(event_type: EventTypeRef) -> EventTypeDetails:
    """Get one event type, of the user or of a team, with the questions of its booking form and its places.

    Use it before calcom_book_event where the form has required questions or there are several places or lengths. To see
    the free times, use calcom_list_available_times.
    """
    return await event_type_of(event_type)


@tools.reads(
    scopes=TEAMS,
    tolerated=READ,
    search="créneaux libres disponibilités disponible prochain rendez-vous aujourd'hui demain slots",
    examples=["Quand suis-je libre demain pour un premier échange ?", "What slots are free today?"],
)
async def list_available_times(
    event_type: EventTypeRef,
    start: Annotated[
        When | None,
        Field(description="First time or day to look at; now without it.", examples=["2030-06-01T09:00:00+02:00"]),
    ] = None,
    days: Annotated[int, Field(ge=1, le=31, description="Number of days to look at.")] = 7,
    minutes: Minutes = None,
    booking: Annotated[
        str | None,
        Field(description="Uid of a booking to move, from calcom_list_bookings: its own time counts as free then."),
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Slot]:
    """List the free slots of one event type, in the user's own time zone, from now on where the start is past.

    Nothing is reserved. Book one with calcom_book_event, or move a booking there with calcom_reschedule_booking. To see
    meetings that are booked already, use calcom_list_bookings.
    """
    zone = await account_zone()
    begin, end = days_of(start, days, zone)
    kind = await event_type_of(event_type)
    check_length(kind, minutes)
    return sliced(await free_slots(kind.id, begin, end, zone, minutes, booking), limit, cursor)


@tools.writes(creates=True, scopes=WRITE, search="lien de réservation unique privé envoyer")
async def create_scheduling_link(
    event_type: EventTypeRef,
    expires: Annotated[
        When | None, Field(description="Last day or time until which it works, any number of times.")
    ] = None,
) -> SchedulingLink:
    """Create a private link with which one person can book this event type once. Returns the link; nothing is sent.

    Use it where the attendee is to choose the time, also of a hidden event type. To book yourself, use
    calcom_book_event.
    """
    zone = await account_zone()
    kind = await event_type_of(event_type)
    if kind.team:
        raise errors.InvalidInputError(
            "Cal.com makes private links for a user's own event types only.", "Send the booking page of this one."
        )
    until = expires.end(zone).isoformat() if expires else None
    body = {"expiresAt": until} if until else {"maxUsageCount": 1}
    return SchedulingLink.model_validate(await api.data("POST", f"/v2/event-types/{kind.id}/private-links", json=body))


@tools.writes(
    core=False,
    creates=True,
    scopes=WRITE,
    search="créer nouveau type de rendez-vous visite consultation page de réservation add",
    examples=["Crée un rendez-vous « Visite du chantier » de 45 minutes.", "Create a 20 minute intro call."],
)
async def create_event_type(
    name: Annotated[str, Field(min_length=1, max_length=255, description="Name that people see.", examples=["Audit"])],
    minutes: Length,
    description: Annotated[str | None, Field(description="What the meeting is about, as plain text.")] = None,
    place: Annotated[Kind | None, Field(description="Kind of place; a Cal Video call without it.")] = None,
    where: Where = None,
    hidden: Hidden = None,
    buffer: Buffer = None,
    notice: Notice = None,
) -> EventTypeDetails:
    """Create an event type of the user, bookable at once in the user's usual hours. Returns its booking page.

    Google Meet and Zoom must be connected in Cal.com. For a link to an event type that is there, use
    calcom_create_scheduling_link; to change one, use calcom_update_event_type. Team event types are made in Cal.com.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", folded(name)).strip("-")
    if not slug:
        raise errors.InvalidInputError("The name has no letter or digit.", "Pass another one.")
    taken = [one for one in await own_event_types() if folded(one.name) == folded(name)]
    if taken:
        raise errors.InvalidInputError(
            f"There is an event type «{taken[0].name}» already; nothing was done.",
            f"Use it (id {taken[0].id}), change it with calcom_update_event_type, or pass another name.",
        )
    body = {
        "title": name,
        "slug": slug[:60],
        "lengthInMinutes": minutes,
        **changes_of(description, place, where, hidden, buffer, notice),
    }
    return EventTypeDetails.model_validate(await api.data("POST", "/v2/event-types", json=body))


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search="modifier renommer durée cacher masquer type de rendez-vous lieu délai battement change rename hide",
    examples=["Cache le type « Premier échange » pendant mes vacances.", "Make the demo 45 minutes long."],
)
async def update_event_type(
    event_type: EventTypeRef,
    name: Annotated[str | None, Field(min_length=1, max_length=255, description="Its new name.")] = None,
    minutes: Annotated[int | None, Field(ge=1, le=1440, description="Its new length in minutes.")] = None,
    description: Annotated[str | None, Field(description="Its new description, as plain text.")] = None,
    hidden: Hidden = None,
    buffer: Buffer = None,
    notice: Notice = None,
) -> EventTypeDetails:
    """Hide or show an event type, rename it, or change its description, length, buffer or notice.

    Only what is passed changes; bookings that are there stay, and so does the address of its page. It is for the user's
    own event types: those of a team are changed in Cal.com itself.
    """
    kind = await event_type_of(event_type)
    if kind.team:
        raise errors.InvalidInputError(
            f"«{kind.name}» belongs to the team {kind.team}.", "Ask the user to change it in Cal.com."
        )
    changes: dict[str, Any] = {"title": name, "lengthInMinutes": minutes}
    changes |= changes_of(description, None, None, hidden, buffer, notice)
    if minutes and kind.durations:
        raise errors.InvalidInputError(
            "This event type has several lengths to choose from.", "Ask the user to change them in Cal.com."
        )
    if all(value is None for value in changes.values()):
        raise errors.InvalidInputError("No change is named.", "Pass name, minutes, description, hidden or another.")
    return EventTypeDetails.model_validate(await api.data("PATCH", f"/v2/event-types/{kind.id}", json=changes))


def changes_of(
    description: str | None,
    place: Kind | None,
    where: str | None,
    hidden: bool | None,
    buffer: int | None,
    notice: int | None,
) -> dict[str, Any]:
    """Return the fields of an event type as the API takes them; raises errors.InvalidInputError for an unfit place."""
    if bool(where) is not (place in ("address", "link", "phone")):
        raise errors.InvalidInputError(
            "Place and where do not fit.", "Pass both for an address, a link or a phone number, and for nothing else."
        )
    spelled: dict[str, Any] | None = None
    if place in ("address", "link", "phone"):
        spelled = {"type": place, place: where, "public": True}
    elif place:
        spelled = {"type": "integration", "integration": place} if "-" in place or place == "zoom" else {"type": place}
    return {
        "description": description,
        "locations": [spelled] if spelled else None,
        "hidden": hidden,
        "afterEventBuffer": buffer,
        "minimumBookingNotice": notice,
    }
