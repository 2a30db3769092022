"""The parts of flotilla_testing: a vendor that fails on demand, arguments that fit, contracts that are kept."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from jsonschema import Draft202012Validator

from flotilla_servers.calendly.server import server
from flotilla_testing import (
    FakeVendor,
    Process,
    RecordedResponses,
    Recorder,
    Request,
    Response,
    client,
    connect,
    environment,
    faults,
    raw,
    tools_of,
)
from flotilla_testing.arguments import broken_sets, examples_of, valid_sets, value
from flotilla_testing.client import REVISIONS
from flotilla_testing.contract import specs
from flotilla_testing.openapi import OpenApi

ANSWERS = RecordedResponses(
    {
        "GET /things": {"json": [1]},
        "GET /things?page=2": {"json": [2]},
        "GET /things/{id}": {"json": {"id": "any"}},
        "GET /things/first": {"json": {"id": "first"}},
        "DELETE /things/{id}": {"status": 204},
        "GET /page": {"text": "words", "headers": {"Content-Type": "text/plain", "X-Left": 3}},
    }
)


@pytest.fixture
def vendor() -> Iterator[FakeVendor]:
    with FakeVendor(ANSWERS) as running:
        yield running


@pytest.fixture
def http(vendor: FakeVendor) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=vendor.url, trust_env=False, timeout=1) as connected:
        yield connected


# -- the fake vendor --------------------------------------------------------------------------------------------------


def test_vendor_most_specific_route_responds(http: httpx.Client) -> None:
    assert http.get("/things").json() == [1]
    assert http.get("/things?page=2&limit=9").json() == [2]
    assert http.get("/things/first").json() == {"id": "first"}
    assert http.get("/things/a%2Fb").json() == {"id": "any"}
    assert http.get("/things/a/b").status_code == 404
    assert http.post("/things").status_code == 404
    assert http.delete("/things/x").status_code == 204
    page = http.get("/page")
    assert (page.text, page.headers["x-left"], page.headers["content-type"]) == ("words", "3", "text/plain")


def test_vendor_records_whole_requests(vendor: FakeVendor, http: httpx.Client) -> None:
    http.post("/things?a=1&a=%C3%A9&b=", json={"nom": "Zoé"}, headers={"X-Key": "k"})
    seen = vendor.requests[0]
    assert (seen.method, seen.path, seen.query) == ("POST", "/things", [("a", "1"), ("a", "é"), ("b", "")])
    assert seen.json() == {"nom": "Zoé"}
    assert seen.headers["x-key"] == "k"
    http.post("/things", content=iter([b"in ", b"chunks"]))
    assert vendor.requests[1].body == b"in chunks"


def test_faults_occur_as_planned(vendor: FakeVendor, http: httpx.Client) -> None:
    vendor.fails(faults.status(503), times=2, after=1)
    assert [http.get("/things").status_code for _ in range(4)] == [200, 503, 503, 200]
    vendor.fails(faults.status(500), method="write")
    assert http.get("/things").status_code == 200
    assert http.delete("/things/1").status_code == 500
    vendor.recovers()
    assert vendor.requests == []
    assert http.delete("/things/1").status_code == 204


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (faults.cut(), httpx.RemoteProtocolError),
        (faults.broken(), httpx.ReadError),
        (faults.hang(5), httpx.ReadTimeout),
    ],
)
def test_faults_broken_connections(
    vendor: FakeVendor, http: httpx.Client, fault: faults.Fault, raised: type[Exception]
) -> None:
    vendor.fails(fault, times=1)
    with pytest.raises(raised):
        http.get("/things", timeout=0.2)
    assert len(vendor.requests) == 1  # it had arrived
    assert http.get("/things").json() == [1]


def test_faults_odd_responses(vendor: FakeVendor, http: httpx.Client) -> None:
    vendor.fails(faults.bad_json(), times=1)
    with pytest.raises(ValueError, match="Unterminated"):
        http.get("/things").json()
    vendor.fails(faults.html(502), times=1)
    assert "<h1>" in http.get("/things").text
    vendor.fails(faults.redirect("http://other.example/x", 307), times=1)
    moved = http.get("/things")
    assert (moved.status_code, moved.headers["location"]) == (307, "http://other.example/x")
    vendor.fails(faults.zipped(), times=1)
    zipped = http.get("/things")
    assert (zipped.json(), zipped.headers["content-encoding"]) == ([1], "gzip")
    vendor.fails(faults.huge(3_000_000), times=1)
    assert len(http.get("/things").content) > 3_000_000
    vendor.fails(faults.huge(3_000_000, compressed=True), times=1)
    small = http.get("/things")
    assert int(small.headers["content-length"]) < 50_000 < len(small.content)
    vendor.fails(faults.drip(0.03), times=1)
    assert http.get("/things").json() == [1]


def test_faults_rate_retry_after_as_seconds_and_date(vendor: FakeVendor, http: httpx.Client) -> None:
    """Retry-After is given in seconds or as a date."""
    vendor.fails(faults.rate(), times=1)
    vendor.fails(faults.rate(7), times=1)
    vendor.fails(faults.rate(60, date=True), times=1)
    message = [http.get("/things").headers.get("retry-after") for _ in range(3)]
    assert message[:2] == [None, "7"]
    assert 55 < parsedate_to_datetime(str(message[2])).timestamp() - time.time() < 61


async def test_recorder_responds_without_a_network() -> None:
    recorder = Recorder(ANSWERS)
    async with httpx.AsyncClient(transport=recorder) as http:
        assert (await http.get("https://vendor.example/things/7")).json() == {"id": "any"}
    assert [(r.method, r.url) for r in recorder.requests] == [("GET", "https://vendor.example/things/7")]


# -- clients ----------------------------------------------------------------------------------------------------------


async def test_raw_every_revision_gets_the_same_list() -> None:
    wanted = [tool["name"] for tool in await tools_of(server)]
    for revision in REVISIONS:
        async with raw(server, revision) as session:
            assert session.agreed == revision
            listed = (await session.request("tools/list"))["result"]["tools"]
            assert [tool["name"] for tool in listed] == wanted
            assert (await session.request("no/such"))["error"]["code"] == -32601


async def test_client_with_and_without_elicitation() -> None:
    asked: list[str] = []
    async with connect("calendly", answer="decline") as session:
        await session.call_error("cancel_event", event="X")
        asked += session.asked
    assert len(asked) == 1
    async with client(server) as deaf:
        assert deaf.session is not None


def test_process_keeps_its_output() -> None:
    script = 'import sys; print(\'hello\'); print(\'{"jsonrpc": "2.0", "id": 1, "result": {}}\'); sys.exit(3)'
    with Process([sys.executable, "-c", script], {"A": "b"}) as process:
        assert process.answer(1)["result"] == {}
        assert process.ended() == 3
        assert process.impure() == [b"hello\n"]
    with Process([sys.executable, "-c", "import time; time.sleep(60)"]) as stuck:
        with pytest.raises(TimeoutError):
            stuck.answer(stuck.ask("ping"), timeout=0.2)
        assert stuck.ended(0.2) == -9


# -- arguments --------------------------------------------------------------------------------------------------------

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name", "tags"],
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 9, "examples": ["vase"]},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 2, "examples": [["a"]]},
        "when": {"type": "string", "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "email": {"type": "string", "format": "email"},
        "count": {"type": "integer", "minimum": 1, "maximum": 5},
        "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "open": {"type": "boolean"},
        "size": {"type": "object", "properties": {"width": {"type": "integer"}}, "required": ["width"]},
        "extra": {"type": "object", "additionalProperties": {"type": "number"}},
        "either": {"anyOf": [{"type": "integer", "minimum": 3}, {"type": "string", "enum": ["all"]}]},
        "code": {"type": "string", "pattern": "^x[0-9]$", "examples": ["x1"]},
        "dry_run": {"type": "boolean"},
    },
    "additionalProperties": False,
}
TOOL = {"name": "shelf_create_thing", "inputSchema": SCHEMA}


def test_valid_sets_are_valid_and_deterministic() -> None:
    checker = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
    sets = valid_sets(TOOL, 300)
    for arguments in sets:
        checker.validate(arguments)
    assert {name for arguments in sets for name in arguments} == set(SCHEMA["properties"]) - {"dry_run"}
    assert sets == valid_sets(TOOL, 300)
    assert sets != valid_sets(TOOL, 300, seed=2)


def test_broken_sets_are_mostly_invalid() -> None:
    checker = Draft202012Validator(SCHEMA)
    sets = broken_sets(TOOL, 300)
    assert sum(not checker.is_valid(arguments) for arguments in sets) > 200
    assert any("name" not in arguments for arguments in sets)
    assert any(set(arguments) - set(SCHEMA["properties"]) for arguments in sets)


def test_examples_of_cover_every_choice() -> None:
    calls = list(examples_of(TOOL, {"count": 2}))
    assert calls[0] == {"name": "vase", "tags": ["a"], "count": 2}
    assert calls[-1] == {**calls[0], "code": "x1"}
    assert [call["open"] for call in calls if "open" in call] == [True, False]


def test_value_fits_each_schema() -> None:
    from random import Random

    rng = Random(1)
    for name, schema in SCHEMA["properties"].items():
        for _ in range(50):
            Draft202012Validator(schema).validate(value(schema, rng, name))


# -- contracts --------------------------------------------------------------------------------------------------------

BODY = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
        "free": {"type": "object"},
        "either": {"anyOf": [{"type": "object", "properties": {"a": {}}}, {"type": "object", "properties": {"b": {}}}]},
    },
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.0",
    "info": {"title": "Shelf", "version": "1"},
    "servers": [{"url": "https://shelf.example/v2"}],
    "components": {
        "schemas": {"Line": {"allOf": [{"type": "object", "properties": {"price": {"type": "number"}}}]}},
        "parameters": {"Page": {"name": "page", "in": "query", "schema": {"type": "integer"}}},
    },
    "paths": {
        "/things/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "parameters": [
                    {"$ref": "#/components/parameters/Page"},
                    {"name": "after", "in": "query", "schema": {"type": ["string", "null"]}},
                    {"name": "ids[]", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                ],
                "responses": {
                    "200": {
                        "description": "",
                        "content": {"application/json": {"schema": {"type": "object", "required": ["id"]}}},
                    }
                },
            },
            "put": {
                "requestBody": {"required": True, "content": {"application/json": {"schema": BODY}}},
                "responses": {"204": {"description": ""}},
            },
            "delete": {"responses": {"204": {"description": ""}}},
        },
        "/things/all": {"get": {"responses": {"200": {"description": ""}}}},
    },
}


def asked(method: str, path: str, body: bytes = b"") -> list[str]:
    """Return what is wrong with a request."""
    kind = {"content-type": "application/json"} if body else {}
    return OpenApi(DOCUMENT).problems(Request(method, f"https://shelf.example/v2{path}", kind, body))


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("GET", "/things/1?page=2&ids[]=a&ids[]=b", b"", ""),
        ("GET", "/things/1?after=x", b"", ""),
        ("GET", "/things/all", b"", ""),
        ("DELETE", "/things/1", b"", ""),
        ("PUT", "/things/1", b'{"name": "x", "lines": [{"price": 1}], "free": {"z": 1}, "either": {"b": 1}}', ""),
        ("GET", "/thing/1", b"", "GET /v2/thing/1 is not in the contract."),
        ("POST", "/things/1", b"", "is not in the contract"),
        ("GET", "/things/1/2", b"", "is not in the contract"),
        ("GET", "/things/1?page=two", b"", "page"),
        ("GET", "/things/1?pages=2", b"", "the query parameter pages is unknown"),
        ("GET", "/things/all?page=2", b"", "the query parameter page is unknown"),
        ("DELETE", "/things/1", b"{}", "a body is sent where none is wanted"),
        ("PUT", "/things/1", b"{}", "'name' is a required property"),
        ("PUT", "/things/1", b'{"name": 1}', "name 1 is not of type 'string'"),
        ("PUT", "/things/1", b'{"name": "x", "colour": "red"}', "the field colour is unknown"),
        ("PUT", "/things/1", b'{"name": "x", "lines": [{"prize": 1}]}', "the field lines[].prize is unknown"),
        ("PUT", "/things/1", b'{"name": "x", "lines": [{"price": "1"}]}', "is not of type 'number'"),
        ("PUT", "/things/1", b'{"name": "x", "either": {"c": 1}}', "the field either.c is unknown"),
        ("PUT", "/things/1", b"", "body"),
    ],
)
def test_openapi_problems_of_requests(method: str, path: str, body: bytes, message: str) -> None:
    result = " ".join(asked(method, path, body))
    assert (message in result) if message else not result


def test_openapi_unknown_fields_of_json_api() -> None:
    kind = "application/vnd.api+json"
    paths = {"/things": {"post": {"requestBody": {"content": {kind: {"schema": BODY}}}, "responses": {}}}}
    request = Request("POST", "https://shelf.example/v2/things", {"content-type": kind}, b'{"name": "x", "colour": 1}')
    result = OpenApi({**DOCUMENT, "paths": paths}).problems(request)
    assert result == ["POST /v2/things: the field colour is unknown."]


def test_openapi_problems_of_responses() -> None:
    contract = OpenApi(DOCUMENT)
    request = Request("GET", "https://shelf.example/v2/things/1", {})
    assert contract.answer_problems(request, Response.of({"id": "1"})) == []
    assert "'id' is a required property" in contract.answer_problems(request, Response.of({}))[0]
    assert contract.answer_problems(request, Response.of({"id": "1"}, 418))


def test_openapi_document_for_another_address() -> None:
    contract = OpenApi(DOCUMENT, "http://localhost:8080/api")
    assert contract.problems(Request("GET", "http://localhost:8080/api/things/all", {})) == []
    assert contract.problems(Request("GET", "http://localhost:8080/v2/things/all", {}))


def test_route_fits_fields_of_a_form() -> None:
    answers = RecordedResponses({"POST /list": {"text": "first"}, "POST /list?cursor=two": {"text": "second"}})
    form = {"content-type": "application/x-www-form-urlencoded"}
    for body, text in ((b"limit=2", b"first"), (b"limit=2&cursor=two", b"second")):
        assert answers.to(Request("POST", "https://acme.example/list", form, body)).body == text


def test_environment_keeps_where_the_contracts_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOTILLA_SPECS", str(tmp_path))
    monkeypatch.setenv("FLOTILLA_TIER", "all")
    with environment(server):
        assert specs() == tmp_path
        assert "FLOTILLA_TIER" not in os.environ


def test_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken away, what was changed, and what came on top in between."""
    monkeypatch.setenv("CALENDLY_TOKEN", "own")
    monkeypatch.setenv("SHARED", "before")
    monkeypatch.delenv("FLOTILLA_STATE", raising=False)
    before = dict(os.environ)
    with environment(server, SHARED="within"):
        assert (os.environ["SHARED"], "CALENDLY_TOKEN" in os.environ) == ("within", False)
        os.environ["MORE"] = "x"
    assert dict(os.environ) == before
