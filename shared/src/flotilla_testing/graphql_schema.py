"""Requests against a GraphQL schema (SDL): graphql-core validates the document, its variables and the answer to it.

https://spec.graphql.org/October2021/#sec-Validation
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.execution import get_variable_values
from graphql.validation import NoDeprecatedCustomRule

from flotilla_testing.responses import Request, Response


class GraphQLDocument:
    """The schema of one vendor. Building one of 25,000 lines takes two seconds, so it is done when it is asked."""

    def __init__(self, sdl: str) -> None:
        self._sdl = sdl
        self._known: dict[str, list[str]] = {}  # what is wrong, by document: a server has few

    @cached_property
    def schema(self) -> GraphQLSchema:
        """The schema."""
        return build_schema(self._sdl, assume_valid=True, no_location=True)

    def knows(self, request: Request) -> bool:
        """Tell whether it is a GraphQL request."""
        return request.method == "POST" and request.path.endswith(("/graphql", "/graphql.json"))

    def problems(self, request: Request) -> list[str]:
        """Return what is wrong with a request, in sentences."""
        if not self.knows(request):
            return [f"{request.method} {request.path}: this is not a GraphQL request."]
        body = request.json()
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            return [f"{request.method} {request.path}: the body has no query."]
        name = str(body.get("operationName") or "the operation")
        if unknown := set(body) - {"query", "operationName", "variables", "extensions"}:
            return [f"{name}: the body has unknown fields: {', '.join(sorted(unknown))}."]
        if wrong := self.document_problems(body["query"]):
            return [f"{name}: {problem}" for problem in wrong]
        operation = get_operation_ast(_parsed(body["query"]), body.get("operationName"))
        if operation is None:
            return [f"{name}: the document has no such operation."]
        return [f"{name}: {problem}" for problem in self._variables(operation, body.get("variables") or {})]

    def document_problems(self, document: str) -> list[str]:
        """Return what is wrong with a document by itself: unknown and deprecated fields and arguments, wrong types."""
        if document not in self._known:
            try:
                wrong = validate(self.schema, parse(document), [*specified_rules, NoDeprecatedCustomRule])
            except GraphQLError as error:
                wrong = [error]
            self._known[document] = [error.message for error in wrong]
        return self._known[document]

    def _variables(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> list[str]:
        declared = {definition.variable.name.value for definition in operation.variable_definitions or ()}
        unknown = [f"The variable {name} is not declared." for name in sorted(set(variables) - declared)]
        values = get_variable_values(self.schema, list(operation.variable_definitions or ()), dict(variables))
        return unknown + ([error.message for error in values] if isinstance(values, list) else [])

    def answer_problems(self, request: Request, answer: Response) -> list[str]:
        """Return what is wrong with an answer: fields that are missing, of another type, or were not asked for."""
        body, data = request.json(), Request("POST", "", {}, answer.body).json()
        if answer.status != 200 or not isinstance(data, dict) or not isinstance(data.get("data"), dict):
            return []
        name = str(body.get("operationName") or "the operation")
        result = execute_sync(
            self.schema,
            _parsed(body["query"]),
            root_value=data["data"],
            variable_values=body.get("variables") or {},
            operation_name=body.get("operationName"),
            field_resolver=_answered,
            type_resolver=_type_of,
        )
        assert isinstance(result, ExecutionResult)
        if result.errors:
            return [
                f"{name}: the answer at {'.'.join(map(str, error.path or []))}: {error.message}"
                for error in result.errors
            ]
        return [
            f"{name}: the answer has {where}, which was not asked for." for where in _extra(data["data"], result.data)
        ]


@lru_cache(1000)
def _parsed(document: str) -> DocumentNode:
    return parse(document)


def _answered(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """Return what the answer holds for a field, by its alias; raises GraphQLError where there is nothing."""
    key = info.path.key
    if key not in source:
        raise GraphQLError("the field is missing")
    return source[key]


def _type_of(value: Any, info: GraphQLResolveInfo[Any], abstract: Any) -> str:
    """Return the type of an object: the one that it names, else the one whose fields and fragments fit its keys."""
    if isinstance(value, Mapping) and "__typename" in value:
        return str(value["__typename"])
    named = [
        selection.type_condition.name.value
        for node in info.field_nodes
        for selection in (node.selection_set.selections if node.selection_set else ())
        if isinstance(selection, InlineFragmentNode) and selection.type_condition
    ]
    possible = info.schema.get_possible_types(abstract)
    for one in sorted(possible, key=lambda kind: kind.name not in named):
        if set(value) <= set(one.fields):
            return one.name
    raise GraphQLError(f"no type of {abstract} has the fields {', '.join(sorted(value))}")


def _extra(answer: Any, asked: Any, where: str = "") -> list[str]:
    """Return the places of what an answer holds and nobody asked for."""
    if isinstance(answer, Mapping) and isinstance(asked, Mapping):
        result = []
        for key, value in answer.items():
            path = f"{where}.{key}" if where else str(key)
            result += _extra(value, asked[key], path) if key in asked else [path]
        return result
    if isinstance(answer, list) and isinstance(asked, list):
        return [path for one, other in zip(answer, asked, strict=True) for path in _extra(one, other, f"{where}[]")]
    return []
