"""Requests and answers against a GraphQL schema."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flotilla_testing import Request, Response
from flotilla_testing.graphql_schema import GraphQLDocument
from flotilla_testing.responses import RecordedResponses

SDL = """
type Query { thing(id: ID!): Thing, node(id: ID!): Node, old: String @deprecated(reason: "Use thing.") }
interface Node { id: ID! }
type Thing implements Node { id: ID!, name: String!, tags: [String!]!, size: Size }
enum Size { SMALL LARGE }
"""
THING = "query Thing($id: ID!) { thing(id: $id) { id name tags size } }"
NODE = "query Node($id: ID!) { node(id: $id) { id ... on Thing { name } } }"


@pytest.fixture(scope="module")
def schema() -> GraphQLDocument:
    return GraphQLDocument(SDL)


def request(query: str, variables: dict[str, Any] | None = None, **more: Any) -> Request:
    body = {"query": query, "variables": variables or {}, **more}
    headers = {"content-type": "application/json"}
    return Request("POST", "https://api.example/graphql.json", headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("query", "variables", "problem"),
    [
        ("query Thing($id: ID!) { thing(id: $id) { colour } }", {"id": "1"}, "Cannot query field 'colour'"),
        ("{ old }", {}, "The field Query.old is deprecated. Use thing."),
        ("{ thing", {}, "Syntax Error"),
        (THING, {}, "Variable '$id' has invalid value"),
        (THING, {"id": "1", "size": "SMALL"}, "The variable size is not declared."),
    ],
)
def test_problems_of_a_request(schema: GraphQLDocument, query: str, variables: dict[str, Any], problem: str) -> None:
    assert problem in "\n".join(schema.problems(request(query, variables)))


def test_problems_none_of_a_good_request(schema: GraphQLDocument) -> None:
    assert schema.problems(request(THING, {"id": "1"}, operationName="Thing")) == []
    assert schema.problems(request(NODE, {"id": "1"})) == []


@pytest.mark.parametrize(
    ("thing", "problem"),
    [
        ({"id": "1", "name": None, "tags": [], "size": None}, "Cannot return null for non-nullable field Thing.name."),
        ({"id": "1", "tags": [], "size": None}, "thing.name: the field is missing"),
        ({"id": "1", "name": "a", "tags": [], "size": "HUGE"}, "Enum 'Size' cannot represent value: 'HUGE'"),
        ({"id": "1", "name": "a", "tags": [], "size": None, "colour": "red"}, "thing.colour, which was not asked for."),
    ],
)
def test_answer_problems(schema: GraphQLDocument, thing: dict[str, Any], problem: str) -> None:
    answer = Response.of({"data": {"thing": thing}})
    assert problem in "\n".join(schema.answer_problems(request(THING, {"id": "1"}), answer))


def test_answer_problems_none_of_a_good_answer(schema: GraphQLDocument) -> None:
    thing = {"id": "1", "name": "a", "tags": ["b"], "size": "SMALL"}
    assert schema.answer_problems(request(THING, {"id": "1"}), Response.of({"data": {"thing": thing}})) == []
    node = {"id": "1", "name": "a"}
    assert schema.answer_problems(request(NODE, {"id": "1"}), Response.of({"data": {"node": node}})) == []
    assert schema.answer_problems(request(NODE, {"id": "1"}), Response.of({"data": {"node": None}})) == []


def test_recorded_answer_by_a_variable() -> None:
    answers = RecordedResponses(
        {
            "POST /graphql.json?operationName=Thing": {"json": {"page": 1}},
            "POST /graphql.json?operationName=Thing&variables.after=two": {"json": {"page": 2}},
        }
    )
    first = answers.to(request(THING, {"id": "1"}, operationName="Thing"))
    second = answers.to(request(THING, {"after": "two"}, operationName="Thing"))
    assert (json.loads(first.body), json.loads(second.body)) == ({"page": 1}, {"page": 2})
