"""Requests against a Discovery document: what it must find, and what it must let pass."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flotilla_testing import Request, Response
from flotilla_testing.discovery_doc import DiscoveryDocument

DOCUMENT: dict[str, Any] = {
    "kind": "discovery#restDescription",
    "rootUrl": "https://acme.example/",
    "servicePath": "acme/v1/",
    "parameters": {"fields": {"type": "string", "location": "query"}},
    "schemas": {
        "Thing": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "count": {"type": "string", "format": "int64"},
                "size": {"type": "integer", "format": "int32", "minimum": "1"},
                "at": {"type": "string", "format": "date-time"},
                "day": {"type": "string", "format": "date"},
                "raw": {"type": "string", "format": "byte"},
                "kind": {"type": "string", "enum": ["a", "b"]},
                "parts": {"type": "array", "items": {"$ref": "Thing"}},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "on": {"type": "boolean"},
            },
        }
    },
    "methods": {},
    "resources": {
        "things": {
            "methods": {
                "list": {
                    "id": "acme.things.list",
                    "path": "things",
                    "httpMethod": "GET",
                    "parameters": {
                        "max": {"type": "integer", "location": "query", "minimum": "1", "maximum": "50"},
                        "label": {"type": "string", "location": "query", "repeated": True},
                        "deep": {"type": "boolean", "location": "query"},
                        "q": {"type": "string", "location": "query", "required": True},
                    },
                    "response": {"$ref": "Thing"},
                },
                "create": {
                    "id": "acme.things.create",
                    "path": "things",
                    "httpMethod": "POST",
                    "request": {"$ref": "Thing"},
                    "response": {"$ref": "Thing"},
                    "mediaUpload": {"protocols": {"simple": {"path": "/upload/acme/v1/things"}}},
                },
                "patch": {
                    "id": "acme.things.patch",
                    "path": "things/{thing}",
                    "httpMethod": "PATCH",
                    "parameters": {"thing": {"type": "string", "location": "path", "required": True}},
                    "request": {"$ref": "Thing"},
                },
                "copy": {"id": "acme.things.copy", "path": "{+name}:copy", "httpMethod": "POST"},
            }
        }
    },
}
CONTRACT = DiscoveryDocument(DOCUMENT)


def request(method: str, path: str, body: Any = None, kind: str = "application/json") -> Request:
    content = b"" if body is None else json.dumps(body).encode()
    return Request(method, f"https://acme.example/{path}", {"content-type": kind} if content else {}, content)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "acme/v1/things?q=a&max=50&label=x&label=y&deep=true&fields=name", None),
        ("POST", "acme/v1/things", {"name": "é", "count": "9007199254740993", "size": 1, "on": False}),
        ("POST", "acme/v1/things", {"at": "2030-06-04T14:00:00+02:00", "day": "2030-06-04", "raw": "_-8="}),
        ("POST", "acme/v1/things", {"parts": [{"name": "a", "parts": []}], "labels": {"any": "thing"}}),
        ("POST", "upload/acme/v1/things", {"kind": "a"}),
        ("PATCH", "acme/v1/things/a%2Fb", {"name": None}),
        ("POST", "a/b/c:copy".replace("a/", "acme/v1/a/", 1), None),
    ],
)
def test_problems_none_for_a_fitting_request(method: str, path: str, body: Any) -> None:
    assert CONTRACT.problems(request(method, path, body)) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "wrong"),
    [
        ("GET", "acme/v1/thing?q=a", None, "is not in the contract"),
        ("DELETE", "acme/v1/things", None, "is not in the contract"),
        ("GET", "acme/v1/things", None, "the query parameter q is missing"),
        ("GET", "acme/v1/things?q=a&limit=3", None, "the query parameter limit is unknown"),
        ("GET", "acme/v1/things?q=a&q=b", None, "the query parameter q comes 2 times"),
        ("GET", "acme/v1/things?q=a&max=51", None, "more than 50"),
        ("GET", "acme/v1/things?q=a&max=ten", None, "no integer"),
        ("GET", "acme/v1/things?q=a&deep=True", None, "neither true nor false"),
        ("GET", "acme/v1/things?q=a", {"name": "x"}, "a body is sent where none is wanted"),
        ("POST", "acme/v1/things", {"nam": "x"}, "the field nam is unknown"),
        ("POST", "acme/v1/things", {"parts": [{"nam": "x"}]}, "the field parts[].nam is unknown"),
        ("POST", "acme/v1/things", {"name": 3}, "the field name is 3, no string"),
        ("POST", "acme/v1/things", {"name": None}, "the field name is null"),
        ("POST", "acme/v1/things", {"count": 3}, "the field count is 3, no string"),
        ("POST", "acme/v1/things", {"count": "many"}, "no int64"),
        ("POST", "acme/v1/things", {"size": True}, "no integer"),
        ("POST", "acme/v1/things", {"size": 0}, "less than 1"),
        ("POST", "acme/v1/things", {"at": "2030-06-04T14:00:00"}, "a time without an offset"),
        ("POST", "acme/v1/things", {"at": "Tuesday"}, "no date-time"),
        ("POST", "acme/v1/things", {"day": "2030-06-31"}, "no date"),
        ("POST", "acme/v1/things", {"raw": "+/8="}, "not in the base64url alphabet"),
        ("POST", "acme/v1/things", {"kind": "c"}, "none of a, b"),
        ("POST", "acme/v1/things", {"labels": {"any": 1}}, "the field labels.any is 1, no string"),
        ("POST", "acme/v1/things", {"parts": {}}, "no array"),
        ("POST", "acme/v1/things", {"labels": []}, "no object"),
        ("PATCH", "acme/v1/things/a", {"size": "1"}, "no integer"),
    ],
)
def test_problems_of_a_request_that_does_not_fit(method: str, path: str, body: Any, wrong: str) -> None:
    (message,) = CONTRACT.problems(request(method, path, body))
    assert message.startswith(f"{method} /{path.partition('?')[0]}")
    assert wrong in message


def test_problems_of_another_host_and_content_type() -> None:
    elsewhere = Request("GET", "https://evil.example/acme/v1/things?q=a", {})
    assert CONTRACT.problems(elsewhere) == ["GET /acme/v1/things is not in the contract."]
    form = request("POST", "acme/v1/things", {"name": "x"}, "application/x-www-form-urlencoded")
    assert "not application/json" in CONTRACT.problems(form)[0]


def test_answer_problems_of_recorded_responses() -> None:
    """Recorded responses must not be wishful."""
    asked = request("GET", "acme/v1/things?q=a")
    assert CONTRACT.answer_problems(asked, Response.of({"name": "x"})) == []
    assert "the field nam is unknown" in CONTRACT.answer_problems(asked, Response.of({"nam": "x"}))[0]
    assert CONTRACT.answer_problems(asked, Response.of({"error": {}}, 404)) == []
