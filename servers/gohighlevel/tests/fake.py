"""A GoHighLevel in memory, spoken to over real HTTP: it keeps what is written, and refuses what the real one refuses.

    with FakeGoHighLevel() as ghl:                            # ghl.settings are the variables of a server
        ghl.contact(firstName="Zoé", email="zoe@exemple.fr")
        ghl.call_error(429, times=1, after=1)                # the second request is refused, and does nothing
        ghl.vendor.fails(faults.cut(), method="write")    # the answer is lost, after the work was done
        …
        assert ghl.enrolled == [("workflow", "contact")]  # every time that a contact was put into a workflow

Built to the published contract: the tests hold its answers and what it was sent against it. Where the contract is
silent (the search's body, reconnecting), it follows the vendor's guides.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served, form_of

LOCATION, TOKEN = "ve9EPM428h8vShlRW1KT", "pit-test"
NEWER, OLDER = "2021-07-28", "2021-04-15"
Thing = dict[str, Any]
NAMES = """firstName lastName name email phone address1 city state postalCode website timezone dnd tags customFields
source dateOfBirth country companyName assignedTo gender locationId createNewIfDuplicateAllowed"""
CONTACT = frozenset(NAMES.split())


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of GoHighLevel."""

    def __init__(self, status: int, message: str | list[str], **more: Any) -> None:
        super().__init__(message)
        named = {400: "Bad Request", 401: "Unauthorized", 422: "Unprocessable Entity"}.get(status)
        self.answer = Response.of(
            {"statusCode": status, "message": message, **({"error": named} if named else {}), **more}, status
        )


@dataclass
class Refusing:
    """Requests to refuse, undone: a status, how many, after how many others, of which method or "write"."""

    status: int
    times: int
    after: int
    method: str

    def accepts(self, request: Request) -> bool:
        fits = self.method in ("", request.method) or (self.method == "write" and request.writes)
        if not (self.times and fits):
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= self.times > 0
        return True


