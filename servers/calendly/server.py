"""Calendly: event types, free slots, bookings, cancellations, no-shows. API: https://developer.calendly.com/api-docs"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, HttpUrl

from flotilla import (
    Api,
    Bearer,
    ByCursor,
    Cursor,
    Integration,
    Limit,
    Page,
    SecretStr,
    Server,
    ServerSettings,
    Toolset,
    When,
    confirm,
    errors,
    readable,
    segment,
    sliced,
)
from flotilla.parsing import period, shown, to_utc, zone_or

from .models import Cancellation, Event, EventType, Invitee, NoShow, SchedulingLink, Slot, User

HOME = "https://api.calendly.com"  # every uri of a thing begins so, wherever base_url leads
INVITEE = rf"^{HOME}/scheduled_events/[\w-]+/invitees/[\w-]+$"


class Settings(ServerSettings):
    """Read from CALENDLY_TOKEN and CALENDLY_BASE_URL."""

    token: SecretStr = Field(
        description="Personal access token, made at calendly.com > Integrations & apps > API & webhooks",
        examples=["eyJraWQiOiIxY2UxZTEzNj"],
    )
    base_url: HttpUrl = Field(HttpUrl(HOME), description="Address of the API")


integration = Integration(
    "calendly",
    title="Calendly",
    description="See event types, free slots and bookings of Calendly, cancel a booking, make a one-time booking link.",
    category="productivity",
    tags=["calendar", "scheduling", "bookings"],
    hosts=["api.calendly.com:443"],
    settings=Settings,
    docs="https://developer.calendly.com/api-docs",
    instructions="Times come back with an offset. Slots are not reserved: book with the link that belongs to one.",
)


def error_message(status: int, body: Any) -> str:
    """Return the message of an error response, and which parameters it means."""
    if not isinstance(body, dict):
        return str(body or "")
    details = [detail for detail in body.get("details") or [] if isinstance(detail, dict)]
    return " ".join([str(body.get("message") or ""), *(f"{d.get('parameter')} {d.get('message')}" for d in details)])


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a 403 that no permission would change: Calendly answers so for a state too."""
    message = error_message(status, body)
    if status == 403 and ("already canceled" in message or "in the past" in message):
        return errors.InvalidInputError(
            f"Calendly refuses: {errors.quoted(message)}.", "Look at it with calendly_get_event."
        )
    return None


api = Api(
    integration,
    auth=Bearer("token"),
    paging=ByCursor("collection", "pagination.next_page_token", cursor="page_token", limit="count"),
    limits=[(50, 60)],  # the free plan's; paid plans have 500 a minute
    wait_header="X-RateLimit-Reset",
    error_message=error_message,
    map_error=map_error,
)
tools = Toolset()

EventId = Annotated[
    str, Field(description="Id or uri of the meeting, from calendly_list_events.", examples=["GBGBDCAADAEDCRZ2"])
]
EventTypeId = Annotated[
    str,
    Field(description="Id or uri of the event type, from calendly_list_event_types.", examples=["AAAAAAAAAAAAAAAA"]),
]
Owner = Annotated[
    Literal["me", "organization"],
    Field(description="Only yours, or those of the whole organization (for its admins)."),
]


def id_of(thing: str) -> str:
    """Return the id in a uri of this API, or the id that was given; raises errors.InvalidInputError."""
    if "://" in thing and not thing.startswith(f"{HOME}/"):
        raise errors.InvalidInputError(
            "The uri does not belong to Calendly's API.", "Pass the uri that a calendly tool returned."
        )
    return segment(thing.rstrip("/").rsplit("/", 1)[-1])


def uri_of(event_type: str) -> str:
    """Return the uri of an event type: where the API wants one in a parameter, an id is not enough."""
    return f"{HOME}/event_types/{id_of(event_type)}"


async def account() -> User:
    """Return the connected user, who is asked for once in a process: every list wants the uri."""
    metadata = api.connection.metadata
    if "user" not in metadata:
        metadata["user"] = User.model_validate((await api.get("/users/me"))["resource"])
    user: User = metadata["user"]
    return user


async def owner(whose: Owner) -> dict[str, str]:
    """Return the parameter that says whose list is wanted: the API has no default."""
    user = await account()
    return {"user": user.uri} if whose == "me" else {"organization": user.current_organization}


@tools.reads(search="moi mon compte utilisateur connecté fuseau horaire lien de réservation")
async def get_current_user() -> User:
    """Get the connected Calendly user: name, e-mail address, time zone and public booking page.

    Use it to learn in which time zone the user works, or to share the booking page.
    """
    return User.model_validate((await api.get("/users/me"))["resource"])


