"""Calendly: event types, free slots, bookings and cancellations. API: https://developer.calendly.com/api-docs"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from flotilla import (
    Api,
    Bearer,
    ByCursor,
    Cursor,
    Limit,
    Page,
    Secret,
    Server,
    ServerSettings,
    errors,
    segment,
)
from pydantic import AwareDatetime, Field, HttpUrl

from .models import Cancellation, Event, EventType, Invitee, SchedulingLink, Slots, User


class Settings(ServerSettings):
    """Read from CALENDLY_TOKEN and CALENDLY_BASE_URL."""

    token: Secret = Field(
        description="Personal access token, made at calendly.com > Integrations & apps > API & webhooks",
        examples=["eyJraWQiOiIxY2UxZTEzNj"],
    )
    base_url: HttpUrl = Field(HttpUrl("https://api.calendly.com"), description="Address of the API")


server = Server(
    "calendly",
    title="Calendly",
    description="See event types, free slots and bookings of Calendly, cancel a booking, make a one-time booking link.",
    category="productivity",
    tags=["calendar", "scheduling", "bookings"],
    hosts=["api.calendly.com:443"],
    settings=Settings,
    docs="https://developer.calendly.com/api-docs",
    instructions="Times go in and out with an offset. Slots are not reserved: book with the link that belongs to one.",
)
api = Api(
    server,
    auth=Bearer("token"),
    paging=ByCursor("collection", "pagination.next_page_token", cursor="page_token", limit="count"),
    limits=[(50, 60)],  # the free plan's; paid plans have 500 a minute
)

EventId = Annotated[
    str, Field(description="The event's uri or id", examples=["https://api.calendly.com/scheduled_events/GBGBDCAADAEDCRZ2"])
]
EventTypeUri = Annotated[
    str,
    Field(
        description="uri from calendly_list_event_types",
        examples=["https://api.calendly.com/event_types/AAAAAAAAAAAAAAAA"],
    ),
]
Whose = Annotated[Literal["me", "organization"], Field(description="organization needs an admin's token")]
Moment = Annotated[AwareDatetime, Field(description="With offset", examples=["2030-06-01T09:00:00+02:00"])]
LONGEST_SPAN = timedelta(days=31)


def utc(moment: datetime | None) -> str | None:
    """Return a time as the API takes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def id_of(uri: str) -> str:
    """Return the last part of a URI of this API, or the id itself."""
    if "://" in uri and not uri.startswith(api.base):
        raise errors.Input("The uri does not belong to Calendly's API.", "Pass the uri that a calendly tool returned.")
    return segment(uri.rstrip("/").rsplit("/", 1)[-1])


async def owner(whose: str) -> dict[str, str]:
    """Return the parameter that says whose list is wanted: the API has no default."""
    me = User.model_validate((await api.get("/users/me"))["resource"])
    return {"user": me.uri} if whose == "me" else {"organization": me.current_organization}


@server.reads
async def get_current_user() -> User:
    """Who is connected: name, e-mail, time zone, public booking page."""
    return User.model_validate((await api.get("/users/me"))["resource"])


@server.reads
async def list_event_types(
    whose: Whose = "me",
    active: Annotated[bool | None, Field(description="Only active ones, or only inactive ones")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[EventType]:
    """List what can be booked: kinds of meeting with their length and booking page. Gives the uri that
    calendly_list_available_times and calendly_create_scheduling_link need."""
    params = {**await owner(whose), "active": active}
    return await api.page("/event_types", EventType, params=params, limit=limit, cursor=cursor)


@server.reads
async def list_available_times(event_type: EventTypeUri, start: Moment, end: Moment) -> Slots:
    """List the free slots of one event type, from a future start, over at most 31 days (some plans: 7)."""
    if not timedelta() < end - start <= LONGEST_SPAN:
        raise errors.Input("The span must end after it starts and be 31 days at most.", "Ask for a shorter span.")
    params = {"event_type": event_type, "start_time": utc(start), "end_time": utc(end)}
    return Slots(items=(await api.get("/event_type_available_times", params=params))["collection"])


@server.reads
async def list_events(
    whose: Whose = "me",
    status: Annotated[Literal["active", "canceled"] | None, Field(description="Both when left out")] = None,
    invitee_email: Annotated[str | None, Field(description="Only bookings of this person")] = None,
    after: Annotated[AwareDatetime | None, Field(description="Start at or after, with offset")] = None,
    before: Annotated[AwareDatetime | None, Field(description="Start at or before, with offset")] = None,
    newest_first: Annotated[bool, Field(description="Else soonest first")] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Event]:
    """List booked meetings, soonest first. Who comes: calendly_list_invitees."""
    params: dict[str, Any] = {
        **await owner(whose),
        "status": status,
        "invitee_email": invitee_email,
        "min_start_time": utc(after),
        "max_start_time": utc(before),
        "sort": "start_time:desc" if newest_first else "start_time:asc",
    }
    return await api.page("/scheduled_events", Event, params=params, limit=limit, cursor=cursor)


@server.reads
async def get_event(event: EventId) -> Event:
    """Get one booked meeting: time, place, status, number of invitees."""
    return Event.model_validate((await api.get(f"/scheduled_events/{id_of(event)}"))["resource"])


@server.reads
async def list_invitees(
    event: EventId,
    status: Annotated[Literal["active", "canceled"] | None, Field(description="Both when left out")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Invitee]:
    """List who booked a meeting, with their answers and their links to reschedule or cancel. There is no tool to move
    a meeting: send the invitee reschedule_url."""
    path = f"/scheduled_events/{id_of(event)}/invitees"
    return await api.page(path, Invitee, params={"status": status}, limit=limit, cursor=cursor)


@server.destroys(confirm="Cancel the Calendly event {event}? Its invitees get an e-mail.", idempotent=False)
async def cancel_event(
    event: EventId,
    reason: Annotated[str | None, Field(max_length=10_000, description="The invitees read it")] = None,
) -> Cancellation:
    """Cancel a booked meeting; Calendly tells the invitees. It cannot be undone."""
    answer = await api.post(f"/scheduled_events/{id_of(event)}/cancellation", json={"reason": reason})
    return Cancellation.model_validate(answer["resource"])


@server.writes(creates=True)
async def create_scheduling_link(event_type: EventTypeUri) -> SchedulingLink:
    """Make a link that books this event type once, to send to one person."""
    body = {"max_event_count": 1, "owner": event_type, "owner_type": "EventType"}
    return SchedulingLink.model_validate((await api.post("/scheduling_links", json=body))["resource"])
