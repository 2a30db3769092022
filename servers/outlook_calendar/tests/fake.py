"""A fake Microsoft Graph with the mailbox of Hélène, which keeps state; at least as strict as the documentation.

    with FakeGraph() as graph:
        event = graph.add("Point", "2030-06-04T14:00", guests=["marie@client.example"])
        …
        assert graph.events[event]["isCancelled"]

The mailbox is in Europe/Paris, whose Windows name is Romance Standard Time. Times come in UTC unless a request prefers
a zone; series are daily or weekly. `personal` makes it a personal account, to which Graph refuses what it does not
offer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from flotilla_servers._microsoft import iana_zone
from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served, form_of

GRAPH, TOKEN, PARIS = "https://graph.microsoft.com/v1.0", "eyJ-graph-token", ZoneInfo("Europe/Paris")
ME, WINDOWS = "helene@atelier.example", "Romance Standard Time"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
READ_ONLY = {"id", "organizer", "isOrganizer", "isCancelled", "type", "seriesMasterId", "webLink", "onlineMeeting"}
Thing = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of Graph."""

    def __init__(self, status: int, code: str, message: str = "The request is refused.") -> None:
        super().__init__(message)
        self.answer = Response.of({"error": {"code": code, "message": message, "innerError": {}}}, status)


