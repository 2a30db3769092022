"""A fake Calendly that keeps state, built to the published contract and at least as strict.

    with FakeCalendly() as calendly:
        …
        assert calendly.events["MMMM…"]["status"] == "canceled"

Its account is in Europe/Paris. On weekdays each event type has slots from 09:00 to 17:00, and what is booked is not
free. Where the contract is silent (an unfit location, a missing answer, a slot that is taken), it answers 400.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served

HOME, TOKEN, PARIS = "https://api.calendly.com", "eyJ-test-token", ZoneInfo("Europe/Paris")
ME, MARIE, ORGANIZATION = f"{HOME}/users/ME", f"{HOME}/users/MARIE", f"{HOME}/organizations/ORG"
CREATED = "2026-01-05T08:00:00.000000Z"
Thing = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of Calendly."""

    def __init__(self, status: int, message: str, **details: str) -> None:
        super().__init__(message)
        titles = {400: "Invalid Argument", 401: "Unauthenticated", 403: "Permission Denied", 404: "Resource Not Found"}
        wrong = [{"parameter": name, "message": text} for name, text in details.items()]
        self.answer = Response.of({"title": titles[status], "message": message, "details": wrong}, status)


def stamp(moment: datetime) -> str:
    """Return a time as Calendly writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def moment(text: str, name: str) -> datetime:
    """Return a time of a request, which must be in UTC."""
    if not text.endswith("Z"):
        raise Refusal(400, "The supplied parameters are invalid.", **{name: "must be a valid UTC time"})
    return datetime.fromisoformat(text)


def user(uri: str, name: str, email: str) -> Thing:
    """Return a user."""
    slug = name.lower().replace(" ", "-")
    return {
        "uri": uri,
        "name": name,
        "slug": slug,
        "email": email,
        "scheduling_url": f"https://calendly.com/{slug}",
        "timezone": "Europe/Paris",
        "avatar_url": None,
        "created_at": CREATED,
        "updated_at": CREATED,
    }


class FakeCalendly(Served, FakeApi):
    """The organization of Zoé, with Marie as a member."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        zoe = user(ME, "Zoé Lefèvre", "zoe@atelier.example")
        self.users = [zoe, user(MARIE, "Marie Curie", "marie@atelier.example")]
        self.types: dict[str, Thing] = {}
        self.events: dict[str, Thing] = {}
        self.invitees: dict[str, Thing] = {}
        self.no_shows: dict[str, str] = {}
        self.links: list[str] = []
        self.refuse: list[tuple[str, Response]] = []  # how the next requests whose path ends so are refused
        self._last = 0
        zoom = {"kind": "zoom_conference"}
        self.add_type("Premier échange", places=[zoom], questions=[self.question(0, "Votre projet ?")])
        self.add_type("Visite", 60, places=[zoom, {"kind": "physical", "location": "12 rue de l’Œuvre, Lyon"}])
        self.add_type("Appel", 15, places=[{"kind": "outbound_call"}])
        self.add_type("Équipe", places=[zoom], pooling_type="round_robin")
        budget = self.question(1, "Budget", kind="single_select", required=True, choices=["Petit", "Grand"])
        self.add_type("Devis", places=[], questions=[self.question(0, "Adresse"), budget])
        for method, path, handler in ROUTES:
            self.on(method, path, self._checked(handler))

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {"CALENDLY_TOKEN": TOKEN, "CALENDLY_BASE_URL": self.vendor.url}

    # -- what a test puts in

    def key(self) -> str:
        """Return a new id."""
        self._last += 1
        return f"{self._last:016d}"

    def question(
        self, position: int, name: str, *, kind: str = "text", required: bool = False, choices: list[str] | None = None
    ) -> Thing:
        """Return a question of a booking form."""
        return {
            "name": name,
            "type": kind,
            "position": position,
            "enabled": True,
            "required": required,
            "answer_choices": choices or [],
            "include_other": False,
        }

    def add_type(
        self,
        name: str,
        duration: int = 30,
        *,
        places: list[Thing] | None = None,
        questions: list[Thing] | None = None,
        pooling_type: str | None = None,
        type: str = "StandardEventType",  # noqa: A002 - Calendly's word
    ) -> Thing:
        """Add an event type of the account, and return it."""
        uri = f"{HOME}/event_types/{self.key()}"
        self.types[uri] = {
            "uri": uri,
            "name": name,
            "active": True,
            "slug": None,
            "scheduling_url": f"https://calendly.com/zoe/{self._last}",
            "duration": duration,
            "kind": "solo",
            "pooling_type": pooling_type,
            "type": type,
            "color": "#0088cc",
            "created_at": CREATED,
            "updated_at": CREATED,
            "internal_note": None,
            "description_plain": None,
            "description_html": None,
            "profile": {"type": "User", "name": "Zoé Lefèvre", "owner": ME},
            "secret": False,
            "booking_method": "instant",
            "custom_questions": questions or [],
            "deleted_at": None,
            "kind_description": "One-on-One",
            "admin_managed": False,
            "locations": places or None,
        }
        return self.types[uri]

    def uri(self, name: str) -> str:
        """Return the uri of an event type."""
        return next(uri for uri, one in self.types.items() if one["name"] == name)

    def book(
        self, event_type: str, start: datetime, email: str, *, guests: list[str] | None = None, **more: Any
    ) -> Thing:
        """Book a meeting in the account, and return the invitee."""
        kind = self.types[self.uri(event_type)]
        place = more.get("location") or {"kind": (kind["locations"] or [{}])[0].get("kind", "custom")}
        event = f"{HOME}/scheduled_events/{self.key()}"
        self.events[event] = {
            "uri": event,
            "name": event_type,
            "status": "active",
            "start_time": stamp(start),
            "end_time": stamp(start + timedelta(minutes=kind["duration"])),
            "event_type": kind["uri"],
            "location": self.location(place),
            "invitees_counter": {"total": 0, "active": 0, "limit": 1},
            "created_at": CREATED,
            "updated_at": CREATED,
            "event_memberships": [{"user": ME, "user_email": "zoe@atelier.example", "user_name": "Zoé Lefèvre"}],
            "event_guests": [{"email": g, "created_at": CREATED, "updated_at": CREATED} for g in guests or []],
            "calendar_event": {"kind": "google", "external_id": "8suu9k3hj00m"},
        }
        return self.invite(event, email, **more)

    def location(self, place: Thing) -> Thing:
        """Return the location of a meeting at a place of its event type."""
        if place["kind"] == "zoom_conference":
            url = f"https://zoom.us/j/{self._last}"
            return {"type": place["kind"], "status": "pushed", "join_url": url, "data": None}
        return {"type": place["kind"], "location": place.get("location")}

    def invite(self, event: str, email: str, **more: Any) -> Thing:
        """Add an invitee to a meeting, and return it."""
        uri = f"{event}/invitees/{self.key()}"
        counter = self.events[event]["invitees_counter"]
        counter["total"], counter["active"] = counter["total"] + 1, counter["active"] + 1
        counter["limit"] = max(counter["limit"], counter["total"])
        self.invitees[uri] = {
            "uri": uri,
            "email": email,
            "first_name": None,
            "last_name": None,
            "name": more.get("name", "Jean Dupont"),
            "status": "active",
            "questions_and_answers": more.get("answers", []),
            "timezone": more.get("timezone", "Europe/Paris"),
            "event": event,
            "created_at": CREATED,
            "updated_at": CREATED,
            "tracking": dict.fromkeys(
                ["utm_campaign", "utm_source", "utm_medium", "utm_content", "utm_term", "salesforce_uuid"]
            ),
            "text_reminder_number": None,
            "rescheduled": False,
            "old_invitee": None,
            "new_invitee": None,
            "cancel_url": f"https://calendly.com/cancellations/{self._last}",
            "reschedule_url": f"https://calendly.com/reschedulings/{self._last}",
            "routing_form_submission": None,
            "payment": None,
            "no_show": None,
            "reconfirmation": None,
        }
        return self.invitees[uri]

    # -- how it answers

    def _checked(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def answer(request: Request, **named: str) -> Response:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return Refusal(401, "The access token is invalid").answer
            for number, (path, refusal) in enumerate(self.refuse):
                if request.path.endswith(path) and request.writes:
                    del self.refuse[number]
                    return refusal
            try:
                return handler(self, request, **named)
            except Refusal as refused:
                return refused.answer

        return answer

    def _page(self, request: Request, rows: list[Thing]) -> Response:
        query = dict(request.query)
        count, start = int(query.get("count", 20)), int(query.get("page_token", 0))
        if not 1 <= count <= 100:
            raise Refusal(400, "The supplied parameters are invalid.", count="must be between 1 and 100")
        token = str(start + count) if start + count < len(rows) else None
        part = rows[start : start + count]
        pages = {"count": len(part), "next_page": token and f"{HOME}{request.path}?page_token={token}"}
        before = {"previous_page": None, "next_page_token": token, "previous_page_token": None}
        return Response.of({"collection": part, "pagination": {**pages, **before}})

    def _one(self, things: dict[str, Thing], uri: str) -> Thing:
        if uri not in things:
            raise Refusal(404, "The server could not find the requested resource.")
        return things[uri]

    def _owned(self, request: Request) -> dict[str, str]:
        query = dict(request.query)
        if not {"user", "organization"} & set(query):
            raise Refusal(400, "The supplied parameters are invalid.", user="or organization is needed")
        if query.get("user", ME) not in (one["uri"] for one in self.users):
            raise Refusal(404, "The server could not find the requested resource.")
        return query

    def me(self, request: Request) -> Response:
        return Response.of({"resource": {**self.users[0], "current_organization": ORGANIZATION}})

    def members(self, request: Request) -> Response:
        query = self._owned(request)
        rows = [
            {
                "uri": f"{HOME}/organization_memberships/{number}",
                "role": "user" if number else "owner",
                "user": one,
                "organization": ORGANIZATION,
                "created_at": CREATED,
                "updated_at": CREATED,
            }
            for number, one in enumerate(self.users)
            if query.get("email", one["email"]) == one["email"]
        ]
        return self._page(request, rows)

    def list_types(self, request: Request) -> Response:
        query = self._owned(request)
        rows = [one for one in self.types.values() if query.get("user", ME) == ME]
        if "active" in query:
            rows = [one for one in rows if one["active"] == (query["active"] == "true")]
        return self._page(request, rows)

    def get_type(self, request: Request, key: str) -> Response:
        return Response.of({"resource": self._one(self.types, f"{HOME}/event_types/{key}")})

    def update_type(self, request: Request, key: str) -> Response:
        kind = self._one(self.types, f"{HOME}/event_types/{key}")
        if kind["pooling_type"]:
            raise Refusal(403, "This event type cannot be updated.")
        changes = request.json()
        if unknown := set(changes) - {"active", "name", "description", "duration"}:
            raise Refusal(400, "The supplied parameters are invalid.", **dict.fromkeys(unknown, "is unknown"))
        changes["description_plain"] = changes.pop("description", kind["description_plain"])
        kind.update(changes)
        return Response.of({"resource": kind})

    def one_off(self, request: Request) -> Response:
        body = request.json()
        if not {"name", "host", "duration", "date_setting"} <= set(body) or body["host"] != ME:
            raise Refusal(400, "The supplied parameters are invalid.", host="is invalid")
        place = [body["location"]] if "location" in body else []
        kind = self.add_type(body["name"], body["duration"], places=place, type="AdhocEventType")
        return Response.of({"resource": kind}, 201)

    def free(self, kind: Thing, start: datetime, end: datetime) -> list[datetime]:
        """Return the free times of an event type."""
        step = timedelta(minutes=kind["duration"])
        taken = [
            (datetime.fromisoformat(one["start_time"]), datetime.fromisoformat(one["end_time"]))
            for one in self.events.values()
            if one["status"] == "active"
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

    def available(self, request: Request) -> Response:
        query = dict(request.query)
        kind = self._one(self.types, query.get("event_type", ""))
        start, end = moment(query["start_time"], "start_time"), moment(query["end_time"], "end_time")
        if start <= datetime.now(UTC):
            raise Refusal(400, "The supplied parameters are invalid.", start_time="must be in the future")
        if not start < end <= start + timedelta(days=31):
            raise Refusal(400, "The supplied parameters are invalid.", end_time="must be within 31 days of start_time")
        slots = self.free(kind, start, end) if kind["active"] else []
        rows = [
            {
                "status": "available",
                "invitees_remaining": 1,
                "start_time": slot.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "scheduling_url": f"{kind['scheduling_url']}/{slot:%Y-%m-%dT%H:%M:%SZ}",
            }
            for slot in slots
        ]
        return Response.of({"collection": rows})

    def busy(self, request: Request) -> Response:
        query = self._owned(request)
        start, end = moment(query["start_time"], "start_time"), moment(query["end_time"], "end_time")
        if not start < end <= start + timedelta(days=7):
            raise Refusal(400, "The supplied parameters are invalid.", end_time="must be within 7 days of start_time")
        rows = [
            {"type": "calendly", "start_time": e["start_time"], "end_time": e["end_time"], "event": {"uri": e["uri"]}}
            for e in self.events.values()
            if e["status"] == "active" and start <= datetime.fromisoformat(e["start_time"]) < end
        ]
        return Response.of({"collection": rows if query["user"] == ME else []})

    def list_events(self, request: Request) -> Response:
        query = self._owned(request)
        if "user" in query and "organization" not in query and query["user"] != ME:
            raise Refusal(403, "You do not have permission to access this resource.")
        rows = []
        for event in self.events.values():
            start = datetime.fromisoformat(event["start_time"])
            people = [one["email"] for one in self.invitees.values() if one["event"] == event["uri"]]
            if (
                query.get("user", ME) in (one["user"] for one in event["event_memberships"])
                and query.get("status", event["status"]) == event["status"]
                and query.get("invitee_email", people[0]) in people
                and ("min_start_time" not in query or start >= moment(query["min_start_time"], "min_start_time"))
                and ("max_start_time" not in query or start < moment(query["max_start_time"], "max_start_time"))
            ):
                rows.append(event)
        rows.sort(key=lambda one: str(one["start_time"]), reverse=query.get("sort") == "start_time:desc")
        return self._page(request, rows)

    def get_event(self, request: Request, key: str) -> Response:
        return Response.of({"resource": self._one(self.events, f"{HOME}/scheduled_events/{key}")})

    def list_invitees(self, request: Request, key: str) -> Response:
        event = self._one(self.events, f"{HOME}/scheduled_events/{key}")["uri"]
        status = dict(request.query).get("status")
        rows = [one for one in self.invitees.values() if one["event"] == event and status in (None, one["status"])]
        return self._page(request, rows)

    def get_invitee(self, request: Request, key: str) -> Response:
        return Response.of({"resource": self._one(self.invitees, HOME + request.path)})

    def create_invitee(self, request: Request) -> Response:
        body = request.json()
        kind = self._one(self.types, body["event_type"])
        start, person = moment(body["start_time"], "start_time"), body["invitee"]
        if not {"email", "timezone"} <= set(person) or not {"name", "first_name"} & set(person):
            raise Refusal(400, "The supplied parameters are invalid.", invitee="is incomplete")
        ZoneInfo(person["timezone"])
        places = [one["kind"] for one in kind["locations"] or []]
        place = body.get("location")
        if kind["pooling_type"] == "round_robin" or not places:
            if place:
                raise Refusal(400, "The supplied parameters are invalid.", location="must be omitted")
        elif not place or place["kind"] not in places:
            raise Refusal(400, "The supplied parameters are invalid.", location="is not configured")
        answers = {one["position"]: one for one in body.get("questions_and_answers", [])}
        for question in kind["custom_questions"]:
            answer = answers.pop(question["position"], None)
            if answer and answer["question"] != question["name"]:
                raise Refusal(400, "The supplied parameters are invalid.", questions_and_answers="is invalid")
            if question["required"] and not answer:
                raise Refusal(400, "The supplied parameters are invalid.", questions_and_answers="is required")
        if answers or len(body.get("event_guests", [])) > 10:
            raise Refusal(400, "The supplied parameters are invalid.", questions_and_answers="is unknown")
        if start not in self.free(kind, start, start + timedelta(minutes=1)):
            raise Refusal(400, "The supplied parameters are invalid.", start_time="is not available")
        person = self.book(
            kind["name"],
            start,
            person["email"],
            guests=body.get("event_guests"),
            name=person.get("name"),
            timezone=person["timezone"],
            answers=body.get("questions_and_answers", []),
            location=place,
        )
        return Response.of({"resource": person}, 201)

    def cancel(self, request: Request, key: str) -> Response:
        event = self._one(self.events, f"{HOME}/scheduled_events/{key}")
        if event["status"] == "canceled":
            raise Refusal(403, "Event is already canceled")
        if datetime.fromisoformat(event["start_time"]) <= datetime.now(UTC):
            raise Refusal(403, "Event in the past")
        reason = request.json().get("reason")
        end = {"canceled_by": "Zoé Lefèvre", "reason": reason, "canceler_type": "host"}
        event.update(status="canceled", cancellation=end)
        event["invitees_counter"]["active"] = 0
        for one in self.invitees.values():
            if one["event"] == event["uri"]:
                one["status"] = "canceled"
        return Response.of({"resource": end}, 201)

    def mark(self, request: Request) -> Response:
        invitee = self._one(self.invitees, request.json()["invitee"])
        uri = f"{HOME}/invitee_no_shows/{self.key()}"
        self.no_shows[uri] = invitee["uri"]
        invitee["no_show"] = {"uri": uri, "created_at": CREATED}
        return Response.of({"resource": {"uri": uri, "invitee": invitee["uri"], "created_at": CREATED}}, 201)

    def unmark(self, request: Request, key: str) -> Response:
        uri = f"{HOME}/invitee_no_shows/{key}"
        if uri not in self.no_shows:
            raise Refusal(404, "The server could not find the requested resource.")
        self.invitees[self.no_shows.pop(uri)]["no_show"] = None
        return Response(204)

    def link(self, request: Request) -> Response:
        body = request.json()
        kind = self._one(self.types, body["owner"])
        self.links.append(kind["uri"])
        url = f"https://calendly.com/d/{self.key()}"
        return Response.of({"resource": {"booking_url": url, "owner": kind["uri"], "owner_type": "EventType"}}, 201)


KEY = r"(?P<key>[^/]+)"
ROUTES: list[tuple[str, str, Callable[..., Response]]] = [
    ("GET", "/users/me", FakeCalendly.me),
    ("GET", "/organization_memberships", FakeCalendly.members),
    ("GET", "/event_types", FakeCalendly.list_types),
    ("GET", f"/event_types/{KEY}", FakeCalendly.get_type),
    ("PATCH", f"/event_types/{KEY}", FakeCalendly.update_type),
    ("POST", "/one_off_event_types", FakeCalendly.one_off),
    ("GET", "/event_type_available_times", FakeCalendly.available),
    ("GET", "/user_busy_times", FakeCalendly.busy),
    ("GET", "/scheduled_events", FakeCalendly.list_events),
    ("GET", f"/scheduled_events/{KEY}", FakeCalendly.get_event),
    ("GET", f"/scheduled_events/{KEY}/invitees", FakeCalendly.list_invitees),
    ("GET", f"/scheduled_events/[^/]+/invitees/{KEY}", FakeCalendly.get_invitee),
    ("POST", "/invitees", FakeCalendly.create_invitee),
    ("POST", f"/scheduled_events/{KEY}/cancellation", FakeCalendly.cancel),
    ("POST", "/invitee_no_shows", FakeCalendly.mark),
    ("DELETE", f"/invitee_no_shows/{KEY}", FakeCalendly.unmark),
    ("POST", "/scheduling_links", FakeCalendly.link),
]
