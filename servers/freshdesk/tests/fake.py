"""A fake Freshdesk that keeps state, at least as strict as the documentation.

    with FakeFreshdesk() as freshdesk:
        …
        assert freshdesk.tickets[35]["status"] == 5

The account is the one of Zoé, with Marie as an agent. Unknown fields of a body are refused, as Freshdesk does; jobs
are in progress when they are first looked at.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from typing import Any

from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served

HOME, KEY = "https://atelier.freshdesk.com", "kGh7d8sJf9Lm2nQx"
ZOE, MARIE, JEAN = 7, 8, 35436
Thing = dict[str, Any]
TICKET = {
    "name", "requester_id", "email", "phone", "subject", "type", "status", "priority", "description", "responder_id",
    "custom_fields", "group_id", "source", "tags",
}  # fmt: skip
CONTACT = {"name", "email", "phone", "mobile", "company_id", "description", "job_title"}


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of Freshdesk."""

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        body: Thing = {"code": code, "message": message}
        if field:
            wrong = {"field": field, "message": message, "code": code}
            body = {"description": "Validation failed", "errors": [wrong]}
        self.answer = Response.of(body, status) if status != 404 else Response(404)


class FakeFreshdesk(Served, FakeApi):
    """The account atelier.freshdesk.com."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self.clock, self._last = 0, 1000
        self.agents = {ZOE: ("Zoé Lefèvre", "zoe@atelier.example"), MARIE: ("Marie Curie", "marie@atelier.example")}
        self.sees_agents = True  # else the key's role may not list them
        self.groups = {98: "Facturation", 99: "Atelier"}
        self.contacts: dict[int, Thing] = {}
        self.companies: dict[int, Thing] = {57: {"id": 57, "name": "Boulangerie Roy", "domains": ["roy.example"]}}
        self.tickets: dict[int, Thing] = {}
        self.messages: dict[int, list[Thing]] = {}
        self.deleted: set[int] = set()
        self.times: list[Thing] = []
        self.jobs: dict[str, int] = {}  # how often each was looked at
        self.articles: list[Thing] = []
        self.canned: dict[int, Thing] = {
            41: {
                "title": "Accusé de réception",
                "content_html": "<p>Bonjour {{ticket.requester.firstname}}, bien reçu.</p>",
            },
            42: {"title": "Suivi", "content_html": "<p>Colis {{ticket.cf_colis}}</p>"},
        }
        self.ratings = [
            {
                "id": 1,
                "ticket_id": 35,
                "feedback": "Merci !",
                "ratings": {"default_question": 103},
                "created_at": self.now(),
            }
        ]
        self.add_contact(JEAN, "Jean Dupont", email="jean.dupont@exemple.fr", mobile="06 12 34 56 78", company_id=57)
        self.add_ticket(35, "La lampe clignote", "Elle clignote.")
        self.add_ticket(36, "Facture", "Où est ma facture ?", priority=3)
        self.add_ticket(37, "Merci", "Tout va bien.", responder_id=MARIE)
        for method, path, handler in ROUTES:
            self.on(method, path, self._checked(handler))

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {"FRESHDESK_DOMAIN": "atelier", "FRESHDESK_API_KEY": KEY, "FRESHDESK_BASE_URL": self.vendor.url}

    # -- what a test puts in

    def now(self) -> str:
        """Return a time, a minute after the last one."""
        self.clock += 1
        return f"2030-06-03T{7 + self.clock // 60:02}:{self.clock % 60:02}:00Z"

    def key(self) -> int:
        """Return a new number."""
        self._last += 1
        return self._last

    def add_contact(self, number: int, name: str, **more: Any) -> Thing:
        """Add a person, and return it."""
        blank = {"email": None, "phone": None, "mobile": None, "company_id": None}
        self.contacts[number] = {"id": number, "name": name, "active": True, **blank, **more}
        return self.contacts[number]

    def add_ticket(self, number: int, subject: str, text: str, **more: Any) -> Thing:
        """Add a ticket of Jean, and return it."""
        at = self.now()
        self.tickets[number] = {
            "id": number,
            "subject": subject,
            "description": text,
            "description_text": text,
            "status": 2,
            "priority": 1,
            "source": 2,
            "type": None,
            "requester_id": JEAN,
            "responder_id": None,
            "group_id": None,
            "tags": [],
            "custom_fields": {},
            "attachments": [],
            "created_at": at,
            "updated_at": at,
            "due_by": "2030-06-05T08:00:00Z",
            **more,
        }
        self.messages[number] = []
        return self.tickets[number]

    def add_message(self, number: int, body: str, user: int, *, private: bool = False, **more: Any) -> Thing:
        """Add a message to a ticket, and return it."""
        text, at = re.sub("<[^>]+>", "", body.replace("<br>", "\n")), self.now()
        row = {
            "id": self.key(),
            "body": body,
            "body_text": text,
            "private": private,
            "user_id": user,
            "ticket_id": number,
        }
        self.messages[number].append({**row, "created_at": at, "updated_at": at, "attachments": [], **more})
        return self.messages[number][-1]

    # -- how it answers

    def _checked(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        basic = "Basic " + b64encode(f"{KEY}:X".encode()).decode()

        def answer(request: Request, **named: str) -> Response:
            if request.headers.get("authorization") != basic:
                return Refusal(401, "invalid_credentials", "You have to be logged in to perform this action.").answer
            try:
                return handler(self, request, **{name: int(value) for name, value in named.items()})
            except Refusal as refused:
                return refused.answer

        return answer

    def _one(self, things: dict[int, Any], number: int) -> Any:
        if number not in things:
            raise Refusal(404, "", "")
        return things[number]

    def _ticket(self, number: int) -> Thing:
        ticket: Thing = self._one(self.tickets, number)
        if number in self.deleted:
            raise Refusal(405, "method_not_allowed", "GET method is not allowed.")
        return ticket

    def _page(self, request: Request, rows: list[Thing]) -> Response:
        query = dict(request.query)
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        if not 1 <= size <= 100:
            raise Refusal(400, "invalid_value", "It should be a Positive Integer less than or equal to 100", "per_page")
        more = page * size < len(rows)
        headers = {"link": f'<{HOME}{request.path}?page={page + 1}>; rel="next"'} if more else {}
        return Response.of(rows[(page - 1) * size : page * size], headers=headers)

    def _known(self, body: Thing, known: set[str]) -> Thing:
        for field in body:
            if field not in known:
                raise Refusal(400, "invalid_field", "Unexpected/invalid field in request", field)
        return body

    def _fields(self, request: Request) -> Thing:
        """Return a JSON body, or a form with its files."""
        kind = request.headers.get("content-type", "")
        if "multipart" not in kind:
            return dict(request.json())
        mime, options = parse_options_header(kind)
        _, form, files = FormDataParser().parse(BytesIO(request.body), mime, len(request.body), options)
        uploads = [
            {"id": self.key(), "name": one.filename, "size": len(one.read())} for one in files.getlist("attachments[]")
        ]
        return {**form.to_dict(), **({"attachments": uploads} if uploads else {})}

    # people

    def me(self, request: Request) -> Response:
        return Response.of(self._agent(ZOE))

    def _agent(self, number: int) -> Thing:
        name, email = self.agents[number]
        return {"id": number, "contact": {"name": name, "email": email, "time_zone": "Paris"}}

    def list_agents(self, request: Request) -> Response:
        if not self.sees_agents:
            raise Refusal(403, "access_denied", "You are not authorized to perform this action.")
        return self._page(request, [self._agent(number) for number in self.agents])

    def complete_agents(self, request: Request) -> Response:
        term = dict(request.query)["term"].lower()
        rows = [{"id": n, "name": name, "email": email} for n, (name, email) in self.agents.items()]
        return Response.of([one for one in rows if term in f"{one['name']} {one['email']}".lower()])

    def list_groups(self, request: Request) -> Response:
        return self._page(request, [{"id": number, "name": name} for number, name in self.groups.items()])

    def list_contacts(self, request: Request) -> Response:
        rows = list(self.contacts.values())
        for name, value in request.query:
            if name in ("email", "mobile", "phone"):
                rows = [one for one in rows if one[name] == value]
        return self._page(request, rows)

    def search_contacts(self, request: Request) -> Response:
        query = dict(request.query)["query"]
        if len(query) > 512 or not re.fullmatch('"(.+)"', query):
            raise Refusal(400, "invalid_value", "Given query is not valid", "query")
        terms = [re.fullmatch("(phone|mobile):'([^']+)'", one) for one in query[1:-1].split(" OR ")]
        if not all(terms):
            raise Refusal(400, "invalid_value", "Given query is not valid", "query")
        pairs = [(term[1], term[2]) for term in terms if term]
        rows = [one for one in self.contacts.values() if any(one[name] == value for name, value in pairs)]
        return Response.of({"total": len(rows), "results": rows})

    def complete_contacts(self, request: Request) -> Response:
        term = dict(request.query)["term"].lower()
        rows = [
            one
            for one in self.contacts.values()
            if any(w.startswith(term) for w in [one["name"].lower(), *one["name"].lower().split()])
        ]
        return Response.of([{"id": one["id"], "name": one["name"]} for one in rows])

    def get_contact(self, request: Request, number: int) -> Response:
        return Response.of(self._one(self.contacts, number))

    def create_contact(self, request: Request) -> Response:
        body = self._known(request.json(), CONTACT)
        if not body.get("name") or not {"email", "phone", "mobile"} & set(body):
            raise Refusal(400, "missing_field", "Please fill at least 1 of email, mobile, phone", "email")
        if any(one["email"] == body.get("email", "-") for one in self.contacts.values()):
            raise Refusal(409, "duplicate_value", "It should be a unique value", "email")
        return Response.of(self.add_contact(self.key(), **body), 201)

    def update_contact(self, request: Request, number: int) -> Response:
        contact: Thing = self._one(self.contacts, number)
        contact.update(self._known(request.json(), CONTACT))
        return Response.of(contact)

    def complete_companies(self, request: Request) -> Response:
        name = dict(request.query)["name"].lower()
        rows = [one for one in self.companies.values() if str(one["name"]).lower().startswith(name)]
        return Response.of({"companies": [{"id": one["id"], "name": one["name"]} for one in rows]})

    def get_company(self, request: Request, number: int) -> Response:
        return Response.of(self._one(self.companies, number))

    def create_company(self, request: Request) -> Response:
        body, number = self._known(request.json(), {"name", "domains", "description", "note"}), self.key()
        if any(one["name"] == body["name"] for one in self.companies.values()):
            raise Refusal(409, "duplicate_value", "It should be a unique value", "name")
        self.companies[number] = {"id": number, **body}
        return Response.of(self.companies[number], 201)

    def update_company(self, request: Request, number: int) -> Response:
        company: Thing = self._one(self.companies, number)
        company.update(self._known(request.json(), {"name", "domains", "description", "note"}))
        return Response.of(company)

    # tickets

    def _with(self, request: Request, ticket: Thing) -> Thing:
        include = dict(request.query).get("include", "").split(",")
        who = self.contacts.get(ticket["requester_id"], {})
        more: Thing = {"requester": {k: who.get(k) for k in ("id", "name", "email")}} if "requester" in include else {}
        if "company" in include and who.get("company_id"):
            more["company"] = self.companies[who["company_id"]]
        return {**ticket, **more}

    def list_tickets(self, request: Request) -> Response:
        query = dict(request.query)
        gone = query.get("filter") == "deleted"
        rows = [one for one in self.tickets.values() if (one["id"] in self.deleted) == gone]
        if query.get("filter") == "new_and_my_open":
            rows = [one for one in rows if one["status"] == 2 and one["responder_id"] in (None, ZOE)]
        if "requester_id" in query:
            rows = [one for one in rows if one["requester_id"] == int(query["requester_id"])]
        rows = [one for one in rows if one["updated_at"] >= query.get("updated_since", "")]
        rows.sort(
            key=lambda one: str(one[query.get("order_by", "created_at")]), reverse=query.get("order_type") != "asc"
        )
        return self._page(request, [self._with(request, one) for one in rows])

    def search_tickets(self, request: Request) -> Response:
        query = dict(request.query)
        if len(query["query"]) > 512 or not re.fullmatch('"(.+)"', query["query"]) or int(query["page"]) > 10:
            raise Refusal(400, "invalid_value", "Given query is not valid", "query")
        rows = [one for one in self.tickets.values() if one["id"] not in self.deleted]
        for term in query["query"][1:-1].split(" AND "):
            match = re.fullmatch(r"(\w+)(:>|:)('[^']*'|[\w.]+)", term)
            if not match:
                raise Refusal(400, "invalid_value", "Given query is not valid", "query")
            rows = [one for one in rows if self._fits(one, match[1], match[2], match[3].strip("'"))]
        start = (int(query["page"]) - 1) * 30
        return Response.of({"total": len(rows), "results": rows[start : start + 30]})

    def _fits(self, ticket: Thing, name: str, sign: str, value: str) -> bool:
        if name == "tag":
            return value in ticket["tags"]
        held = (
            ticket["custom_fields"].get(name) if name.startswith("cf_") else ticket[name.replace("agent", "responder")]
        )
        if sign == ":>":
            return str(held)[:10] >= value
        return str(held) == value if value != "null" else held is None

    def get_ticket(self, request: Request, number: int) -> Response:
        return Response.of(self._with(request, self._one(self.tickets, number)))

    def create_ticket(self, request: Request) -> Response:
        body = self._known(request.json(), TICKET)
        number = self.key()
        if not {"requester_id", "email", "phone"} & set(body):
            raise Refusal(400, "missing_field", "It should not be blank as this is a mandatory field", "requester_id")
        who = {name: body.pop(name) for name in ("name", "email", "phone") if name in body}
        if who:
            body["requester_id"] = self.add_contact(self.key(), who.pop("name", who.get("email", "")), **who)["id"]
        self._check(body)
        return Response.of(self.add_ticket(number, body.pop("subject"), body.pop("description"), **body), 201)

    def _check(self, body: Thing) -> None:
        if body.get("status", 2) not in (2, 3, 4, 5, 6) or body.get("priority", 1) not in (1, 2, 3, 4):
            raise Refusal(400, "invalid_value", "It should be one of these values: '2,3,4,5,6'", "status")
        if body.get("responder_id", ZOE) not in self.agents or body.get("group_id", 98) not in self.groups:
            raise Refusal(400, "invalid_value", "There is no agent matching the given responder_id", "responder_id")
        for name, value in body.get("custom_fields", {}).items():
            kinds = {"cf_produit": str, "cf_montant": float, "cf_garantie": bool}
            if not isinstance(value, kinds.get(name, ())):
                raise Refusal(400, "datatype_mismatch", "It should be of another type", name)

    def update_ticket(self, request: Request, number: int) -> Response:
        ticket, body = self._ticket(number), self._known(request.json(), TICKET)
        self._check(body)
        ticket.update(body, updated_at=self.now())
        return Response.of(ticket)

    def delete_ticket(self, request: Request, number: int) -> Response:
        self.deleted.add(self._ticket(number)["id"])
        return Response(204)

    def restore_ticket(self, request: Request, number: int) -> Response:
        self._one(self.tickets, number)
        self.deleted.discard(number)
        return Response(204)

    def conversations(self, request: Request, number: int) -> Response:
        self._ticket(number)
        return self._page(request, self.messages[number])

    def reply(self, request: Request, number: int) -> Response:
        ticket, body = self._ticket(number), self._known(self._fields(request), {"body", "cc_emails", "attachments"})
        ticket["updated_at"] = self.now()
        return Response.of(self.add_message(number, body.pop("body"), ZOE, **body), 201)

    def note(self, request: Request, number: int) -> Response:
        self._ticket(number)
        body = self._known(self._fields(request), {"body", "private", "notify_emails", "attachments"})
        private = str(body.pop("private", True)).lower() == "true"
        return Response.of(self.add_message(number, body.pop("body"), ZOE, private=private, **body), 201)

    def merge(self, request: Request) -> Response:
        body = request.json()
        note = body["note_in_primary"]
        self.add_message(self._ticket(body["primary_id"])["id"], note["body"], ZOE, private=note["private"])
        for number in body["ticket_ids"]:
            self._ticket(number)["status"] = 5
        return Response(204)

    def update_many(self, request: Request) -> Response:
        action = request.json()["bulk_action"]
        fields = self._known(action["properties"], {*TICKET, "skip_close_notification"})
        for number in action["ids"]:
            self._ticket(number).update({k: v for k, v in fields.items() if k != "skip_close_notification"})
        job = f"e4d{self.key()}"
        self.jobs[job] = 0
        return Response.of({"job_id": job, "href": f"{HOME}/api/v2/jobs/{job}"}, 202)

    def get_job(self, request: Request) -> Response:
        job = request.path.rsplit("/", 1)[-1]
        self.jobs[job] += 1
        return Response.of({"id": job, "status": "IN PROGRESS" if self.jobs[job] == 1 else "COMPLETED"})

    def fields(self, request: Request) -> Response:
        statuses = {
            "2": ["Ouvert", "x"],
            "3": ["En attente", "x"],
            "4": ["Résolu", "x"],
            "5": ["Clos", "x"],
            "6": ["En atelier", "x"],
        }
        rows = [
            {"id": 1, "name": "status", "label": "Statut", "type": "default_status", "choices": statuses},
            {
                "id": 2,
                "name": "ticket_type",
                "label": "Type",
                "type": "default_ticket_type",
                "choices": ["Question", "Panne"],
            },
            {
                "id": 3,
                "name": "cf_produit",
                "label": "Produit",
                "type": "custom_dropdown",
                "choices": ["Lampe", "Chaise"],
            },
            {"id": 4, "name": "cf_montant", "label": "Montant", "type": "custom_decimal"},
            {"id": 5, "name": "cf_garantie", "label": "Garantie", "type": "custom_checkbox"},
        ]
        return self._page(request, rows)

    # canned responses, files, time, satisfaction, solutions

    def canned_folders(self, request: Request) -> Response:
        return self._page(request, [{"id": 1, "name": "Général", "responses_count": len(self.canned)}])

    def canned_folder(self, request: Request, number: int) -> Response:
        return Response.of(
            {"id": number, "canned_responses": [{"id": n, "title": c["title"]} for n, c in self.canned.items()]}
        )

    def canned_response(self, request: Request, number: int) -> Response:
        return Response.of({"id": number, **self._one(self.canned, number)})

    def download(self, request: Request, number: int) -> Response:
        return Response(200, "été".encode(), {"content-type": "text/plain"})

    def add_time(self, request: Request, number: int) -> Response:
        body = self._known(request.json(), {"time_spent", "note", "billable", "agent_id", "executed_at"})
        if not re.fullmatch(r"\d\d:[0-5]\d", body["time_spent"]):
            raise Refusal(400, "invalid_value", "It should be in the format hh:mm", "time_spent")
        self._ticket(number)
        self.times.append({"id": self.key(), "ticket_id": number, "executed_at": self.now(), **body})
        return Response.of(self.times[-1], 201)

    def ticket_times(self, request: Request, number: int) -> Response:
        return self._page(request, [one for one in self.times if one["ticket_id"] == number])

    def all_times(self, request: Request) -> Response:
        agent = dict(request.query).get("agent_id")
        return self._page(request, [one for one in self.times if agent in (None, str(one["agent_id"]))])

    def list_ratings(self, request: Request) -> Response:
        since = dict(request.query).get("created_since", "")
        return self._page(request, [one for one in self.ratings if str(one["created_at"]) >= since])

    def search_articles(self, request: Request) -> Response:
        about = {"id": 360001, "title": "Mot de passe", "description_text": "Cliquez sur Oublié.", "status": 2}
        fits = dict(request.query)["term"].lower() in "mot de passe oublié"
        return Response.of([about] if fits else [])

    def get_article(self, request: Request, number: int) -> Response:
        if number != 360001:
            raise Refusal(404, "", "")
        return Response.of({"id": number, "title": "Mot de passe", "description": "<p>Cliquez sur <b>Oublié</b>.</p>"})

    def categories(self, request: Request) -> Response:
        return self._page(request, [{"id": 3, "name": "Général"}])

    def folders(self, request: Request, number: int) -> Response:
        return self._page(request, [{"id": 77, "name": "Commandes"}])

    def create_article(self, request: Request, number: int) -> Response:
        body = self._known(request.json(), {"title", "description", "status", "tags", "seo_data"})
        self.articles.append({"id": self.key(), "folder_id": number, **body})
        return Response.of(self.articles[-1], 201)


API, NUMBER = "/api/v2", r"(?P<number>\d+)"
ROUTES: list[tuple[str, str, Callable[..., Response]]] = [
    ("GET", f"{API}/agents/me", FakeFreshdesk.me),
    ("GET", f"{API}/agents/autocomplete", FakeFreshdesk.complete_agents),
    ("GET", f"{API}/agents", FakeFreshdesk.list_agents),
    ("GET", f"{API}/groups", FakeFreshdesk.list_groups),
    ("GET", f"{API}/contacts", FakeFreshdesk.list_contacts),
    ("POST", f"{API}/contacts", FakeFreshdesk.create_contact),
    ("GET", f"{API}/contacts/autocomplete", FakeFreshdesk.complete_contacts),
    ("GET", f"{API}/contacts/{NUMBER}", FakeFreshdesk.get_contact),
    ("PUT", f"{API}/contacts/{NUMBER}", FakeFreshdesk.update_contact),
    ("GET", f"{API}/search/contacts", FakeFreshdesk.search_contacts),
    ("GET", f"{API}/companies/autocomplete", FakeFreshdesk.complete_companies),
    ("GET", f"{API}/companies/{NUMBER}", FakeFreshdesk.get_company),
    ("PUT", f"{API}/companies/{NUMBER}", FakeFreshdesk.update_company),
    ("POST", f"{API}/companies", FakeFreshdesk.create_company),
    ("GET", f"{API}/tickets", FakeFreshdesk.list_tickets),
    ("POST", f"{API}/tickets", FakeFreshdesk.create_ticket),
    ("PUT", f"{API}/tickets/merge", FakeFreshdesk.merge),
    ("POST", f"{API}/tickets/bulk_update", FakeFreshdesk.update_many),
    ("GET", f"{API}/search/tickets", FakeFreshdesk.search_tickets),
    ("GET", f"{API}/tickets/{NUMBER}", FakeFreshdesk.get_ticket),
    ("PUT", f"{API}/tickets/{NUMBER}", FakeFreshdesk.update_ticket),
    ("DELETE", f"{API}/tickets/{NUMBER}", FakeFreshdesk.delete_ticket),
    ("PUT", f"{API}/tickets/{NUMBER}/restore", FakeFreshdesk.restore_ticket),
    ("GET", f"{API}/tickets/{NUMBER}/conversations", FakeFreshdesk.conversations),
    ("POST", f"{API}/tickets/{NUMBER}/reply", FakeFreshdesk.reply),
    ("POST", f"{API}/tickets/{NUMBER}/notes", FakeFreshdesk.note),
    ("GET", f"{API}/tickets/{NUMBER}/time_entries", FakeFreshdesk.ticket_times),
    ("POST", f"{API}/tickets/{NUMBER}/time_entries", FakeFreshdesk.add_time),
    ("GET", f"{API}/jobs/[^/]+", FakeFreshdesk.get_job),
    ("GET", f"{API}/ticket_fields", FakeFreshdesk.fields),
    ("GET", f"{API}/canned_response_folders", FakeFreshdesk.canned_folders),
    ("GET", f"{API}/canned_response_folders/{NUMBER}", FakeFreshdesk.canned_folder),
    ("GET", f"{API}/canned_responses/{NUMBER}", FakeFreshdesk.canned_response),
    ("GET", f"/helpdesk/attachments/{NUMBER}", FakeFreshdesk.download),
    ("GET", f"{API}/time_entries", FakeFreshdesk.all_times),
    ("GET", f"{API}/surveys/satisfaction_ratings", FakeFreshdesk.list_ratings),
    ("GET", f"{API}/search/solutions", FakeFreshdesk.search_articles),
    ("GET", f"{API}/solutions/articles/{NUMBER}", FakeFreshdesk.get_article),
    ("GET", f"{API}/solutions/categories", FakeFreshdesk.categories),
    ("GET", f"{API}/solutions/categories/{NUMBER}/folders", FakeFreshdesk.folders),
    ("POST", f"{API}/solutions/folders/{NUMBER}/articles", FakeFreshdesk.create_article),
]
