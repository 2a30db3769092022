"""Google Calendar: calendars by account, events and series with etags, busy times, Meet links, invitations by mail.

As its documentation says: a series is stored once and listed occurrence by occurrence; a changed or cancelled one is an
exception of its own; what was cancelled is still given by `get`; PATCH merges objects and replaces lists; times come
back in the calendar's time zone. https://developers.google.com/workspace/calendar/api/v3/reference/events
"""

from __future__ import annotations

import itertools
import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flotilla_testing import Request, Response

from .app import Google, Refusal, body, paged

BASE = "/calendar/v3"
READ = "calendar calendar.events calendar.events.readonly calendar.readonly"
WRITE = "calendar calendar.events"
ZONE = ZoneInfo("Europe/Paris")  # of every calendar
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
MOST = 730  # occurrences of a series without an end
FOREVER = datetime(2100, 1, 1, tzinfo=UTC)
GUARANTEED = ("kind", "etag", "id", "status", "recurringEventId", "originalStartTime")  # of a cancelled occurrence

Event = dict[str, Any]


@dataclass
class Calendars:
    """All calendars. `shared`: whose free and busy times everybody may see. `invited`: who got mail about what."""

    events: dict[str, dict[str, Event]] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    invited: list[tuple[str, str]] = field(default_factory=list)
    ids: Any = field(default_factory=lambda: itertools.count(1))

    def put(self, calendar: str, event: Event) -> Event:
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

    def of(self, account: str, calendar: str) -> dict[str, Event]:
        """Return the stored events of a calendar that the account owns: series, their exceptions, single events."""
        if calendar not in ("primary", account):
            raise Refusal(404, "notFound", "Not Found")
        return self.events.setdefault(account, {})

    def find(self, account: str, calendar: str, event: str) -> Event:
        """Return a stored event, or an occurrence of a series."""
        stored = self.of(account, calendar)
        if event in stored:
            return stored[event]
        series = stored.get(event.rpartition("_")[0], {})
        occurrence = next((one for one in _occurrences(series, stored) if one["id"] == event), None)
        if occurrence is None:
            raise Refusal(404, "notFound", "Not Found")
        return occurrence

    def expanded(self, account: str, before: datetime = FOREVER) -> list[Event]:
        """Return single events and occurrences that stand, soonest first."""
        stored = self.events.get(account, {})
        single = [e for e in stored.values() if not e.get("recurrence") and not e.get("recurringEventId")]
        repeated = [
            one
            for series in stored.values()
            if series.get("recurrence") and series["status"] != "cancelled"
            for one in itertools.takewhile(lambda e: _original(e) < before, _occurrences(series, stored))
        ]
        standing = [e for e in [*single, *repeated] if e["status"] != "cancelled"]
        return sorted(standing, key=lambda e: _moment(e["start"]))


