"""Outlook Calendar: who the vendor is and how it is spoken to. https://learn.microsoft.com/graph/api/resources/calendar"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import AccessLevels, choose, errors, segment
from flotilla_servers._microsoft import MicrosoftSettings, graph, microsoft_integration, owner, windows_name
from flotilla_servers._microsoft import mailbox_zone as zone_of_mailbox
from flotilla_servers._microsoft.client import IMMUTABLE

SETTINGS = "MailboxSettings.Read"  # the mailbox's time zone
READ = [f"Calendars.Read {SETTINGS}", f"Calendars.ReadWrite {SETTINGS}"]
WRITE = [f"Calendars.ReadWrite {SETTINGS}"]
SHARED = "Calendars.Read.Shared"  # for Outlook's proposals, and for calendars of colleagues
PLACES = "Place.Read.All"  # rooms; an administrator consents to it


PERSONAL = f"User.Read Calendars.ReadWrite {SETTINGS} MailboxSettings.ReadWrite"  # that such an account can agree to


class Settings(MicrosoftSettings):
    """Read from OUTLOOK_CALENDAR_REFRESH_TOKEN and the like."""

    account: str = Field(
        "work",
        pattern="^(work|personal)$",
        description="Kind of account that is asked for consent: work or personal, which knows fewer scopes",
    )


integration = microsoft_integration(
    "outlook-calendar",
    Settings,
    prefix="outlook",
    title="Outlook Calendar",
    description="Look up events and free time in Outlook, book, move and cancel meetings with rooms and Teams links, "
    "answer invitations.",
    tags=["calendar", "meetings", "microsoft", "outlook", "scheduling"],
    docs="https://learn.microsoft.com/graph/api/resources/calendar",
    access=AccessLevels("account", "account", {"work": f"{PERSONAL} {SHARED} {PLACES}", "personal": PERSONAL}),
    instructions="A time without an offset is read in the mailbox's own time zone. Outlook notifies attendees of every "
    "meeting, change and cancellation by e-mail.",
)
api = graph(integration)


def place(event: str) -> str:
    """Return the path of whoever's event it is: ids of a colleague's events begin with the colleague's address."""
    address, slash, _ = event.partition("/")
    return f"/users/{segment(address)}" if slash and "@" in address else owner(api)


def path(event: str) -> str:
    """Return the path of an event by its id here."""
    address, slash, rest = event.partition("/")
    return f"{place(event)}/events/{segment(rest if slash and '@' in address else event)}"


def with_place(raw: dict[str, Any], event: str) -> dict[str, Any]:
    """Return an event of the API with its ids as they are here, where `event` is one of the same calendar's."""
    address, slash, _ = event.partition("/")
    prefix = f"{address}/" if slash and "@" in address else ""
    ids: dict[str, Any] = {name: f"{prefix}{raw[name]}" for name in ("id", "seriesMasterId") if raw.get(name)}
    return {**raw, **ids}


async def calendar_path(calendar: str) -> str:
    """Return the path of a calendar by its name or id: "primary" is the account's own, an address a colleague's."""
    wanted = calendar.strip()
    if wanted.casefold() in ("", "primary"):
        return owner(api)
    if "@" in wanted and " " not in wanted:
        return f"/users/{segment(wanted)}"
    rows = await calendars()
    chosen = choose(wanted, rows, kind="calendar", listed_by="outlook_list_calendars")
    return f"{owner(api)}/calendars/{segment(str(chosen['id']))}"


async def calendars() -> list[dict[str, Any]]:
    """Return the account's calendars, as the API gives them."""
    rows = await api.rows(f"{owner(api)}/calendars", "value", missing=True, params={"$top": 100})
    return [row for row in rows if row.get("id")]


async def mailbox_zone() -> ZoneInfo:
    """Return the time zone of the mailbox, in which its events are shown."""
    return await zone_of_mailbox(api)


def prefer(zone: ZoneInfo, *more: str) -> dict[str, str]:
    """Return the header by which Graph gives times in a zone; else they would be in UTC."""
    return {"Prefer": ", ".join([f'outlook.timezone="{windows_name(zone)}"', IMMUTABLE, *more])}


async def standing_event(event: str, select: Sequence[str] = ()) -> dict[str, Any]:
    """Return an event of the API, its times in the mailbox's zone; raises errors.NotFoundError for a cancelled one."""
    params = {"$select": ",".join(select)} if select else {}
    raw = await api.get(path(event), params=params, headers=prefer(await mailbox_zone()))
    must_stand(raw)
    return raw


def must_stand(raw: dict[str, Any]) -> None:
    """Raise errors.NotFoundError for an event that its organizer cancelled."""
    if raw.get("isCancelled"):
        kind = "occurrence" if raw.get("seriesMasterId") else "event"
        raise errors.NotFoundError(
            f"This {kind} was cancelled already.", "outlook_list_events and outlook_search_events show what stands."
        )
