"""A HubSpot on loopback that remembers: what is created is found, duplicates and bad requests are refused as HubSpot
refuses them. Built to the published contract, which test_story.py holds against every answer.

    with running() as (hubspot, vendor):              # vendor.url is where it listens, vendor.fails(…) cuts it off
        hubspot.call_error(Response.of({…}, 429), after=1)  # the second request is refused, and not carried out
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from flotilla_testing.fake_vendor import FakeVendor
from flotilla_testing.responses import RecordedResponses, Request, Response

FIXTURES = Path(__file__).parent / "fixtures"
TOKEN = "pat-eu1-fake-token"
KINDS = ("contacts", "companies", "deals", "tickets", "notes", "tasks", "calls")
ONE = {"companies": "company", **{kind: kind[:-1] for kind in KINDS if kind != "companies"}}
NEEDED = {"notes": ["hs_timestamp"], "tasks": ["hs_timestamp"], "calls": ["hs_timestamp"]}
# The vendor's published ids of unlabelled associations, written down here a second time on purpose.
UNLABELLED = {
    449: ("contacts", "contacts"), 279: ("contacts", "companies"), 4: ("contacts", "deals"),
    15: ("contacts", "tickets"), 280: ("companies", "contacts"), 450: ("companies", "companies"),
    342: ("companies", "deals"), 340: ("companies", "tickets"), 3: ("deals", "contacts"),
    341: ("deals", "companies"), 451: ("deals", "deals"), 27: ("deals", "tickets"), 16: ("tickets", "contacts"),
    339: ("tickets", "companies"), 28: ("tickets", "deals"), 452: ("tickets", "tickets"),
    202: ("notes", "contacts"), 190: ("notes", "companies"), 214: ("notes", "deals"), 228: ("notes", "tickets"),
    204: ("tasks", "contacts"), 192: ("tasks", "companies"), 216: ("tasks", "deals"), 230: ("tasks", "tickets"),
    194: ("calls", "contacts"), 182: ("calls", "companies"), 206: ("calls", "deals"), 220: ("calls", "tickets"),
}  # fmt: skip


class Refusal(Exception):  # noqa: N818 - becomes an answer
    """An error response."""

    def __init__(self, status: int, category: str, message: str, **more: Any) -> None:
        super().__init__(message)
        body = {"status": "error", "message": message, "correlationId": "fake", "category": category, **more}
        self.answer = Response.of(body, status)


def fixture(name: str) -> Any:
    """Return a recorded answer."""
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


class FakeHubSpot(RecordedResponses):
    """The portal. `records` are by kind and id, `links` pairs of (kind, id); `lag` hides what is new from searches."""

    def __init__(self) -> None:
        super().__init__(folder=FIXTURES)
        self.records: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in KINDS}
        self.links: set[tuple[str, str, str, str]] = set()
        self.lag = False
        self.seen_answers: list[tuple[Request, Response]] = []
        self.segments: dict[str, dict[str, Any]] = {}
        self.tokens = {TOKEN}
        self.refreshed: list[dict[str, str]] = []
        self._plans: list[list[Any]] = []
        self._next = 100
        self._lock = threading.Lock()

    def call_error(self, answer: Response, *, after: int = 0, times: int = 1, method: str = "") -> None:
        """Give this answer instead of carrying a request out, once `after` of them went well."""
        self._plans.append([answer, after, times, method])

    # -- RecordedResponses
    # ----------------------------------------------------------------------------------------------------

    def seen(self, request: Request) -> Request:
        """Mark what only asks."""
        return replace(request, asks=request.path.endswith(("/search", "/batch/read", "/access-token-info")))

    def to(self, request: Request) -> Response:
        """Carry a request out."""
        with self._lock:
            answer = self._refused(request) or self._carried_out(request)
            self.seen_answers.append((request, answer))
            return answer

    def _refused(self, request: Request) -> Response | None:
        for plan in self._plans:
            answer, after, times, method = plan
            if not times or method not in ("", request.method):
                continue
            plan[1 if after else 2] -= 1
            if not after:
                return Response(answer.status, answer.body, answer.headers)
        return None

    def _carried_out(self, request: Request) -> Response:
        try:
            if request.path == "/oauth/v3/token":
                return self._token(request)
            if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
                raise Refusal(401, "EXPIRED_AUTHENTICATION", "The access token is expired or invalid.")
            for method, pattern, do in self._routes():
                match = re.fullmatch(pattern, request.path)
                if match and method == request.method:
                    return Response.of(*do(request, *match.groups()))
            raise Refusal(404, "OBJECT_NOT_FOUND", f"Nothing at {request.method} {request.path}")
        except Refusal as refusal:
            return refusal.answer

    def _routes(self) -> list[tuple[str, str, Any]]:
        kind, thing = "(" + "|".join(KINDS) + ")", "([^/]+)"
        return [
            ("GET", f"/crm/v3/properties/{kind}", lambda r, k: (fixture(f"properties_{k}.json"), 200)),
            ("GET", f"/crm/v3/pipelines/{kind}", lambda r, k: (fixture(f"pipelines_{k}.json"), 200)),
            ("GET", "/crm/v3/owners/", self._owners),
            ("POST", "/oauth/v2/private-apps/get/access-token-info", self._token_info),
            ("POST", "/crm/v3/lists/search", self._segments),
            ("GET", f"/crm/v3/lists/{thing}", self._segment),
            ("GET", f"/crm/v3/lists/{thing}/memberships", self._members),
            ("PUT", f"/crm/v3/lists/{thing}/memberships/(add|remove)", self._change_members),
            ("POST", f"/crm/v3/objects/{kind}/merge", self._merge),
            ("DELETE", f"/crm/v3/objects/{kind}/{thing}", self._delete),
            ("POST", f"/crm/v3/objects/{kind}/search", self._search),
            ("POST", f"/crm/v3/objects/{kind}/batch/read", self._batch_read),
            ("POST", f"/crm/v3/objects/{kind}", self._create),
            ("GET", f"/crm/v3/objects/{kind}/{thing}", self._get),
            ("PATCH", f"/crm/v3/objects/{kind}/{thing}", self._update),
            ("POST", f"/crm/v4/associations/{kind}/{kind}/batch/associate/default", self._associate),
        ]

    # -- what it does -----------------------------------------------------------------------------------------------

    def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.refreshed.append(form)
        if form.get("grant_type") != "refresh_token" or form.get("client_secret") != "shh-4711":
            return Response.of(
                {"status": "error", "error": "invalid_client", "message": "missing or unknown client"}, 400
            )
        token = f"access-{len(self.refreshed)}"
        self.tokens = {token}
        return Response.of(
            {"access_token": token, "refresh_token": form["refresh_token"], "expires_in": 1800, "token_type": "bearer"}
        )

    def _owners(self, request: Request) -> tuple[Any, int]:
        email = dict(request.query).get("email")
        rows = [*fixture("owners.json")["results"], *fixture("owners_last.json")["results"]]
        return {"results": [row for row in rows if email in (None, row["email"])]}, 200

    def _token_info(self, request: Request) -> tuple[Any, int]:
        if request.json() != {"tokenKey": TOKEN}:
            raise Refusal(400, "VALIDATION_ERROR", "the token is not known")
        return {"userId": 1071, "hubId": 12345, "appId": 7, "scopes": ["oauth"]}, 200

    def _delete(self, request: Request, kind: str, thing: str) -> tuple[Any, int]:
        self.records[kind].pop(thing, None)
        return None, 204

    def _merge(self, request: Request, kind: str) -> tuple[Any, int]:
        body = request.json()
        first, second = body["primaryObjectId"], body["objectIdToMerge"]
        if first == second or not {first, second} <= set(self.records[kind]):
            raise Refusal(400, "VALIDATION_ERROR", "two records of this kind are needed")
        stays, gone = self.records[kind][first], self.records[kind].pop(second)
        stays["properties"] = {**gone["properties"], **stays["properties"]}
        for end in KINDS:
            for other in self.linked(kind, second, end):
                self._link(kind, first, end, other)
        return stays, 200

    def add_segment(self, number: str, name: str, processing: str = "MANUAL", kind: str = "0-1") -> None:
        """Make a segment, without members."""
        stamp = "2030-01-05T08:00:00Z"
        self.segments[number] = {
            "members": [],
            "listId": number,
            "listVersion": 1,
            "name": name,
            "objectTypeId": kind,
            "processingStatus": "COMPLETE",
            "processingType": processing,
            "createdAt": stamp,
            "updatedAt": stamp,
        }

    def _list(self, number: str) -> dict[str, Any]:
        if number not in self.segments:
            raise Refusal(404, "OBJECT_NOT_FOUND", f"List does not exist with ID {number}.")
        return self.segments[number]

    def _segments(self, request: Request) -> tuple[Any, int]:
        body = request.json()
        start, count = body["offset"], body.get("count", 20)
        if count > 500:
            raise Refusal(400, "VALIDATION_ERROR", "count is at most 500")
        rows = [
            {**{k: v for k, v in one.items() if k != "members"}, "additionalProperties": {"hs_list_size": "0"}}
            for one in self.segments.values()
            if (body.get("query") or "").lower() in one["name"].lower()
        ]
        page = rows[start : start + count]
        more = start + count < len(rows)
        return {"lists": page, "hasMore": more, "offset": start + len(page), "total": len(rows)}, 200

    def _segment(self, request: Request, number: str) -> tuple[Any, int]:
        one = self._list(number)
        return {"list": {**{k: v for k, v in one.items() if k != "members"}, "size": len(one["members"])}}, 200

    def _members(self, request: Request, number: str) -> tuple[Any, int]:
        query = dict(request.query)
        start, limit = int(query.get("after", 0)), int(query.get("limit", 100))
        rows = self._list(number)["members"]
        more = {"paging": {"next": {"after": str(start + limit)}}} if start + limit < len(rows) else {}
        page = [{"recordId": i, "membershipTimestamp": "2030-01-05T08:00:00Z"} for i in rows[start : start + limit]]
        return {"results": page, **more}, 200

    def _change_members(self, request: Request, number: str, action: str) -> tuple[Any, int]:
        one, ids = self._list(number), request.json()
        if one["processingType"] == "DYNAMIC":
            raise Refusal(400, "VALIDATION_ERROR", "Membership of a DYNAMIC list cannot be changed.")
        members: list[str] = one["members"]
        missing = [i for i in ids if i not in self.records["contacts"]]
        touched = [i for i in ids if i not in missing and (i in members) == (action == "remove")]
        one["members"] = [*members, *touched] if action == "add" else [i for i in members if i not in touched]
        added, removed = (touched, []) if action == "add" else ([], touched)
        return {"recordsIdsAdded": added, "recordsIdsRemoved": removed, "recordIdsMissing": missing}, 200

    def _valid(self, kind: str, properties: Mapping[str, Any]) -> None:
        path = FIXTURES / f"properties_{kind}.json"
        known = {row["name"]: row for row in fixture(path.name)["results"]} if path.is_file() else None
        for name, value in properties.items():
            if not isinstance(value, str):
                raise Refusal(400, "VALIDATION_ERROR", f"{name} must be a string")
            if known is None or kind in NEEDED:
                continue
            if name not in known:
                raise Refusal(400, "VALIDATION_ERROR", f'Property "{name}" does not exist')
            self._typed(known[name]["type"], name, value)
            allowed = {option["value"] for option in known[name]["options"]}
            if allowed and not set(value.split(";") if value else ()) <= allowed:
                raise Refusal(400, "VALIDATION_ERROR", f"{value} was not one of the allowed options: {allowed}")
        if lacking := [name for name in NEEDED.get(kind, ()) if name not in properties]:
            raise Refusal(400, "VALIDATION_ERROR", f"Required properties are missing: {lacking}")

    @staticmethod
    def _typed(kind: str, name: str, value: str) -> None:
        """Refuse a number, a day or a time that is none."""
        number = re.fullmatch(r"-?\d+(\.\d+)?", value)
        day = re.fullmatch(r"\d{4}-\d\d-\d\d", value)
        moment = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z", value)
        milliseconds = re.fullmatch(r"-?\d+", value)
        right = {"number": number, "date": day or milliseconds, "datetime": moment or milliseconds}
        if value and kind in right and not right[kind]:
            raise Refusal(400, "VALIDATION_ERROR", f"{value} was not a valid {kind} ({name})")

    def _staged(self, kind: str, properties: Mapping[str, Any]) -> None:
        """Refuse a stage that is not one of its pipeline."""
        pipeline, stage = ("pipeline", "dealstage") if kind == "deals" else ("hs_pipeline", "hs_pipeline_stage")
        if kind not in ("deals", "tickets") or not properties.get(stage):
            return
        rows = fixture(f"pipelines_{kind}.json")["results"]
        own = next((row for row in rows if row["id"] == properties.get(pipeline)), None)
        if own is None or properties[stage] not in [step["id"] for step in own["stages"]]:
            raise Refusal(400, "VALIDATION_ERROR", f"{properties[stage]} is not a stage of this pipeline")

    @staticmethod
    def _shown(record: dict[str, Any], asked: list[str]) -> dict[str, Any]:
        """Return a record with the properties that were asked for, and those that HubSpot always adds."""
        always = {"hs_object_id": record["id"], "createdate": record["createdAt"]}
        properties = {**always, **{name: value for name, value in record["properties"].items() if name in asked}}
        return {**record, "properties": properties}

    def _create(self, request: Request, kind: str) -> tuple[Any, int]:
        reported = request.json()
        self._valid(kind, reported["properties"])
        self._staged(kind, reported["properties"])
        email = reported["properties"].get("email")
        for other in self.records["contacts"].values() if kind == "contacts" and email else ():
            if other["properties"].get("email", "").lower() == email.lower():
                raise Refusal(409, "CONFLICT", f"Contact already exists. Existing ID: {other['id']}")
        pairs = []
        for link in reported.get("associations", []):
            for spec in link["types"]:
                start, end = UNLABELLED.get(spec["associationTypeId"], ("", ""))
                if start != kind or spec["associationCategory"] != "HUBSPOT_DEFINED":
                    raise Refusal(400, "VALIDATION_ERROR", f"{spec} is not an association type of {kind}")
                if link["to"]["id"] not in self.records[end]:
                    raise Refusal(404, "OBJECT_NOT_FOUND", f"{end} {link['to']['id']} does not exist")
                pairs.append((end, link["to"]["id"]))
        self._next += 1
        number, now = str(self._next), datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        saved = {name: value for name, value in reported["properties"].items() if value}
        record = {"id": number, "properties": saved, "createdAt": now, "updatedAt": now, "archived": False}
        self.records[kind][number] = record
        for end, other_id in pairs:
            self._link(kind, number, end, other_id)
        return record, 201

    def _link(self, kind: str, number: str, end: str, other: str) -> None:
        self.links |= {(kind, number, end, other), (end, other, kind, number)}

    def linked(self, kind: str, number: str, end: str) -> list[str]:
        """Return the ids of one kind that hang on a record."""
        return sorted(o for k, n, e, o in self.links if (k, n, e) == (kind, number, end))

    def _one(self, request: Request, kind: str, thing: str) -> dict[str, Any]:
        thing, by = thing.replace("%40", "@"), dict(request.query).get("idProperty")
        for record in self.records[kind].values():
            if thing == (record["properties"].get(by) if by else record["id"]):
                return record
        raise Refusal(404, "OBJECT_NOT_FOUND", f"Object not found. objectId are usually numeric: {thing}")

    def _get(self, request: Request, kind: str, thing: str) -> tuple[Any, int]:
        record, asked = self._one(request, kind, thing), [v for k, v in request.query if k == "associations"]
        result = {}
        for end in asked:
            rows = [{"id": i, "type": f"{ONE[kind]}_to_{ONE[end]}"} for i in self.linked(kind, record["id"], end)]
            if rows:
                result[end] = {"results": rows}
        wanted = [v for k, v in request.query if k == "properties"]
        return {**self._shown(record, wanted), **({"associations": result} if result else {})}, 200

    def _update(self, request: Request, kind: str, thing: str) -> tuple[Any, int]:
        record, properties = self._one(request, kind, thing), request.json()["properties"]
        self._valid(kind, properties)
        self._staged(kind, {**record["properties"], **properties})
        record["properties"] = {k: v for k, v in {**record["properties"], **properties}.items() if v}
        return record, 200

    def _search(self, request: Request, kind: str) -> tuple[Any, int]:
        reported = request.json()
        start, limit = int(reported.get("after") or 0), reported.get("limit", 10)
        if start + limit > 10_000:
            raise Refusal(400, "VALIDATION_ERROR", "Search results are limited to 10000.")
        rows = [] if self.lag else list(self.records[kind].values())
        if reported.get("query"):
            terms = reported["query"].lower().split()
            rows = [r for r in rows if all(w in " ".join(r["properties"].values()).lower() for w in terms)]
        if reported["filterGroups"]:
            rows = [
                r
                for r in rows
                if any(all(self._fits(kind, r, f) for f in g["filters"]) for g in reported["filterGroups"])
            ]
        for sort in reversed(reported.get("sorts") or []):
            name = sort.lstrip("-")
            rows.sort(key=lambda row: str(row["properties"].get(name, "")), reverse=sort.startswith("-"))
        page = [self._shown(row, reported.get("properties") or []) for row in rows[start : start + limit]]
        more = {"paging": {"next": {"after": str(start + limit)}}} if start + limit < len(rows) else {}
        return {"total": len(rows), "results": page, **more}, 200

    def _fits(self, kind: str, record: dict[str, Any], wanted: Mapping[str, Any]) -> bool:
        name, operator = wanted["propertyName"], wanted["operator"]
        if name.startswith("associations."):
            end = next(plural for plural, one in ONE.items() if one == name.split(".")[1])
            return wanted["value"] in self.linked(kind, record["id"], end)
        value = record["createdAt"] if name == "createdate" else record["properties"].get(name, "")
        if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
            return bool(value) == (operator == "HAS_PROPERTY")
        if operator == "IN":
            return value.lower() in wanted["values"]
        if operator == "NEQ":
            return bool(value.lower() != wanted["value"].lower())
        if not value:
            return False
        if operator == "CONTAINS_TOKEN":
            return wanted["value"].lower().strip("*") in value.lower()
        left, right = self._comparable(value), self._comparable(wanted["value"])
        if operator == "BETWEEN":
            return bool(right <= left <= self._comparable(wanted["highValue"]))
        compare = {
            "EQ": left == right,
            "GT": left > right,
            "GTE": left >= right,
            "LT": left < right,
            "LTE": left <= right,
        }
        if operator not in compare:
            raise Refusal(400, "VALIDATION_ERROR", f"{operator} is not an operator")
        return bool(compare[operator])

    @staticmethod
    def _comparable(value: str) -> Any:
        """Return a number or a time as a number, another text in small letters."""
        if re.fullmatch(r"-?\d+(\.\d+)?", value):
            return float(value)
        if re.match(r"\d{4}-\d\d-\d\d", value):
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
        return value.lower()

    def _batch_read(self, request: Request, kind: str) -> tuple[Any, int]:
        asked = [row["id"] for row in request.json()["inputs"]]
        wanted = request.json()["properties"]
        result = [self._shown(self.records[kind][i], wanted) for i in asked if i in self.records[kind]]
        return self._batch(result, [f"{kind} {i} does not exist" for i in asked if i not in self.records[kind]])

    def _associate(self, request: Request, kind: str, end: str) -> tuple[Any, int]:
        done, wrong = [], []
        number = next(i for i, (s, e) in UNLABELLED.items() if (s, e) == (kind, end))
        for pair in request.json()["inputs"]:
            start, other = pair["from"]["id"], pair["to"]["id"]
            if start in self.records[kind] and other in self.records[end]:
                self._link(kind, start, end, other)
                spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}
                done.append({"from": {"id": start}, "to": {"id": other}, "associationSpec": spec})
            else:
                wrong.append(f"{end} {other} does not exist")
        return self._batch(done, wrong)

    def _batch(self, results: list[Any], wrong: list[str]) -> tuple[Any, int]:
        """Response a batch: 207 where some of it failed."""
        now = "2030-01-01T00:00:00Z"
        reported = {"status": "COMPLETE", "startedAt": now, "completedAt": now, "results": results}
        if not wrong:
            return reported, 200
        more = {"status": "error", "category": "OBJECT_NOT_FOUND", "context": {}, "links": {}, "errors": []}
        return {**reported, "numErrors": len(wrong), "errors": [{**more, "message": message} for message in wrong]}, 207


@contextmanager
def running() -> Iterator[tuple[FakeHubSpot, FakeVendor]]:
    """Start it on loopback."""
    hubspot = FakeHubSpot()
    with FakeVendor(hubspot) as vendor:
        yield hubspot, vendor
