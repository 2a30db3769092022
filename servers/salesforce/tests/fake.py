"""A Salesforce org on loopback that remembers: what is created is found, and what Salesforce refuses is refused.

It reads the SOQL and SOSL that the server sends, and knows only the objects and fields of the fixtures: any other one
is INVALID_FIELD or INVALID_TYPE, as for a field that the user may not see (`hidden`).

    with FakeSalesforce() as org:      # org.settings lead there; org.records are by object and id
        org.lag = True                 # the search index does not know what is new
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from html import escape, unescape
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote

from flotilla_servers.salesforce.records import PREFIXES, whole_id
from flotilla_testing.fake_vendor import FakeVendor
from flotilla_testing.responses import RecordedResponses, Request, Response

FIXTURES = Path(__file__).parent / "fixtures"
ROOT = "/services/data/v64.0"
TOKEN = "00DAP0000000ORG!first.session.token"
USER, COLLEAGUE, QUEUE = "005AP000000chloEAA", "005AP000000hugo2AA", "00GAP000000queueAA"
OBJECTS = ("Account", "Contact", "Lead", "Opportunity", "Task", "Event", "Case", "Facture__c")
BARE = {  # objects without a fixture of their own: the fields that they have
    "User": "Id Name Email Username Title IsActive UserType TimeZoneSidKey",
    "Group": "Id Name Type",
    "OpportunityStage": "Id MasterLabel ApiName IsClosed IsWon IsActive SortOrder",
    "LeadStatus": "Id MasterLabel ApiName IsConverted IsDefault SortOrder",
    "TaskStatus": "Id MasterLabel ApiName IsClosed IsDefault SortOrder",
    "CaseStatus": "Id MasterLabel ApiName IsClosed IsDefault SortOrder",
    "OpportunityContactRole": "Id OpportunityId ContactId Role IsPrimary",
    "OpportunityLineItem": "Id OpportunityId Name Quantity UnitPrice TotalPrice SortOrder",
    "CaseComment": "Id ParentId CommentBody IsPublished CreatedDate CreatedById",
    "EmailMessage": "Id ParentId Subject FromAddress TextBody Incoming MessageDate",
    "Report": "Id Name FolderName Description LastRunDate",
}
MARKS = {"CaseComment": "00a", "OpportunityContactRole": "00K", "Facture__c": "a0B"}
PHONES = ("Phone", "MobilePhone", "HomePhone", "OtherPhone")
TOKENS = re.compile(r"'(?:\\.|[^'\\])*'|[A-Za-z_][\w.]*|-?\d[\w:.+-]*|<=|>=|!=|[=<>(),]")
ISO = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?")


class Refusal(Exception):  # noqa: N818 - becomes an answer
    """An error response."""

    def __init__(self, status: int, code: str, message: str, fields: list[str] | None = None, **more: Any) -> None:
        super().__init__(message)
        self.status, self.body = status, [{"message": message, "errorCode": code, "fields": fields or [], **more}]


def described(name: str) -> dict[str, Any]:
    """Return the description of an object, from its fixture."""
    return dict(json.loads((FIXTURES / f"describe_{name}.json").read_text(encoding="utf-8")))


class FakeSalesforce(RecordedResponses):
    """The org. `hidden` are fields, as Lead.MobilePhone, that the user may not see; `lag`: new things are not found."""

    def __init__(self) -> None:
        super().__init__(folder=FIXTURES)
        self.records: dict[str, dict[str, dict[str, Any]]] = {}
        self.fields = {name: {f["name"]: f for f in described(name)["fields"]} for name in OBJECTS}
        self.hidden: set[str] = set()
        self.lag = False
        self.tokens = {TOKEN}
        self.granted: list[dict[str, str]] = []  # what the token endpoint was sent
        self.rotates = False
        self.jobs: dict[str, dict[str, Any]] = {}
        self.slow_jobs = 0  # looks at a job before it has ended
        self.batch_size = 2000
        self.rule: Refusal | None = None  # what a rule of the org answers to the next creation
        self.soap_error: str = ""
        self._indexed: set[str] = set()
        self._next, self._lock, self._stack = 100, threading.Lock(), ExitStack()
        self.vendor = FakeVendor(self)
        self._seed()

    def __enter__(self) -> FakeSalesforce:
        self._stack.enter_context(self.vendor)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, bug: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def settings(self) -> dict[str, str]:
        """The variables that lead here."""
        return {"SALESFORCE_ACCESS_TOKEN": TOKEN, "SALESFORCE_INSTANCE_URL": self.vendor.url}

    def _seed(self) -> None:
        for name, file in (
            ("OpportunityStage", "stages"), ("LeadStatus", "lead_statuses"), ("TaskStatus", "task_statuses"),
            ("CaseStatus", "case_statuses"),
        ):  # fmt: skip
            rows = json.loads((FIXTURES / f"{file}.json").read_text(encoding="utf-8"))["records"]
            for order, row in enumerate(rows):
                self.add(name, **{**row, "SortOrder": order, "IsActive": True})
        person = {"IsActive": True, "UserType": "Standard", "TimeZoneSidKey": "Europe/Paris"}
        self.add("User", Id=USER, Name="Chloé Martin", Email="chloe@agence.example", Username="chloe@org", **person)
        self.add("User", Id=COLLEAGUE, Name="Hugo Petit", Email="hugo@agence.example", Username="hugo@org", **person)
        self.add("Group", Id=QUEUE, Name="Support niveau 1", Type="Queue")

    def add(self, kind: str, /, **values: Any) -> str:
        """Put a record there, as somebody else would; returns its id."""
        known = self.fields.get(kind)
        values = {name: value for name, value in values.items() if name != "attributes"}
        number = values.get("Id") or self._id(kind)
        blank = dict.fromkeys(known or BARE[kind].split())
        row = {**blank, **self._defaults(kind), **values, "Id": number}
        if kind in ("Contact", "Lead"):
            row["Name"] = " ".join(str(row[part]) for part in ("FirstName", "LastName") if row.get(part))
        self.records.setdefault(kind, {})[number] = row
        self._derive(kind, row)
        self._indexed.add(number)
        return str(number)

    def _id(self, kind: str) -> str:
        self._next += 1
        prefix = next((mark for mark, name in PREFIXES.items() if name == kind), MARKS.get(kind, "01J"))
        return whole_id(f"{prefix}AP00000{self._next:05}")

    def _defaults(self, kind: str) -> dict[str, Any]:
        stamp = {"CreatedDate": f"2030-01-05T08:00:00.{self._next:03}+0000"}
        own = {
            "Task": {"Status": "Todo", "Priority": "Normal", "IsClosed": False},
            "Lead": {"Status": "Open", "IsConverted": False},
            "Case": {"Status": "New", "Priority": "Medium", "IsClosed": False, "CaseNumber": f"{self._next:08}"},
            "Opportunity": {"IsClosed": False, "IsWon": False},
            "Event": {"IsAllDayEvent": False},
            "CaseComment": {"CreatedById": USER},
        }.get(kind, {})
        owner = {"OwnerId": USER} if "OwnerId" in self.fields.get(kind, {}) else {}
        return {**stamp, **owner, **own}

    def _derive(self, kind: str, row: dict[str, Any]) -> None:
        """Set what Salesforce computes from the stage or status."""
        for of, field, table in (
            ("Opportunity", "StageName", "OpportunityStage"), ("Task", "Status", "TaskStatus"),
            ("Case", "Status", "CaseStatus"),
        ):  # fmt: skip
            if kind == of and self.records.get(table):
                stage = next((s for s in self.records[table].values() if s["ApiName"] == row.get(field)), {})
                row["IsClosed"] = bool(stage.get("IsClosed"))
                if kind == "Opportunity":
                    row["IsWon"] = bool(stage.get("IsWon"))
        if kind == "Task" and (related := row.get("WhatId")):
            row["AccountId"] = related if related.startswith("001") else self._found(related).get("AccountId")

    def _found(self, number: Any) -> dict[str, Any]:
        return next((rows[number] for rows in self.records.values() if number in rows), {})

    # -- RecordedResponses ------------------------------------------------------------------------------------------

    def seen(self, request: Request) -> Request:
        """Mark what only asks."""
        return replace(request, asks=request.path.endswith(("/composite/batch", "/oauth2/token")))

    def to(self, request: Request) -> Response:
        """Carry a request out."""
        with self._lock:
            try:
                return self._carried_out(request)
            except Refusal as refusal:
                return Response.of(refusal.body, refusal.status)

    def _carried_out(self, request: Request) -> Response:
        if request.path == "/services/oauth2/token":
            return self._token(request)
        if request.path == "/services/Soap/u/64.0":
            return self._soap(request)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            raise Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
        for method, pattern, do in self._routes():
            match = re.fullmatch(ROOT + pattern, request.path)
            if match and method == request.method:
                result = do(request, *map(unquote, match.groups()))
                return result if isinstance(result, Response) else Response.of(*result)
        raise Refusal(404, "NOT_FOUND", f"Nothing at {request.method} {request.path}")

    def _routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        one = "([^/]+)"
        return [
            ("GET", "", lambda r: (json.loads((FIXTURES / "resources.json").read_text(encoding="utf-8")), 200)),
            ("GET", "/sobjects", lambda r: (json.loads((FIXTURES / "sobjects.json").read_text(encoding="utf-8")), 200)),
            ("GET", f"/sobjects/{one}/describe", self._describe),
            ("GET", "/query", lambda r: (self._page(dict(r.query)["q"], 0), 200)),
            ("GET", "/query/(.+)", self._more),
            ("GET", "/search", lambda r: (self.search(dict(r.query)["q"]), 200)),
            ("POST", "/composite/batch", self._batch),
            ("POST", "/composite", self._composite),
            ("POST", f"/sobjects/{one}", lambda r, kind: (self._create(kind, r.json(), r.headers), 201)),
            ("GET", f"/sobjects/{one}/{one}", self._get),
            ("PATCH", f"/sobjects/{one}/{one}", self._update),
            ("DELETE", f"/sobjects/{one}/{one}", self._delete),
            ("PATCH", f"/sobjects/{one}/{one}/{one}", self._upsert),
            ("POST", "/jobs/ingest", self._open_job),
            ("PUT", f"/jobs/ingest/{one}/batches", self._upload),
            ("PATCH", f"/jobs/ingest/{one}", self._start_job),
            ("GET", f"/jobs/(?:ingest|query)/{one}", self._look_at_job),
            ("GET", f"/jobs/ingest/{one}/failedResults", lambda r, job: _csv(self.jobs[job]["failures"])),
            ("POST", "/jobs/query", self._open_query),
            ("GET", f"/jobs/query/{one}/results", self._results),
        ]

    # -- logging in -------------------------------------------------------------------------------------------------

    def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.granted.append(form)
        grant = form.get("grant_type", "")
        if grant in ("refresh_token", "client_credentials") and form.get("client_secret") != "shh-4711":
            return Response.of({"error": "invalid_client", "error_description": "invalid client credentials"}, 400)
        if grant.endswith("jwt-bearer"):
            claims = json.loads(base64.urlsafe_b64decode(form["assertion"].split(".")[1] + "=="))
            form["claims"] = claims
            short = 0 < claims["exp"] - claims["iat"] <= 300
            if claims["aud"] != "https://login.salesforce.com" or claims["sub"] != "chloe@org" or not short:
                return Response.of({"error": "invalid_grant", "error_description": "invalid assertion"}, 400)
        elif grant not in ("refresh_token", "client_credentials"):
            return Response.of({"error": "unsupported_grant_type", "error_description": "not supported"}, 400)
        token = f"session-{len(self.granted)}"
        self.tokens = {token}
        rotated = {"refresh_token": f"refresh-{len(self.granted)}"} if self.rotates else {}
        return Response.of(
            {"access_token": token, "instance_url": self.vendor.url, "id": f"{self.vendor.url}/id/00D/{USER}",
             "issued_at": "1900000000000", "signature": "s", "scope": "api", "token_type": "Bearer", **rotated}
        )  # fmt: skip

    # -- objects and fields -----------------------------------------------------------------------------------------

    def _describe(self, request: Request, kind: str) -> Any:
        if kind not in self.fields:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
        about = described(kind)
        about["fields"] = [f for f in self.fields[kind].values() if f"{kind}.{f['name']}" not in self.hidden]
        return about, 200

    def _known(self, kind: str) -> set[str]:
        if kind in self.fields:
            return {name for name in self.fields[kind] if f"{kind}.{name}" not in self.hidden} | {"CreatedById"}
        if kind in BARE:
            return set(BARE[kind].split())
        raise Refusal(400, "INVALID_TYPE", f"sObject type '{kind}' is not supported.")

    def _checked(self, kind: str, values: Mapping[str, Any], creating: bool) -> None:
        """Refuse what Salesforce refuses: unknown or computed fields, wrong types, ids of nothing, missing ones."""
        known = self.fields.get(kind)
        for name, value in values.items():
            if name not in self._known(kind):
                raise Refusal(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {kind}")
            if not known or value is None:
                continue
            about = known[name]
            if not about["createable" if creating else "updateable"]:
                code = "INVALID_FIELD_FOR_INSERT_UPDATE"
                raise Refusal(400, code, f"Unable to create/update fields: {name}.", [name])
            self._check_type(about, value)
        missing = [n for n, f in (known or {}).items() if f["createable"] and not f["nillable"]]
        missing = [n for n in missing if known and not known[n]["defaultedOnCreate"] and creating and not values.get(n)]
        if missing:
            raise Refusal(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: {missing}", missing)
        if kind == "Event" and creating and not (values.get("StartDateTime") and values.get("EndDateTime")):
            raise Refusal(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [EndDateTime]")

    def _check_type(self, about: Mapping[str, Any], value: Any) -> None:
        name, kind = about["name"], about["type"]
        wrong = Refusal(400, "JSON_PARSER_ERROR", f"Cannot deserialize {kind} {name} from {value!r}", [name])
        if kind == "boolean" and not isinstance(value, bool):
            raise wrong
        if kind in ("currency", "double", "percent", "int") and (isinstance(value, str | bool)):
            raise wrong
        if kind == "date" and not re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
            raise wrong
        if kind == "datetime" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(value)):
            raise wrong
        if kind == "reference":
            if not re.fullmatch(r"[A-Za-z0-9]{18}", str(value)):
                raise Refusal(400, "MALFORMED_ID", f"{name}: id value of incorrect type: {value}", [name])
            if not self._found(value):
                raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        values = [v["value"] for v in about["picklistValues"]]
        if kind == "picklist" and about["restrictedPicklist"] and value not in values:
            code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
            raise Refusal(400, code, f"{about['label']}: bad value for restricted picklist field: {value}", [name])
        if about["length"] and len(str(value)) > about["length"]:
            raise Refusal(400, "STRING_TOO_LONG", f"{about['label']}: data value too large: {value}", [name])

    # -- records ----------------------------------------------------------------------------------------------------

    def _create(self, kind: str, values: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        self._known(kind)
        self._checked(kind, values, creating=True)
        if self.rule:
            raise self.rule
        if "allowSave=true" not in headers.get("sforce-duplicate-rule-header", "") and kind == "Account":
            same = [row for row in self.records.get("Account", {}).values() if row["Name"] == values.get("Name")]
            if same:
                raise Refusal(
                    400, "DUPLICATES_DETECTED", "Use one of these records?",
                    duplicateResut={"matchResults": [{"matchRecords": [{"record": {"Id": same[0]["Id"]}}]}]},
                )  # fmt: skip
        before = set(self._indexed)
        number = self.add(kind, **values)
        if self.lag:
            self._indexed = before
        return {"id": number, "success": True, "errors": []}

    def _row(self, kind: str, number: str) -> dict[str, Any]:
        self._known(kind)
        row = self.records.get(kind, {}).get(whole_id(number))
        if row is None:
            raise Refusal(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible")
        return row

    def _get(self, request: Request, kind: str, number: str) -> Any:
        row, wanted = self._row(kind, number), dict(request.query).get("fields", "")
        names = wanted.split(",") if wanted else [n for n in row if n in self._known(kind)]
        return {**_attributes(kind, number), **{name: row[name] for name in names}}, 200

    def _update(self, request: Request, kind: str, number: str) -> Any:
        row, values = self._row(kind, number), request.json()
        if kind == "Lead" and row["IsConverted"]:
            raise Refusal(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        self._checked(kind, values, creating=False)
        row.update(values)
        self._derive(kind, row)
        return Response(204)

    def _delete(self, request: Request, kind: str, number: str) -> Response:
        self._row(kind, number)
        del self.records[kind][whole_id(number)]
        return Response(204)

    def _upsert(self, request: Request, kind: str, field: str, value: str) -> Any:
        if not self.fields[kind].get(field, {}).get("externalId"):
            raise Refusal(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible")
        same = [row for row in self.records.get(kind, {}).values() if str(row.get(field)) == value]
        if len(same) > 1:
            return [f"{ROOT}/sobjects/{kind}/{row['Id']}" for row in same], 300
        if same:
            self._checked(kind, request.json(), creating=False)
            same[0].update(request.json())
            return {"id": same[0]["Id"], "success": True, "errors": [], "created": False}, 200
        made = self._create(kind, {**request.json(), field: value}, {})
        return {**made, "created": True}, 201

    def _composite(self, request: Request) -> Any:
        body, answers, made = request.json(), [], dict[str, str]()
        saved = json.dumps(self.records)
        failed: Refusal | None = None
        for step in body["compositeRequest"]:
            values = json.loads(re.sub(r"@\{(\w+)\.id\}", lambda m: made.get(m[1], ""), json.dumps(step["body"])))
            kind = step["url"].removeprefix(f"{ROOT}/sobjects/")
            about = {"httpHeaders": {}, "referenceId": step["referenceId"]}
            try:
                answer = self._create(kind, values, {}) if not failed else {}
                made[step["referenceId"]] = answer.get("id", "")
                answers.append({"body": answer, "httpStatusCode": 201, **about})
            except Refusal as refusal:
                failed = refusal
                answers.append({"body": refusal.body, "httpStatusCode": refusal.status, **about})
        if failed and body.get("allOrNone"):
            self.records = json.loads(saved)
            halted = [{"errorCode": "PROCESSING_HALTED", "message": "The transaction was rolled back."}]
            answers = [a if a["body"] == failed.body else {**a, "body": halted, "httpStatusCode": 400} for a in answers]
        return {"compositeResponse": answers}, 200

    def _batch(self, request: Request) -> Any:
        results = []
        for step in request.json()["batchRequests"]:
            path, _, query = step["url"].partition("?")
            try:
                assert (step["method"], path) == ("GET", "v64.0/query"), step
                results.append({"statusCode": 200, "result": self._page(parse_qs(query)["q"][0], 0)})
            except Refusal as refusal:
                results.append({"statusCode": refusal.status, "result": refusal.body})
        return {"hasErrors": any(r["statusCode"] >= 400 for r in results), "results": results}, 200

    # -- SOQL -------------------------------------------------------------------------------------------------------

    def _page(self, soql: str, start: int) -> dict[str, Any]:
        rows = self.query(soql)
        if rows is None:
            return {"totalSize": self.count, "done": True, "records": []}
        end = start + self.batch_size
        following = {"nextRecordsUrl": f"{ROOT}/query/{base64.urlsafe_b64encode(soql.encode()).decode()}-{end}"}
        more = len(rows) > end
        return {"totalSize": len(rows), "done": not more, "records": rows[start:end], **(following if more else {})}

    def _more(self, request: Request, locator: str) -> Any:
        soql, _, start = locator.rpartition("-")
        return self._page(base64.urlsafe_b64decode(soql).decode(), int(start)), 200

    def query(self, soql: str) -> list[dict[str, Any]] | None:
        """Return the rows of a query; of a COUNT() None, and `count` holds it."""
        match = re.fullmatch(
            r"SELECT (.+?) FROM (\w+)(?: WHERE (.+?))?(?: ORDER BY (.+?))?(?: LIMIT (\d+))?(?: OFFSET (\d+))?", soql
        )
        if not match:
            raise Refusal(400, "MALFORMED_QUERY", f"unexpected token in {soql[:60]}")
        wanted, kind, where, order, limit, offset = match.groups()
        known = self._known(kind)
        rows = [r for r in self.records.get(kind, {}).values() if not where or _Where(self, kind, where).holds(r)]
        self.count = len(rows)
        if wanted == "COUNT()":
            return None
        for term in reversed((order or "").split(", ")):
            if term:
                name, *how = term.split()
                self._check_field(kind, name)
                rows.sort(key=lambda r: (self.value(r, name) is not None, self.value(r, name)), reverse="DESC" in how)
                if "LAST" in how:
                    rows.sort(key=lambda r: self.value(r, name) is None)
        rows = rows[int(offset or 0) :][: int(limit) if limit else None]
        names = [name.strip() for name in wanted.split(",")]
        for name in names:
            self._check_field(kind, name)
        assert known
        return [{**_attributes(kind, r["Id"]), **self._shown(r, names)} for r in rows]

    def _check_field(self, kind: str, name: str) -> None:
        head, dot, tail = name.partition(".")
        field = self._lookup(head) if dot else head
        if field not in self._known(kind):
            raise Refusal(400, "INVALID_FIELD", f"No such column '{name}' on entity '{kind}'.")
        if dot and "." not in tail and tail not in ("Name", "Title", "Id"):
            raise Refusal(400, "INVALID_FIELD", f"No such column '{tail}' on entity '{head}'.")

    @staticmethod
    def _lookup(relation: str) -> str:
        return relation.removesuffix("__r") + "__c" if relation.endswith("__r") else f"{relation}Id"

    def value(self, row: Mapping[str, Any], name: str) -> Any:
        """Return a field of a record, of a parent's behind its name."""
        head, dot, tail = name.partition(".")
        return self._found(row.get(self._lookup(head))).get(tail) if dot else row.get(head)

    def _shown(self, row: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name in names:
            head, dot, tail = name.partition(".")
            parent = self._found(row.get(self._lookup(head))) if dot else {}
            if dot:
                result.setdefault(head, {**_attributes(head, "x")} if parent else None)
                if parent:
                    result[head][tail] = parent.get(tail)
            else:
                result[name] = row.get(name)
        return result

    # -- SOSL -------------------------------------------------------------------------------------------------------

    def search(self, sosl: str) -> dict[str, Any]:
        """Return what a search finds: whole phrases in phone and mail fields, words (the last one begun) elsewhere."""
        match = re.fullmatch(r"FIND \{(.*)\} IN (ALL|PHONE|EMAIL) FIELDS RETURNING (.+) LIMIT (\d+)", sosl)
        if not match:
            raise Refusal(400, "MALFORMED_SEARCH", f"unexpected token in {sosl[:60]}")
        term, group, returning, limit = match.groups()
        if re.search(r"(?<!\\)[?&|!{}\[\]()^~:'+-]", term):
            raise Refusal(400, "MALFORMED_SEARCH", f"unexpected reserved character in {term}")
        phrases = [re.sub(r"\\(.)", r"\1", one).lower() for one in re.findall(r'"((?:\\.|[^"\\])*)"', term)]
        terms = [] if phrases else re.sub(r"\\(.)", r"\1", term).lower().split()
        matches = []
        for kind, fields, where in re.findall(r"(\w+)\(([^()]+?)(?: WHERE ([^()]+))?\)", returning):
            names = fields.split(", ")
            for name in names:
                self._check_field(kind, name)
            for row in self.records.get(kind, {}).values():
                hit = self._hit(row, group, phrases, terms)
                if row["Id"] in self._indexed and hit and (not where or _Where(self, kind, where).holds(row)):
                    matches.append({**_attributes(kind, row["Id"]), **self._shown(row, names)})
        return {"searchRecords": matches[: int(limit)]}

    def _hit(self, row: Mapping[str, Any], group: str, phrases: list[str], terms: list[str]) -> bool:
        fields = {"PHONE": PHONES, "EMAIL": ("Email",)}.get(group)
        texts = [str(v).lower() for n, v in row.items() if isinstance(v, str) and (fields is None or n in fields)]
        if phrases:
            return any(phrase == text or (not fields and phrase in text) for phrase in phrases for text in texts)
        parts = {part for text in texts for part in re.split(r"[^\w]+", text)}
        return bool(terms) and all(
            any(part.startswith(word[:-1]) if word.endswith("*") else part == word for part in parts) for word in terms
        )

    # -- converting a lead ------------------------------------------------------------------------------------------

    def _soap(self, request: Request) -> Response:
        text = request.body.decode()

        def tag(name: str) -> str:
            matches = re.search(rf"<{name}>([^<]*)</{name}>", text)
            return unescape(matches[1]) if matches else ""

        if request.headers.get("soapaction") is None or "text/xml" not in request.headers.get("content-type", ""):
            return _fault("soapenv:Client", "SOAPAction HTTP header missing")
        if tag("sessionId") not in self.tokens:
            return _fault("sf:INVALID_SESSION_ID", "INVALID_SESSION_ID: Invalid Session ID found in SessionHeader")
        if self.soap_error:
            return _result(success="false", statusCode="CANNOT_INSERT", message=self.soap_error)
        for needed in ("leadId", "convertedStatus", "doNotCreateOpportunity", "overwriteLeadSource"):
            if not tag(needed):
                return _fault("soapenv:Client", f"missing {needed}")
        lead = self.records["Lead"].get(tag("leadId"))
        statuses = {row["ApiName"]: row["IsConverted"] for row in self.records["LeadStatus"].values()}
        if not lead or lead["IsConverted"] or not statuses.get(tag("convertedStatus")):
            return _result(
                success="false", statusCode="CANNOT_UPDATE_CONVERTED_LEAD", message="cannot convert the lead"
            )
        account = tag("accountId") or self.add("Account", Name=lead["Company"], Phone=lead["Phone"])
        contact = tag("contactId") or self.add(
            "Contact", FirstName=lead["FirstName"], LastName=lead["LastName"], Email=lead["Email"],
            Phone=lead["Phone"], AccountId=account,
        )  # fmt: skip
        opportunity = ""
        if tag("doNotCreateOpportunity") == "false":
            opportunity = self.add(
                "Opportunity", Name=tag("opportunityName") or lead["Company"], AccountId=account,
                StageName="Prospecting", CloseDate="2030-12-31",
            )  # fmt: skip
            self.add("OpportunityContactRole", OpportunityId=opportunity, ContactId=contact, IsPrimary=True)
        lead |= {
            "IsConverted": True, "Status": tag("convertedStatus"), "ConvertedAccountId": account,
            "ConvertedContactId": contact, "ConvertedOpportunityId": opportunity or None,
        }  # fmt: skip
        return _result(
            accountId=account, contactId=contact, leadId=lead["Id"], opportunityId=opportunity, success="true"
        )

    # -- bulk jobs --------------------------------------------------------------------------------------------------

    def _open_job(self, request: Request) -> Any:
        body = request.json()
        if body["operation"] == "upsert" and not body.get("externalIdFieldName"):
            raise Refusal(400, "INVALIDJOB", "externalIdFieldName is needed")
        return self._new_job({**body, "state": "Open", "contentUrl": "x"}), 200

    def _new_job(self, about: dict[str, Any]) -> dict[str, Any]:
        self._next += 1
        number = whole_id(f"750AP0000000{self._next:03}")
        self.jobs[number] = {"id": number, "failures": [], "looks": 0, **about}
        return {k: v for k, v in self.jobs[number].items() if k not in ("failures", "looks", "rows", "query")}

    def _upload(self, request: Request, job: str) -> Response:
        if self.jobs[job]["state"] != "Open" or "rows" in self.jobs[job]:
            raise Refusal(400, "INVALIDJOBSTATE", "one upload a job")
        self.jobs[job]["rows"] = list(csv.DictReader(io.StringIO(request.body.decode(), newline="")))
        return Response(201)

    def _start_job(self, request: Request, job: str) -> Any:
        about = self.jobs[job]
        about["state"] = request.json()["state"]
        done = 0
        for row in about["rows"]:
            values = {name: value for name, value in row.items() if value != ""}
            try:
                self._bulk_row(about, values)
                done += 1
            except Refusal as refusal:
                reason = f"{refusal.body[0]['errorCode']}:{refusal.body[0]['message']}"
                about["failures"].append({"sf__Id": "", "sf__Error": reason, **row})
        about |= {"numberRecordsProcessed": len(about["rows"]), "numberRecordsFailed": len(about["rows"]) - done}
        return {"id": job, "state": about["state"], "object": about["object"], "operation": about["operation"]}, 200

    def _bulk_row(self, about: Mapping[str, Any], values: dict[str, Any]) -> None:
        kind, operation = about["object"], about["operation"]
        if operation == "insert":
            self._create(kind, values, {"sforce-duplicate-rule-header": "allowSave=true"})
            return
        key = about.get("externalIdFieldName", "Id")
        same = [row for row in self.records.get(kind, {}).values() if row.get(key) == values.get(key)]
        if operation == "upsert" and not same:
            self._create(kind, values, {})
        elif not same:
            raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        elif operation == "delete":
            del self.records[kind][same[0]["Id"]]
        else:
            same[0].update({name: value for name, value in values.items() if name != "Id"})

    def _look_at_job(self, request: Request, job: str) -> Any:
        about = self.jobs.get(job)
        if about is None:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
        about["looks"] += 1
        state = "InProgress" if about["looks"] <= self.slow_jobs else "JobComplete"
        return {
            k: v for k, v in {**about, "state": state}.items() if k not in ("failures", "looks", "rows", "query")
        }, 200

    def _open_query(self, request: Request) -> Any:
        self.query(request.json()["query"])
        return self._new_job({"operation": "query", "state": "UploadComplete", "query": request.json()["query"]}), 200

    def _results(self, request: Request, job: str) -> Response:
        rows = self.query(self.jobs[job]["query"]) or []
        flat = [{name: value for name, value in row.items() if name != "attributes"} for row in rows]
        start, size = int(dict(request.query).get("locator", "0")), 2
        end = start + size
        locator = str(end) if end < len(flat) else "null"
        answer = _csv(flat[start:end])
        return Response(200, answer.body, {**answer.headers, "sforce-locator": locator})


class _Where:
    """A WHERE clause, read as it is asked."""

    def __init__(self, org: FakeSalesforce, kind: str, text: str) -> None:
        self.org, self.kind = org, kind
        self.tokens, self.at = TOKENS.findall(text), 0

    def holds(self, row: Mapping[str, Any]) -> bool:
        self.at = 0
        result = self._any(row)
        if self.at != len(self.tokens):
            raise Refusal(400, "MALFORMED_QUERY", f"unexpected token: {self.tokens[self.at]}")
        return result

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def _any(self, row: Mapping[str, Any]) -> bool:
        result = self._all(row)
        while self._peek() == "OR":
            self._take()
            result = self._all(row) or result
        return result

    def _all(self, row: Mapping[str, Any]) -> bool:
        result = self._one(row)
        while self._peek() == "AND":
            self._take()
            result = self._one(row) and result
        return result

    def _one(self, row: Mapping[str, Any]) -> bool:
        if self._peek() == "(":
            self._take()
            result = self._any(row)
            self._take()
            return result
        name, operator = self._take(), self._take()
        self.org._check_field(self.kind, name)
        mine = self.org.value(row, name)
        if operator == "IN":
            return mine in self._list()
        other = self._literal(self._take(), operator == "LIKE")
        if operator == "LIKE":
            return mine is not None and re.fullmatch(str(other), str(mine), re.IGNORECASE | re.DOTALL) is not None
        if operator in ("=", "!="):
            same = str(mine).lower() == str(other).lower() if isinstance(other, str) else mine == other
            return same if operator == "=" else not same
        if mine is None:
            return False
        a, b = str(mine).replace(".000+0000", "Z"), str(other)
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator]

    def _list(self) -> list[Any]:
        self._take()
        if self._peek() == "SELECT":
            parts = []
            depth = 1
            while depth:
                part = self._take()
                depth += (part == "(") - (part == ")")
                parts.append(part)
            soql = " ".join(parts[:-1])
            rows = self.org.query(soql) or []
            return [row[parts[1]] for row in rows]
        values = []
        while (part := self._take()) != ")":
            if part != ",":
                values.append(self._literal(part, False))
        return values

    def _literal(self, token: str, pattern: bool) -> Any:
        if token in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[token]
        if token.startswith("'"):
            return _like(token[1:-1]) if pattern else re.sub(r"\\(.)", r"\1", token[1:-1])
        if ISO.fullmatch(token):
            return token
        if re.fullmatch(r"-?\d+(\.\d+)?", token):
            return float(token)
        raise Refusal(400, "MALFORMED_QUERY", f"unexpected token: {token}")


