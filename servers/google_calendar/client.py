"""Google Calendar: who the vendor is and how it is spoken to. https://developers.google.com/workspace/calendar/api/v3/reference"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field, HttpUrl

from flotilla import Integration, errors, segment
from flotilla.parsing import zone_or
from flotilla_servers._google import CONSENT, HOSTS, GoogleSettings, google, scope

READ = [scope(s) for s in ("calendar.events.readonly", "calendar.readonly", "calendar.events", "calendar")]
WRITE = [scope("calendar.events"), scope("calendar")]


class Settings(GoogleSettings):
    """Read from GOOGLE_CALENDAR_REFRESH_TOKEN and the like."""

    base_url: HttpUrl = Field(HttpUrl("https://www.googleapis.com/calendar/v3"), description="Address of the API")


integration = Integration(
    "google-calendar",
    prefix="gcal",
    title="Google Calendar",
    description="Look up events and free time in Google Calendar, book, move and cancel meetings, answer invitations.",
    category="productivity",
    tags=["calendar", "meetings", "google", "scheduling"],
    hosts=["www.googleapis.com:443", *HOSTS],
    settings=Settings,
    consent=CONSENT,
    docs="https://developers.google.com/workspace/calendar/api/v3/reference",
    instructions="A time without an offset is read in the calendar's own time zone. Guests are notified by e-mail "
    "unless send_updates says otherwise.",
)
api = google(integration)


def calendar_of(event: str) -> str:
    """Return the calendar of an event's id: ids of other calendars than the account's own begin with theirs."""
    return event.rpartition("/")[0] or "primary"


def path(event: str) -> str:
    """Return the path of an event by its id here."""
    return f"/calendars/{segment(calendar_of(event))}/events/{segment(event.rpartition('/')[2])}"


def with_calendar(raw: dict[str, Any], calendar: str) -> dict[str, Any]:
    """Return an event of the API with its ids as they are here."""
    prefix = "" if calendar == "primary" else f"{calendar}/"
    ids: dict[str, Any] = {name: f"{prefix}{raw[name]}" for name in ("id", "recurringEventId") if raw.get(name)}
    return {**raw, **ids}


async def zone_of(calendar: str) -> ZoneInfo:
    """Return the time zone of a calendar, in which Google shows its events; asked for once in a process.

    A list of events tells it, which every scope of events allows; the calendar itself would need another scope.
    """
    zones: dict[str, str | None] = api.connection.metadata.setdefault("zones", {})
    if calendar not in zones:
        params = {"maxResults": 1, "fields": "timeZone"}
        zones[calendar] = (await api.get(f"/calendars/{segment(calendar)}/events", params=params)).get("timeZone")
    return zone_or(zones[calendar], api.zone)


async def standing_event(event: str) -> dict[str, Any]:
    """Return an event of the API; raises errors.NotFoundError for a cancelled one, which Google goes on to give."""
    raw = await api.get(path(event))
    must_stand(raw)
    return raw


def must_stand(raw: dict[str, Any]) -> None:
    """Raise errors.NotFoundError for an event that was cancelled."""
    if raw.get("status") == "cancelled":
        kind = "occurrence" if raw.get("recurringEventId") else "event"
        raise errors.NotFoundError(
            f"This {kind} was cancelled already.", "gcal_list_events and gcal_search_events show what still stands."
        )
