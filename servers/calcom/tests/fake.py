"""A fake Cal.com that keeps state, built to the published contract and at least as strict.

    with FakeCalcom() as calcom:
        …
        assert calcom.bookings["…"]["status"] == "cancelled"

Its account is in Europe/Paris. On weekdays each event type has slots from 09:00 to 17:00, and what is booked is not
free. A request without the `cal-api-version` of its resource finds no route, as in the real one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served

HOME, KEY, PARIS = "https://api.cal.com", "cal_live_test-key", ZoneInfo("Europe/Paris")
CREATED = "2026-01-05T08:00:00.000Z"
ME = {
    "id": 7,
    "username": "zoe",
    "email": "zoe@atelier.example",
    "name": "Zoé Lefèvre",
    "avatarUrl": None,
    "bio": None,
    "timeFormat": 24,
    "defaultScheduleId": 31,
    "weekStart": "Monday",
    "timeZone": "Europe/Paris",
    "organizationId": None,
}
HOST = {
    "id": 7,
    "name": "Zoé Lefèvre",
    "email": "zoe@atelier.example",
    "displayEmail": "zoe@atelier.example",
    "username": "zoe",
    "timeZone": "Europe/Paris",
}
VERSIONS = {"bookings": "2024-08-13", "slots": "2024-09-04", "event-types": "2024-06-14", "schedules": "2024-06-11"}
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
Thing = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of Cal.com."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        codes = {400: "BadRequestException", 401: "UnauthorizedException", 404: "NotFoundException"}
        self.answer = Response.of(
            {
                "status": "error",
                "timestamp": CREATED,
                "path": "/v2",
                "error": {"code": code or codes.get(status, "Error"), "message": message, "details": {}},
            },
            status,
        )


def stamp(moment: datetime) -> str:
    """Return a time as Cal.com writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def moment(text: str) -> datetime:
    """Return a time of a request, which must be in UTC."""
    if not text.endswith("Z"):
        raise Refusal(400, "start must be a valid ISO 8601 date string in UTC")
    return datetime.fromisoformat(text)


def field(slug: str, label: str, kind: str = "text", *, required: bool = False, **more: Any) -> Thing:
    """Return a question that somebody added to a booking form."""
    hidden = more.pop("hidden", False)
    base = {"type": kind, "slug": slug, "label": label, "required": required, "hidden": hidden, "isDefault": False}
    return {**base, **({} if kind in ("boolean", "multiselect", "checkbox", "radio") else {"placeholder": ""}), **more}


def person(name: str, email: str | None, phone: str | None = None, **more: Any) -> Thing:
    """Return an attendee; for a phone number alone Cal.com makes an address up."""
    made_up = f"{(phone or '').lstrip('+')}@sms.cal.com"
    return {
        "name": name,
        "email": email or made_up,
        "displayEmail": email or made_up,
        "timeZone": "Europe/Paris",
        "language": "fr",
        "absent": False,
        **({"phoneNumber": phone} if phone else {}),
        **more,
    }


