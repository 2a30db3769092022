"""Swagger 2.0 documents, judged as OpenAPI 3."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flotilla_testing import Request, Response
from flotilla_testing.openapi import OpenApi
from flotilla_testing.swagger import as_openapi

FILTER = "criteria[groups][0][filters][0][field]"
DOCUMENT: dict[str, Any] = {
    "swagger": "2.0",
    "host": "shop.example",
    "basePath": "/rest",
    "paths": {
        "/books": {
            "get": {
                "parameters": [
                    {"name": FILTER, "in": "query", "type": "string"},
                    {"name": "size", "in": "query", "type": "integer", "required": True},
                ],
                "responses": {"200": {"description": "", "schema": {"type": "array", "items": {"type": "string"}}}},
            },
            "post": {
                "parameters": [
                    {"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/wrapped"}}
                ],
                "responses": {"200": {"description": "", "schema": {"type": "integer"}}},
            },
        }
    },
    "definitions": {
        "wrapped": {"type": "object", "required": ["book"], "properties": {"book": {"$ref": "#/definitions/book"}}},
        "book": {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}},
    },
}
CONTRACT = OpenApi(as_openapi(DOCUMENT))


def request(method: str, query: str = "", body: Any = None) -> Request:
    content = json.dumps(body).encode() if body is not None else b""
    return Request(method, f"https://shop.example/rest/books{query}", {"content-type": "application/json"}, content)


@pytest.mark.parametrize("place", ["groups][0][filters][0", "groups][3][filters][12"])
def test_swagger_query_of_any_place_in_a_list(place: str) -> None:
    assert CONTRACT.problems(request("GET", f"?size=5&criteria[{place}][field]=title")) == []


def test_swagger_query_wrong() -> None:
    [problem] = CONTRACT.problems(request("GET", "?size=5&criteria[groups][0][filters][0][colour]=red"))
    assert problem.endswith("the query parameter criteria[groups][0][filters][0][colour] is unknown.")
    assert "size" in CONTRACT.problems(request("GET"))[0]


def test_swagger_body_follows_definitions() -> None:
    assert CONTRACT.problems(request("POST", body={"book": {"title": "Été"}})) == []
    assert "'title' is a required property" in CONTRACT.problems(request("POST", body={"book": {}}))[0]
    [problem] = CONTRACT.problems(request("POST", body={"book": {"title": "Été", "pages": 3}}))
    assert problem.endswith("the field book.pages is unknown.")


def test_swagger_answer() -> None:
    assert CONTRACT.answer_problems(request("GET", "?size=5"), Response.of(["Été"])) == []
    assert CONTRACT.answer_problems(request("GET", "?size=5"), Response.of([1])) != []