@tools.reads(search="types d'événement rendez-vous durée page de réservation")
async def list_event_types(
    whose: Owner = "me",
    active: Annotated[bool | None, Field(description="True for bookable ones only, false for the others.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[EventType]:
    """List the kinds of meeting that people can book, each with its length in minutes and its booking page.

    Returns the uri that calendly_list_available_times and calendly_create_scheduling_link take.
    """
    params = {**await owner(whose), "active": active}
    return await api.page("/event_types", EventType, params=params, limit=limit, cursor=cursor)


@tools.reads(search="créneaux libres disponibilités disponible prochain rendez-vous")
async def list_available_times(
    event_type: EventTypeId,
    start: Annotated[
        When,
        Field(description="First time or day to look at, in the future.", examples=["2030-06-01T09:00:00+02:00"]),
    ],
    days: Annotated[int, Field(ge=1, le=31, description="Number of days to look at; some plans allow 7.")] = 7,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Slot]:
    """List the free slots of one event type, each with the link that books it.

    A start without an offset is read in the user's own time zone. Nothing is reserved: to book, give the invitee the
    link of a slot. To see meetings that are booked already, use calendly_list_events.
    """
    local = (await account()).timezone if start.is_local or start.is_day else None
    begin = start.at(zone_or(local, api.zone))
    params = {
        "event_type": uri_of(event_type),
        "start_time": to_utc(begin),
        "end_time": to_utc(begin + timedelta(days=days)),
    }
    rows = await api.rows("/event_type_available_times", "collection", params=params)
    return sliced(readable(Slot, rows), limit, cursor)


@tools.reads(search="réunions réservées agenda rendez-vous prévus qui vient")
async def list_events(
    whose: Owner = "me",
    status: Annotated[
        Literal["active", "canceled"] | None, Field(description="Only meetings with this status; both without it.")
    ] = None,
    invitee_email: Annotated[str | None, Field(description="Only meetings that this person booked.")] = None,
    after: Annotated[When | None, Field(description="Only meetings that start at this time or later.")] = None,
    before: Annotated[When | None, Field(description="Only meetings that start before this time.")] = None,
    newest_first: Annotated[bool, Field(description="Latest start first; without it, the soonest.")] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Event]:
    """List booked meetings, soonest first, with their time, place and status.

    Times without an offset are read in the user's own time zone. To see who comes, use calendly_list_invitees with the
    uri of a meeting.
    """
    begin, end = period(after, before, zone_or((await account()).timezone, api.zone), "after", "before")
    params: dict[str, Any] = {
        **await owner(whose),
        "status": status,
        "invitee_email": invitee_email,
        "min_start_time": to_utc(begin) if begin else None,
        "max_start_time": to_utc(end) if end else None,
        "sort": "start_time:desc" if newest_first else "start_time:asc",
    }
    return await api.page("/scheduled_events", Event, params=params, limit=limit, cursor=cursor)


@tools.reads(search="détail réunion rendez-vous lieu lien visio")
async def get_event(event: EventId) -> Event:
    """Get one booked meeting: its time, place or video link, status and number of invitees.

    Take the id from calendly_list_events. To see who the invitees are, use calendly_list_invitees.
    """
    return Event.model_validate((await api.get(f"/scheduled_events/{id_of(event)}"))["resource"])


@tools.reads(search="invités participants réponses déplacer reporter")
async def list_invitees(
    event: EventId,
    status: Annotated[
        Literal["active", "canceled"] | None, Field(description="Only invitees with this status; both without it.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Invitee]:
    """List who booked a meeting, with their answers to the booking form and their links to reschedule or cancel.

    No tool moves a meeting: send the invitee the reschedule_url. Take the id from calendly_list_events.
    """
    path = f"/scheduled_events/{id_of(event)}/invitees"
    return await api.page(path, Invitee, params={"status": status}, limit=limit, cursor=cursor)


@tools.destroys(asks=True, idempotent=False, search="annuler annule rendez-vous réunion")
async def cancel_event(
    event: EventId,
    reason: Annotated[
        str | None, Field(max_length=10_000, description="Why it is cancelled; the invitees read it.")
    ] = None,
) -> Cancellation:
    """Cancel a booked meeting for everybody; Calendly notifies the invitees by e-mail. It cannot be undone.

    Take the id from calendly_list_events. To move a meeting instead, send the invitee the reschedule_url that
    calendly_list_invitees returns.
    """
    meeting = await get_event(event)
    start = shown(meeting.start_time, zone_or((await account()).timezone, api.zone))
    notified = "1 invitee" if meeting.invitees == 1 else f"{meeting.invitees} invitees"
    await confirm(f"Cancel «{meeting.name}» of {start}? {notified} will be notified by e-mail.")
    answer = await api.post(f"/scheduled_events/{id_of(event)}/cancellation", json={"reason": reason})
    return Cancellation.model_validate(answer["resource"])


@tools.writes(creates=True, search="lien de réservation unique envoyer")
async def create_scheduling_link(event_type: EventTypeId) -> SchedulingLink:
    """Create a link with which one person can book this event type once. Returns the link; nothing is sent.

    Take the event type from calendly_list_event_types.
    """
    body = {"max_event_count": 1, "owner": uri_of(event_type), "owner_type": "EventType"}
    return SchedulingLink.model_validate((await api.post("/scheduling_links", json=body))["resource"])


@tools.writes(additive=False, search="absent pas venu lapin")
async def mark_no_show(
    invitee: Annotated[
        str,
        Field(
            description="The invitee's uri, from calendly_list_invitees.",
            pattern=INVITEE,
            examples=[f"{HOME}/scheduled_events/GBGBDCAADAEDCRZ2/invitees/CCCCCCCCCCCCCCCC"],
        ),
    ],
) -> NoShow:
    """Mark an invitee as a no-show after a meeting that they missed, so that Calendly's reports count it.

    The invitee is not notified. Take the uri from calendly_list_invitees.
    """
    return NoShow.model_validate((await api.post("/invitee_no_shows", json={"invitee": invitee}))["resource"])


server = Server(integration, toolsets=[tools])