class FakeCalcom(Served, FakeApi):
    """The account of Zoé, with the team Commerciaux."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self.types: dict[int, Thing] = {}
        self.bookings: dict[str, Thing] = {}
        self.webhooks: dict[int, Thing] = {}
        self.links: list[Thing] = []
        self.refuse: list[tuple[str, Response]] = []  # how the next requests whose path ends so are refused
        self.busy: list[tuple[str, str]] = []
        self.calendars = [("zoe@atelier.example", 135, True), ("fêtes@group.example", 135, False)]
        self._last = 100
        team = {"id": 5, "name": "Commerciaux", "slug": "commerciaux", "isOrganization": False}
        self.teams = [{**team, "timeZone": "Europe/Paris"}]
        spans = [("09:00", "12:00"), ("14:00", "17:30")]
        week = [{"days": DAYS, "startTime": start, "endTime": end} for start, end in spans]
        dates = [{"date": "2030-12-24", "startTime": "00:00", "endTime": "00:00"}]
        self.schedules = [
            self.schedule(31, "Horaires d’atelier", availability=week, overrides=dates, isDefault=True),
            self.schedule(32, "Été", availability=week[:1]),
        ]
        video = {"type": "integration", "integration": "cal-video"}
        street = {"type": "address", "address": "12 rue de l’Œuvre, Lyon", "public": True}
        self.add_type("Premier échange", fields=[field("projet", "Votre projet ?")], places=[video])
        self.add_type("Visite", 60, places=[video, street])
        self.add_type("Appel", 15, places=[{"type": "attendeePhone"}])
        budget = field("budget", "Budget", "select", required=True, options=["Petit", "Grand"])
        self.add_type("Devis", fields=[field("adresse", "Adresse"), budget])
        self.add_type("Conseil", lengths=[30, 60, 90])
        self.add_type("Équipe", team=5)
        self._routes()

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {"CALCOM_API_KEY": KEY, "CALCOM_BASE_URL": self.vendor.url}

    # -- what a test puts in

    def key(self) -> int:
        """Return a new id."""
        self._last += 1
        return self._last

    def schedule(self, key: int, name: str, **more: Any) -> Thing:
        """Return a schedule."""
        base = {"id": key, "ownerId": 7, "name": name, "timeZone": "Europe/Paris", "isDefault": False}
        return {**base, "availability": [], "overrides": [], **more}

    def add_type(
        self,
        title: str,
        minutes: int = 30,
        *,
        fields: list[Thing] | None = None,
        places: list[Thing] | None = None,
        lengths: list[int] | None = None,
        team: int | None = None,
        **more: Any,
    ) -> Thing:
        """Add an event type of the account or of a team, and return it."""
        key = self.key()
        default: list[Thing] = [
            {"type": "name", "slug": "name", "label": "Nom", "placeholder": "", "isDefault": True, "required": True},
            {"type": "email", "slug": "email", "label": "Mail", "placeholder": "", "isDefault": True, "required": True},
            {"type": "textarea", "slug": "notes", "isDefault": True, "required": False, "hidden": False},
            {"type": "textarea", "slug": "rescheduleReason", "isDefault": True, "required": False, "hidden": False},
        ]
        kind: Thing = {
            "id": key,
            "title": title,
            "slug": f"type-{key}",
            "lengthInMinutes": minutes,
            "description": "Un café et vos idées.",
            "locations": places or [],
            "bookingFields": [*default, *(fields or [])],
            "disableGuests": False,
            "recurrence": None,
            "metadata": {},
            "price": 0,
            "currency": "eur",
            "lockTimeZoneToggleOnBookingPage": False,
            "forwardParamsSuccessRedirect": None,
            "successRedirectUrl": None,
            "isInstantEvent": False,
            "scheduleId": None,
            "hidden": False,
            "bookingRequiresAuthentication": False,
            **({"lengthInMinutesOptions": lengths} if lengths else {}),
            **more,
        }
        if team:
            about = dict.fromkeys(["bannerUrl", "logoUrl", "weekStart", "brandColor", "darkBrandColor", "theme"], "")
            own = {"id": team, "name": "Commerciaux", "slug": "commerciaux", **about}
            kind |= {"teamId": team, "hosts": [], "schedulingType": "roundRobin", "team": own}
        else:
            kind |= {"ownerId": 7, "users": ["zoe"], "bookingUrl": f"https://cal.com/zoe/type-{key}"}
        self.types[key] = kind
        return kind

    def id_of(self, title: str) -> int:
        """Return the id of an event type."""
        return next(key for key, one in self.types.items() if one["title"] == title)

    def book(self, event_type: str, start: datetime, *people: Thing, status: str = "accepted", **more: Any) -> Thing:
        """Book a meeting in the account, and return it."""
        kind = self.types[self.id_of(event_type)]
        minutes, uid = more.pop("minutes", kind["lengthInMinutes"]), f"uid{self.key():013d}"
        names = " et ".join(one["name"] for one in people)
        self.bookings[uid] = {
            "id": self.key(),
            "uid": uid,
            "title": f"{event_type} entre Zoé Lefèvre et {names}",
            "description": "",
            "hosts": [HOST],
            "status": status,
            "start": stamp(start),
            "end": stamp(start + timedelta(minutes=minutes)),
            "duration": minutes,
            "eventTypeId": kind["id"],
            "eventType": {"id": kind["id"], "slug": kind["slug"]},
            "location": more.pop("location", f"https://app.cal.com/video/{uid}"),
            "absentHost": False,
            "createdAt": CREATED,
            "updatedAt": CREATED,
            "metadata": {},
            "attendees": [dict(one) for one in people],
            "guests": more.pop("guests", []),
            "bookingFieldsResponses": {"name": names, **more.pop("form", {})},
            **more,
        }
        return self.bookings[uid]

    # -- how it answers

    def _routes(self) -> None:
        uid, key = r"(?P<uid>[^/]+)", r"(?P<key>[^/]+)"
        routes: list[tuple[str, str, Callable[..., Any]]] = [
            ("GET", "/v2/me", lambda request: ME),
            ("GET", "/v2/event-types", lambda request: [one for one in self.types.values() if "ownerId" in one]),
            ("POST", "/v2/event-types", self.create_type),
            ("PATCH", f"/v2/event-types/{key}", self.update_type),
            ("POST", f"/v2/event-types/{key}/private-links", self.link),
            ("GET", "/v2/teams", lambda request: self.teams),
            ("GET", f"/v2/teams/{key}/event-types", self.team_types),
            ("GET", f"/v2/teams/{key}/memberships", self.members),
            ("GET", "/v2/slots", self.slots),
            ("GET", "/v2/bookings", self.list_bookings),
            ("POST", "/v2/bookings", self.create),
            ("GET", f"/v2/bookings/{uid}", lambda request, uid: self._booking(uid)),
            ("POST", f"/v2/bookings/{uid}/reschedule", self.reschedule),
            ("POST", f"/v2/bookings/{uid}/cancel", self.cancel),
            ("POST", f"/v2/bookings/{uid}/confirm", self.confirm),
            ("POST", f"/v2/bookings/{uid}/decline", self.decline),
            ("POST", f"/v2/bookings/{uid}/mark-absent", self.mark),
            ("POST", f"/v2/bookings/{uid}/guests", self.add_guests),
            ("GET", "/v2/schedules", lambda request: self.schedules),
            ("PATCH", f"/v2/schedules/{key}", self.update_schedule),
            ("GET", "/v2/calendars", self.list_calendars),
            ("GET", "/v2/calendars/busy-times", self.busy_times),
            ("GET", "/v2/webhooks", lambda request: self._part(request, list(self.webhooks.values()))[0]),
            ("POST", "/v2/webhooks", self.create_webhook),
            ("DELETE", f"/v2/webhooks/{key}", lambda request, key: self.webhooks.pop(int(key))),
        ]
        for method, path, handler in routes:
            self.on(method, path, self._checked(handler))

    def _checked(self, handler: Callable[..., Any]) -> Callable[..., Response]:
        def answer(request: Request, **named: str) -> Response:
            if request.headers.get("authorization") != f"Bearer {KEY}":
                return Refusal(401, "Invalid API Key").answer
            parts = request.path.split("/")
            wanted = VERSIONS.get(parts[2])
            if "private-links" not in parts and wanted and request.headers.get("cal-api-version") != wanted:
                return Response.of({"statusCode": 404, "message": f"Cannot {request.method} {request.path}"}, 404)
            for number, (path, refusal) in enumerate(self.refuse):
                if request.path.endswith(path):
                    del self.refuse[number]
                    return refusal
            try:
                data = handler(request, **named)
            except Refusal as refused:
                return refused.answer
            if isinstance(data, Response):
                return data
            made = request.method == "POST" and parts[-1] in (
                "bookings",
                "event-types",
                "webhooks",
                "private-links",
                "reschedule",
            )
            return Response.of({"status": "success", "data": data}, 201 if made else 200)

        return answer

    def _part(self, request: Request, rows: list[Thing]) -> tuple[list[Thing], Thing]:
        query = dict(request.query)
        take, skip = int(query.get("take", 100)), int(query.get("skip", 0))
        if not 1 <= take <= 250:
            raise Refusal(400, "take must not be greater than 250")
        part = rows[skip : skip + take]
        left = max(0, len(rows) - skip - len(part))
        return part, {
            "totalItems": len(rows),
            "remainingItems": left,
            "returnedItems": len(part),
            "itemsPerPage": take,
            "currentPage": skip // take + 1,
            "totalPages": -(-len(rows) // take),
            "hasNextPage": left > 0,
            "hasPreviousPage": skip > 0,
        }

    def _type(self, key: Any) -> Thing:
        if str(key) not in map(str, self.types):
            raise Refusal(404, f"Event type with id {key} not found")
        return self.types[int(key)]

    def _booking(self, uid: str) -> Any:
        series = [one for one in self.bookings.values() if one.get("recurringBookingUid") == uid]
        if uid not in self.bookings and not series:
            raise Refusal(404, f"Booking with uid={uid} was not found in the database")
        return series or self.bookings[uid]

    def team_types(self, request: Request, key: str) -> Any:
        return [one for one in self.types.values() if one.get("teamId") == int(key)]

    def members(self, request: Request, key: str) -> Any:
        about = {"teamId": int(key), "accepted": True}
        rows = [
            {"id": n, "userId": n, "role": role, **about, "user": {"name": name, "username": mail[:3], "email": mail}}
            for n, name, mail, role in (
                (7, "Zoé Lefèvre", "zoe@atelier.example", "OWNER"),
                (8, "Marie Curie", "marie@atelier.example", "MEMBER"),
            )
        ]
        return self._part(request, rows)[0]

    def create_type(self, request: Request) -> Any:
        body = request.json()
        if any(one["slug"] == body["slug"] for one in self.types.values()):
            raise Refusal(400, "User already has an event type with this slug.")
        kind = self.add_type(body["title"], body["lengthInMinutes"], places=body.get("locations"))
        kind.update({name: value for name, value in body.items() if name not in ("locations",)})
        return kind

    def update_type(self, request: Request, key: str) -> Any:
        self._type(key).update(request.json())
        return self._type(key)

    def link(self, request: Request, key: str) -> Any:
        body, number = request.json(), self.key()
        link = {"linkId": f"l{number}", "eventTypeId": self._type(key)["id"], "isExpired": False}
        link["bookingUrl"] = f"https://cal.com/d/l{number}/type-{key}"
        once = {"maxUsageCount": body.get("maxUsageCount", 1), "usageCount": 0}
        self.links.append({**link, **({"expiresAt": body["expiresAt"]} if "expiresAt" in body else once)})
        return self.links[-1]

    def free(self, kind: Thing, start: datetime, end: datetime, minutes: int, without: str = "") -> list[datetime]:
        """Return the free times of an event type."""
        step = timedelta(minutes=minutes)
        taken = [
            (datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"]))
            for uid, one in self.bookings.items()
            if one["status"] in ("accepted", "pending") and uid != without
        ]
        day, result = start.astimezone(PARIS).date(), []
        while day <= end.astimezone(PARIS).date():
            slot = datetime.combine(day, time(9), PARIS).astimezone(UTC)
            last = datetime.combine(day, time(17), PARIS).astimezone(UTC)
            while day.weekday() < 5 and slot + step <= last:
                if start <= slot < end and not any(a < slot + step and slot < b for a, b in taken):
                    result.append(slot)
                slot += step
            day += timedelta(days=1)
        return result

    def _minutes(self, kind: Thing, wanted: Any) -> int:
        lengths = kind.get("lengthInMinutesOptions") or []
        if wanted is not None and int(wanted) not in lengths:
            raise Refusal(400, "Invalid event length")
        return int(wanted or kind["lengthInMinutes"])

    def slots(self, request: Request) -> Any:
        query = dict(request.query)
        kind, zone = self._type(query.get("eventTypeId", "")), ZoneInfo(query.get("timeZone", "UTC"))
        minutes = self._minutes(kind, query.get("duration"))
        start, end = moment(query["start"]), moment(query["end"])
        result: dict[str, list[Thing]] = {}
        for slot in self.free(kind, start, end, minutes, query.get("bookingUidToReschedule", "")):
            local = slot.astimezone(zone)
            result.setdefault(local.date().isoformat(), []).append({"start": local.isoformat(timespec="milliseconds")})
        return result

    def list_bookings(self, request: Request) -> Any:
        query, now = dict(request.query), datetime.now(UTC)
        rows = []
        for one in self.bookings.values():
            start, end = datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])
            mails = [who["email"] for who in one["attendees"]]
            names = " ".join(who["name"] for who in one["attendees"]).casefold()
            fits = {
                "upcoming": end >= now and one["status"] == "accepted",
                "unconfirmed": end >= now and one["status"] == "pending",
                "past": end < now and one["status"] not in ("cancelled", "rejected"),
                "cancelled": one["status"] in ("cancelled", "rejected"),
                "recurring": end >= now and "recurringBookingUid" in one,
            }
            if (
                fits.get(query.get("status", ""), True)
                and query.get("attendeeEmail", mails[0]) in mails
                and query.get("attendeeName", "").casefold() in names
                and query.get("eventTypeId", str(one["eventTypeId"])) == str(one["eventTypeId"])
                and query.get("teamId", str(self.types[one["eventTypeId"]].get("teamId")))
                == str(self.types[one["eventTypeId"]].get("teamId"))
                and ("afterStart" not in query or start >= moment(query["afterStart"]))
                and ("beforeEnd" not in query or end <= moment(query["beforeEnd"]))
            ):
                rows.append(one)
        rows.sort(key=lambda one: str(one["start"]), reverse=query.get("sortStart") == "desc")
        part, pages = self._part(request, rows)
        return Response.of({"status": "success", "data": part, "pagination": pages})

    def create(self, request: Request) -> Any:
        body = request.json()
        kind, start, who = self._type(body["eventTypeId"]), moment(body["start"]), body["attendee"]
        ZoneInfo(who["timeZone"])
        if not who.get("email") and not who.get("phoneNumber"):
            raise Refusal(400, "attendee.email or attendee.phoneNumber is required")
        minutes = self._minutes(kind, body.get("lengthInMinutes"))
        answers = dict(body.get("bookingFieldsResponses", {}))
        for one in kind["bookingFields"]:
            answer = answers.pop(one["slug"], None)
            if one.get("required") and not one["isDefault"] and answer in (None, ""):
                raise Refusal(400, f"Missing required booking field response: {one['slug']}")
            if answer is not None and one["type"] in ("select", "radio") and answer not in one["options"]:
                raise Refusal(400, f"Invalid option '{answer}' for {one['slug']}")
        if answers:
            raise Refusal(400, f"Unknown booking fields: {', '.join(answers)}")
        place = body.get("location")
        if place and place["type"] not in [one["type"] for one in kind["locations"]]:
            raise Refusal(400, "Location type is not one of the event type's locations")
        if start not in self.free(kind, start, start + timedelta(minutes=1), minutes):
            raise Refusal(400, "User either already has booking at this time or is not available")
        attendee = person(who["name"], who.get("email"), who.get("phoneNumber"), timeZone=who["timeZone"])
        often = (kind.get("recurrence") or {}).get("occurrences", 1)
        series = {"recurringBookingUid": f"series{self.key()}"} if often > 1 else {}
        status = "pending" if (kind.get("confirmationPolicy") or {}).get("type") == "always" else "accepted"
        made = [
            self.book(
                kind["title"],
                start + timedelta(weeks=week),
                attendee,
                minutes=minutes,
                status=status,
                guests=body.get("guests", []),
                form=body.get("bookingFieldsResponses", {}),
                **series,
            )
            for week in range(often)
        ]
        return made if series else made[0]

    def _standing(self, uid: str) -> Thing:
        one = self._booking(uid)
        if isinstance(one, list) or one["status"] in ("cancelled", "rejected"):
            raise Refusal(400, f"Can't change booking with uid={uid} because it has been cancelled already")
        return dict(one) and self.bookings[uid]

    def _seated(self, old: Thing, seat: str | None) -> bool:
        seats = [one.get("seatUid") for one in old["attendees"]]
        if seat and seat not in seats:
            raise Refusal(404, f"Seat with uid={seat} does not exist")
        return any(seats)

    def reschedule(self, request: Request, uid: str) -> Any:
        body, old = request.json(), self._standing(uid)
        kind, start = self._type(old["eventTypeId"]), moment(body["start"])
        seat = body.get("seatUid")
        if self._seated(old, seat) and not seat:
            raise Refusal(400, "seatUid is required to reschedule a seated booking")
        if start not in self.free(kind, start, start + timedelta(minutes=1), old["duration"], uid):
            raise Refusal(400, "User either already has booking at this time or is not available")
        who = [one for one in old["attendees"] if not seat or one["seatUid"] == seat]
        more = {"reschedulingReason": body["reschedulingReason"]} if "reschedulingReason" in body else {}
        new = self.book(
            kind["title"],
            start,
            *who,
            minutes=old["duration"],
            guests=old["guests"],
            form=old["bookingFieldsResponses"],
            rescheduledFromUid=uid,
            rescheduledByEmail=body.get("rescheduledBy"),
            **more,
        )
        if seat:
            old["attendees"] = [one for one in old["attendees"] if one["seatUid"] != seat]
        else:
            old.update(status="cancelled", rescheduledToUid=new["uid"])
        return new

    def cancel(self, request: Request, uid: str) -> Any:
        body, old = request.json(), self._standing(uid)
        if not body.get("cancellationReason"):
            raise Refusal(400, "Cancellation reason is required when you are the host")
        if body.get("seatUid"):
            self._seated(old, body["seatUid"])
            old["attendees"] = [one for one in old["attendees"] if one["seatUid"] != body["seatUid"]]
            return old
        ended = [old]
        if body.get("cancelSubsequentBookings"):
            ended = [
                one
                for one in self.bookings.values()
                if one.get("recurringBookingUid") == old["recurringBookingUid"] and one["start"] >= old["start"]
            ]
        for one in ended:
            one.update(status="cancelled", cancellationReason=body["cancellationReason"])
        return ended if len(ended) > 1 else old

    def confirm(self, request: Request, uid: str) -> Any:
        old = self._standing(uid)
        if old["status"] != "pending":
            raise Refusal(400, "Booking already confirmed")
        old["status"] = "accepted"
        return old

    def decline(self, request: Request, uid: str) -> Any:
        old = self._standing(uid)
        old.update(status="rejected", **({"cancellationReason": r} if (r := request.json().get("reason")) else {}))
        return old

    def mark(self, request: Request, uid: str) -> Any:
        old = self._standing(uid)
        for wanted in request.json()["attendees"]:
            fitting = [one for one in old["attendees"] if one["email"] == wanted["email"]]
            if not fitting:
                raise Refusal(404, "Attendee not found")
            fitting[0]["absent"] = wanted["absent"]
        return old

    def add_guests(self, request: Request, uid: str) -> Any:
        old, guests = self._standing(uid), request.json()["guests"]
        if not 1 <= len(guests) <= 10:
            raise Refusal(400, "guests must contain no more than 10 elements")
        old["attendees"] += [person(one.get("name", one["email"]), one["email"]) for one in guests]
        return old

    def update_schedule(self, request: Request, key: str) -> Any:
        one = next(one for one in self.schedules if one["id"] == int(key))
        one.update(request.json())
        return one

    def list_calendars(self, request: Request) -> Any:
        calendars = [
            {"externalId": name, "readOnly": False, "isSelected": on, "credentialId": key, "primary": None}
            for name, key, on in self.calendars
        ]
        texts = ("name", "description", "type", "variant", "logo", "publisher", "slug", "url", "email")
        about = {**dict.fromkeys(texts, "google"), "categories": ["calendar"], "locationOption": None}
        first = {"externalId": "zoe", "primary": True, "readOnly": False, "isSelected": True, "credentialId": 135}
        to = dict.fromkeys(["primaryEmail", "userId", "eventTypeId", "credentialId"])
        destination = {"id": {}, "integration": "google_calendar", "externalId": "zoe", **to}
        one = {"integration": about, "credentialId": 135, "primary": first, "calendars": calendars}
        return {"connectedCalendars": [one], "destinationCalendar": destination}

    def busy_times(self, request: Request) -> Any:
        query = dict(request.query)
        wanted = [query[f"calendarsToLoad[{n}][externalId]"] for n in range(len(query)) if _named(query, n)]
        if not wanted or any("[" in name and "%5B" in request.url for name in query):
            raise Refusal(400, "calendarsToLoad must be an array")
        return [{"start": start, "end": end, "source": wanted[0]} for start, end in self.busy]

    def create_webhook(self, request: Request) -> Any:
        body = request.json()
        key = self.key()
        self.webhooks[key] = {"payloadTemplate": "", "userId": 7, "id": key, **body}
        return self.webhooks[key]


def _named(query: dict[str, str], number: int) -> bool:
    return {f"calendarsToLoad[{number}][externalId]", f"calendarsToLoad[{number}][credentialId]"} <= set(query)
