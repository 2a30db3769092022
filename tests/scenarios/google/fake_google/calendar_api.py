"""Google Calendar: calendars by account, events with etags, free and busy times, Meet links, invitations by mail."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from flotilla_testing import Request, Response

from .app import Google, Refusal, body, paged

BASE = "/calendar/v3"
READ = "calendar calendar.events calendar.events.readonly calendar.readonly"
WRITE = "calendar calendar.events"


@dataclass
class Calendars:
    """All calendars. `shared`: whose free and busy times everybody may see. `invited`: who got mail about what."""

    events: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    invited: list[tuple[str, str]] = field(default_factory=list)
    ids: Any = field(default_factory=lambda: itertools.count(1))

    def put(self, calendar: str, event: dict[str, Any]) -> dict[str, Any]:
        """Store an event, with a new etag; returns it."""
        number = next(self.ids)
        event = {
            "id": f"event{number}",
            "kind": "calendar#event",
            "status": "confirmed",
            **event,
            "etag": f'"{number}"',
        }
        event.setdefault("htmlLink", f"https://www.google.com/calendar/event?eid={event['id']}")
        self.events.setdefault(calendar, {})[event["id"]] = event
        return event

    def of(self, account: str, calendar: str) -> dict[str, dict[str, Any]]:
        """Return the events of a calendar that the account owns."""
        if calendar not in ("primary", account):
            raise Refusal(404, "notFound", "Not Found")
        return self.events.setdefault(account, {})


def mount(google: Google) -> None:
    """Add the API."""
    mine = google.calendars = Calendars()

    def found(account: str, calendar: str, event: str) -> dict[str, Any]:
        try:
            return mine.of(account, calendar)[event]
        except KeyError:
            raise Refusal(404, "notFound", "Not Found") from None

    def calendars(account: str, request: Request) -> dict[str, Any]:
        entry = {"kind": "calendar#calendarListEntry", "id": account, "summary": account, "timeZone": "Europe/Paris"}
        return paged([{**entry, "accessRole": "owner", "primary": True}], request, "maxResults")

    def listed(account: str, request: Request, calendar: str) -> dict[str, Any]:
        query = dict(request.query)
        if query.get("orderBy") == "startTime" and query.get("singleEvents") != "true":
            raise Refusal(400, "badRequest", "The requested ordering is not available for the particular query.")
        events = sorted(mine.of(account, calendar).values(), key=lambda e: _moment(e["start"]))
        low, high = (datetime.fromisoformat(query[n]) if n in query else None for n in ("timeMin", "timeMax"))
        events = [
            e for e in events if (not low or _moment(e["end"]) > low) and (not high or _moment(e["start"]) < high)
        ]
        events = [e for e in events if query.get("q", "").lower() in str(e).lower()]
        return {"kind": "calendar#events", "timeZone": "Europe/Paris", **paged(events, request, "maxResults")}

    def got(account: str, request: Request, calendar: str, event: str) -> dict[str, Any]:
        return found(account, calendar, event)

    def booked(account: str, request: Request, calendar: str) -> dict[str, Any]:
        mine.of(account, calendar)
        return written(account, request, {**body(request), "organizer": {"email": account, "self": True}})

    def changed(account: str, request: Request, calendar: str, event: str) -> dict[str, Any]:
        old = found(account, calendar, event)
        if request.headers.get("if-match", old["etag"]) != old["etag"]:
            raise Refusal(412, "conditionNotMet", "Precondition Failed")
        given = body(request)
        if given.pop("attendeesOmitted", False):
            answers = {g["email"]: g for g in given["attendees"]}
            given["attendees"] = [{**g, **answers.get(g["email"], {})} for g in old.get("attendees", ())]
        return written(account, request, {**old, **given})

    def written(account: str, request: Request, event: dict[str, Any]) -> dict[str, Any]:
        query, start, end = dict(request.query), event["start"], event["end"]
        if not _moment(start) < _moment(end):
            raise Refusal(400, "timeRangeEmpty", "The specified time range is empty.")
        if event.get("recurrence") and "dateTime" in start and "timeZone" not in start:
            raise Refusal(400, "required", "Missing time zone definition for start time.")
        if query.get("conferenceDataVersion") == "1" and event.pop("conferenceData", None):
            event["hangoutLink"] = "https://meet.google.example/abc-defg-hij"
        if query.get("sendUpdates") == "all":
            mine.invited += [(g["email"], event.get("summary", "")) for g in event.get("attendees", ())]
        stored = mine.put(account, {k: v for k, v in event.items() if k not in ("conferenceData",)})
        for guest in event.get("attendees", ()):
            if guest["email"] in google.mail.boxes and guest["email"] != account:
                mine.put(guest["email"], {**stored, "organizer": {"email": account}})
        return stored

    def cancelled(account: str, request: Request, calendar: str, event: str) -> Response:
        if found(account, calendar, event)["status"] == "cancelled":
            raise Refusal(410, "deleted", "Resource has been deleted")
        del mine.of(account, calendar)[event]
        return Response(204)

    def free_busy(account: str, request: Request) -> dict[str, Any]:
        given = body(request)
        low, high = (datetime.fromisoformat(given[name]) for name in ("timeMin", "timeMax"))
        told: dict[str, Any] = {}
        for item in given["items"]:
            whose = account if item["id"] == "primary" else item["id"]
            if whose != account and whose not in mine.shared:
                told[item["id"]] = {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
                continue
            spans = [(_moment(e["start"]), _moment(e["end"])) for e in mine.events.get(whose, {}).values()]
            busy = [{"start": a.isoformat(), "end": b.isoformat()} for a, b in sorted(spans) if a < high and b > low]
            told[item["id"]] = {"busy": busy}
        return {"kind": "calendar#freeBusy", "calendars": told}

    events = rf"{BASE}/calendars/(?P<calendar>[^/]+)/events"
    one = rf"{events}/(?P<event>[^/]+)"
    lists = "calendar calendar.readonly calendar.calendarlist calendar.calendarlist.readonly"
    google.api("GET", f"{BASE}/users/me/calendarList", lists, calendars)
    google.api("GET", events, READ, listed)
    google.api("GET", one, READ, got)
    google.api("POST", events, WRITE, booked)
    google.api("PATCH", one, WRITE, changed)
    google.api("DELETE", one, WRITE, cancelled)
    google.api("POST", f"{BASE}/freeBusy", "calendar calendar.readonly calendar.freebusy", free_busy)


def _moment(given: dict[str, Any]) -> datetime:
    if given.get("dateTime"):
        return datetime.fromisoformat(given["dateTime"])
    return datetime.combine(date.fromisoformat(given["date"]), time(), UTC)
