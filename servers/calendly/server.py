"""Calendly: event types, free slots, bookings, cancellations, no-shows. API: https://developer.calendly.com/api-docs"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AwareDatetime, Field, HttpUrl

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
    confirm,
    errors,
    segment,
    sliced,
)

from .models import Cancellation, Event, EventType, Invitee, NoShow, SchedulingLink, Slot, User

HOME = "https://api.calendly.com"  # every uri of a thing begins so, wherever base_url leads


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
    instructions="Times go in and out with an offset. Slots are not reserved: book with the link that belongs to one.",
)


def said(status: int, body: Any) -> str:
    """Return Calendly's own words: a message, and which parameters it means."""
    if not isinstance(body, dict):
        return str(body or "")
    details = [detail for detail in body.get("details") or [] if isinstance(detail, dict)]
    return " ".join([str(body.get("message") or ""), *(f"{d.get('parameter')} {d.get('message')}" for d in details)])


def settled(status: int, body: Any) -> errors.FlotillaError | None:
    """Tell what no right would allow from what lacks a right: Calendly says 403 to both."""
    words = said(status, body)
    if status == 403 and ("already canceled" in words or "in the past" in words):
        return errors.InvalidInputError(
            f"Calendly refuses: {errors.quoted(words)}.", "Look at it with calendly_get_event."
        )
    return None


api = Api(
    integration,
    auth=Bearer("token"),
    paging=ByCursor("collection", "pagination.next_page_token", cursor="page_token", limit="count"),
    limits=[(50, 60)],  # the free plan's; paid plans have 500 a minute
    wait_header="X-RateLimit-Reset",
    error_message=said,
    map_error=settled,
)

EventId = Annotated[str, Field(description="The event's uri or id", examples=["GBGBDCAADAEDCRZ2"])]
EventTypeId = Annotated[str, Field(description="The event type's uri or id", examples=["AAAAAAAAAAAAAAAA"])]
Whose = Annotated[Literal["me", "organization"], Field(description="organization: admins only")]


def utc(moment: datetime | None) -> str | None:
    """Return a time as the API takes it."""
    if moment and not 1970 < moment.year < 2970:
        raise errors.InvalidInputError("The time is out of range.", "Give one near today.")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def shown(moment: datetime, zone: str) -> str:
    """Return a time as a person reads it in a zone (IANA name): 3 June 2030, 14:00 (Europe/Paris)."""
    known = zone in available_timezones()
    local = moment.astimezone(ZoneInfo(zone) if known else UTC)
    return f"{local.day} {local:%B %Y, %H:%M} ({zone if known else 'UTC'})"


def id_of(thing: str) -> str:
    """Return the id in a uri of this API, or the id that was given."""
    if "://" in thing and not thing.startswith(f"{HOME}/"):
        raise errors.InvalidInputError(
            "The uri does not belong to Calendly's API.", "Pass the uri that a calendly tool returned."
        )
    return segment(thing.rstrip("/").rsplit("/", 1)[-1])


def uri_of(event_type: str) -> str:
    """Return the uri of an event type: where the API wants one in a parameter, an id is not enough."""
    return f"{HOME}/event_types/{id_of(event_type)}"


async def owner(whose: str) -> dict[str, str]:
    """Return the parameter that says whose list is wanted: the API has no default."""
    me = User.model_validate((await api.get("/users/me"))["resource"])
    return {"user": me.uri} if whose == "me" else {"organization": me.current_organization}


tools = Toolset()


@tools.reads
async def get_current_user() -> User:
    """Who is connected: name, e-mail, time zone, public booking page."""
    return User.model_validate((await api.get("/users/me"))["resource"])


@tools.reads
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


@tools.reads
async def list_available_times(
    event_type: EventTypeId,
    start: Annotated[
        AwareDatetime, Field(description="In the future, with offset", examples=["2030-06-01T09:00:00+02:00"])
    ],
    days: Annotated[int, Field(ge=1, le=31, description="Some plans: at most 7")] = 7,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Slot]:
    """List the free slots of one event type, each with the link that books it."""
    span = {"start_time": utc(start), "end_time": utc(start + timedelta(days=days))}
    params = {"event_type": uri_of(event_type), **span}
    rows = await api.rows("/event_type_available_times", "collection", params=params)
    return sliced([Slot.model_validate(row) for row in rows], limit, cursor)


@tools.reads
async def list_events(
    whose: Whose = "me",
    status: Annotated[Literal["active", "canceled"] | None, Field(description="Both when left out")] = None,
    invitee_email: Annotated[str | None, Field(description="Only of this person")] = None,
    after: Annotated[AwareDatetime | None, Field(description="From, with offset")] = None,
    before: Annotated[AwareDatetime | None, Field(description="Until, with offset")] = None,
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


@tools.reads
async def get_event(event: EventId) -> Event:
    """Get one booked meeting: time, place, status, number of invitees."""
    return Event.model_validate((await api.get(f"/scheduled_events/{id_of(event)}"))["resource"])


@tools.reads
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


@tools.destroys(asks=True, idempotent=False)
async def cancel_event(
    event: EventId,
    reason: Annotated[str | None, Field(max_length=10_000, description="The invitees read it")] = None,
) -> Cancellation:
    """Cancel a booked meeting; Calendly tells the invitees. It cannot be undone."""
    about = await get_event(event)
    here = (await get_current_user()).timezone  # the person's own, as Calendly's pages show times
    who = "The invitee gets" if about.invitees == 1 else f"The {about.invitees} invitees get"
    await confirm(f"Cancel «{about.name}» of {shown(about.start_time, here)}? {who} an e-mail.")
    answer = await api.post(f"/scheduled_events/{id_of(event)}/cancellation", json={"reason": reason})
    return Cancellation.model_validate(answer["resource"])


@tools.writes(creates=True)
async def create_scheduling_link(event_type: EventTypeId) -> SchedulingLink:
    """Make a link that books this event type once, to send to one person."""
    body = {"max_event_count": 1, "owner": uri_of(event_type), "owner_type": "EventType"}
    return SchedulingLink.model_validate((await api.post("/scheduling_links", json=body))["resource"])


@tools.writes(additive=False)
async def mark_no_show(
    invitee: Annotated[
        str,
        Field(
            description="uri from calendly_list_invitees",
            pattern=rf"^{HOME}/scheduled_events/[\w-]+/invitees/[\w-]+$",
            examples=[f"{HOME}/scheduled_events/GBGBDCAADAEDCRZ2/invitees/CCCCCCCCCCCCCCCC"],
        ),
    ],
) -> NoShow:
    """Note that an invitee did not come."""
    return NoShow.model_validate((await api.post("/invitee_no_shows", json={"invitee": invitee}))["resource"])


server = Server(integration, toolsets=[tools])