def local(text: str) -> datetime:
    """Return a time of the mailbox's zone."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


class FakeGraph(Served, FakeApi):
    """The mailbox, its colleagues' times and the rooms of the organization."""

    def __init__(self, personal: bool = False) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self.personal, self.duplicates_refused = personal, True
        self.events: dict[str, Thing] = {}
        self.overrides: dict[str, dict[date, Thing | None]] = {}  # by series and day: None for a cancelled occurrence
        self.mails: list[tuple[str, str, str]] = []  # kind, event, word
        self.calendars = {"CAL1": "Calendrier", "CAL2": "Chantiers"}
        self.categories = {"Clients": "preset7", "Équipe": "preset4"}
        self.busy: dict[str, list[tuple[str, str, str]]] = {
            "paul@atelier.example": [],
            "salle.bleue@atelier.example": [],
        }
        self.grants: list[Thing] = []
        self._last = 0
        for method, path, handler in ROUTES:
            self.on(method, path, self._checked(handler))

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {
            "OUTLOOK_CALENDAR_ACCESS_TOKEN": TOKEN,
            "OUTLOOK_CALENDAR_BASE_URL": f"{self.vendor.url}/v1.0",
            "OUTLOOK_CALENDAR_LOGIN_URL": self.vendor.url,
        }

    # -- what a test puts in

    def add(
        self,
        subject: str,
        start: str,
        end: str = "",
        *,
        guests: list[str] | None = None,
        weekly: int | None = None,
        by: str = ME,
        **more: Any,
    ) -> str:
        """Add an event of the mailbox, an hour long unless `end` says else; `weekly`: so many times, 0 for ever."""
        begins = local(start)
        ends = local(end) if end else begins + timedelta(hours=1)
        recurrence = None
        if weekly is not None:
            limits: Thing = {"type": "numbered", "numberOfOccurrences": weekly} if weekly else {"type": "noEnd"}
            pattern = {
                "type": "weekly",
                "interval": 1,
                "daysOfWeek": [DAYS[begins.weekday()]],
                "firstDayOfWeek": "monday",
            }
            recurrence = {"pattern": pattern, "range": {**limits, "startDate": begins.date().isoformat()}}
        people = [*([by] if by == ME else [ME]), *(guests or [])]
        body = {
            "subject": subject,
            "start": {"dateTime": begins.replace(tzinfo=None).isoformat(), "timeZone": WINDOWS},
            "end": {"dateTime": ends.replace(tzinfo=None).isoformat(), "timeZone": WINDOWS},
            "attendees": [{"emailAddress": {"address": one}, "type": "required"} for one in people if one != by],
            **({"recurrence": recurrence} if recurrence else {}),
            **more,
        }
        return str(self._create(body, by)["id"])

    def one(self, event: str) -> Thing:
        """Return an event as it is, an occurrence with what was changed of it."""
        return self._event(event)

    # -- how it answers

    def _checked(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def answer(request: Request, **names: str) -> Response:
            if request.headers.get("authorization") != f"Bearer {TOKEN}" and "/oauth2/" not in request.path:
                return Refusal(401, "InvalidAuthenticationToken", "Access token is empty.").answer
            try:
                return handler(self, request, **names)
            except Refusal as refusal:
                return refusal.answer

        return answer

    def _create(self, body: Thing, by: str = ME) -> Thing:
        if unknown := READ_ONLY & set(body):
            raise Refusal(400, "ErrorInvalidRequest", f"Read-only: {', '.join(sorted(unknown))}")
        begins, ends, zone = self._span(body)
        self._last += 1
        event: Thing = {
            "id": f"AAkEV{self._last}",
            "showAs": "busy",
            "sensitivity": "normal",
            "importance": "normal",
            "isAllDay": False,
            "isOnlineMeeting": False,
            "allowNewTimeProposals": True,
            "categories": [],
            "isReminderOn": True,
            "reminderMinutesBeforeStart": 15,
            "body": {"contentType": "html", "content": ""},
            "location": {"displayName": ""},
            "attendees": [],
            "hasAttachments": False,
            **body,
            "begins": begins,
            "ends": ends,
            "originalStartTimeZone": zone,
            "type": "seriesMaster" if body.get("recurrence") else "singleInstance",
            "organizer": by,
            "isCancelled": False,
            "response": "organizer" if by == ME else "notResponded",
            "version": 1,
        }
        self._must_fit(event)
        self.events[event["id"]] = event
        self.overrides[event["id"]] = {}
        if event["isOnlineMeeting"]:
            self._meet(event)
        self._mail("invitation", event)
        return event

    def _meet(self, event: Thing) -> None:
        if event.get("onlineMeetingProvider") != "teamsForBusiness" or self.personal:
            raise Refusal(400, "ErrorInvalidRequest", "The provider is not allowed.")
        link = f"https://teams.microsoft.com/l/meetup-join/{event['id']}"
        event["onlineMeeting"] = {"joinUrl": link}
        event["body"] = {
            "contentType": "html",
            "content": f"<div>{event['body']['content']}</div><div>{'_' * 80}</div><a href='{link}'>Join</a>",
        }

    def _must_fit(self, event: Thing) -> None:
        if not event["begins"] < event["ends"]:
            raise Refusal(400, "ErrorPropertyValidationFailure", "The end is not after the start.")
        if event["isAllDay"] and any(event[side]["dateTime"][10:] != "T00:00:00" for side in ("start", "end")):
            raise Refusal(400, "ErrorPropertyValidationFailure", "An event of whole days begins and ends at midnight.")
        recurrence = event.get("recurrence")
        if recurrence:
            pattern, limits = recurrence["pattern"], recurrence["range"]
            first = event["begins"].astimezone(iana_zone(event["originalStartTimeZone"], PARIS)).date()
            if limits["startDate"] != first.isoformat():
                raise Refusal(400, "ErrorInvalidRecurrence", "The range does not begin on the day of the start.")
            if pattern["type"] == "weekly" and DAYS[first.weekday()] not in pattern["daysOfWeek"]:
                raise Refusal(400, "ErrorInvalidRecurrence", "The first day is not one of the pattern's.")

    def _span(self, body: Thing) -> tuple[datetime, datetime, str]:
        sides = []
        for side in ("start", "end"):
            text, name = body[side]["dateTime"], body[side]["timeZone"]
            zone = iana_zone(name, ZoneInfo("Etc/GMT+12"))
            if zone.key == "Etc/GMT+12":
                raise Refusal(400, "TimeZoneNotSupportedException", f"The zone {name} is not supported.")
            sides.append(datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC))
        return sides[0], sides[1], body["start"]["timeZone"]

    def _mail(self, kind: str, event: Thing, word: str = "") -> None:
        if event["attendees"]:
            self.mails.append((kind, event["id"], word))

    def _slots(self, event: Thing) -> Iterator[tuple[date, datetime]]:
        """Yield where the pattern of a series puts its occurrences."""
        pattern, limits = event["recurrence"]["pattern"], event["recurrence"]["range"]
        zone = iana_zone(event["originalStartTimeZone"], PARIS)
        first = event["begins"].astimezone(zone)
        last = date.fromisoformat(limits["endDate"]) if limits["type"] == "endDate" else date(2040, 1, 1)
        left = limits.get("numberOfOccurrences", 10_000) if limits["type"] == "numbered" else 10_000
        day = first.date()
        while day <= last and left:
            if pattern["type"] == "daily" or DAYS[day.weekday()] in pattern["daysOfWeek"]:
                left -= 1
                yield day, datetime.combine(day, first.time(), zone).astimezone(UTC)
            day += timedelta(days=1)

    def _occurrences(self, event: Thing, after: datetime, before: datetime) -> Iterator[Thing]:
        length = event["ends"] - event["begins"]
        for day, begins in self._slots(event):
            change = self.overrides[event["id"]].get(day, {})
            if change is None:
                continue
            one = {
                **event,
                "type": "exception" if change else "occurrence",
                "id": f"{event['id']}.{day}",
                "seriesMasterId": event["id"],
                "begins": begins,
                "ends": begins + length,
                **({"originalStart": begins.strftime("%Y-%m-%dT%H:%M:%SZ")} if change else {}),
                **change,
            }
            one.pop("recurrence", None)
            if one["begins"] < before and one["ends"] > after:
                yield one

    def _event(self, key: str) -> Thing:
        series, _, day = key.partition(".")
        if series not in self.events:
            raise Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        if not day:
            return self.events[series]
        begin = datetime.min.replace(tzinfo=UTC)
        for one in self._occurrences(self.events[series], begin, datetime.max.replace(tzinfo=UTC)):
            if one["id"] == key:
                return one
        raise Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")

    def _zone(self, request: Request) -> str:
        prefer = request.headers.get("prefer", "")
        if 'IdType="ImmutableId"' not in prefer:
            raise Refusal(400, "ErrorInvalidRequest", "This test wants immutable ids.")
        zone = re.search(r'outlook\.timezone="([^"]+)"', prefer)
        return zone[1] if zone else "UTC"

    def shown(self, event: Thing, request: Request) -> Thing:
        """Return an event as Graph writes it."""
        name = self._zone(request)
        zone = iana_zone(name, ZoneInfo("UTC"))
        result = {k: v for k, v in event.items() if k not in ("begins", "ends", "response", "version", "transactionId")}
        for side, moment in (("start", event["begins"]), ("end", event["ends"])):
            wall = moment.astimezone(iana_zone(event["originalStartTimeZone"], PARIS) if event["isAllDay"] else zone)
            result[side] = {"dateTime": f"{wall:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": name}
        answer = {"response": event["response"], "time": "0001-01-01T00:00:00Z"}
        result |= {"organizer": {"emailAddress": {"address": event["organizer"], "name": event["organizer"]}}}
        result |= {"isOrganizer": event["organizer"] == ME, "responseStatus": answer}
        result |= {"@odata.etag": f'W/"{event["version"]}"', "webLink": f"https://outlook.office365.com/{event['id']}"}
        if 'outlook.body-content-type="text"' in request.headers.get("prefer", ""):
            text = re.sub(r"<[^>]+>", "", result["body"]["content"])
            result["body"] = {"contentType": "text", "content": text}
        return result

    def _page(self, request: Request, rows: list[Thing]) -> Response:
        query = dict(request.query)
        size, skip = int(query.get("$top", 10)), int(query.get("$skip", 0))
        following = {**query, "$top": str(size), "$skip": str(skip + size)}
        link = f"{GRAPH}{request.path.removeprefix('/v1.0')}?" + "&".join(
            f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in following.items()
        )
        more = {"@odata.nextLink": link} if skip + size < len(rows) else {}
        return Response.of({"value": rows[skip : skip + size], **more})

    def me(self, request: Request, **_: str) -> Response:
        """The account; the ids of personal ones are no GUIDs."""
        key = "48d31887f0b1a2c3" if self.personal else "87d349ed-44d7-43e1-9a83-5f2406dee5bd"
        address = "helene@outlook.com" if self.personal else ME
        return Response.of({"id": key, "displayName": "Hélène Martin", "mail": address, "userPrincipalName": address})

    def mailbox(self, request: Request, **_: str) -> Response:
        return Response.of({"timeZone": WINDOWS})

    def list_calendars(self, request: Request) -> Response:
        rows = [
            {"id": key, "name": name, "isDefaultCalendar": key == "CAL1", "canEdit": True}
            for key, name in self.calendars.items()
        ]
        return self._page(request, rows)

    def create_calendar(self, request: Request) -> Response:
        key = f"CAL{len(self.calendars) + 1}"
        self.calendars[key] = request.json()["name"]
        return Response.of({"id": key, "name": self.calendars[key], "canEdit": True}, 201)

    def list_categories(self, request: Request) -> Response:
        rows = [{"id": name, "displayName": name, "color": color} for name, color in self.categories.items()]
        return Response.of({"value": rows})

    def create_category(self, request: Request) -> Response:
        body = request.json()
        if body["displayName"] in self.categories:
            raise Refusal(409, "ErrorDuplicateCategory")
        self.categories[body["displayName"]] = body["color"]
        return Response.of({"id": body["displayName"], **body}, 201)

    def view(self, request: Request, calendar: str = "", **_: str) -> Response:
        query = dict(request.query)
        sides = [
            datetime.fromisoformat(query[name].replace("Z", "+00:00")) for name in ("startDateTime", "endDateTime")
        ]
        rows: list[Thing] = []
        for event in self.events.values():
            if event.get("calendar", "CAL1") != (calendar or "CAL1"):
                continue
            if event.get("recurrence"):
                rows += self._occurrences(event, *sides)
            elif event["begins"] < sides[1] and event["ends"] > sides[0] and not event["isCancelled"]:
                rows.append(event)
        rows.sort(key=lambda one: one["begins"])
        wanted = query["$select"].split(",")
        shown = [self.shown(one, request) for one in rows]
        for row, one in zip(shown, rows, strict=True):
            row["bodyPreview"] = re.sub(r"<[^>]+>", "", one["body"]["content"])[:255]
        return self._page(request, [{k: v for k, v in row.items() if k in wanted} for row in shown])

    def create(self, request: Request, calendar: str = "") -> Response:
        body = request.json()
        key = body.get("transactionId")
        known = next((e for e in self.events.values() if key and e.get("transactionId") == key), None)
        if known and self.duplicates_refused:
            raise Refusal(409, "ErrorDuplicateTransactionId", "The transactionId was used before.")
        event = known or self._create(body)
        if calendar:
            event["calendar"] = calendar
        return Response.of(self._without_calendar(self.shown(event, request)), 201)

    @staticmethod
    def _without_calendar(shown: Thing) -> Thing:
        return {name: value for name, value in shown.items() if name != "calendar"}

    def get(self, request: Request, event: str) -> Response:
        one = self._event(event)
        if "cancelledOccurrences" in dict(request.query).get("$select", ""):
            gone = [f"OID.{event}.{day}" for day, change in self.overrides[event].items() if change is None]
            return Response.of({"id": event, "cancelledOccurrences": gone})
        return Response.of(self._without_calendar(self.shown(one, request)))

    def update(self, request: Request, event: str) -> Response:
        one, body = self._event(event), request.json()
        if request.headers.get("if-match", f'W/"{one["version"]}"') != f'W/"{one["version"]}"':
            raise Refusal(412, "ErrorIrresolvableConflict", "The change key is not current.")
        if READ_ONLY & set(body):
            raise Refusal(400, "ErrorInvalidRequest", "A read-only property is sent.")
        if one["organizer"] != ME:
            raise Refusal(403, "ErrorAccessDenied", "Only the organizer may.")
        if one.get("isOnlineMeeting") and "body" in body and "meetup-join" not in body["body"]["content"]:
            raise AssertionError("the change takes the link out of the text, which ends the online meeting")
        changed = {**one, **body, "version": one["version"] + 1}
        if {"start", "end"} & set(body):
            changed["begins"], changed["ends"], changed["originalStartTimeZone"] = self._span(changed)
        if body.get("recurrence"):
            changed["type"] = "seriesMaster"
        self._must_fit(changed)
        if body.get("isOnlineMeeting") and not one["isOnlineMeeting"]:
            self._meet(changed)
        series, _, day = event.partition(".")
        if day:
            fields = {*body, "begins", "ends", "version"} - {"recurrence"}
            self.overrides[series][date.fromisoformat(day)] = {k: changed[k] for k in fields}
        else:
            self.events[event] = changed
        self._mail("update", changed)
        return Response.of(self._without_calendar(self.shown(self._event(event), request)))

    def delete(self, request: Request, event: str) -> Response:
        self._remove(event, "cancellation", "")
        return Response(204)

    def cancel(self, request: Request, event: str) -> Response:
        if self._event(event)["organizer"] != ME:
            raise Refusal(400, "ErrorCannotCancel", "Only the organizer cancels.")
        self._remove(event, "cancellation", request.json().get("comment") or "")
        return Response(202)

    def _remove(self, event: str, kind: str, word: str) -> None:
        one = self._event(event)
        series, _, day = event.partition(".")
        if day:
            self.overrides[series][date.fromisoformat(day)] = None
        else:
            del self.events[event]
        self._mail(kind, one, word)

    def instances(self, request: Request, event: str) -> Response:
        query, series = dict(request.query), self._event(event)
        sides = [
            datetime.fromisoformat(query[name].replace("Z", "+00:00")) for name in ("startDateTime", "endDateTime")
        ]
        if sides[1] - sides[0] > timedelta(days=1825):
            raise Refusal(400, "ErrorCalendarViewRangeTooBig", "The requested time window exceeds five years.")
        return self._page(request, [self.shown(one, request) for one in self._occurrences(series, *sides)])

    def respond(self, request: Request, event: str, answer: str) -> Response:
        one, body = self._event(event), request.json()
        if one["organizer"] == ME:
            raise Refusal(400, "ErrorInvalidRequest", "You can't respond to this meeting because you're the organizer.")
        if "proposedNewTime" in body and (answer == "accept" or not body["sendResponse"]):
            raise Refusal(400, "ErrorInvalidRequest", "A new time cannot be proposed so.")
        answers = {"accept": "accepted", "decline": "declined", "tentativelyAccept": "tentativelyAccepted"}
        one["response"] = answers[answer]
        if body["sendResponse"]:
            self.mails.append((answer, event, body.get("comment") or ""))
        return Response(202)

    def forward(self, request: Request, event: str) -> Response:
        body = request.json()
        for one in body["toRecipients"]:
            self.mails.append(("forward", event, one["emailAddress"]["address"]))
        return Response(202)

    def attachments(self, request: Request, event: str) -> Response:
        return Response.of({"value": [{"id": "ATT1", "name": "devis.pdf", "size": 21000}]})

    def schedule(self, request: Request, **_: str) -> Response:
        if self.personal:
            raise Refusal(403, "ErrorAccessDenied", "This is not supported for MSA accounts.")
        body, rows = request.json(), []
        if len(body["schedules"]) > 20:
            raise Refusal(400, "ErrorInvalidRequest", "At most 20 schedules.")
        for name in body["schedules"]:
            items = self.busy.get(name)
            if name == ME:
                items = [
                    (f"{e['begins']:%Y-%m-%dT%H:%M}", f"{e['ends']:%Y-%m-%dT%H:%M}", "busy")
                    for e in self.events.values()
                ]
            if items is None:
                problem = {"message": "Unable to resolve", "responseCode": "ErrorMailRecipientNotFound"}
                rows.append({"scheduleId": name, "error": problem})
                continue
            matches = [
                {
                    "status": status,
                    "start": {"dateTime": f"{a}:00.0000000", "timeZone": "UTC"},
                    "end": {"dateTime": f"{b}:00.0000000", "timeZone": "UTC"},
                }
                for a, b, status in items
                if a < body["endTime"]["dateTime"] and b > body["startTime"]["dateTime"]
            ]
            rows.append({"scheduleId": name, "availabilityView": "0", "scheduleItems": matches})
        return Response.of({"value": rows})

    def find_times(self, request: Request, **_: str) -> Response:
        body = request.json()
        slot = body["timeConstraint"]["timeSlots"][0]
        if any(one["emailAddress"]["address"] == "pris@atelier.example" for one in body["attendees"]):
            return Response.of({"emptySuggestionsReason": "attendeesUnavailable", "meetingTimeSuggestions": []})
        begin = datetime.fromisoformat(slot["start"]["dateTime"]) + timedelta(hours=10)
        minutes = int(body["meetingDuration"].removeprefix("PT").removesuffix("M"))
        zone = slot["start"]["timeZone"]
        times = {
            "start": {"dateTime": begin.isoformat(), "timeZone": zone},
            "end": {"dateTime": (begin + timedelta(minutes=minutes)).isoformat(), "timeZone": zone},
        }
        who = [{"attendee": one, "availability": "tentative"} for one in body["attendees"][:1]]
        best = {
            "confidence": 75.0,
            "meetingTimeSlot": times,
            "attendeeAvailability": who,
            "suggestionReason": "Nearest.",
        }
        return Response.of({"emptySuggestionsReason": "", "meetingTimeSuggestions": [best][: body["maxCandidates"]]})

    def rooms(self, request: Request) -> Response:
        if self.personal:
            raise Refusal(403, "AccessDenied", "This is not supported for MSA accounts.")
        rows = [
            {
                "id": key,
                "emailAddress": f"{key}@atelier.example",
                "displayName": name,
                "capacity": seats,
                "building": "Siège",
            }
            for key, name, seats in (("salle.bleue", "Salle bleue", 8), ("salle.verte", "Salle verte", 4))
        ]
        return self._page(request, rows)

    def token(self, request: Request, tenant: str) -> Response:
        """The token endpoint of a tenant."""
        form = form_of(request)
        self.grants.append({**form, "tenant": tenant})
        if form.get("client_id") != "app-1" or form.get("client_secret", "secret-1") != "secret-1":
            return Response.of({"error": "invalid_client"}, 401)
        if form["grant_type"] == "refresh_token" and not form["refresh_token"].startswith("refresh-"):
            return Response.of({"error": "invalid_grant"}, 400)
        if form["grant_type"] == "client_credentials" and (tenant == "common" or "client_secret" not in form):
            return Response.of({"error": "invalid_request"}, 400)
        tokens = {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer", "scope": "Calendars.ReadWrite"}
        if form["grant_type"] == "refresh_token":
            tokens["refresh_token"] = f"refresh-{len(self.grants)}"
        return Response.of(tokens)


OWNER = r"/v1\.0/(?:me|users/(?P<user>[^/]+))"
MINE, EVENT = r"/v1\.0/me", r"/v1\.0/me/events/(?P<event>[^/]+)"
ROUTES: list[tuple[str, str, Callable[..., Response]]] = [
    ("POST", r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token", FakeGraph.token),
    ("GET", OWNER, FakeGraph.me),
    ("GET", f"{OWNER}/mailboxSettings", FakeGraph.mailbox),
    ("GET", f"{MINE}/calendars", FakeGraph.list_calendars),
    ("POST", f"{MINE}/calendars", FakeGraph.create_calendar),
    ("GET", f"{MINE}/outlook/masterCategories", FakeGraph.list_categories),
    ("POST", f"{MINE}/outlook/masterCategories", FakeGraph.create_category),
    ("GET", f"{OWNER}/calendarView", FakeGraph.view),
    ("GET", rf"{MINE}/calendars/(?P<calendar>[^/]+)/calendarView", FakeGraph.view),
    ("POST", f"{MINE}/events", FakeGraph.create),
    ("POST", rf"{MINE}/calendars/(?P<calendar>[^/]+)/events", FakeGraph.create),
    ("GET", EVENT, FakeGraph.get),
    ("PATCH", EVENT, FakeGraph.update),
    ("DELETE", EVENT, FakeGraph.delete),
    ("POST", f"{EVENT}/cancel", FakeGraph.cancel),
    ("GET", f"{EVENT}/instances", FakeGraph.instances),
    ("GET", f"{EVENT}/attachments", FakeGraph.attachments),
    ("POST", f"{EVENT}/forward", FakeGraph.forward),
    ("POST", rf"{EVENT}/(?P<answer>accept|decline|tentativelyAccept)", FakeGraph.respond),
    ("POST", f"{OWNER}/calendar/getSchedule", FakeGraph.schedule),
    ("POST", f"{MINE}/findMeetingTimes", FakeGraph.find_times),
    ("GET", r"/v1\.0/places/microsoft\.graph\.room", FakeGraph.rooms),
]
