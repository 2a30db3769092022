"""A fake Intercom that keeps state, at least as strict as its documentation (version 2.16).

    with FakeIntercom() as intercom:
        …
        assert intercom.conversations["215"]["state"] == "closed"

The workspace is in Paris; Zoé owns the token, Marie is a colleague, Support and Facturation are teams. A search knows
the documented fields and operators only, and needs the version header as every request does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served

TOKEN, VERSION = "dG9rOnRlc3Q=", "2.16"
ZOE, MARIE, SUPPORT, BILLING = "991", "992", "814", "815"
NOW = 1_900_000_000
Thing = dict[str, Any]
OWN = ("linked", "converted", "tags")  # what the fake keeps of a ticket and does not show
FIELDS = {
    "contacts": {
        "id",
        "role",
        "name",
        "owner_id",
        "email",
        "phone",
        "external_id",
        "created_at",
        "segment_id",
        "tag_id",
    },
    "conversations": {
        *("id", "created_at", "source.subject", "source.body", "source.author.name", "source.author.email", "state"),
        *("contact_ids", "admin_assignee_id", "team_assignee_id", "open", "tag_ids"),
    },
    "tickets": {
        *("id", "created_at", "title", "description", "ticket_type_id", "contact_ids", "admin_assignee_id", "open"),
        *("team_assignee_id", "state"),
    },
}
INTEGERS = {("conversations", "admin_assignee_id"), ("conversations", "team_assignee_id")}


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of Intercom."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = Response.of(
            {"type": "error.list", "request_id": "b0", "errors": [{"code": code, "message": message}]}, status
        )


class FakeIntercom(Served, FakeApi):
    """The workspace of Zoé."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self.contacts: dict[str, Thing] = {}
        self.companies: dict[str, Thing] = {}
        self.conversations: dict[str, Thing] = {}
        self.tickets: dict[str, Thing] = {}
        self.articles: dict[str, Thing] = {}
        self.notes: dict[str, list[Thing]] = {}  # by contact or company
        self.members: dict[str, list[str]] = {}  # companies by contact
        self.events: list[Thing] = []
        self.messages: list[Thing] = []
        self.tags = {"71": "Urgent", "72": "VIP"}
        self.admins = {ZOE: ("Zoé Lefèvre", "zoe@atelier.example"), MARIE: ("Marie Curie", "marie@atelier.example")}
        self.teams = {SUPPORT: "Support", BILLING: "Facturation"}
        self.macros = {
            "501": (
                "Délai de livraison",
                '<p>Bonjour <attribute key="user.first_name" default="à vous"/>, deux jours.</p>',
            ),
            "502": ("Numéro", '<p>Votre contrat <attribute key="user.contrat"/></p>'),
        }
        self.attributes = {
            "contact": [
                self.attribute("plan", "Plan", options=["Pro", "Free"]),
                self.attribute("seats", "Places", "integer"),
                self.attribute("trial_end", "Fin d’essai", "date"),
                self.attribute("newsletter", "Lettre", "boolean"),
            ],
            "company": [self.attribute("siret", "SIRET")],
        }
        self.types = {
            "88": self.ticket_type("88", "Réclamation"),
            "89": self.ticket_type("89", "Panne", required=True),
            "90": {**self.ticket_type("90", "Interne"), "category": "Back-office"},
        }
        self.forbidden: set[str] = set()  # nouns that the app may not read
        self._last = 0
        for method, path, handler in ROUTES:
            self.on(method, path, self._checked(handler))

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {"INTERCOM_TOKEN": TOKEN, "INTERCOM_BASE_URL": self.vendor.url}

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Method and path of what arrived and may have changed something."""
        return [(r.method, r.path) for r in self.vendor.requests if r.method != "GET" and not _asks(r)]

    # -- what a test puts in

    def key(self) -> int:
        """Return a new number."""
        self._last += 1
        return self._last

    def attribute(self, name: str, label: str, kind: str = "string", options: list[str] | None = None) -> Thing:
        """Return a custom attribute."""
        more = {"options": options} if options else {}
        about = {"type": "data_attribute", "name": name, "full_name": f"custom_attributes.{name}", "label": label}
        return {**about, "data_type": kind, "api_writable": True, "custom": True, "archived": False, **more}

    def ticket_type(self, number: str, name: str, *, required: bool = False) -> Thing:
        """Return a ticket type."""
        states = [("1", "submitted", "Reçu"), ("2", "in_progress", "En cours"), ("3", "resolved", "Résolu")]
        field = {"type": "ticket_type_attribute", "id": "3", "name": "Commande", "data_type": "string"}
        return {
            "type": "ticket_type",
            "id": number,
            "category": "Customer",
            "name": name,
            "archived": False,
            "ticket_type_attributes": {
                "type": "list",
                "ticket_type_attributes": [{**field, "required_to_create": required, "archived": False}],
            },
            "ticket_states": {
                "type": "list",
                "data": [
                    {
                        "type": "ticket_state",
                        "id": f"{number}{key}",
                        "category": category,
                        "internal_label": label,
                        "external_label": label,
                    }
                    for key, category, label in states
                ],
            },
        }

    def add_contact(self, name: str, email: str = "", *, role: str = "user", **more: Any) -> str:
        """Add a person, and return the id."""
        number = f"{self.key():024x}"
        self.contacts[number] = {
            "type": "contact",
            "id": number,
            "workspace_id": "ab12cd34",
            "external_id": None,
            "role": role,
            "email": email or None,
            "phone": None,
            "name": name,
            "owner_id": None,
            "unsubscribed_from_emails": False,
            "created_at": NOW - 100_000,
            "updated_at": NOW,
            "custom_attributes": {},
            "tags": {
                "type": "list",
                "data": [],
                "url": f"/contacts/{number}/tags",
                "total_count": 0,
                "has_more": False,
            },
            **more,
        }
        return number

    def add_company(self, name: str, company_id: str) -> str:
        """Add a company, and return Intercom's id."""
        number = f"5f4d3c1c-7b1b-4d7d-a97e-{self.key():012x}"
        own = {"type": "company", "id": number, "name": name, "company_id": company_id, "user_count": 0}
        self.companies[number] = {**own, "custom_attributes": {}, "tags": {"type": "tag.list", "tags": []}}
        return number

    def add_conversation(self, contact: str, text: str, *, waits_since: int | None = NOW - 60, **more: Any) -> str:
        """Add a conversation that a person began, and return its number."""
        number, person = str(214 + self.key()), self.contacts[contact]
        author = {"type": person["role"], "id": contact, "name": person["name"], "email": person["email"]}
        self.conversations[number] = {
            "type": "conversation",
            "id": number,
            "title": None,
            "created_at": NOW - 600,
            "updated_at": NOW,
            "waiting_since": waits_since,
            "snoozed_until": None,
            "open": True,
            "state": "open",
            "read": False,
            "priority": "none",
            "admin_assignee_id": 0,
            "team_assignee_id": 0,
            "tags": {"type": "tag.list", "tags": []},
            "source": {
                "type": "conversation",
                "id": "1",
                "delivered_as": "customer_initiated",
                "subject": "",
                "body": f"<p>{text}</p>",
                "author": author,
                "attachments": [],
            },
            "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": contact, "external_id": None}]},
            "custom_attributes": {},
            "conversation_parts": {"type": "conversation_part.list", "conversation_parts": [], "total_count": 0},
            **more,
        }
        return number

    def parts(self, number: str) -> list[Thing]:
        """Return the parts of a conversation."""
        rows: list[Thing] = self.conversations[number]["conversation_parts"]["conversation_parts"]
        return rows

    # -- how it answers

    def _checked(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def answer(request: Request, **named: str) -> Response:
            try:
                if request.headers.get("authorization") != f"Bearer {TOKEN}":
                    raise Refusal(401, "token_not_found", "Unauthorized")
                if request.headers.get("intercom-version") != VERSION:
                    raise Refusal(400, "intercom_version_invalid", "The requested version could not be found")
                return handler(self, request, **named)
            except Refusal as refused:
                return refused.answer

        return answer

    def _one(self, things: dict[str, Thing], number: str) -> Thing:
        if number not in things:
            raise Refusal(404, "not_found", "Resource Not Found")
        return things[number]

    def _admin(self, body: Thing) -> tuple[str, str]:
        number = str(body.get("admin_id", ""))
        if number not in self.admins:
            raise Refusal(404, "admin_not_found", "Admin for admin_id not found")
        return number, self.admins[number][0]

    def _known(self, body: Thing, *names: str) -> None:
        if unknown := set(body) - set(names):
            raise Refusal(400, "parameter_invalid", f"unknown parameter {sorted(unknown)[0]}")

    def me(self, request: Request) -> Response:
        name, email = self.admins[ZOE]
        app = {"type": "app", "id_code": "ab12cd34", "name": "Atelier", "region": "EU", "timezone": "Europe/Paris"}
        return Response.of({"type": "admin", "id": ZOE, "name": name, "email": email, "app": app})

    def list_admins(self, request: Request) -> Response:
        rows = [
            {"type": "admin", "id": i, "name": n, "email": m, "away_mode_enabled": i == MARIE}
            for i, (n, m) in self.admins.items()
        ]
        return Response.of({"type": "admin.list", "admins": rows})

    def list_teams(self, request: Request) -> Response:
        rows = [{"type": "team", "id": number, "name": name} for number, name in self.teams.items()]
        return Response.of({"type": "team.list", "teams": rows})

    def list_tags(self, request: Request) -> Response:
        rows = [{"type": "tag", "id": number, "name": name} for number, name in self.tags.items()]
        return Response.of({"type": "list", "data": rows})

    def save_tag(self, request: Request) -> Response:
        body = request.json()
        self._known(body, "name", "id", "companies", "users")
        number = next((n for n, name in self.tags.items() if name == body["name"]), None)
        if number is None:
            number = str(72 + self.key())
            self.tags[number] = body["name"]
        tag = {"type": "tag", "id": number, "name": body["name"]}
        for one in body.get("companies", []):
            tags = self._one(self.companies, one["id"])["tags"]["tags"]
            tags[:] = [t for t in tags if t["id"] != number] + ([] if one.get("untag") else [tag])
        return Response.of(tag)

    def list_segments(self, request: Request) -> Response:
        rows = [{"type": "segment", "id": "6762f0dd1bb69f9f2193bb01", "name": "Actifs"}]
        return Response.of({"type": "segment.list", "segments": rows})

    def list_macros(self, request: Request) -> Response:
        rows = [self._macro(number) for number in self.macros]
        start = int(dict(request.query).get("starting_after", 0))
        following = {"starting_after": str(start + 1)} if start + 1 < len(rows) else None
        pages = {"type": "pages", "per_page": 1, "next": following}
        return Response.of({"type": "list", "data": rows[start : start + 1], "pages": pages})

    def _macro(self, number: str) -> Thing:
        name, body = self.macros[number]
        return {"type": "macro", "id": number, "name": name, "body": body, "visible_to": "everyone"}

    def get_macro(self, request: Request, number: str) -> Response:
        if number not in self.macros:
            raise Refusal(404, "not_found", "Resource Not Found")
        return Response.of(self._macro(number))

    def list_attributes(self, request: Request) -> Response:
        model = dict(request.query).get("model", "contact")
        if model not in self.attributes:
            raise Refusal(422, "parameter_invalid", "model is invalid")
        return Response.of({"type": "list", "data": self.attributes[model]})

    def list_ticket_types(self, request: Request) -> Response:
        return Response.of({"type": "list", "data": list(self.types.values())})

    # -- searches

    def search(self, request: Request, noun: str) -> Response:
        if noun in self.forbidden:
            raise Refusal(403, "forbidden", "You do not have permission to use this resource")
        body = request.json()
        self._known(body, "query", "pagination")
        paging = body.get("pagination", {})
        count, start = paging.get("per_page", 20), int(paging.get("starting_after") or 0)
        if not 1 <= count <= 150:
            raise Refusal(400, "parameter_invalid", "per_page must be between 1 and 150")
        things = {"contacts": self.contacts, "conversations": self.conversations, "tickets": self.tickets}[noun]
        rows = [one for one in things.values() if self._fits(noun, one, body["query"], 0)]
        following = {"per_page": count, "starting_after": str(start + count)} if start + count < len(rows) else None
        pages: Thing = {"type": "pages", "page": start // count + 1, "per_page": count}
        pages["total_pages"] = -(-len(rows) // count)
        answer: Thing = {"type": "list" if noun == "contacts" else f"{noun[:-1]}.list", "total_count": len(rows)}
        answer |= {"pages": {**pages, **({"next": following} if following else {})}}
        without = {"conversation_parts", "ticket_parts"}
        shown = [{k: v for k, v in one.items() if k not in without} for one in rows[start : start + count]]
        return Response.of({**answer, "data" if noun == "contacts" else noun: shown})

    def _fits(self, noun: str, one: Thing, query: Thing, depth: int) -> bool:
        if query.get("operator") in ("AND", "OR") and "field" not in query:
            if depth > 1 or len(query["value"]) > 15:
                raise Refusal(400, "parameter_invalid", "too many filters")
            each = [self._fits(noun, one, inner, depth + 1) for inner in query["value"]]
            return all(each) if query["operator"] == "AND" else any(each)
        field, operator, value = query["field"], query["operator"], query["value"]
        if field not in FIELDS[noun]:
            raise Refusal(400, "invalid_field", f"{field} is not searchable")
        if operator not in ("=", "IN", "~", ">") or (operator == "IN") is not isinstance(value, list):
            raise Refusal(400, "invalid_operator", f"{operator} is not valid here")
        if operator == "=" and (noun, field) in INTEGERS and not isinstance(value, int):
            raise Refusal(400, "parameter_invalid", f"{field} is an integer")
        held = self._held(noun, one, field)
        if operator == ">":
            return int(held or 0) > value
        if operator == "~":
            return str(value).casefold() in str(held or "").casefold()
        several = held if isinstance(held, list) else [held]
        return any(h in value if operator == "IN" else h == value for h in several)

    def _held(self, noun: str, one: Thing, field: str) -> Any:
        if field == "contact_ids":
            return [c["id"] for c in one["contacts"]["contacts"]]
        if field == "tag_ids":
            return [t["id"] for t in one["tags"]["tags"]]
        if field == "tag_id":
            return [t["id"] for t in one["tags"]["data"]]
        if field == "segment_id":
            return "6762f0dd1bb69f9f2193bb01"
        if noun == "tickets" and field in ("title", "description"):
            return one["ticket_attributes"].get(f"_default_{field}_")
        if noun == "tickets" and field == "ticket_type_id":
            return one["ticket_type"]["id"]
        if noun == "tickets" and field == "state":
            return one["ticket_state"]["category"]
        if noun == "tickets" and field.endswith("assignee_id"):
            return str(one[field])
        value: Any = one
        for part in field.split("."):
            value = (value or {}).get(part)
        return value

    # -- conversations

    def get_conversation(self, request: Request, number: str) -> Response:
        return Response.of(self._one(self.conversations, number))

    def reply(self, request: Request, number: str) -> Response:
        conversation, body = self._one(self.conversations, number), request.json()
        self._known(body, "message_type", "type", "body", "admin_id", "attachment_files")
        self._part(self.parts(number), body)
        if body["message_type"] == "comment":
            conversation["waiting_since"] = None
        return Response.of(conversation)

    def _part(self, parts: list[Thing], body: Thing) -> Thing:
        if body.get("type") != "admin" or body.get("message_type") not in ("comment", "note") or not body.get("body"):
            raise Refusal(400, "parameter_invalid", "body, type and message_type are needed")
        admin, name = self._admin(body)
        attached = [
            {
                "type": "upload",
                "name": f["name"],
                "url": "https://downloads.intercomcdn.com/x",
                "content_type": f["content_type"],
            }
            for f in body.get("attachment_files", [])
        ]
        part = {
            "type": "conversation_part",
            "id": str(self.key()),
            "part_type": body["message_type"],
            "body": body["body"],
            "created_at": NOW,
            "author": {"type": "admin", "id": admin, "name": name, "email": self.admins[admin][1]},
            "attachments": attached,
        }
        parts.append(part)
        return part

    def manage(self, request: Request, number: str) -> Response:
        conversation, body = self._one(self.conversations, number), request.json()
        admin, name = self._admin(body)
        kind = body.get("message_type")
        if kind == "close" and body.get("type") == "admin":
            self._known(body, "message_type", "type", "admin_id", "body")
            conversation |= {"state": "closed", "open": False, "waiting_since": None, "snoozed_until": None}
        elif kind == "snoozed" and isinstance(body.get("snoozed_until"), int):
            self._known(body, "message_type", "admin_id", "snoozed_until")
            conversation |= {"state": "snoozed", "open": True, "snoozed_until": body["snoozed_until"]}
        elif kind == "open":
            self._known(body, "message_type", "admin_id")
            conversation |= {"state": "open", "open": True, "snoozed_until": None}
        elif kind == "assignment" and body.get("type") in ("admin", "team"):
            self._known(body, "message_type", "type", "admin_id", "assignee_id", "body")
            target = str(body["assignee_id"])
            there = {"admin": self.admins, "team": self.teams}[body["type"]]
            if target == "0":
                conversation |= {"admin_assignee_id": 0, "team_assignee_id": 0}
            elif target not in there:
                raise Refusal(404, "assignee_not_found", "Assignee not found")
            else:
                conversation[f"{body['type']}_assignee_id"] = int(target)
        else:
            raise Refusal(400, "parameter_invalid", "message_type is not valid")
        author = {"type": "admin", "id": admin, "name": name, "email": self.admins[admin][1]}
        part = {"type": "conversation_part", "id": str(self.key()), "part_type": kind, "body": None}
        self.parts(number).append({**part, "created_at": NOW, "author": author, "attachments": []})
        return Response.of(conversation)

    def tag(self, request: Request, noun: str, number: str) -> Response:
        body = request.json()
        if noun != "contacts":
            self._admin(body)
        tags = self._tags(noun, number)
        if body["id"] not in self.tags:
            raise Refusal(404, "tag_not_found", "Resource Not Found")
        tag = {"type": "tag", "id": body["id"], "name": self.tags[body["id"]]}
        if all(one["id"] != tag["id"] for one in tags):
            tags.append(tag)
        return Response.of(tag)

    def untag(self, request: Request, noun: str, number: str, tag: str) -> Response:
        if noun != "contacts":
            self._admin(request.json())
        tags = self._tags(noun, number)
        if all(one["id"] != tag for one in tags):
            raise Refusal(404, "tag_not_found", "Resource Not Found")
        tags[:] = [one for one in tags if one["id"] != tag]
        return Response.of({"type": "tag", "id": tag, "name": self.tags[tag]})

    def _tags(self, noun: str, number: str) -> list[Thing]:
        things = {"contacts": self.contacts, "conversations": self.conversations, "tickets": self.tickets}[noun]
        box = self._one(things, number)["tags"]
        rows: list[Thing] = box["data"] if noun == "contacts" else box["tags"]
        return rows

    def send_message(self, request: Request) -> Response:
        body = request.json()
        self._known(body, "message_type", "subject", "body", "template", "from", "to")
        if not isinstance(body["from"]["id"], int) or body["message_type"] not in ("in_app", "email"):
            raise Refusal(400, "parameter_invalid", "from or message_type is not valid")
        if body["message_type"] == "email" and not (body.get("subject") and body.get("template")):
            raise Refusal(400, "parameter_not_found", "No subject supplied for email message")
        person = self._one(self.contacts, body["to"]["id"])
        if person["role"] != body["to"]["type"]:
            raise Refusal(404, "not_found", "User Not Found")
        self.messages.append(body)
        return Response.of(
            {
                "type": "admin_message",
                "id": "1",
                "created_at": NOW,
                "body": body["body"],
                "message_type": "email" if body["message_type"] == "email" else "inapp",
            }
        )

    # -- contacts

    def get_contact(self, request: Request, number: str) -> Response:
        return Response.of(self._one(self.contacts, number))

    def find_contact(self, request: Request, number: str) -> Response:
        for one in self.contacts.values():
            if one["external_id"] == number:
                return Response.of(one)
        raise Refusal(404, "not_found", "User Not Found")

    def create_contact(self, request: Request) -> Response:
        body = request.json()
        self._known(body, "role", "name", "email", "phone", "external_id", "custom_attributes")
        if not {"email", "phone", "external_id"} & set(body):
            raise Refusal(400, "parameter_not_found", "one identifier is needed")
        for one in self.contacts.values():
            if body.get("role") == one["role"] == "user" and body.get("email") and body["email"] == one["email"]:
                raise Refusal(409, "conflict", f"A contact matching those details already exists with id={one['id']}")
        number = self.add_contact(**{"custom_attributes": {}, **body})
        return Response.of(self.contacts[number])

    def update_contact(self, request: Request, number: str) -> Response:
        person, body = self._one(self.contacts, number), request.json()
        self._known(body, "role", "name", "email", "phone", "owner_id", "custom_attributes")
        own = {**person["custom_attributes"], **body.pop("custom_attributes", {})}
        person |= {**body, "custom_attributes": own}
        return Response.of(person)

    def delete_contact(self, request: Request, number: str) -> Response:
        self._one(self.contacts, number)
        del self.contacts[number]
        return Response.of({"type": "contact", "id": number, "external_id": None, "deleted": True})

    def archive_contact(self, request: Request, number: str) -> Response:
        self._one(self.contacts, number)["archived"] = True
        return Response.of({"type": "contact", "id": number, "external_id": None, "archived": True})

    def merge(self, request: Request) -> Response:
        body = request.json()
        self._known(body, "from", "into", "skip_duplicate_validation")
        gone, stays = self._one(self.contacts, body["from"]), self._one(self.contacts, body["into"])
        if (gone["role"], stays["role"]) != ("lead", "user"):
            raise Refusal(400, "parameter_invalid", "from must be a lead and into a user")
        del self.contacts[gone["id"]]
        return Response.of(stays)

    def list_notes(self, request: Request, number: str) -> Response:
        rows = self.notes.get(number, [])
        pages = {"type": "pages", "page": 1, "per_page": 50, "total_pages": 1, "next": None}
        return Response.of({"type": "list", "data": rows, "total_count": len(rows), "pages": pages})

    def add_note(self, request: Request, noun: str, number: str) -> Response:
        self._one(self.contacts if noun == "contacts" else self.companies, number)
        body = request.json()
        self._known(body, "body", "admin_id")
        admin, name = self._admin(body)
        author = {"type": "admin", "id": admin, "name": name, "email": self.admins[admin][1]}
        note = {"type": "note", "id": str(self.key()), "created_at": NOW, "author": author, "body": body["body"]}
        self.notes.setdefault(number, []).append(note)
        return Response.of(note)

    def companies_of(self, request: Request, number: str) -> Response:
        rows = [self.companies[one] for one in self.members.get(number, [])]
        return Response.of({"type": "list", "companies": rows, "total_count": len(rows)})

    def attach(self, request: Request, number: str) -> Response:
        self._one(self.contacts, number)
        firm = self._one(self.companies, request.json()["id"])
        self.members.setdefault(number, []).append(firm["id"])
        firm["user_count"] += 1
        return Response.of(firm)

    # -- companies

    def find_company(self, request: Request) -> Response:
        query = dict(request.query)
        for one in self.companies.values():
            if all(one[field] == value for field, value in query.items()):
                return Response.of(one)
        raise Refusal(404, "company_not_found", "Company Not Found")

    def list_companies(self, request: Request) -> Response:
        query = {name: int(value) for name, value in request.query}
        count, page, rows = query.get("per_page", 15), query.get("page", 1), list(self.companies.values())
        part = rows[(page - 1) * count : page * count]
        pages = {"type": "pages", "page": page, "per_page": count, "total_pages": -(-len(rows) // count)}
        return Response.of({"type": "list", "data": part, "pages": pages, "total_count": len(rows)})

    def get_company(self, request: Request, number: str) -> Response:
        return Response.of(self._one(self.companies, number))

    def save_company(self, request: Request) -> Response:
        body = request.json()
        known = next((n for n, one in self.companies.items() if one["company_id"] == body["company_id"]), None)
        number = known or self.add_company(body["name"], body["company_id"])
        self.companies[number] |= body
        return Response.of(self.companies[number])

    def update_company(self, request: Request, number: str) -> Response:
        firm, body = self._one(self.companies, number), request.json()
        self._known(body, "name", "website", "industry", "size", "monthly_spend", "plan", "custom_attributes")
        if "plan" in body:
            body["plan"] = {"type": "plan", "id": "1", "name": body["plan"]}
        firm |= body
        return Response.of(firm)

    def people_of(self, request: Request, number: str) -> Response:
        rows = [self.contacts[person] for person, firms in self.members.items() if number in firms]
        return Response.of({"type": "list", "data": rows, "total_count": len(rows)})

    # -- tickets

    def create_ticket(self, request: Request) -> Response:
        body = request.json()
        self._known(body, "ticket_type_id", "contacts", "conversation_to_link_id", "ticket_attributes", "assignment")
        if len(body["contacts"]) != 1:
            raise Refusal(400, "parameter_invalid", "exactly one contact is needed")
        who = body["contacts"][0]
        person = who["id"] if "id" in who else self.add_contact("", who["email"], role="lead")
        self._one(self.contacts, person)
        more: Thing = {name: int(value) for name, value in (body.get("assignment") or {}).items()}
        if linked := body.get("conversation_to_link_id"):
            self._one(self.conversations, linked)
            if self._one(self.types, str(body["ticket_type_id"]))["category"] == "Customer":
                raise Refusal(400, "parameter_invalid", "a conversation cannot be linked to a customer ticket")
        return self._made(str(body["ticket_type_id"]), person, body["ticket_attributes"], {**more, "linked": linked})

    def _made(self, kind_id: str, person: str, attributes: Thing, more: Thing) -> Response:
        kind = self._one(self.types, kind_id)
        number = str(10 + self.key())
        self.tickets[number] = {
            "type": "ticket",
            "id": number,
            "ticket_id": str(int(number) + 41),
            "category": kind["category"],
            "ticket_attributes": attributes,
            "ticket_state": kind["ticket_states"]["data"][0],
            "ticket_type": kind,
            "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": person, "external_id": None}]},
            "admin_assignee_id": 0,
            "team_assignee_id": 0,
            "created_at": NOW,
            "updated_at": NOW,
            "open": True,
            "snoozed_until": None,
            "is_shared": True,
            "tags": {"type": "tag.list", "tags": []},
            "ticket_parts": {"type": "ticket_part.list", "ticket_parts": [], "total_count": 0},
            **more,
        }
        return Response.of({k: v for k, v in self.tickets[number].items() if k not in OWN})

    def convert(self, request: Request, number: str) -> Response:
        conversation, body = self._one(self.conversations, number), request.json()
        self._known(body, "ticket_type_id", "ticket_state_id", "attributes")
        contact = conversation["contacts"]["contacts"][0]["id"]
        return self._made(body["ticket_type_id"], contact, body["attributes"], {"converted": number})

    def get_ticket(self, request: Request, number: str) -> Response:
        return Response.of({k: v for k, v in self._one(self.tickets, number).items() if k not in OWN})

    def update_ticket(self, request: Request, number: str) -> Response:
        ticket, body = self._one(self.tickets, number), request.json()
        self._known(
            body,
            "ticket_attributes",
            "ticket_state_id",
            "open",
            "is_shared",
            "snoozed_until",
            "admin_id",
            "assignee_id",
        )
        if not isinstance(body.get("admin_id"), int):
            raise Refusal(400, "parameter_invalid", "admin_id is an integer")
        if "ticket_state_id" in body:
            states = ticket["ticket_type"]["ticket_states"]["data"]
            ticket["ticket_state"] = next(one for one in states if one["id"] == body["ticket_state_id"])
        if "assignee_id" in body:
            team = body["assignee_id"] in self.teams
            ticket["team_assignee_id" if team else "admin_assignee_id"] = int(body["assignee_id"])
        ticket["ticket_attributes"] |= body.get("ticket_attributes", {})
        ticket |= {name: body[name] for name in ("open", "is_shared", "snoozed_until") if name in body}
        return self.get_ticket(request, number)

    def reply_to_ticket(self, request: Request, number: str) -> Response:
        body = request.json()
        part = self._part(self._one(self.tickets, number)["ticket_parts"]["ticket_parts"], body)
        part["type"] = "ticket_part"
        return Response.of(part)

    # -- articles and events

    def search_articles(self, request: Request) -> Response:
        query = dict(request.query)
        rows = [
            one
            for one in self.articles.values()
            if query["phrase"] in one["title"] + one["body_markdown"] and query["state"] in ("all", one["state"])
        ]
        pages = {"type": "pages", "page": 1, "per_page": 10, "total_pages": 1}
        data = {"articles": rows, "highlights": []}
        return Response.of({"type": "list", "total_count": len(rows), "data": data, "pages": pages})

    def get_article(self, request: Request, number: str) -> Response:
        return Response.of(self._one(self.articles, number))

    def create_article(self, request: Request) -> Response:
        body = request.json()
        self._known(body, "title", "description", "body_markdown", "author_id", "state", "parent_id", "parent_type")
        if str(body["author_id"]) not in self.admins:
            raise Refusal(400, "parameter_invalid", "author_id must be in the main workspace locale")
        number = str(38 + self.key())
        own = {"type": "article", "id": number, "workspace_id": "ab12cd34", "created_at": NOW, "updated_at": NOW}
        self.articles[number] = {**own, "url": None, **body}
        return Response.of(self.articles[number])

    def update_article(self, request: Request, number: str) -> Response:
        article, body = self._one(self.articles, number), request.json()
        self._known(body, "title", "description", "body_markdown", "state")
        article |= body
        return Response.of(article)

    def list_collections(self, request: Request) -> Response:
        return Response.of({"type": "list", "data": [{"id": "145", "name": "Commandes", "order": 1}], "total_count": 1})

    def list_events(self, request: Request) -> Response:
        query = dict(request.query)
        if query.get("type") != "user":
            raise Refusal(400, "parameter_invalid", "type must be user")
        rows = [one for one in self.events[::-1] if one["intercom_user_id"] == query["intercom_user_id"]]
        return Response.of({"type": "event.list", "events": rows, "pages": {}})

    def record_event(self, request: Request) -> Response:
        body = request.json()
        self._known(body, "event_name", "created_at", "id", "metadata")
        self._one(self.contacts, body["id"])
        self.events.append({"type": "event", **body, "intercom_user_id": body["id"]})
        return Response(202)


def _asks(request: Request) -> bool:
    return request.path.endswith("/search") or request.path == "/companies/list"


NUMBER = "/(?P<number>[^/]+)"
ROUTES: list[tuple[str, str, Callable[..., Response]]] = [
    ("GET", "/me", FakeIntercom.me),
    ("GET", "/admins", FakeIntercom.list_admins),
    ("GET", "/teams", FakeIntercom.list_teams),
    ("GET", "/tags", FakeIntercom.list_tags),
    ("POST", "/tags", FakeIntercom.save_tag),
    ("GET", "/segments", FakeIntercom.list_segments),
    ("GET", "/macros", FakeIntercom.list_macros),
    ("GET", f"/macros{NUMBER}", FakeIntercom.get_macro),
    ("GET", "/data_attributes", FakeIntercom.list_attributes),
    ("GET", "/ticket_types", FakeIntercom.list_ticket_types),
    ("POST", "/(?P<noun>contacts|conversations|tickets)/search", FakeIntercom.search),
    ("GET", f"/conversations{NUMBER}", FakeIntercom.get_conversation),
    ("POST", f"/conversations{NUMBER}/reply", FakeIntercom.reply),
    ("POST", f"/conversations{NUMBER}/parts", FakeIntercom.manage),
    ("POST", f"/(?P<noun>contacts|conversations|tickets){NUMBER}/tags", FakeIntercom.tag),
    ("DELETE", f"/(?P<noun>contacts|conversations|tickets){NUMBER}/tags/(?P<tag>[^/]+)", FakeIntercom.untag),
    ("POST", "/messages", FakeIntercom.send_message),
    ("POST", "/contacts/merge", FakeIntercom.merge),
    ("GET", f"/contacts/find_by_external_id{NUMBER}", FakeIntercom.find_contact),
    ("POST", "/contacts", FakeIntercom.create_contact),
    ("GET", f"/contacts{NUMBER}", FakeIntercom.get_contact),
    ("PUT", f"/contacts{NUMBER}", FakeIntercom.update_contact),
    ("DELETE", f"/contacts{NUMBER}", FakeIntercom.delete_contact),
    ("POST", f"/contacts{NUMBER}/archive", FakeIntercom.archive_contact),
    ("GET", f"/contacts{NUMBER}/notes", FakeIntercom.list_notes),
    ("POST", f"/(?P<noun>contacts|companies){NUMBER}/notes", FakeIntercom.add_note),
    ("GET", f"/contacts{NUMBER}/companies", FakeIntercom.companies_of),
    ("POST", f"/contacts{NUMBER}/companies", FakeIntercom.attach),
    ("GET", "/companies", FakeIntercom.find_company),
    ("POST", "/companies/list", FakeIntercom.list_companies),
    ("POST", "/companies", FakeIntercom.save_company),
    ("GET", f"/companies{NUMBER}", FakeIntercom.get_company),
    ("PUT", f"/companies{NUMBER}", FakeIntercom.update_company),
    ("GET", f"/companies{NUMBER}/contacts", FakeIntercom.people_of),
    ("POST", "/tickets", FakeIntercom.create_ticket),
    ("POST", f"/conversations{NUMBER}/convert", FakeIntercom.convert),
    ("GET", f"/tickets{NUMBER}", FakeIntercom.get_ticket),
    ("PUT", f"/tickets{NUMBER}", FakeIntercom.update_ticket),
    ("POST", f"/tickets{NUMBER}/reply", FakeIntercom.reply_to_ticket),
    ("GET", "/articles/search", FakeIntercom.search_articles),
    ("POST", "/articles", FakeIntercom.create_article),
    ("GET", f"/articles{NUMBER}", FakeIntercom.get_article),
    ("PUT", f"/articles{NUMBER}", FakeIntercom.update_article),
    ("GET", "/help_center/collections", FakeIntercom.list_collections),
    ("GET", "/events", FakeIntercom.list_events),
    ("POST", "/events", FakeIntercom.record_event),
]