def _like(pattern: str) -> str:
    out, at = "", 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\":
            at += 1
            out += re.escape(pattern[at])
        else:
            out += {"%": ".*", "_": "."}.get(sign, re.escape(sign))
        at += 1
    return out


def _attributes(kind: str, number: str) -> dict[str, Any]:
    return {"attributes": {"type": kind, "url": f"{ROOT}/sobjects/{kind}/{number}"}}


def _csv(rows: list[dict[str, Any]]) -> Response:
    out = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return Response(200, out.getvalue().encode(), {"content-type": "text/csv"})


def _envelope(inner: str, status: int) -> Response:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
        'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com" '
        f'xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body>{inner}</soapenv:Body></soapenv:Envelope>'
    )
    return Response(status, text.encode(), {"content-type": "text/xml;charset=UTF-8"})


def _fault(code: str, message: str) -> Response:
    inner = f"<faultcode>{code}</faultcode><faultstring>{escape(message)}</faultstring>"
    return _envelope(f"<soapenv:Fault>{inner}</soapenv:Fault>", 500)


def _result(**fields: str) -> Response:
    wrong = {name: fields.pop(name) for name in ("message", "statusCode") if name in fields}
    problem = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in wrong.items())
    parts = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items() if value)
    errors = f"<errors>{problem}</errors>" if problem else ""
    return _envelope(f"<convertLeadResponse><result>{errors}{parts}</result></convertLeadResponse>", 200)
