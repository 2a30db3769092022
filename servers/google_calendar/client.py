"""The server and its way to the API; the tools are in `server`."""

from __future__ import annotations

from pydantic import Field, HttpUrl

from flotilla import Integration
from flotilla_servers._google import CONSENT, HOSTS, GoogleSettings, google


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
    instructions="Times go in with an offset, or without one beside a timezone. Guests get mail only by send_updates.",
)
api = google(integration)
