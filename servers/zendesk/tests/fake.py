"""A fake Zendesk that keeps state, at least as strict as the documentation.

    with FakeZendesk() as zendesk:
        …
        assert zendesk.tickets[35]["status"] == "solved"

The account is the one of Zoé, with Marie as an agent. Unknown search conditions, spaces in tags, changes of closed
tickets and stale stamps are refused. Jobs are queued at first and done when they are looked at.
"""

from __future__ import annotations

import re
import shlex
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served

HOME, EMAIL, TOKEN = "https://atelier.zendesk.com", "zoe@atelier.example", "6wiIBWbGkBMo1mRDMuVwkw1E"
ZOE, MARIE, JEAN = 7, 8, 35436
ORDER = ("new", "open", "pending", "hold", "solved", "closed")
Thing = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of Zendesk."""

    def __init__(self, code: int, error: str, description: str = "", **details: str) -> None:
        super().__init__(description)
        wrong = {name: [{"description": text, "error": "Invalid"}] for name, text in details.items()}
        body = {"error": error, "description": description, **({"details": wrong} if wrong else {})}
        self.answer = Response.of(body, code)


class FakeZendesk(Served, FakeApi):
    """The account atelier.zendesk.com."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self.clock, self._last = 0, 1000
        self.users: dict[int, Thing] = {}
        self.tickets: dict[int, Thing] = {}
        self.comments: dict[int, list[Thing]] = {}
        self.jobs: dict[str, Thing] = {}
        self.uploads: dict[str, bytes] = {}
        self.articles: list[Thing] = []
        self.bearer: set[str] = set()  # access tokens that are good
        self.before_write: Callable[[], None] | None = None  # what somebody else does just before a change
        self.organizations: dict[int, Thing] = {
            57: {"id": 57, "name": "Boulangerie Roy", "domain_names": ["roy.example"]}
        }
        self.groups = {98: "Facturation", 99: "Atelier"}
        self.macros: dict[int, Thing] = {
            41: {"title": "Accusé de réception", "status": "pending", "body": "Bonjour, bien reçu.", "public": True},
            42: {"title": "Clôture::Sans réponse", "status": "solved", "body": "", "public": True},
            43: {"title": "Escalade", "group_id": 98, "body": "À voir.", "public": False},
        }
        self.views = {25: "Tickets non assignés", 26: "Mes tickets"}
        self.suspended: dict[int, Thing] = {
            1001: {"id": 1001, "subject": "Gagnez", "cause": "Detected as spam", "content": "Cliquez"}
        }
        self.suspended[1001] |= {"author": {"name": "Spam", "email": "spam@exemple.fr"}, "created_at": self.now()}
        self.ratings = [{"id": 1, "ticket_id": 35, "score": "good", "comment": "Merci !", "created_at": self.now()}]
        self.add_user(ZOE, "Zoé Lefèvre", EMAIL, role="admin", iana_time_zone="Europe/Paris")
        self.add_user(MARIE, "Marie Curie", "marie@atelier.example", role="agent")
        self.add_user(JEAN, "Jean Dupont", "jean.dupont@exemple.fr", phone="06 12 34 56 78", organization_id=57)
        self.open_ticket(35, "La lampe clignote", "Elle clignote.", status="new")
        self.open_ticket(36, "Facture", "Où est ma facture ?", status="open")
        self.open_ticket(37, "Merci", "Tout va bien.", status="open", assignee_id=MARIE)
        for method, path, handler in ROUTES:
            self.on(method, path, self._checked(handler))

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {
            "ZENDESK_SUBDOMAIN": "atelier",
            "ZENDESK_EMAIL": EMAIL,
            "ZENDESK_API_TOKEN": TOKEN,
            "ZENDESK_BASE_URL": self.vendor.url,
        }

    # -- what a test puts in

    def now(self) -> str:
        """Return a time, a minute after the last one."""
        self.clock += 1
        return f"2030-06-03T{7 + self.clock // 60:02}:{self.clock % 60:02}:00Z"

    def key(self) -> int:
        """Return a new number."""
        self._last += 1
        return self._last

    def add_user(self, number: int, name: str, email: str | None, *, role: str = "end-user", **more: Any) -> Thing:
        """Add a person, and return it."""
        self.users[number] = {"id": number, "name": name, "email": email, "role": role, **more}
        self.users[number] = {key: value for key, value in self.users[number].items() if value is not None}
        return self.users[number]

    def open_ticket(self, number: int, subject: str, text: str, **more: Any) -> Thing:
        """Add a ticket of Jean with its first comment, and return it."""
        at = self.now()
        self.tickets[number] = {
            "id": number,
            "subject": subject,
            "status": "new",
            "requester_id": JEAN,
            "tags": [],
            "custom_fields": [],
            "created_at": at,
            "updated_at": at,
            **more,
        }
        self.comments[number] = []
        self.comment(number, {"body": text, "public": more.get("public", True)}, JEAN)
        return self.tickets[number]

    def comment(self, number: int, comment: Thing, author: int = ZOE) -> None:
        """Add a comment to a ticket."""
        body = comment.get("body") or comment.get("html_body")
        if not body:
            raise Refusal(422, "RecordInvalid", "Record validation errors", comment="Description: cannot be blank")
        files = []
        for token in comment.get("uploads", []):
            if token not in self.uploads:
                raise Refusal(422, "RecordInvalid", "Record validation errors", uploads="token is invalid")
            name, _, data = self.uploads[token].partition(b"\n")
            files.append(
                {"id": self.key(), "file_name": name.decode(), "size": len(data), "content_type": "text/plain"}
            )
        public = comment.get("public", True)
        row = {"id": self.key(), "type": "Comment", "author_id": author, "body": body, "plain_body": body}
        self.comments[number].append({**row, "public": public, "created_at": self.now(), "attachments": files})

    # -- how it answers

    def _checked(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        basic = "Basic " + b64encode(f"{EMAIL}/token:{TOKEN}".encode()).decode()

        def answer(request: Request, **named: str) -> Response:
            held = request.headers.get("authorization", "")
            if held != basic and held.removeprefix("Bearer ") not in self.bearer:
                return Response.of({"error": "Couldn't authenticate you"}, 401)
            if request.writes and self.before_write:
                self.before_write()
            try:
                return handler(self, request, **{name: int(value) for name, value in named.items()})
            except Refusal as refused:
                return refused.answer

        return answer

    def _one(self, things: dict[int, Any], number: int) -> Any:
        if number not in things:
            raise Refusal(404, "RecordNotFound", "Not found")
        return things[number]

    def _page(self, request: Request, at: str, rows: list[Thing], **beside: Any) -> Response:
        query = dict(request.query)
        if "page[size]" in query:
            size, start = int(query["page[size]"]), int(query.get("page[after]", 0))
            more = start + size < len(rows)
            meta = {"has_more": more, "after_cursor": str(start + size) if rows else None}
            body = {at: rows[start : start + size], "meta": meta}
        else:
            size, page = int(query.get("per_page", 100)), int(query.get("page", 1))
            body = {at: rows[(page - 1) * size : page * size], "count": len(rows)}
        if not 1 <= size <= 100:
            raise Refusal(400, "InvalidPaginationParameter", "page size must be between 1 and 100")
        return Response.of({**body, **beside})

    def _beside(self, request: Request) -> Thing:
        include = dict(request.query).get("include", "")
        beside: Thing = {}
        if "users" in include:
            beside["users"] = list(self.users.values())
        if "groups" in include:
            beside["groups"] = [{"id": number, "name": name} for number, name in self.groups.items()]
        if "organizations" in include:
            beside["organizations"] = list(self.organizations.values())
        return beside

    # people

    def me(self, request: Request) -> Response:
        return Response.of({"user": self.users[ZOE]})

    def list_users(self, request: Request) -> Response:
        roles = [value for name, value in request.query if name == "role[]"]
        return self._page(request, "users", [one for one in self.users.values() if one["role"] in roles])

    def search_users(self, request: Request) -> Response:
        terms = shlex.split(dict(request.query)["query"].replace("'", ""))
        wanted: dict[str, list[str]] = {}
        for term in terms:
            name, colon, value = term.partition(":")
            known = name in ("email", "phone", "role") and bool(colon)
            wanted.setdefault(name if known else "", []).append(value if known else term)
        rows = list(self.users.values())
        for name, values in wanted.items():  # one property twice is an alternative, words must all be there
            if name:
                rows = [one for one in rows if one.get(name) in values]
            else:
                rows = [one for one in rows if all(v.lower() in str(one).lower() for v in values)]
        return self._page(request, "users", rows, **self._beside(request))

    def get_user(self, request: Request, number: int) -> Response:
        return Response.of({"user": self._one(self.users, number)})

    def create_user(self, request: Request) -> Response:
        wanted = request.json()["user"]
        if not wanted.get("name"):
            raise Refusal(422, "RecordInvalid", "Record validation errors", name="Name: is too short")
        if any(one.get("email") == wanted.get("email", "-") for one in self.users.values()):
            raise Refusal(422, "RecordInvalid", "Record validation errors", email="Email: is already being used")
        fields = {key: value for key, value in wanted.items() if key not in ("skip_verify_email", "name", "email")}
        number = self.key()
        return Response.of({"user": self.add_user(number, wanted["name"], wanted.get("email"), **fields)}, 201)

    def update_user(self, request: Request, number: int) -> Response:
        user: Thing = self._one(self.users, number)
        user.update(request.json()["user"])
        return Response.of({"user": user})

    def list_groups(self, request: Request) -> Response:
        return self._page(request, "groups", [{"id": n, "name": name} for n, name in self.groups.items()])

    def find_organizations(self, request: Request) -> Response:
        name = dict(request.query)["name"].lower()
        rows = [one for one in self.organizations.values() if str(one["name"]).lower().startswith(name)]
        return self._page(request, "organizations", rows)

    def create_organization(self, request: Request) -> Response:
        wanted, number = request.json()["organization"], self.key()
        if any(one["name"] == wanted["name"] for one in self.organizations.values()):
            raise Refusal(422, "RecordInvalid", "Record validation errors", name="Name: has already been taken")
        self.organizations[number] = {"id": number, **wanted}
        return Response.of({"organization": self.organizations[number]}, 201)

    def update_organization(self, request: Request, number: int) -> Response:
        self._one(self.organizations, number).update(request.json()["organization"])
        return Response.of({"organization": self.organizations[number]})

    # tickets

    def search(self, request: Request) -> Response:
        terms, rows = [], sorted(self.tickets.values(), key=lambda one: str(one["updated_at"]), reverse=True)
        for term in shlex.split(dict(request.query)["query"].replace("'", "")):
            match = re.fullmatch(r"(\w+)(:|<=|>=|<|>)(.+)", term)
            if not match:
                terms.append(term.lower())
                continue
            name, sign, value = match.groups()
            rows = [one for one in rows if self._fits(one, name, sign, value)]
        rows = [one for one in rows if all(word in self._text(one) for word in terms)]
        return self._page(
            request, "results", [{**one, "result_type": "ticket"} for one in rows], **self._beside(request)
        )

    def _text(self, ticket: Thing) -> str:
        return " ".join([ticket["subject"], *(one["body"] for one in self.comments[ticket["id"]])]).lower()

    def _fits(self, ticket: Thing, name: str, sign: str, value: str) -> bool:
        if name == "type":
            return value == "ticket"
        if name == "status":
            place, wanted = ORDER.index(ticket["status"]), ORDER.index(value)
            return {":": place == wanted, "<": place < wanted, ">=": place >= wanted}[sign]
        if name in ("assignee", "group", "requester"):
            return str(ticket.get(f"{name}_id") or "none") == value
        if name == "tags":
            return value in ticket["tags"]
        if name == "updated" and sign == ">=":
            return str(ticket["updated_at"]) >= value
        raise Refusal(422, "Invalid search", f"Invalid search: {name}{sign} is unknown")

    def get_ticket(self, request: Request, number: int) -> Response:
        return Response.of({"ticket": self._one(self.tickets, number), **self._beside(request)})

    def list_comments(self, request: Request, number: int) -> Response:
        self._one(self.tickets, number)
        newest = dict(request.query).get("sort_order") == "desc"
        rows = self.comments[number][::-1] if newest else self.comments[number]
        return self._page(request, "comments", rows, **self._beside(request))

    def create_ticket(self, request: Request) -> Response:
        wanted = request.json()["ticket"]
        who = wanted.pop("requester", None)
        if who:
            person = next((one for one in self.users.values() if one.get("email") == who["email"]), None)
            wanted["requester_id"] = (person or self.add_user(self.key(), who["name"], who["email"]))["id"]
        if wanted.get("requester_id", ZOE) not in self.users:
            raise Refusal(422, "RecordInvalid", "Record validation errors", requester="Requester: is invalid")
        comment, number = wanted.pop("comment"), self.key()
        self.open_ticket(number, wanted.pop("subject"), comment["body"], public=comment.get("public", True))
        self._change(number, wanted)
        return Response.of({"ticket": self.tickets[number]}, 201)

    def update_ticket(self, request: Request, number: int) -> Response:
        ticket, changes = self._one(self.tickets, number), request.json()["ticket"]
        if changes.pop("safe_update", False) and changes.pop("updated_stamp") != ticket["updated_at"]:
            return Response.of({"error": "UpdateConflict", "description": "Safe Update prevented the update"}, 409)
        self._change(number, changes)
        return Response.of({"ticket": ticket, "audit": {}})

    def _change(self, number: int, changes: Thing) -> None:
        ticket = self.tickets[number]
        if ticket["status"] == "closed":
            raise Refusal(
                422, "RecordInvalid", "Record validation errors", status="Status: closed prevents ticket update"
            )
        if any(" " in tag for tag in changes.get("tags", [])):
            raise Refusal(422, "RecordInvalid", "Record validation errors", tags="Tags: is invalid")
        if changes.get("assignee_id", ZOE) not in (ZOE, MARIE) or changes.get("group_id", 98) not in self.groups:
            raise Refusal(422, "RecordInvalid", "Record validation errors", assignee="Assignee: is invalid")
        if changes.get("custom_status_id"):
            changes["status"] = "open"
        if comment := changes.pop("comment", None):
            self.comment(number, comment)
        fields = {one["id"]: one for one in [*ticket["custom_fields"], *changes.pop("custom_fields", [])]}
        added, removed = changes.pop("additional_tags", []), changes.pop("remove_tags", [])
        ticket.update(changes, custom_fields=list(fields.values()), updated_at=self.now())
        ticket["tags"] = [tag for tag in [*ticket["tags"], *added] if tag not in removed]

    def delete_ticket(self, request: Request, number: int) -> Response:
        del self.tickets[self._one(self.tickets, number)["id"]]
        return Response(204)

    def merge(self, request: Request, number: int) -> Response:
        body = request.json()
        self._one(self.tickets, number)
        for source in body["ids"]:
            self._one(self.tickets, source)["status"] = "closed"
        self.comment(number, {"body": body["target_comment"], "public": body["target_comment_is_public"]})
        return self._job([{"id": source, "success": True} for source in body["ids"]])

    def update_many(self, request: Request) -> Response:
        results = []
        for number in map(int, dict(request.query)["ids"].split(",")):
            known = number in self.tickets
            if known:
                self._change(number, dict(request.json()["ticket"]))
            about = (
                {"success": True} if known else {"error": "TicketNotFound", "details": "Not found", "success": False}
            )
            results.append({"id": number, "action": "update", "status": "Updated" if known else "Failed", **about})
        return self._job(results)

    def _job(self, results: list[Thing]) -> Response:
        number = f"job{self.key()}"
        rows = [{"action": "update", "status": "Updated", **one} for one in results]
        self.jobs[number] = {"id": number, "status": "completed", "total": len(rows), "results": rows}
        return Response.of({"job_status": {"id": number, "status": "queued", "total": len(rows)}})

    def get_job(self, request: Request) -> Response:
        return Response.of({"job_status": self.jobs[request.path.rsplit("/", 1)[-1]]})

    # macros, views, files

    def list_macros(self, request: Request) -> Response:
        query = dict(request.query).get("query", "").lower()
        rows = [
            {"id": number, "title": one["title"], "active": True, "actions": []} for number, one in self.macros.items()
        ]
        return self._page(request, "macros", [one for one in rows if query in str(one["title"]).lower()])

    def apply_macro(self, request: Request, number: int, macro: int) -> Response:
        about, ticket = self._one(self.macros, macro), dict(self._one(self.tickets, number))
        comment = {"body": about["body"], "public": about["public"]} if about["body"] else {}
        ticket |= {key: about[key] for key in ("status", "group_id") if key in about}
        return Response.of({"result": {"ticket": {**ticket, "comment": comment}}})

    def list_views(self, request: Request) -> Response:
        return self._page(
            request, "views", [{"id": n, "title": title, "active": True} for n, title in self.views.items()]
        )

    def _in_view(self, number: int) -> list[Thing]:
        self._one(self.views, number)
        mine = {25: None, 26: ZOE}[number]
        return [one for one in self.tickets.values() if one.get("assignee_id") == mine and one["status"] in ORDER[:4]]

    def count_views(self, request: Request) -> Response:
        numbers = map(int, dict(request.query)["ids"].split(","))
        return Response.of(
            {"view_counts": [{"view_id": n, "value": len(self._in_view(n)), "fresh": True} for n in numbers]}
        )

    def view_tickets(self, request: Request, number: int) -> Response:
        return self._page(request, "tickets", self._in_view(number), **self._beside(request))

    def upload(self, request: Request) -> Response:
        token = f"token{self.key()}"
        self.uploads[token] = dict(request.query)["filename"].encode() + b"\n" + request.body
        return Response.of({"upload": {"token": token}}, 201)

    def get_attachment(self, request: Request, number: int) -> Response:
        about = {
            "id": number,
            "file_name": "../photo.txt",
            "content_url": f"{HOME}/attachments/token/x/?name=photo.txt",
        }
        return Response.of({"attachment": {**about, "malware_scan_result": "malware_found" if number == 666 else "ok"}})

    def download(self, request: Request) -> Response:
        return Response(200, "été".encode(), {"content-type": "text/plain"})

    def list_fields(self, request: Request) -> Response:
        lamp = {"name": "Lampe", "value": "lampe"}, {"name": "Meubles::Chaise", "value": "chaise"}
        rows = [
            {"id": 21, "title": "Produit", "type": "tagger", "active": True, "custom_field_options": list(lamp)},
            {"id": 22, "title": "Montant", "type": "decimal", "active": True},
            {"id": 23, "title": "Garantie", "type": "checkbox", "active": True},
            {"id": 24, "title": "Vieux champ", "type": "text", "active": False},
        ]
        return self._page(request, "ticket_fields", rows)

    def list_statuses(self, request: Request) -> Response:
        rows = [{"id": 11, "agent_label": "En atelier", "status_category": "open", "active": True}]
        return Response.of({"custom_statuses": rows})

    # satisfaction, suspended messages, help center

    def list_ratings(self, request: Request) -> Response:
        score = dict(request.query).get("score")
        return self._page(
            request, "satisfaction_ratings", [one for one in self.ratings if score in (None, one["score"])]
        )

    def list_suspended(self, request: Request) -> Response:
        return self._page(request, "suspended_tickets", list(self.suspended.values()))

    def get_suspended(self, request: Request, number: int) -> Response:
        return Response.of({"suspended_tickets": [self._one(self.suspended, number)]})

    def recover(self, request: Request, number: int) -> Response:
        about = self._one(self.suspended, number)
        del self.suspended[number]
        self.open_ticket(self.key(), about["subject"], about["content"])
        return Response.of({"ticket": [about]})

    def delete_suspended(self, request: Request, number: int) -> Response:
        del self.suspended[self._one(self.suspended, number)["id"]]
        return Response(204)

    def search_articles(self, request: Request) -> Response:
        about = {"id": 360001, "title": "Mot de passe", "snippet": "Cliquez sur <em>Oublié</em>.", "draft": False}
        fits = dict(request.query)["query"].lower() in "mot de passe oublié"
        return self._page(request, "results", [{**about, "updated_at": "2030-05-01T08:00:00Z"}] if fits else [])

    def get_article(self, request: Request, number: int) -> Response:
        if number != 360001:
            raise Refusal(404, "RecordNotFound", "Not found")
        return Response.of(
            {"article": {"id": number, "title": "Mot de passe", "body": "<p>Cliquez sur <b>Oublié</b>.</p>"}}
        )

    def sections(self, request: Request) -> Response:
        return self._page(request, "sections", [{"id": 77, "name": "Commandes", "locale": "fr"}])

    def permissions(self, request: Request) -> Response:
        return Response.of({"permission_groups": [{"id": 5, "name": "Administrateurs", "built_in": True}]})

    def create_article(self, request: Request, number: int) -> Response:
        body = request.json()
        if number != 77 or not {"title", "locale", "permission_group_id", "user_segment_id"} <= set(body["article"]):
            raise Refusal(422, "RecordInvalid", "Record validation errors", article="is incomplete")
        self.articles.append({**body["article"], "notify_subscribers": body["notify_subscribers"]})
        return Response.of({"article": {"id": self.key(), **body["article"]}}, 201)


API, NUMBER = "/api/v2", r"(?P<number>\d+)"
ROUTES: list[tuple[str, str, Callable[..., Response]]] = [
    ("GET", f"{API}/users/me", FakeZendesk.me),
    ("GET", f"{API}/users/search", FakeZendesk.search_users),
    ("GET", f"{API}/users", FakeZendesk.list_users),
    ("POST", f"{API}/users", FakeZendesk.create_user),
    ("GET", f"{API}/users/{NUMBER}", FakeZendesk.get_user),
    ("PUT", f"{API}/users/{NUMBER}", FakeZendesk.update_user),
    ("GET", f"{API}/groups/assignable", FakeZendesk.list_groups),
    ("GET", f"{API}/organizations/autocomplete", FakeZendesk.find_organizations),
    ("POST", f"{API}/organizations", FakeZendesk.create_organization),
    ("PUT", f"{API}/organizations/{NUMBER}", FakeZendesk.update_organization),
    ("GET", f"{API}/search", FakeZendesk.search),
    ("POST", f"{API}/tickets", FakeZendesk.create_ticket),
    ("PUT", f"{API}/tickets/update_many", FakeZendesk.update_many),
    ("GET", f"{API}/tickets/{NUMBER}", FakeZendesk.get_ticket),
    ("PUT", f"{API}/tickets/{NUMBER}", FakeZendesk.update_ticket),
    ("DELETE", f"{API}/tickets/{NUMBER}", FakeZendesk.delete_ticket),
    ("GET", f"{API}/tickets/{NUMBER}/comments", FakeZendesk.list_comments),
    ("POST", f"{API}/tickets/{NUMBER}/merge", FakeZendesk.merge),
    ("GET", rf"{API}/tickets/{NUMBER}/macros/(?P<macro>\d+)/apply", FakeZendesk.apply_macro),
    ("GET", f"{API}/job_statuses/[^/]+", FakeZendesk.get_job),
    ("GET", f"{API}/macros/(active|search)", FakeZendesk.list_macros),
    ("GET", f"{API}/views/active", FakeZendesk.list_views),
    ("GET", f"{API}/views/count_many", FakeZendesk.count_views),
    ("GET", f"{API}/views/{NUMBER}/tickets", FakeZendesk.view_tickets),
    ("POST", f"{API}/uploads", FakeZendesk.upload),
    ("GET", f"{API}/attachments/{NUMBER}", FakeZendesk.get_attachment),
    ("GET", "/attachments/token/x/", FakeZendesk.download),
    ("GET", f"{API}/ticket_fields", FakeZendesk.list_fields),
    ("GET", f"{API}/custom_statuses", FakeZendesk.list_statuses),
    ("GET", f"{API}/satisfaction_ratings", FakeZendesk.list_ratings),
    ("GET", f"{API}/suspended_tickets", FakeZendesk.list_suspended),
    ("GET", f"{API}/suspended_tickets/{NUMBER}", FakeZendesk.get_suspended),
    ("PUT", f"{API}/suspended_tickets/{NUMBER}/recover", FakeZendesk.recover),
    ("DELETE", f"{API}/suspended_tickets/{NUMBER}", FakeZendesk.delete_suspended),
    ("GET", f"{API}/help_center/articles/search", FakeZendesk.search_articles),
    ("GET", f"{API}/help_center/articles/{NUMBER}", FakeZendesk.get_article),
    ("GET", f"{API}/help_center/sections", FakeZendesk.sections),
    ("POST", f"{API}/help_center/fr/sections/{NUMBER}/articles", FakeZendesk.create_article),
    ("GET", f"{API}/guide/permission_groups", FakeZendesk.permissions),
]
