"""A fake Pipedrive that keeps state: what is created is found, bad requests are refused as version 2 refuses them.

    fake = FakePipedrive()
    fake.persons[5]["phones"]

It is at least as strict as the documentation: numbers must be numbers, ids must exist, a phone number is found by its
stored spelling alone, and a lead takes two looks to become a deal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flotilla_testing import Request, Response
from flotilla_testing.fake_api import FakeApi, form_of

TOKEN = "token-of-chloe"
LEAD = "adf21080-0e10-11eb-879b-05d71fb426ec"
FIXTURES = Path(__file__).parent / "fixtures"
Thing = dict[str, Any]


def fixture(name: str) -> Any:
    """Return a recorded answer."""
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        body = {"success": False, "error": error, "error_info": "Please check developers.pipedrive.com", "data": None}
        self.answer = Response.of(body, status)


def check(right: bool, error: str) -> None:
    """Refuse a request that is not right."""
    if not right:
        raise Refusal(400, f"Validation failed: {error}")


class FakePipedrive(FakeApi):
    """The company of Chloé, with two pipelines, Zoé of Boulangerie Roy, and a lead."""

    def __init__(self) -> None:
        super().__init__()
        self.token = TOKEN
        self.kinds: dict[str, dict[Any, Thing]] = {
            "persons": {5: fixture("person")["data"]},
            "organizations": {9: fixture("organization")["data"]},
            "deals": {},
            "activities": {},
            "notes": {},
            "leads": {LEAD: fixture("lead")["data"]},
        }
        self.lines: dict[int, Thing] = {}
        self.files: dict[int, tuple[str, bytes]] = {}
        self.conversion = {"looks": 0, "deal_id": 0, "status": "completed"}
        self.fails: list[tuple[str, Response]] = []  # how the next requests whose path ends so are refused
        self.requests: list[Request] = []
        self._next = 100
        for name in ("pipelines", "stages", "dealFields", "personFields", "organizationFields"):
            self._add("GET", f"/api/v2/{name}", self._fixture(re.sub("([A-Z])", lambda m: f"_{m[1].lower()}", name)))
        for path, name in (("users/me", "me"), ("users", "users"), ("activityTypes", "activity_types")):
            self._add("GET", f"/v1/{path}", self._fixture(name))
        kind, thing = "(?P<kind>persons|organizations|deals|activities|leads|notes)", "(?P<key>[^/]+)"
        self._add("GET", "/api/v2/(?P<kind>persons|organizations|deals|leads)/search", self.search)
        self._add("GET", "/api/v2/itemSearch", self.search_all)
        self._add("POST", f"/api/v2/leads/{thing}/convert/deal", self.convert)
        self._add("GET", f"/api/v2/leads/{thing}/convert/status/c-1", self.converting)
        self._add("(GET|POST)", f"/api/v2/deals/{thing}/products", self.products)
        self._add("DELETE", f"/api/v2/deals/{thing}/products/(?P<line>[^/]+)", self.remove_line)
        self._add("PATCH", f"/api/v2/deals/{thing}/products/(?P<line>[^/]+)", self.change_line)
        self._add("GET", "/api/v2/products/search", self._fixture("products_found"))
        self._add("GET", "/api/v2/products/3", self._fixture("product"))
        self._add("PUT", f"/v1/{kind}/{thing}/merge", self.merge)
        self._add("POST", "/v1/files", self.upload)
        self._add("GET", "/v1/persons/5/files", self._fixture("files"))
        self._add("GET", "/v1/files/123", self._fixture("file"))
        self.on("GET", "/v1/files/123/download", lambda request: Response(200, b"%PDF-1.4 "))
        self._add("GET", "/v1/deals/summary", self._fixture("totals"))
        self._add("GET", f"(/v1|/api/v2)/{kind}", self.list)
        self._add("POST", f"(/v1|/api/v2)/{kind}", self.create)
        self._add("GET", f"(/v1|/api/v2)/{kind}/{thing}", self.get)
        self._add("(PATCH|PUT)", f"(/v1|/api/v2)/{kind}/{thing}", self.update)
        self._add("DELETE", f"(/v1|/api/v2)/{kind}/{thing}", self.delete)

    @property
    def persons(self) -> dict[Any, Thing]:
        """The persons by id."""
        return self.kinds["persons"]

    @property
    def deals(self) -> dict[Any, Thing]:
        """The deals by id."""
        return self.kinds["deals"]

    @property
    def activities(self) -> dict[Any, Thing]:
        """The activities by id."""
        return self.kinds["activities"]

    @property
    def writes(self) -> list[Request]:
        """What arrived and may have changed something."""
        return [request for request in self.requests if request.writes]

    def _add(self, methods: str, path: str, handler: Callable[..., Any]) -> None:
        def carried_out(request: Request, **names: str) -> Response:
            try:
                if request.headers.get("x-api-token") != self.token:
                    raise Refusal(401, "unauthorized access")
                return Response.of({"success": True, "additional_data": {}, "data": handler(request, **names)})
            except Refusal as refusal:
                return refusal.answer

        for method in methods.strip("()").split("|"):
            self.on(method, path, carried_out)

    def to(self, request: Request) -> Response:
        """Carry a request out, unless a test has it refused."""
        self.requests.append(request)
        for number, (path, answer) in enumerate(self.fails):
            if request.path.endswith(path):
                del self.fails[number]
                return answer
        return super().to(request)

    @staticmethod
    def _fixture(name: str) -> Callable[..., Any]:
        return lambda request: fixture(name)["data"]

    def _one(self, kind: str, key: str) -> Thing:
        result = self.kinds[kind].get(key if kind == "leads" else int(key) if key.isdecimal() else key)
        if result is None:
            raise Refusal(404, "Entity was not found")
        return result

    # -- reading

    def list(self, request: Request, kind: str) -> list[Thing]:
        """Return a list, filtered."""
        query = dict(request.query)
        check(int(query.get("limit", 100)) <= 500, "limit: at most 500")
        rows = list(self.kinds[kind].values())
        if "ids" in query:
            rows = [row for row in rows if str(row["id"]) in query["ids"].split(",")]
        for name in ("owner_id", "person_id", "org_id", "organization_id", "deal_id", "stage_id", "status", "lead_id"):
            if name in query and not (kind == "persons" and name == "deal_id"):
                rows = [row for row in rows if str(row.get(name)) == query[name]]
        if "done" in query:
            check(query["done"] in ("true", "false"), "done: expected boolean")
            rows = [row for row in rows if row["done"] is (query["done"] == "true")]
        if query.get("sort_by") == "due_date":
            rows.sort(key=lambda row: (row.get("due_date") or "", row.get("due_time") or ""))
        return rows

    def get(self, request: Request, kind: str, key: str) -> Thing:
        """Return one thing."""
        return self._one(kind, key)

    def search(self, request: Request, kind: str) -> Thing:
        """Search one kind: by title or name, by phone number or e-mail address as they are stored."""
        query = dict(request.query)
        term, exact = query["term"].casefold(), query.get("exact_match") == "true"
        check(len(term) >= (1 if exact else 2), "term: at least 2 characters")
        result = []
        for row in self.kinds[kind].values():
            texts = {
                "name": [row.get("name") or ""],
                "title": [row.get("title") or ""],
                "phone": [one["value"] for one in row.get("phones", [])],
                "email": [one["value"] for one in row.get("emails", [])],
            }[query["fields"]]
            fits = any(term == text.casefold() if exact else term in text.casefold() for text in texts)
            of = all(str(row.get(name)) == query[name] for name in ("person_id", "status") if name in query)
            if fits and of:
                result.append({"result_score": 0.5, "item": self._item(kind, row)})
        return {"items": result}

    def _item(self, kind: str, row: Thing) -> Thing:
        phones, emails = ([one["value"] for one in row.get(name, [])] for name in ("phones", "emails"))
        names: Thing = {name: row[name] for name in ("id", "name", "title") if name in row}
        return {"type": kind[:-1], **names, "phones": phones, "emails": emails, "organization": None}

    def search_all(self, request: Request) -> Thing:
        """Search everything by name or title."""
        term, items = dict(request.query)["term"].casefold(), []
        for kind in ("persons", "organizations", "deals", "leads"):
            for row in self.kinds[kind].values():
                if term in str(row.get("name") or row.get("title")).casefold():
                    items.append({"result_score": 0.5, "item": self._item(kind, row)})
        return {"items": items, "related_items": []}

    # -- changing

    def _valid(self, kind: str, body: Thing) -> None:
        for name, value in body.items():
            if name.endswith("_id") and name != "lead_id":
                check(isinstance(value, int), f"{name}: expected number, received {type(value).__name__}")
        for name, other in (("person_id", "persons"), ("org_id", "organizations"), ("deal_id", "deals")):
            check(body.get(name) is None or body[name] in self.kinds[other], f"{name} does not exist")
        if "stage_id" in body:
            check(body["stage_id"] in range(1, 6), "stage_id does not exist")
        check(not isinstance(body.get("value"), str), "value: expected number, received string")
        check(body.get("status", "open") in ("open", "won", "lost"), "status: invalid enum value")
        if kind == "activities":
            check("person_id" not in body, "person_id is read only")
            check(re.fullmatch(r"\d{4}-\d\d-\d\d", body.get("due_date", "2030-01-01")) is not None, "due_date")
            for name in ("due_time", "duration"):
                check(re.fullmatch(r"\d\d:\d\d", body.get(name, "00:00")) is not None, f"{name}: HH:MM")
            check(body.get("type", "call") in ("call", "meeting", "task"), "type does not exist")
        if kind == "notes":
            check(
                any(name in body for name in ("deal_id", "person_id", "org_id", "lead_id")) or "id" in body, "no owner"
            )

    def create(self, request: Request, kind: str) -> Thing:
        """Create a thing."""
        body = request.json()
        needed = {"deals": "title", "leads": "title", "organizations": "name", "notes": "content"}.get(kind)
        check(not needed or bool(body.get(needed)), f"{needed}: required")
        self._valid(kind, body)
        self._next += 1
        usual: dict[str, Thing] = {
            "deals": {"status": "open", "stage_id": 1, "pipeline_id": 1, "owner_id": 11, "custom_fields": {}},
            "activities": {"done": False, "owner_id": 11, "type": "call"},
            "leads": {"owner_id": 11, "is_archived": False},
        }
        key: Any = f"{self._next:08}-0e10-11eb-879b-05d71fb426ec" if kind == "leads" else self._next
        made = {"id": key, "add_time": "2030-01-05T08:00:00Z", **usual.get(kind, {"owner_id": 11}), **body}
        if body.get("participants"):
            made["person_id"] = body["participants"][0]["person_id"]
            check(made["person_id"] in self.persons, "participants: the person does not exist")
        self.kinds[kind][key] = made
        return made

    def update(self, request: Request, kind: str, key: str) -> Thing:
        """Change a thing."""
        thing, body = self._one(kind, key), request.json()
        self._valid(kind, {"id": 0, **body})
        check(request.method == ("PUT" if kind == "notes" else "PATCH"), "method")
        custom = {**thing.get("custom_fields", {}), **body.pop("custom_fields", {})}
        thing |= {**body, "custom_fields": custom}
        if "stage_id" in body:
            thing["pipeline_id"] = 1 if body["stage_id"] < 4 else 2
        return thing

    def delete(self, request: Request, kind: str, key: str) -> Thing:
        """Delete a thing."""
        self._one(kind, key)
        del self.kinds[kind][key if kind == "leads" else int(key)]
        return {"id": key}

    def merge(self, request: Request, kind: str, key: str) -> Thing:
        """Merge a thing into another one, which is returned."""
        into = request.json()["merge_with_id"]
        check(into in self.kinds[kind] and str(into) != key, "merge_with_id does not exist")
        self.delete(request, kind, key)
        return self.kinds[kind][into]

    def convert(self, request: Request, key: str) -> Thing:
        """Begin to make a deal of a lead."""
        lead, stage = self._one("leads", key), request.json().get("stage_id", 1)
        check(stage in range(1, 6), "stage_id does not exist")
        self._next += 1
        self.deals[self._next] = {
            **fixture("deal")["data"], "id": self._next, "title": lead["title"], "stage_id": stage,
            "person_id": lead["person_id"], "status": "open",
        }  # fmt: skip
        self.conversion |= {"deal_id": self._next, "looks": 0}
        del self.kinds["leads"][key]
        return {"conversion_id": "c-1"}

    def converting(self, request: Request, key: str) -> Thing:
        """Return how far a conversion is: done at the second look."""
        self.conversion["looks"] += 1  # type: ignore[operator]
        if self.conversion["looks"] < 2:  # type: ignore[operator]
            return {"conversion_id": "c-1", "status": "running"}
        return {"conversion_id": "c-1", "status": self.conversion["status"], "deal_id": self.conversion["deal_id"]}

    def products(self, request: Request, key: str) -> Any:
        """Return the products on a deal, or put one on it."""
        self._one("deals", key)
        if request.method == "GET":
            return [line for line in self.lines.values() if str(line["deal_id"]) == key]
        body = request.json()
        for name in ("product_id", "item_price", "quantity"):
            check(isinstance(body.get(name), int | float), f"{name}: expected number")
        self._next += 1
        total = body["item_price"] * body["quantity"] * (100 - body.get("discount", 0)) / 100
        line = {**body, "id": self._next, "deal_id": int(key), "name": "Crayon", "currency": "EUR", "sum": total}
        self.lines[self._next] = line
        return line

    def change_line(self, request: Request, key: str, line: str) -> Thing:
        """Change a product on a deal."""
        check(int(line) in self.lines, "the line does not exist")
        one, body = self.lines[int(line)], request.json()
        check(all(isinstance(value, int | float) for name, value in body.items() if name != "discount_type"), "numbers")
        one |= body
        one["sum"] = one["item_price"] * one["quantity"] * (100 - one.get("discount", 0)) / 100
        return one

    def remove_line(self, request: Request, key: str, line: str) -> Thing:
        """Take a product off a deal."""
        check(int(line) in self.lines, "the line does not exist")
        del self.lines[int(line)]
        return {"id": int(line)}

    def upload(self, request: Request) -> Thing:
        """Keep a file."""
        check("multipart/form-data" in request.headers["content-type"], "multipart")
        self._next += 1
        name = re.search(rb'filename="([^"]+)"', request.body)
        assert name
        self.files[self._next] = (name[1].decode(), request.body)
        return {"id": self._next, "name": name[1].decode()}


class FakeLogin(FakeApi):
    """The token endpoint beside it: one refresh token, which does not rotate, for one client."""

    def __init__(self, pipedrive: FakePipedrive) -> None:
        super().__init__()
        self.pipedrive, self.forms = pipedrive, list[dict[str, Any]]()
        self.on("POST", "/oauth/token", self.renew)

    def renew(self, request: Request) -> Response:
        """Exchange the refresh token for an access token of an hour."""
        form = form_of(request)
        if request.headers.get("authorization") != "Basic Y2xpZW50LTE6c2VjcmV0LTE=":  # client-1:secret-1
            return Response.of({"success": False, "error": "invalid_client", "message": "Client is not valid"}, 401)
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != "lasting":
            return Response.of({"success": False, "error": "invalid_grant", "message": "Refresh token expired"}, 400)
        self.forms.append(form)
        domain = "https://agence.pipedrive.com"
        tokens = {"access_token": f"at-{len(self.forms)}", "token_type": "Bearer", "refresh_token": "lasting"}
        return Response.of({**tokens, "expires_in": 3599, "scope": "base", "api_domain": domain})

    def to(self, request: Request) -> Response:
        """Answer at the token endpoint; take the newest access token everywhere else."""
        if request.path == "/oauth/token":
            return super().to(request)
        if not self.forms or request.headers.get("authorization") != f"Bearer at-{len(self.forms)}":
            return Response.of({"success": False, "error": "Invalid token", "error_info": ""}, 401)
        headers = {**request.headers, "x-api-token": self.pipedrive.token}
        return self.pipedrive.to(Request(request.method, request.url, headers, request.body))
