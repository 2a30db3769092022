"""A fake Zoho CRM that keeps state, built to the published contract and at least as strict.

    with FakeZoho() as zoho:
        …
        assert zoho.records["Deals"]["5725…"]["Stage"] == "Closed Won"

Its user is Chloé, in Europe/Paris; fields, modules, pipelines and users are those of the fixtures. `lag` hides what was
saved from searches, as Zoho's index does; `softly` answers 202 to what is refused, as Zoho does for single records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from flotilla_servers.zoho_crm.tests.coql import CoqlError, Query
from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served

FIXTURES = Path(__file__).parent / "fixtures"
HOME, TOKEN, PREFIX = "https://www.zohoapis.com", "1000.test-token", "5725767000000"
MODULES = ("Leads", "Contacts", "Accounts", "Deals", "Tasks", "Events", "Calls", "Notes", "Products")
STAMP = "2030-01-05T09:00:00+01:00"
OWNER = {"id": f"{PREFIX}040001", "name": "Chloé Martin", "email": "chloe@atelier.example"}
WHO = {"id": OWNER["id"], "name": OWNER["name"]}
FORMATS = {
    "date": r"\d{4}-\d\d-\d\d",
    "datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d",
    "email": r"[^@\s]+@[^@\s]+\.[^@\s]+",
}
SPECIAL = {"Events": {"Participants"}, "Tasks": {"Remind_At"}, "Notes": {"Note_Title", "Note_Content", "Parent_Id"}}
Thing = dict[str, Any]


def fixture(name: str) -> Any:
    """Return a recorded answer."""
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error of Zoho."""

    def __init__(self, code: str, message: str, status: int = 400, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.item = {"code": code, "message": message, "details": details, "status": "error"}


class FakeZoho(Served, FakeApi):
    """The account of Chloé."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self.records: dict[str, dict[str, Thing]] = {module: {} for module in MODULES}
        self.fields = {
            module: {row["api_name"]: row for row in fixture(f"fields_{module}.json")["fields"]}
            for module in MODULES
            if module != "Notes"
        }
        self.files: dict[str, list[Thing]] = {}
        self.queries: list[str] = []
        self.fresh: set[str] = set()
        self.unique: set[tuple[str, str]] = set()
        self.lag = self.softly = False
        self._last = 380_000
        for method, path, handler in self._routes():
            self.on(method, f"/crm/v8{path}", self._checked(handler))

    def _routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        module, record = r"/(?P<module>[A-Z]\w*)", r"/(?P<record>\d+)"
        return [
            ("GET", "/settings/fields", self._fields),
            ("GET", "/settings/modules", lambda request: Response.of(fixture("modules.json"))),
            ("GET", r"/settings/modules/(?P<module>\w+)", self._module),
            ("GET", "/settings/pipeline", self._pipeline),
            ("GET", "/users", self._users),
            ("GET", "/org", lambda request: Response.of(fixture("org.json"))),
            ("POST", "/coql", self._coql),
            ("POST", f"/Leads{record}/actions/convert", self._convert),
            ("POST", f"{module}/upsert", self._upsert),
            ("GET", f"{module}/search", self._search),
            ("POST", module, self._create),
            ("GET", f"{module}{record}", self._get),
            ("PUT", f"{module}{record}", self._update),
            ("DELETE", f"{module}{record}", self._delete),
            ("GET", f"{module}{record}/Notes", self._notes),
            ("POST", f"{module}{record}/actions/(?P<action>add|remove)_tags", self._tags),
            ("GET", f"{module}{record}/Attachments", self._attachments),
            ("POST", f"{module}{record}/Attachments", self._attach),
            ("GET", f"{module}{record}/Attachments/(?P<file>\\d+)", self._file),
            ("GET", f"{module}{record}/(?P<related>\\w+)", self._related),
        ]

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {"ZOHO_CRM_ACCESS_TOKEN": TOKEN, "ZOHO_CRM_BASE_URL": self.vendor.url}

    def seen(self, request: Request) -> Request:
        """Mark what only asks."""
        return replace(request, asks=request.path.endswith("/coql"))

    def put(self, module: str, **values: Any) -> str:
        """Put a record in; returns its id."""
        number = self._key()
        self.records[module][number] = {
            "id": number, "Owner": dict(OWNER), "Created_Time": STAMP, "Modified_Time": STAMP, "Tag": [], **values
        }  # fmt: skip
        return number

    def _key(self) -> str:
        self._last += 1
        return f"{PREFIX}{self._last}"

    def _checked(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def checked(request: Request, **parts: str) -> Response:
            try:
                if request.headers.get("authorization") != f"Zoho-oauthtoken {TOKEN}":
                    raise Refusal("INVALID_TOKEN", "invalid oauth token", 401)
                if parts.get("module", "Leads") not in (*MODULES, "Fournees"):
                    raise Refusal("INVALID_MODULE", "the module name given seems to be invalid", resource_path_index=0)
                return handler(request, **parts)
            except Refusal as refusal:
                single = request.method == "GET" or "/coql" in request.url or refusal.status == 401
                return Response.of(refusal.item if single else {"data": [refusal.item]}, refusal.status)

        return checked

    def _record(self, module: str, record: str) -> Thing:
        if record not in self.records[module]:
            raise Refusal("INVALID_DATA", "the id given seems to be invalid", resource_path_index=1)
        return self.records[module][record]

    # -- what the account is made of

    def _fields(self, request: Request) -> Response:
        module = dict(request.query)["module"]
        return Response.of({"fields": list(self.fields[module].values())}) if module in self.fields else Response(204)

    def _module(self, request: Request, module: str) -> Response:
        return Response.of(fixture(f"module_{module}.json"))

    def _pipeline(self, request: Request) -> Response:
        if dict(request.query).get("layout_id") != f"{PREFIX}091023":
            raise Refusal("INVALID_DATA", "invalid data", param_name="layout_id")
        return Response.of(fixture("pipeline.json"))

    def _users(self, request: Request) -> Response:
        return Response.of(fixture("me.json" if dict(request.query)["type"] == "CurrentUser" else "users.json"))

    # -- finding

    def _coql(self, request: Request) -> Response:
        text = request.json()["select_query"]
        self.queries.append(text)
        try:
            query = Query(text)
            known = {"id", *(self.fields.get(query.module) or ())}
            if query.module not in self.records or query.used - known:
                raise CoqlError("INVALID_QUERY", f"column given seems to be invalid: {sorted(query.used - known)}")
        except CoqlError as problem:
            raise Refusal(problem.code, problem.message) from None
        rows = [row for row in self.records[query.module].values() if query.test(row)]
        if query.order:
            column, down = query.order
            rows.sort(key=lambda row: (row.get(column) is None, row.get(column) or ""), reverse=down)
        window = rows[query.offset : query.offset + query.limit]
        if not window:
            return Response(204)
        shown = [self._queried({column: row.get(column) for column in {"id", *query.columns}}) for row in window]
        more = len(rows) > query.offset + query.limit
        return Response.of({"data": shown, "info": {"count": len(shown), "more_records": more}})

    @staticmethod
    def _queried(row: Thing) -> Thing:
        """Return a row as a query shows it: of the owner the id alone."""
        return {**row, **({"Owner": {"id": row["Owner"]["id"]}} if row.get("Owner") else {})}

    def _search(self, request: Request, module: str) -> Response:
        params = dict(request.query)
        by = [name for name in ("criteria", "email", "phone", "word") if name in params]
        if len(by) != 1:
            raise Refusal("EXPECTED_PARAM_MISSING", "One of the expected parameter is missing", param_names=by)
        wanted = params[by[0]].casefold()
        if by[0] == "phone":
            wanted = re.sub(r"\D", "", wanted)[-9:]
        kinds = {"email": ("email",), "phone": ("phone",), "word": ("text", "email")}[by[0]]
        columns = [name for name, field in self.fields[module].items() if field["data_type"] in kinds]

        def fits(row: Thing) -> bool:
            texts = [str(row.get(column) or "").casefold() for column in columns]
            if by[0] == "phone":
                return any(wanted in re.sub(r"\D", "", text) for text in texts if text)
            return all(any(word in text for text in texts) for word in wanted.split())

        hidden = self.fresh if self.lag else set()
        rows = [row for row in self.records[module].values() if row["id"] not in hidden and fits(row)]
        page, size = int(params.get("page", 1)), int(params.get("per_page", 200))
        window = rows[(page - 1) * size : page * size]
        if not window:
            return Response(204)
        asked = params["fields"].split(",")
        shown = [{"id": row["id"], **{name: row.get(name) for name in asked}} for row in window]
        info = {"per_page": size, "count": len(window), "page": page, "more_records": len(rows) > page * size}
        return Response.of({"data": shown, "info": info})

    def _get(self, request: Request, module: str, record: str) -> Response:
        if record not in self.records[module]:
            return Response(204)
        return Response.of({"data": [self.records[module][record]]})

    def _notes(self, request: Request, module: str, record: str) -> Response:
        own = [note for note in self.records["Notes"].values() if note["Parent_Id"]["id"] == record]
        if not own:
            return Response(204)
        shown = [{k: note.get(k) for k in ("id", "Note_Title", "Note_Content", "Created_Time")} for note in own[::-1]]
        info = {"page": 1, "per_page": 200, "count": len(own), "more_records": False}
        return Response.of({"data": shown, "info": info})

    def _related(self, request: Request, module: str, record: str, related: str) -> Response:
        params = dict(request.query)
        if "fields" not in params:
            raise Refusal("REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", param_name="fields")
        key = {"Contacts": "Contact_Name", "Accounts": "Account_Name"}[module]
        rows = [row for row in self.records[related].values() if (row.get(key) or {}).get("id") == record]
        page, size = int(params["page"]), int(params["per_page"])
        window = rows[(page - 1) * size : page * size]
        info = {"page": page, "per_page": size, "count": len(window), "more_records": len(rows) > page * size}
        return Response.of({"data": window, "info": info}) if window else Response(204)

    # -- saving

    def _valid(self, module: str, body: Thing, whole: bool) -> None:
        known = self.fields.get(module, {})
        extra = SPECIAL.get(module, set())
        for name, value in body.items():
            if name in extra or name.startswith("$") or name == "id":
                continue
            if name not in known:
                raise Refusal("INVALID_DATA", "invalid data", api_name=name, json_path=f"$.data[0].{name}")
            if value is not None and not self._fits(known[name], value):
                raise Refusal(
                    "INVALID_DATA", "invalid data", api_name=name, json_path=f"$.data[0].{name}",
                    expected_data_type=known[name]["data_type"],
                )  # fmt: skip
        needed = [name for name, field in known.items() if field["system_mandatory"] and name not in body]
        if whole and needed:
            raise Refusal("MANDATORY_NOT_FOUND", "required field not found", api_name=needed[0])
        if body.get("What_Id") and body.get("$se_module") not in MODULES:
            raise Refusal("MANDATORY_NOT_FOUND", "required field not found", api_name="$se_module")
        if module == "Calls" and whole and body["Call_Start_Time"] < STAMP and "Call_Duration" not in body:
            raise Refusal("MANDATORY_NOT_FOUND", "required field not found", api_name="Call_Duration")

    def _fits(self, field: Thing, value: Any) -> bool:
        kind = field["data_type"]
        if kind in ("lookup", "ownerlookup", "multi_module_lookup"):
            return isinstance(value, dict) and self._there(kind, str(value.get("id")))
        if kind in ("integer", "currency", "double"):
            return isinstance(value, int | float) and not isinstance(value, bool)
        if kind == "boolean":
            return isinstance(value, bool)
        choices = [option["actual_value"] for option in field["pick_list_values"] or []]
        if kind == "multiselectpicklist":
            return isinstance(value, list) and set(value) <= set(choices)
        if kind == "picklist":
            return value in choices
        return isinstance(value, str) and re.fullmatch(FORMATS.get(kind, r"[\s\S]*"), value) is not None

    def _there(self, kind: str, number: str) -> bool:
        if kind == "ownerlookup":
            return number in [user["id"] for user in fixture("users.json")["users"]]
        return any(number in rows for rows in self.records.values())

    def _named(self, body: Thing) -> Thing:
        """Give linked records their names, as Zoho shows them."""
        named = deepcopy(body)
        for name, value in named.items():
            if not (isinstance(value, dict) and set(value) == {"id"}):
                continue
            target = next((rows[value["id"]] for rows in self.records.values() if value["id"] in rows), {})
            users = {user["id"]: user["full_name"] for user in fixture("users.json")["users"]}
            parts = [target.get(key) for key in ("First_Name", "Last_Name", "Account_Name", "Deal_Name")]
            named[name] = {**value, "name": users.get(value["id"]) or " ".join(p for p in parts if isinstance(p, str))}
        return named

    def _saved(self, number: str, message: str, **more: Any) -> Thing:
        details = {
            "id": number, "Modified_Time": STAMP, "Created_Time": STAMP, "Created_By": WHO, "Modified_By": WHO, **more
        }  # fmt: skip
        return {"code": "SUCCESS", "details": details, "message": message, "status": "success"}

    def _create(self, request: Request, module: str) -> Response:
        body = request.json()["data"][0]
        try:
            if module == "Notes":
                parent = body.get("Parent_Id") or {}
                self._record(parent.get("module", {}).get("api_name", ""), parent.get("id", ""))
            self._valid(module, body, whole=True)
            for name in (n for m, n in self.unique if m == module and body.get(n)):
                for row in self.records[module].values():
                    if row.get(name) == body[name]:
                        raise Refusal(
                            "DUPLICATE_DATA", "duplicate data", api_name=name, duplicate_record={"id": row["id"]}
                        )
        except Refusal as refusal:
            if self.softly:
                return Response.of({"data": [refusal.item]}, 202)
            raise
        number = self.put(module, **self._named(body))
        self.fresh.add(number)
        more = {} if module == "Notes" else {"$approval_state": "approved"}
        return Response.of({"data": [self._saved(number, "record added", **more)]}, 201)

    def _update(self, request: Request, module: str, record: str) -> Response:
        row, body = self._record(module, record), request.json()["data"][0]
        self._valid(module, body, whole=False)
        row |= self._named(body)
        saved = self._saved(record, "record updated", **{"$approval_state": "approved"})
        return Response.of({"data": [saved]})

    def _delete(self, request: Request, module: str, record: str) -> Response:
        self._record(module, record)
        del self.records[module][record]
        done = {"code": "SUCCESS", "details": {"id": record}, "message": "record deleted", "status": "success"}
        return Response.of({"data": [done]})

    def _upsert(self, request: Request, module: str) -> Response:
        params, results = request.json(), []
        for body in params["data"]:
            keys = params.get("duplicate_check_fields") or []
            same = [r for r in self.records[module].values() if keys and all(r.get(k) == body.get(k) for k in keys)]
            try:
                self._valid(module, body, whole=not same)
            except Refusal as refusal:
                results.append(refusal.item)
                continue
            if same:
                same[0].update(self._named(body))
            number = same[0]["id"] if same else self.put(module, **self._named(body))
            saved = self._saved(number, "record saved", **{"$approval_state": "approved"})
            results.append({**saved, "action": "update" if same else "insert"})
        failed = [one for one in results if one["status"] == "error"]
        return Response.of({"data": results}, 400 if len(failed) == len(results) else 207 if failed else 200)

    def _convert(self, request: Request, record: str) -> Response:
        if record not in self.records["Leads"]:
            raise Refusal("INVALID_DATA", "the id given seems to be invalid", resource_path_index=1)
        lead, body = self.records["Leads"].pop(record), request.json()["data"][0]
        deal = body.get("Deals")
        company = lead.get("Company")
        same = [r["id"] for r in self.records["Accounts"].values() if r.get("Account_Name") == company]
        account = (same[0] if same else self.put("Accounts", Account_Name=company)) if company else None
        person = {name: lead.get(name) for name in ("First_Name", "Last_Name", "Email", "Phone", "Mobile")}
        contact = self.put("Contacts", **person, Account_Name={"id": account, "name": company} if account else None)
        made = {
            "Contacts": {"id": contact, "name": str(lead["Last_Name"])},
            "Accounts": {"id": account, "name": company} if account else None,
            "Deals": None,
        }
        if deal:
            self._valid("Deals", deal, whole=True)
            linked = {"Contact_Name": {"id": contact, "name": lead["Last_Name"]}}
            number = self.put("Deals", **deal, **linked)
            made["Deals"] = {"id": number, "name": deal["Deal_Name"]}
        message = "The record has been converted successfully"
        return Response.of({"data": [{"code": "SUCCESS", "message": message, "status": "success", "details": made}]})

    def _tags(self, request: Request, module: str, record: str, action: str) -> Response:
        row, body = self._record(module, record), request.json()
        names = [tag["name"] for tag in body["tags"]]
        own = [] if body.get("over_write") else [tag["name"] for tag in row["Tag"]]
        names_after = (
            [*own, *(n for n in names if n not in own)] if action == "add" else [n for n in own if n not in names]
        )
        row["Tag"] = [{"name": name, "id": f"{PREFIX}500001", "color_code": None} for name in names_after]
        done = {"code": "SUCCESS", "details": {"id": record, "tags": row["Tag"]}, "message": "ok", "status": "success"}
        return Response.of({"data": [done]})

    def _attachments(self, request: Request, module: str, record: str) -> Response:
        self._record(module, record)
        rows = [{k: v for k, v in file.items() if k != "content"} for file in self.files.get(record, [])]
        info = {"per_page": 200, "count": len(rows), "page": 1, "more_records": False, "next_page_token": None}
        info |= {"previous_page_token": None, "page_token_expiry": None}
        return Response.of({"data": rows, "info": info}) if rows else Response(204)

    def _attach(self, request: Request, module: str, record: str) -> Response:
        self._record(module, record)
        part = re.search(rb'name="file"; filename="([^"]+)".*?\r\n\r\n(.*)\r\n--', request.body, re.DOTALL)
        if not part:
            raise Refusal("REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", param_name="file")
        number = self._key()
        about = {"Created_Time": STAMP, "Modified_Time": STAMP, "Created_By": WHO, "Modified_By": WHO}
        file = {"id": number, "File_Name": part[1].decode(), "Size": str(len(part[2])), "content": part[2], **about}
        self.files.setdefault(record, []).append(file)
        return Response.of({"data": [self._saved(number, "attachment uploaded successfully")]})

    def _file(self, request: Request, module: str, record: str, file: str) -> Response:
        matches = [one for one in self.files.get(record, []) if one["id"] == file]
        if not matches:
            raise Refusal("INVALID_DATA", "the related id given seems to be invalid", resource_path_index=3)
        return Response(200, matches[0]["content"], {"content-type": "application/octet-stream"})