def mount(google: Google) -> None:
    """Add the API."""
    mine = google.calendars = Calendars()

    def calendars(account: str, request: Request) -> dict[str, Any]:
        entry = {"kind": "calendar#calendarListEntry", "id": account, "summary": account, "timeZone": ZONE.key}
        return paged([{**entry, "accessRole": "owner", "primary": True}], request, "maxResults")

    def listed(account: str, request: Request, calendar: str) -> dict[str, Any]:
        query = dict(request.query)
        single = query.get("singleEvents") == "true"
        if query.get("orderBy") == "startTime" and not single:
            raise Refusal(400, "badRequest", "The requested ordering is not available for the particular query.")
        low, high = (_asked(query, name) for name in ("timeMin", "timeMax"))
        if low and high and not low < high:
            raise Refusal(400, "timeRangeEmpty", "The specified time range is empty.")
        stored = mine.of(account, calendar)
        standing = [e for e in stored.values() if e["status"] != "cancelled"]
        events = mine.expanded(account, high or FOREVER) if single else standing
        events = [
            e for e in events if (not low or _moment(e["end"]) > low) and (not high or _moment(e["start"]) < high)
        ]
        events = [_shown(e) for e in events if query.get("q", "").lower() in _searched(e)]
        answer = {"kind": "calendar#events", "timeZone": ZONE.key, **paged(events, request, "maxResults")}
        return _partial(answer, query.get("fields", ""))

    def instances(account: str, request: Request, calendar: str, event: str) -> dict[str, Any]:
        stored = mine.of(account, calendar)
        series = mine.find(account, calendar, event)
        gone = dict(request.query).get("showDeleted") == "true"
        result = [_shown(one) for one in _occurrences(series, stored) if gone or one["status"] != "cancelled"]
        answer = {"kind": "calendar#events", "timeZone": ZONE.key, **paged(result, request, "maxResults")}
        return _partial(answer, dict(request.query).get("fields", ""))

    def got(account: str, request: Request, calendar: str, event: str) -> dict[str, Any]:
        return _shown(mine.find(account, calendar, event))

    def booked(account: str, request: Request, calendar: str) -> dict[str, Any]:
        mine.of(account, calendar)
        params = _merged({}, body(request))
        guests = [{"responseStatus": "needsAction", **one} for one in params.get("attendees", ())]
        lists = {"attendees": guests} if guests else {}
        return written(account, request, {**params, **lists, "organizer": {"email": account, "self": True}})

    def changed(account: str, request: Request, calendar: str, event: str) -> dict[str, Any]:
        old = mine.find(account, calendar, event)
        if request.headers.get("if-match", old["etag"]) != old["etag"]:
            raise Refusal(412, "conditionNotMet", "Precondition Failed")
        params = body(request)
        if params.pop("attendeesOmitted", False):
            answers = {g["email"]: g for g in params["attendees"]}
            params["attendees"] = [{**g, **answers.get(g["email"], {})} for g in old.get("attendees", ())]
        return written(account, request, _merged(old, params))

    def written(account: str, request: Request, event: Event) -> dict[str, Any]:
        query, start, end = dict(request.query), event["start"], event["end"]
        for moment in (start, end):
            if "date" not in moment and not (_has_offset(moment["dateTime"]) or moment.get("timeZone")):
                raise Refusal(400, "required", "Missing time zone definition.")
        if ("date" in start) != ("date" in end):
            raise Refusal(400, "invalid", "Start and end times must either both be date or both be dateTime.")
        if not _moment(start) < _moment(end):
            raise Refusal(400, "timeRangeEmpty", "The specified time range is empty.")
        if event.get("recurrence") and "dateTime" in start and "timeZone" not in start:
            raise Refusal(400, "required", "Missing time zone definition for start time.")
        if query.get("conferenceDataVersion") == "1" and event.pop("conferenceData", None):
            event["hangoutLink"] = "https://meet.google.example/abc-defg-hij"
        guests = [{**g, **({"self": True} if g["email"] == account else {})} for g in event.get("attendees", ())]
        event = {k: v for k, v in event.items() if k != "conferenceData"} | ({"attendees": guests} if guests else {})
        notified = [g["email"] for g in guests if g["email"] != account and _gets_mail(google, g["email"], query)]
        mine.invited += [(address, event.get("summary", "")) for address in notified]
        stored = mine.put(account, event)
        for guest in guests:
            if guest["email"] in google.mail.boxes and guest["email"] != account:
                copies = [{k: v for k, v in g.items() if k != "self"} for g in guests]
                copies = [{**g, "self": True} if g["email"] == guest["email"] else g for g in copies]
                mine.put(guest["email"], {**stored, "organizer": {"email": account}, "attendees": copies})
        return _shown(stored)

    def cancelled(account: str, request: Request, calendar: str, event: str) -> Response:
        result = mine.find(account, calendar, event)
        if result["status"] == "cancelled":
            raise Refusal(410, "deleted", "Resource has been deleted")
        query = dict(request.query)
        notified = [g["email"] for g in result.get("attendees", ()) if not g.get("self")]
        mine.invited += [(one, result.get("summary", "")) for one in notified if _gets_mail(google, one, query)]
        mine.put(account, {**result, "status": "cancelled"})
        return Response(204)

    def free_busy(account: str, request: Request) -> dict[str, Any]:
        params = body(request)
        low, high = (datetime.fromisoformat(params[name]) for name in ("timeMin", "timeMax"))
        answer: dict[str, Any] = {}
        for item in params["items"]:
            whose = account if item["id"] == "primary" else item["id"]
            if whose != account and whose not in mine.shared:
                answer[item["id"]] = {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
                continue
            taken = [e for e in mine.expanded(whose, high) if e.get("transparency") != "transparent"]
            spans = [(_moment(e["start"]), _moment(e["end"])) for e in taken if not _declined(e)]
            busy = [{"start": _utc(a), "end": _utc(b)} for a, b in sorted(spans) if a < high and b > low]
            answer[item["id"]] = {"busy": busy}
        return {"kind": "calendar#freeBusy", "calendars": answer}

    events = rf"{BASE}/calendars/(?P<calendar>[^/]+)/events"
    one = rf"{events}/(?P<event>[^/]+)"
    lists = "calendar calendar.readonly calendar.calendarlist calendar.calendarlist.readonly"
    google.api("GET", f"{BASE}/users/me/calendarList", lists, calendars)
    google.api("GET", events, READ, listed)
    google.api("GET", f"{one}/instances", READ, instances)
    google.api("GET", one, READ, got)
    google.api("POST", events, WRITE, booked)
    google.api("PATCH", one, WRITE, changed)
    google.api("DELETE", one, WRITE, cancelled)
    google.api("POST", f"{BASE}/freeBusy", "calendar calendar.readonly calendar.freebusy", free_busy)


def _occurrences(series: Event, stored: dict[str, Event]) -> Iterator[Event]:
    """Yield the occurrences of a series in the order of its rule, each changed one in the place of its original."""
    if not series.get("recurrence"):
        return
    start, timed = series["start"], "dateTime" in series["start"]
    length = _moment(series["end"]) - _moment(start)
    zone = ZoneInfo(start["timeZone"]) if timed else None
    first = _moment(start).astimezone(zone).replace(tzinfo=None) if zone else datetime.combine(_day(start), time())
    for wall in _walls(series["recurrence"], first, zone):
        if zone:
            begin = wall.replace(tzinfo=zone)
            original = {"dateTime": begin.isoformat(), "timeZone": zone.key}
            end = {"dateTime": (begin.astimezone(UTC) + length).isoformat(), "timeZone": zone.key}
            mark = begin.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        else:
            original, end = {"date": wall.date().isoformat()}, {"date": (wall.date() + length).isoformat()}
            mark = f"{wall:%Y%m%d}"
        number = f"{series['id']}_{mark}"
        usual = {
            **{name: value for name, value in series.items() if name != "recurrence"},
            "id": number,
            "start": original,
            "end": end,
            "recurringEventId": series["id"],
            "originalStartTime": original,
        }
        yield stored.get(number, usual)


def _walls(lines: list[str], first: datetime, zone: ZoneInfo | None) -> Iterator[datetime]:
    """Yield the starts of a series by the wall clock, so that 9:00 stays 9:00 all year. RFC 5545, in part."""
    (rule,) = (dict(p.split("=") for p in line[6:].split(";")) for line in lines if line.startswith("RRULE:"))
    unknown = rule.keys() - {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY"}
    assert not unknown, f"this fake does not know {', '.join(unknown)}"
    skipped = {
        _wall(text, zone) for line in lines if line.startswith("EXDATE") for text in line.split(":")[1].split(",")
    }
    until = _wall(rule["UNTIL"], zone) if "UNTIL" in rule else datetime.max
    starts = itertools.islice(_starts(rule, first), int(rule.get("COUNT", MOST)))
    yield from (wall for wall in itertools.takewhile(lambda w: w <= until, starts) if wall not in skipped)


def _starts(rule: dict[str, str], first: datetime) -> Iterator[datetime]:
    days = sorted(DAYS.index(day) for day in rule["BYDAY"].split(",")) if "BYDAY" in rule else [first.weekday()]
    for n in itertools.count(0, int(rule.get("INTERVAL", 1))):
        if rule["FREQ"] == "DAILY":
            result = [first + timedelta(days=n)]
        elif rule["FREQ"] == "WEEKLY":
            monday = first - timedelta(days=first.weekday())
            result = [monday + timedelta(weeks=n, days=day) for day in days]
        else:
            months = first.month - 1 + n * (12 if rule["FREQ"] == "YEARLY" else 1)
            year, month = first.year + months // 12, months % 12 + 1
            result = [first.replace(year=year, month=month)] if first.day <= monthrange(year, month)[1] else []
        yield from (start for start in result if start >= first)


def _wall(text: str, zone: ZoneInfo | None) -> datetime:
    """Return a time of a rule by the wall clock of the series: 20300611, 20300611T140000 or 20300611T120000Z."""
    if not text.endswith("Z"):
        return datetime.fromisoformat(text)
    return datetime.fromisoformat(text).astimezone(zone or UTC).replace(tzinfo=None)


def _merged(old: Any, new: Any) -> Any:
    """Return an object after a PATCH: objects are merged, lists and values replaced, null takes away."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    both = {**old, **{name: _merged(old.get(name, {}), value) for name, value in new.items()}}
    return {name: value for name, value in both.items() if value is not None}


def _shown(event: Event) -> Event:
    """Return an event as the API answers: times in the calendar's zone, of a cancelled occurrence little."""
    if event["status"] == "cancelled" and event.get("recurringEventId"):
        return {name: event[name] for name in GUARANTEED if name in event}
    times = {name: event[name] for name in ("start", "end", "originalStartTime") if "dateTime" in event.get(name, {})}
    local = {
        name: {**moment, "dateTime": _moment(moment).astimezone(ZONE).isoformat()} for name, moment in times.items()
    }
    return {**event, **local}


def _partial(answer: dict[str, Any], fields: str) -> dict[str, Any]:
    """Return the fields of an answer that are asked for: `items(start),nextPageToken`."""
    wanted = dict(re.findall(r"(\w+)(?:\(([^()]*)\))?", fields))
    if not wanted:
        return answer
    inner = {name: names.split(",") for name, names in wanted.items() if names}
    return {
        name: [{n: one[n] for n in inner[name] if n in one} for one in value] if name in inner else value
        for name, value in answer.items()
        if name in wanted
    }


def _gets_mail(google: Google, address: str, query: dict[str, str]) -> bool:
    """Tell whether a guest gets mail; those with a mailbox here have Google Calendar too."""
    choice = query.get("sendUpdates", "none")
    if choice not in ("all", "externalOnly", "none"):
        raise Refusal(400, "invalidParameter", f"Invalid value '{choice}' for sendUpdates")
    return choice == "all" or (choice == "externalOnly" and address not in google.mail.boxes)


def _asked(query: dict[str, str], name: str) -> datetime | None:
    if name not in query:
        return None
    if not _has_offset(query[name]):
        raise Refusal(400, "badRequest", f"{name} must have an offset")
    return datetime.fromisoformat(query[name])


def _has_offset(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


def _searched(event: Event) -> str:
    guests = " ".join(str(g) for g in event.get("attendees", ()))
    return " ".join([*(str(event.get(n, "")) for n in ("summary", "description", "location")), guests]).lower()


def _declined(event: Event) -> bool:
    return any(g.get("self") and g.get("responseStatus") == "declined" for g in event.get("attendees", ()))


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _original(event: Event) -> datetime:
    return _moment(event["originalStartTime"])


def _day(params: dict[str, Any]) -> date:
    return date.fromisoformat(params["date"])


def _moment(params: dict[str, Any]) -> datetime:
    if not params.get("dateTime"):
        return datetime.combine(_day(params), time(), ZONE)
    moment = datetime.fromisoformat(params["dateTime"])
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(params["timeZone"]))