class FakeGoHighLevel(Served, FakeApi):
    """A sub-account, and the OAuth endpoints."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__()
        self.vendor = FakeVendor(self, host)
        self.contacts: dict[str, Thing] = {}
        self.notes: list[Thing] = []
        self.enrolled: list[tuple[str, str]] = []
        self.messages: list[Thing] = []
        self.appointments: dict[str, Thing] = {}
        self.opportunities: dict[str, Thing] = {}
        self.locations = [{"id": LOCATION, "name": "Agence Lumière", "timezone": "Europe/Paris"}]
        self.workflows = {
            "78559bb3-b920-461e-b010-7b2a2816d2a9": {"name": "Nurturing leads chauds", "status": "published"},
            "89660cc4-c031-472f-c121-8c3b3927e3ba": {"name": "Relance d’été", "status": "draft"},
        }
        self.calendars = {"CVokAlI8fgw4WYWoCtQz": {"name": "Démo", "slotDuration": 30, "slotDurationUnit": "mins"}}
        stages = [
            ("7915dedc-8f18-44d5-8bc3-77c04e994a10", "Découverte"),
            ("8026efed-9029-45e6-9cd4-88d15faa5b21", "Devis envoyé"),
        ]
        self.pipelines: dict[str, Thing] = {
            "VDm7RPYC2GLUvdpKmBfC": {
                "name": "Ventes",
                "stages": [{"id": i, "name": n, "position": p} for p, (i, n) in enumerate(stages)],
            }
        }
        self.tasks: dict[str, Thing] = {}
        self.conversations: dict[str, Thing] = {}  # by contact
        self.emails: dict[str, Thing] = {}
        self.fields: list[Thing] = [
            {"id": "MgobCB14YMVKuE4Ka8p1", "name": "Budget", "dataType": "MONETORY", "model": "contact"},
            {
                "id": "NhpcDC25ZNWLvF5Lb9q2",
                "name": "Intérêts",
                "dataType": "CHECKBOX",
                "model": "contact",
                "picklistOptions": ["Site", "Référencement"],
            },
            {"id": "OiqdED36AOXMwG6Mc0r3", "name": "Anniversaire", "dataType": "DATE", "model": "contact"},
            {"id": "PjreFE47BPYNxH7Nd1s4", "name": "Origine", "dataType": "TEXT", "model": "opportunity"},
        ]
        self.forms: dict[str, Thing] = {"jjusM6EOngDExnbo2DbU": {"name": "Contact du site"}}
        self.submissions: list[Thing] = []
        self.nested_messages = False  # as live answers are, and the contract is not
        self.no_scopes: set[str] = set()  # parts of paths that the token may not use
        self.plans: list[Refusing] = []
        self.allows_duplicates = False
        self.drops: set[str] = set()  # fields that are taken and not kept
        self.tokens = {TOKEN}
        self.refresh, self.access, self.code, self.installed, self.user_type = "refresh-0", "", "", True, "Location"
        self.before_answer: Callable[[], None] = lambda: None  # runs when a token is made and not yet told
        self._last = 0
        for method, path, version, handler in ROUTES:
            self.on(method, path, self._checked(version, handler))

    # -- what a test puts in and looks at

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {"GOHIGHLEVEL_TOKEN": TOKEN, "GOHIGHLEVEL_BASE_URL": self.vendor.url}

    @property
    def app_settings(self) -> dict[str, str]:
        """The variables of a Marketplace app, in place of a private integration token."""
        own = {"REFRESH_TOKEN": "refresh-0", "CLIENT_ID": "client-1", "CLIENT_SECRET": "client-secret"}
        return {
            **{f"GOHIGHLEVEL_{name}": value for name, value in own.items()},
            "GOHIGHLEVEL_BASE_URL": self.vendor.url,
        }

    def call_error(self, status: int, *, times: int = 1, after: int = 0, method: str = "") -> None:
        """Refuse requests without doing them."""
        self.plans.append(Refusing(status, times, after, method))

    def new_id(self) -> str:
        self._last += 1
        return f"{self._last:04d}HyuzHvysMo5N5VsX"[:20].ljust(20, "c")

    def contact(self, **fields: Any) -> str:
        """Add a contact."""
        one = self.new_id()
        added = f"2030-05-01T08:{self._last % 60:02d}:00.000Z"
        self.contacts[one] = {
            "id": one,
            "locationId": LOCATION,
            "dateAdded": added,
            "dateUpdated": added,
            "tags": [],
            **fields,
        }
        return one

    def named(self, name: str) -> list[Thing]:
        """Return the contacts of this name."""
        return [c for c in self.contacts.values() if full(c) == name]

    # -- HTTP

    def seen(self, request: Request) -> Request:
        """Mark the search, which is a POST that only asks."""
        searches = request.path == "/contacts/search" or request.path.endswith("/tasks/search")
        asks = request.method == "POST" and (searches or request.path.startswith("/oauth/"))
        return Request(request.method, request.url, request.headers, request.body, asks)

    def to(self, request: Request) -> Response:
        """Response a request, and do what it asks."""
        plan = next((plan for plan in self.plans if plan.accepts(request)), None)
        if plan:
            return Refusal(plan.status, "Refused on purpose").answer
        return super().to(request)

    def _checked(self, version: str, handler: Callable[..., Response]) -> Callable[..., Response]:
        def answer(request: Request, **parts: str) -> Response:
            try:
                if version:
                    self._allowed(request, version)
                return handler(self, request, **parts)
            except Refusal as refusal:
                return refusal.answer

        return answer

    def _allowed(self, request: Request, version: str) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens and token != (self.access or None):
            raise Refusal(401, "Invalid JWT")
        if any(part in request.path for part in self.no_scopes):
            raise Refusal(401, "The token is not authorized for this scope.")
        if request.headers.get("version") != version:
            raise Refusal(401, "version header is invalid")
        body = request.json() if "json" in request.headers.get("content-type", "") and request.body else {}
        reported = [body.get("locationId"), *(v for k, v in request.query if k in ("locationId", "location_id"))]
        if any(one not in (None, LOCATION) for one in reported):
            raise Refusal(403, "The token does not have access to this location.")

    # -- contacts

    def create(self, request: Request) -> Response:
        fields = self._new_fields(request)
        result = self._duplicate(fields)
        if result and not self.allows_duplicates:
            raise self._duplicated(result, fields)
        return Response.of({"contact": written(self.contacts[self.contact(**self._stored(fields))])}, 201)

    def upsert(self, request: Request) -> Response:
        """Where the e-mail is one contact's and the phone another's, the first is updated without the second field."""
        fields = self._new_fields(request)
        result = self._duplicate(fields)
        if result and not (request.json().get("createNewIfDuplicateAllowed") and self.allows_duplicates):
            taken = [k for k in ("email", "phone") if self._duplicate({k: fields.get(k)}, result["id"])]
            result.update({k: v for k, v in fields.items() if k not in taken})
            return Response.of({"new": False, "contact": written(result)})
        return Response.of({"new": True, "contact": written(self.contacts[self.contact(**self._stored(fields))])})

    def duplicate(self, request: Request) -> Response:
        """Response with one contact; of both an e-mail and a number only the first that fits counts."""
        query = dict(request.query)
        if not (query.get("locationId") and (query.get("email") or query.get("number"))):
            raise Refusal(400, "email or number is required")
        result = self._duplicate({"email": query.get("email"), "phone": query.get("number")})
        return Response.of({"contact": written(result) if result else None, "traceId": "0b20"})

    def _new_fields(self, request: Request) -> Thing:
        fields = self._fields(request.json())
        if not any(fields.get(k) for k in ("firstName", "lastName", "name", "email", "phone")):
            raise Refusal(422, ["email or phone or name is needed"])
        return fields

    def _stored(self, fields: Thing) -> Thing:
        return {k: v for k, v in fields.items() if k not in self.drops}

    def _duplicated(self, other: Thing, fields: Thing) -> Refusal:
        same = str(other.get("email") or "").casefold() == str(fields.get("email") or "").casefold() != ""
        about = {
            "contactName": full(other),
            "matchingField": "email" if same else "phone",
            "contactId": other["id"],
        }
        return Refusal(400, "This location does not allow duplicated contacts.", meta=about)

    def _fields(self, body: Thing) -> Thing:
        unknown = [f"property {name} should not exist" for name in body if name not in CONTACT]
        phone = body.get("phone")
        if phone is not None and not (phone.startswith("+") and phone[1:].isdecimal()):
            unknown.append("phone must be a valid phone number")
        own = {one["id"]: one for one in self.fields}
        for value in body.get("customFields") or []:
            if value.get("id") not in own or "field_value" not in value:
                unknown.append("customFields must have a known id and field_value")
        if unknown:
            raise Refusal(422, unknown)
        fields = {k: v for k, v in body.items() if k not in ("locationId", "createNewIfDuplicateAllowed")}
        if "customFields" in fields:
            fields["customFields"] = [{"id": v["id"], "value": _text(v["field_value"])} for v in fields["customFields"]]
        return fields

    def _duplicate(self, fields: Thing, but: str = "") -> Thing | None:
        for key in ("email", "phone"):
            wanted = str(fields.get(key) or "").casefold()
            for one in self.contacts.values():
                if wanted and str(one.get(key) or "").casefold() == wanted and one["id"] != but:
                    return one
        return None

    def search(self, request: Request) -> Response:
        body = request.json()
        rows = [one for one in self.contacts.values() if matches(one, body)]
        for sort in reversed(body.get("sort") or []):
            rows.sort(key=lambda one: str(one.get(sort["field"])), reverse=sort["direction"] == "desc")
        start = 0
        if after := body.get("searchAfter"):
            start = next(n for n, one in enumerate(rows, 1) if one["id"] == after[1])
        elif body.get("page"):
            start = (body["page"] - 1) * body["pageLimit"]
        shown = rows[start : start + body["pageLimit"]]
        reported = [{**one, "searchAfter": [one["dateAdded"], one["id"]]} for one in shown]
        return Response.of({"contacts": reported, "total": len(rows), "traceId": "0b1c"})

    def get_contact(self, request: Request, one: str) -> Response:
        return Response.of({"contact": written(self._there(one)), "traceId": "0b1d"})

    def update(self, request: Request, one: str) -> Response:
        contact, fields = self._there(one), self._fields(request.json())
        if "companyName" in fields:
            raise Refusal(422, ["property companyName should not exist"])
        if other := self._duplicate(fields, one):
            raise self._duplicated(other, fields)
        contact.update(self._stored(fields))
        return Response.of({"succeded": True, "contact": written(contact)})

    def delete(self, request: Request, one: str) -> Response:
        del self.contacts[self._there(one)["id"]]
        return Response.of({"succeded": True})

    def add_tags(self, request: Request, one: str) -> Response:
        contact = self._there(one)
        known = {tag.casefold() for tag in contact["tags"]}
        contact["tags"] += [tag for tag in request.json()["tags"] if tag.casefold() not in known]
        return Response.of({"tags": contact["tags"]}, 201)

    def remove_tags(self, request: Request, one: str) -> Response:
        contact, gone = self._there(one), {tag.casefold() for tag in request.json()["tags"]}
        contact["tags"] = [tag for tag in contact["tags"] if tag.casefold() not in gone]
        return Response.of({"tags": contact["tags"]})

    def note(self, request: Request, one: str) -> Response:
        made = {"id": self.new_id(), "contactId": self._there(one)["id"], **request.json()}
        self.notes.append(made)
        return Response.of({"note": made}, 201)

    def list_notes(self, request: Request, one: str) -> Response:
        self._there(one)
        rows = [{"dateAdded": f"2030-05-02T12:{n % 60:02d}:00.000Z", **note} for n, note in enumerate(self.notes)]
        return Response.of({"notes": [note for note in rows if note["contactId"] == one]})

    def add_task(self, request: Request, one: str) -> Response:
        body = request.json()
        if lacking := [f"{name} should not be empty" for name in ("title", "dueDate", "completed") if name not in body]:
            raise Refusal(422, lacking)
        made = {"id": self.new_id(), "contactId": self._there(one)["id"], **body}
        self.tasks[made["id"]] = made
        return Response.of({"task": made}, 201)

    def list_contact_tasks(self, request: Request, one: str) -> Response:
        self._there(one)
        return Response.of({"tasks": [task for task in self.tasks.values() if task["contactId"] == one]})

    def update_task(self, request: Request, one: str, task: str) -> Response:
        if self.tasks.get(task, {}).get("contactId") != one:
            raise Refusal(400, "Task not found")
        self.tasks[task].update(request.json())
        return Response.of({"task": self.tasks[task]})

    def search_tasks(self, request: Request, location: str) -> Response:
        """Live answers have the id as _id; the contract leaves the rows open."""
        body = request.json()
        rows = [
            {**{k: v for k, v in task.items() if k != "id"}, "_id": task["id"]}
            for task in self.tasks.values()
            if body.get("completed") in (None, task["completed"])
            and task["contactId"] in (body.get("contactId") or [task["contactId"]])
            and str(body.get("query") or "").casefold() in task["title"].casefold()
        ]
        return Response.of({"tasks": rows[body.get("skip", 0) :][: body.get("limit", 10)]})

    def contact_appointments(self, request: Request, one: str) -> Response:
        """Times without an offset, as the contract's example has them: those of the sub-account."""
        self._there(one)

        def naive(text: str) -> str:
            return f"{dt.datetime.fromisoformat(text).astimezone(ZoneInfo('Europe/Paris')):%Y-%m-%d %H:%M:%S}"

        rows = [a for a in self.appointments.values() if a["contactId"] == one]
        return Response.of(
            {"events": [{**a, "startTime": naive(a["startTime"]), "endTime": naive(a["endTime"])} for a in rows]}
        )

    def list_fields(self, request: Request, location: str) -> Response:
        model = dict(request.query).get("model", "all")
        return Response.of({"customFields": [one for one in self.fields if model in ("all", one["model"])]})

    def _there(self, one: str) -> Thing:
        if one not in self.contacts:
            raise Refusal(400, f"Contact with id {one} not found")
        return self.contacts[one]

    # -- workflows

    def list_workflows(self, request: Request) -> Response:
        more = {"version": 1, "createdAt": "2030-01-26T11:33:49.000Z", "locationId": LOCATION}
        return Response.of({"workflows": [{"id": one, **about, **more} for one, about in self.workflows.items()]})

    def enrol(self, request: Request, one: str, workflow: str) -> Response:
        self._there(one)
        if workflow not in self.workflows:
            raise Refusal(400, "The workflow does not exist")
        if self.workflows[workflow]["status"] == "draft":  # what the vendor says is not documented: the strictest
            raise Refusal(400, "The workflow is not published")
        self.enrolled.append((workflow, one))
        return Response.of({"succeded": True})

    def leave(self, request: Request, one: str, workflow: str) -> Response:
        self.enrolled = [pair for pair in self.enrolled if pair != (workflow, self._there(one)["id"])]
        return Response.of({"succeded": True})

    # -- calendars

    def list_calendars(self, request: Request) -> Response:
        return Response.of(
            {"calendars": [{"id": i, "locationId": LOCATION, "isActive": True, **c} for i, c in self.calendars.items()]}
        )

    def free(self, request: Request, calendar: str) -> Response:
        reported = dict(request.query)
        first, last = int(reported["startDate"]), int(reported["endDate"])
        if last - first > 31 * 86_400_000:
            raise Refusal(400, "Date range can not be more than 31 days")
        folder, days = ZoneInfo(reported.get("timezone", "UTC")), dict[str, Any]()
        for moment in self._open(first, last):
            local = moment.astimezone(folder)
            days.setdefault(f"{local:%Y-%m-%d}", {"slots": []})["slots"].append(local.isoformat())
        return Response.of({**days, "traceId": "0b1e"})  # as live answers have it

    def _open(self, first: int, last: int) -> list[dt.datetime]:
        """Return the free half hours from 9 to 11 in Paris, on weekdays."""
        paris, taken = (
            ZoneInfo("Europe/Paris"),
            {a["startTime"] for a in self.appointments.values() if a["appointmentStatus"] != "cancelled"},
        )
        day, result = dt.datetime.fromtimestamp(first / 1000, paris).date(), []
        while day <= dt.datetime.fromtimestamp(last / 1000, paris).date():
            for half in range(4 if day.weekday() < 5 else 0):
                moment = dt.datetime(day.year, day.month, day.day, 9 + half // 2, 30 * (half % 2), tzinfo=paris)
                inside = first <= moment.timestamp() * 1000 <= last
                if inside and moment.astimezone(dt.UTC).isoformat() not in taken:
                    result.append(moment)
            day += dt.timedelta(days=1)
        return result

    def book(self, request: Request) -> Response:
        body = request.json()
        self._there(body["contactId"])
        if body["calendarId"] not in self.calendars:
            raise Refusal(400, "Calendar not found")
        start = dt.datetime.fromisoformat(body["startTime"])
        if start not in self._open(round(start.timestamp() * 1000), round(start.timestamp() * 1000)):
            raise Refusal(400, "The slot you have selected is no longer available.")
        one, utc = self.new_id(), start.astimezone(dt.UTC)
        end = utc + dt.timedelta(minutes=30)
        made = {
            **body,
            "id": one,
            "startTime": utc.isoformat(),
            "endTime": end.isoformat(),
            "appointmentStatus": "confirmed",
        }
        made.pop("toNotify", None)
        self.appointments[one] = made
        return Response.of(made)

    def appointment(self, request: Request, one: str) -> Response:
        if one not in self.appointments:
            raise Refusal(400, "Appointment not found")
        return Response.of({"event": self.appointments[one]})

    def move(self, request: Request, one: str) -> Response:
        if one not in self.appointments:
            raise Refusal(400, "Appointment not found")
        body = {k: v for k, v in request.json().items() if k != "toNotify"}
        if "startTime" in body:
            start = dt.datetime.fromisoformat(body["startTime"])
            if start not in self._open(round(start.timestamp() * 1000), round(start.timestamp() * 1000)):
                raise Refusal(400, "The slot you have selected is no longer available.")
            body |= {
                k: dt.datetime.fromisoformat(body[k]).astimezone(dt.UTC).isoformat() for k in ("startTime", "endTime")
            }
        self.appointments[one].update(body)
        return Response.of(self.appointments[one])

    def events(self, request: Request) -> Response:
        asked = dict(request.query)
        if not (asked.get("userId") or asked.get("calendarId") or asked.get("groupId")):
            raise Refusal(422, ["Either of userId, calendarId or groupId is required"])
        first, last = (dt.datetime.fromtimestamp(int(asked[k]) / 1000, dt.UTC) for k in ("startTime", "endTime"))
        rows = [
            a
            for a in self.appointments.values()
            if a["calendarId"] == asked["calendarId"] and first <= dt.datetime.fromisoformat(a["startTime"]) <= last
        ]
        return Response.of({"events": rows})

    # -- opportunities, messages

    def list_pipelines(self, request: Request) -> Response:
        return Response.of({"pipelines": [{"id": i, "locationId": LOCATION, **p} for i, p in self.pipelines.items()]})

    def create_opportunity(self, request: Request) -> Response:
        body = request.json()
        self._there(body["contactId"])
        one = self.new_id()
        stage = self.pipelines[body["pipelineId"]]["stages"][0]["id"]
        self.opportunities[one] = {"id": one, "pipelineStageId": stage, **body}
        return Response.of({"opportunity": self._with_contact(self.opportunities[one])}, 201)

    def _with_contact(self, one: Thing) -> Thing:
        contact = self.contacts.get(one["contactId"]) or {}
        about = {"id": one["contactId"], "name": full(contact), "email": contact.get("email")}
        return {**one, "contact": {k: v for k, v in about.items() if v}}

    def search_opportunities(self, request: Request) -> Response:
        """The documented names are in snake case; locationId would be ignored, and then something is missing."""
        asked = dict(request.query)
        if not asked.get("location_id"):
            raise Refusal(422, ["location_id should not be empty"])
        names = {"pipeline_id": "pipelineId", "pipeline_stage_id": "pipelineStageId", "contact_id": "contactId"}
        rows = [self._with_contact(one) for one in reversed(self.opportunities.values())]
        rows = [one for one in rows if asked.get("status", "all") in ("all", one["status"])]
        for name, field in names.items():
            rows = [one for one in rows if asked.get(name) in (None, one[field])]
        terms = asked.get("q", "").casefold().split()
        rows = [r for r in rows if all(w in f"{r['name']} {r['contact'].get('name')}".casefold() for w in terms)]
        page, limit = int(asked.get("page", 1)), int(asked.get("limit", 20))
        shown = rows[(page - 1) * limit : page * limit]
        return Response.of({"opportunities": shown, "meta": {"total": len(rows), "currentPage": page}})

    def get_opportunity(self, request: Request, one: str) -> Response:
        if one not in self.opportunities:
            raise Refusal(400, "Opportunity not found")
        return Response.of({"opportunity": self.opportunities[one]})

    def update_opportunity(self, request: Request, one: str) -> Response:
        self.get_opportunity(request, one)
        self.opportunities[one].update(request.json())
        return Response.of({"opportunity": self.opportunities[one]})

    def message(self, request: Request) -> Response:
        body = request.json()
        contact = self._there(body["contactId"])
        if not contact.get("email" if body["type"] == "Email" else "phone"):
            raise Refusal(400, f"The contact has no address for {body['type']}")
        self.messages.append(body)
        sent = {"body": body.get("message") or body.get("html"), "direction": "outbound", "status": "sent"}
        self._write(contact["id"], {**sent, "messageType": f"TYPE_{body['type'].upper()}"})
        return Response.of({"conversationId": "ABC12h2F6uBrIkfXYazb", "messageId": self.new_id(), "status": "pending"})

    def received(self, contact: str, text: str, channel: str = "SMS", **more: Any) -> None:
        """Let a contact write a message."""
        self._write(contact, {"body": text, "direction": "inbound", "messageType": f"TYPE_{channel.upper()}", **more})
        self.conversations[contact]["unreadCount"] += 1

    def _write(self, contact: str, message: Thing) -> None:
        conversation = self.conversations.setdefault(
            contact, {"id": self.new_id(), "contactId": contact, "unreadCount": 0, "messages": []}
        )
        one, count = self.new_id(), self._last
        conversation["messages"].append(
            {
                "id": one, "type": 1, "locationId": LOCATION, "contactId": contact, "contentType": "text/plain",
                "conversationId": conversation["id"], "dateAdded": f"2030-06-01T08:{count % 60:02d}:00.000Z", **message,
            }
        )  # fmt: skip
        conversation["date"] = 1_906_531_200_000 + count * 60_000

    def search_conversations(self, request: Request) -> Response:
        asked = dict(request.query)
        rows = sorted(self.conversations.values(), key=lambda one: -one["date"])
        rows = [one for one in rows if asked.get("contactId") in (None, one["contactId"])]
        if asked.get("status") == "unread":
            rows = [one for one in rows if one["unreadCount"]]
        if after := asked.get("startAfterDate"):
            rows = [one for one in rows if one["date"] < int(after)]
        shown = rows[: int(asked.get("limit", 20))]
        return Response.of({"conversations": [self._shown(one) for one in shown], "total": len(rows)})

    def _shown(self, conversation: Thing) -> Thing:
        contact, last = self.contacts[conversation["contactId"]], conversation["messages"][-1]
        return {
            "id": conversation["id"], "contactId": contact["id"], "locationId": LOCATION, "type": "TYPE_PHONE",
            "lastMessageBody": last.get("body", ""), "lastMessageType": last["messageType"], "fullName": full(contact),
            "lastMessageDirection": last["direction"], "lastMessageDate": conversation["date"],
            "unreadCount": conversation["unreadCount"], "contactName": full(contact),
            "email": contact.get("email", ""), "phone": contact.get("phone", ""),
        }  # fmt: skip

    def list_messages(self, request: Request, one: str) -> Response:
        conversation = next((c for c in self.conversations.values() if c["id"] == one), None)
        if conversation is None:
            raise Refusal(400, "Conversation not found")
        asked = dict(request.query)
        rows, limit = conversation["messages"][::-1], int(asked.get("limit", 20))
        if last := asked.get("lastMessageId"):
            rows = rows[next(n for n, row in enumerate(rows, 1) if row["id"] == last) :]
        shown = rows[:limit]
        box = {"lastMessageId": shown[-1]["id"] if shown else "", "nextPage": len(rows) > limit, "messages": shown}
        return Response.of({"messages": box} if self.nested_messages else box)

    def email(self, request: Request, one: str) -> Response:
        if one not in self.emails:
            raise Refusal(400, "Email not found")
        return Response.of({"id": one, **self.emails[one]})

    def list_forms(self, request: Request) -> Response:
        asked = dict(request.query)
        rows = [{"id": one, "locationId": LOCATION, **form} for one, form in self.forms.items()]
        skip, limit = int(asked.get("skip", 0)), int(asked.get("limit", 10))
        if limit > 50:
            raise Refusal(422, ["limit must not be greater than 50"])
        return Response.of({"forms": rows[skip : skip + limit], "total": len(rows)})

    def list_submissions(self, request: Request) -> Response:
        asked = dict(request.query)
        rows = [one for one in reversed(self.submissions) if asked.get("formId") in (None, one["formId"])]
        first, last = asked.get("startAt", "2030-05-01"), asked.get("endAt", "2030-06-30")
        rows = [one for one in rows if first <= one["createdAt"][:10] <= last]
        rows = [one for one in rows if asked.get("q", "").casefold() in f"{one['name']} {one['email']}".casefold()]
        page, limit = int(asked.get("page", 1)), int(asked.get("limit", 20))
        shown = rows[(page - 1) * limit : page * limit]
        return Response.of({"submissions": shown, "meta": {"total": len(rows), "currentPage": page}})

    # -- locations, tokens

    def location_token(self, request: Request) -> Response:
        """Response with a location's token for an agency's, which has the header of an API call."""
        form = form_of(request)
        if request.headers.get("authorization") != f"Bearer {self.access}" or self.user_type != "Company":
            raise Refusal(401, "Invalid JWT")
        if (form.get("companyId"), form.get("locationId")) != ("5DP4iH6HLkQsiKESj6rh", LOCATION):
            raise Refusal(400, "Location not found")
        self._last += 1
        self.tokens = {f"location-{self._last}"}
        answer = {"access_token": f"location-{self._last}", "token_type": "Bearer", "expires_in": 86_399}
        return Response.of({**answer, "scope": "contacts.write", "locationId": LOCATION, "userId": "u1"})

    def search_locations(self, request: Request) -> Response:
        asked = dict(request.query)
        skip, limit = int(asked.get("skip", 0)), int(asked.get("limit", 10))
        return Response.of({"locations": self.locations[skip : skip + limit]})

    def token(self, request: Request) -> Response:
        form = form_of(request)
        if (form.get("client_id"), form.get("client_secret")) != ("client-1", "client-secret"):
            return Response.of({"error": "invalid_client", "error_description": "Invalid client"}, 401)
        good = {
            "refresh_token": form.get("refresh_token") == self.refresh,
            "authorization_code": form.get("code") == self.code != "",
        }
        if not good.get(str(form.get("grant_type"))):
            return Response.of({"error": "invalid_grant", "error_description": "Invalid refresh token"}, 400)
        self._last += 1
        self.access, self.refresh, self.code = f"access-{self._last}", f"refresh-{self._last}", ""
        self.before_answer()
        whose = {"locationId": LOCATION} if self.user_type == "Location" else {"companyId": "5DP4iH6HLkQsiKESj6rh"}
        reported = {
            "access_token": self.access,
            "token_type": "Bearer",
            "expires_in": 86_399,
            "refresh_token": self.refresh,
        }
        return Response.of({**reported, "scope": "contacts.write", "userType": self.user_type, "userId": "u1", **whose})

    def reconnect(self, request: Request) -> Response:
        """https://help.gohighlevel.com/support/solutions/articles/155000003717"""
        body = request.json()
        if not self.installed or body != {
            "clientKey": "client-1",
            "clientSecret": "client-secret",
            "locationId": LOCATION,
        }:
            raise Refusal(400, "The app is not installed on this location")
        self.code = f"code-{self._last}"
        return Response.of({"authorizationCode": self.code, "expiresAt": "2030-06-01T00:00:00.000Z", "traceId": "0b1f"})


def _text(value: Any) -> str:
    """Return a field's value as the contract has it in answers."""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def full(contact: Thing) -> str:
    """Return a contact's whole name."""
    return " ".join(part for part in (contact.get("firstName"), contact.get("lastName")) if part)


def written(contact: Thing) -> Thing:
    """Return a contact as single answers have it."""
    return {k: v for k, v in {**contact, "name": full(contact)}.items() if v is not None}


def matches(contact: Thing, body: Thing) -> bool:
    """Tell whether the search's body asks for a contact."""
    terms = " ".join(
        str(contact.get(k) or "") for k in ("firstName", "lastName", "email", "phone", "companyName")
    ).casefold()
    if not all(word in terms for word in str(body.get("query") or "").casefold().split()):
        return False
    for reported in body.get("filters") or []:
        have = contact.get(reported["field"]) or ""
        values = reported["value"] if isinstance(reported["value"], list) else [reported["value"]]
        if not all(
            str(value).casefold() in [str(h).casefold() for h in (have if isinstance(have, list) else [have])]
            for value in values
        ):
            return False
    return True


C, ONE = "/contacts", r"/contacts/(?P<one>[^/]+)"
ROUTES: list[tuple[str, str, str, Callable[..., Response]]] = [
    ("POST", f"{C}/", NEWER, FakeGoHighLevel.create),
    ("POST", f"{C}/upsert", NEWER, FakeGoHighLevel.upsert),
    ("GET", f"{C}/search/duplicate", NEWER, FakeGoHighLevel.duplicate),
    ("POST", f"{C}/search", NEWER, FakeGoHighLevel.search),
    ("GET", ONE, NEWER, FakeGoHighLevel.get_contact),
    ("PUT", ONE, NEWER, FakeGoHighLevel.update),
    ("DELETE", ONE, NEWER, FakeGoHighLevel.delete),
    ("POST", f"{ONE}/tags", NEWER, FakeGoHighLevel.add_tags),
    ("DELETE", f"{ONE}/tags", NEWER, FakeGoHighLevel.remove_tags),
    ("POST", f"{ONE}/notes", NEWER, FakeGoHighLevel.note),
    ("GET", f"{ONE}/notes", NEWER, FakeGoHighLevel.list_notes),
    ("GET", f"{ONE}/tasks", NEWER, FakeGoHighLevel.list_contact_tasks),
    ("POST", f"{ONE}/tasks", NEWER, FakeGoHighLevel.add_task),
    ("PUT", f"{ONE}/tasks/(?P<task>[^/]+)", NEWER, FakeGoHighLevel.update_task),
    ("GET", f"{ONE}/appointments", NEWER, FakeGoHighLevel.contact_appointments),
    ("POST", "/locations/(?P<location>[^/]+)/tasks/search", NEWER, FakeGoHighLevel.search_tasks),
    ("GET", "/locations/(?P<location>[^/]+)/customFields", NEWER, FakeGoHighLevel.list_fields),
    ("GET", "/calendars/events", OLDER, FakeGoHighLevel.events),
    ("GET", "/opportunities/search", NEWER, FakeGoHighLevel.search_opportunities),
    ("GET", "/conversations/search", OLDER, FakeGoHighLevel.search_conversations),
    ("GET", "/conversations/messages/email/(?P<one>[^/]+)", OLDER, FakeGoHighLevel.email),
    ("GET", "/conversations/(?P<one>[^/]+)/messages", OLDER, FakeGoHighLevel.list_messages),
    ("GET", "/forms/", NEWER, FakeGoHighLevel.list_forms),
    ("GET", "/forms/submissions", NEWER, FakeGoHighLevel.list_submissions),
    ("POST", "/oauth/locationToken", "", FakeGoHighLevel.location_token),
    ("POST", f"{ONE}/workflow/(?P<workflow>[^/]+)", NEWER, FakeGoHighLevel.enrol),
    ("DELETE", f"{ONE}/workflow/(?P<workflow>[^/]+)", NEWER, FakeGoHighLevel.leave),
    ("GET", "/workflows/", NEWER, FakeGoHighLevel.list_workflows),
    ("GET", "/calendars/", OLDER, FakeGoHighLevel.list_calendars),
    ("GET", "/calendars/(?P<calendar>[^/]+)/free-slots", OLDER, FakeGoHighLevel.free),
    ("POST", "/calendars/events/appointments", OLDER, FakeGoHighLevel.book),
    ("GET", "/calendars/events/appointments/(?P<one>[^/]+)", OLDER, FakeGoHighLevel.appointment),
    ("PUT", "/calendars/events/appointments/(?P<one>[^/]+)", OLDER, FakeGoHighLevel.move),
    ("GET", "/opportunities/pipelines", NEWER, FakeGoHighLevel.list_pipelines),
    ("POST", "/opportunities/", NEWER, FakeGoHighLevel.create_opportunity),
    ("GET", "/opportunities/(?P<one>[^/]+)", NEWER, FakeGoHighLevel.get_opportunity),
    ("PUT", "/opportunities/(?P<one>[^/]+)", NEWER, FakeGoHighLevel.update_opportunity),
    ("POST", "/conversations/messages", OLDER, FakeGoHighLevel.message),
    ("GET", "/locations/search", NEWER, FakeGoHighLevel.search_locations),
    ("POST", "/oauth/token", "", FakeGoHighLevel.token),
    ("POST", "/oauth/reconnect", "", FakeGoHighLevel.reconnect),
]
