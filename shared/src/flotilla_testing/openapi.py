"""Requests against an OpenAPI document: openapi-core, and the unknown names that it lets pass.

OpenAPI allows whatever it does not forbid, so a misspelt parameter is valid; here it is a problem.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from flotilla_testing.responses import Request, Response

_OPEN = ("additionalProperties", "patternProperties", "not")


def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+", value) is not None


def _is_email(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value) is not None


_CONFIG = Config(
    spec_validator_cls=None,  # type: ignore[arg-type]
    extra_format_validators={"uri": _is_uri, "url": _is_uri, "email": _is_email},  # which openapi-core lets pass
)


class _Request:
    """A request as openapi-core reads it."""

    def __init__(self, request: Request) -> None:
        url = urlsplit(request.url)
        self.host_url, self.path, self.method = f"{url.scheme}://{url.netloc}", url.path, request.method.lower()
        self.content_type, self.body = request.headers.get("content-type", ""), request.body or None
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(request.query), header=Headers(dict(request.headers))
        )


class _Response:
    """An answer as openapi-core reads it."""

    def __init__(self, answer: Response) -> None:
        self.data, self.status_code = answer.body, answer.status
        self.content_type, self.headers = answer.headers.get("content-type", ""), Headers(dict(answer.headers))


class OpenApi:
    """One OpenAPI 3 document. `server` takes the place of the addresses in it."""

    def __init__(self, document: dict[str, Any], server: str = "") -> None:
        self.document = {**document, "servers": [{"url": server}]} if server else document
        _without_null_parameters(document)
        _without_lists_of_types(document)
        # what a document says of itself is the vendor's business: its own mistakes must not stop the check
        self._core = OpenAPI.from_dict(self.document, config=_CONFIG)
        self._bases = [urlsplit(s["url"]).path.rstrip("/") for s in self.document.get("servers", [{"url": ""}])]

    def knows(self, request: Request) -> bool:
        """Tell whether the document has this operation."""
        return self._operation(request) is not None

    def problems(self, request: Request) -> list[str]:
        """Return what the contract does not allow in a request, in sentences that begin with method and path."""
        target = f"{request.method} {request.path}"
        result = self._operation(request)
        if result is None:
            return [f"{target} is not in the contract."]
        operation, shared = result
        with warnings.catch_warnings():  # of ways to log in that openapi-core does not know
            warnings.simplefilter("ignore")
            wrong = [_message(error) for error in self._core.iter_request_errors(_Request(request))]
        wrong += self._unknown_parameters(request, [*shared, *operation.get("parameters", ())])
        wrong += self._unknown_fields(request, operation)
        return [f"{target}: {label}." for label in wrong]

    def answer_problems(self, request: Request, answer: Response) -> list[str]:
        """Return what the contract does not allow in an answer: for the recorded ones, which must not be wishful."""
        if self._operation(request) is None:
            return []
        errors = self._core.iter_response_errors(_Request(request), _Response(answer))
        return [f"{request.method} {request.path} answers {answer.status}: {_message(error)}." for error in errors]

    # -- what openapi-core does not look at -----------------------------------------------------------------------

    def _operation(self, request: Request) -> tuple[Mapping[str, Any], list[Any]] | None:
        """Return the operation and the parameters of its path, of the most literal path that fits."""
        fitting = []
        for template, item in self.document["paths"].items():
            pattern = re.sub(r"\\\{[^/}]*\\\}", "[^/]+", re.escape(template))
            if any(re.fullmatch(re.escape(base) + pattern, request.path) for base in self._bases):
                fitting.append((template.count("{"), self._resolved(item)))
        for _, item in sorted(fitting, key=lambda pair: pair[0]):
            if request.method.lower() in item:
                return item[request.method.lower()], item.get("parameters", [])
        return None

    def _resolved(self, node: Any) -> Any:
        """Follow a reference within the document."""
        while isinstance(node, Mapping) and "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def _unknown_parameters(self, request: Request, declared: list[Any]) -> Iterator[str]:
        parameters = [self._resolved(parameter) for parameter in declared]
        names = {parameter["name"] for parameter in parameters if parameter.get("in") == "query"}
        names |= {name.removesuffix("[]") for name in names}
        for name in dict.fromkeys(name for name, _ in request.query):
            first = re.sub(r"\[\d+\]", "[0]", name)  # documents show the first place of a list for all of them
            if not {name, first} & names and name.split("[")[0] not in names:
                yield f"the query parameter {name} is unknown"

    def _unknown_fields(self, request: Request, operation: Mapping[str, Any]) -> Iterator[str]:
        content = self._resolved(operation.get("requestBody", {})).get("content", {})
        if request.body and not content:
            yield "a body is sent where none is wanted"
        kind = request.headers.get("content-type", "").split(";")[0]
        schema = content.get(kind, {}).get("schema")
        if schema is None:
            return
        if kind == "application/json" or kind.endswith("+json"):
            yield from self._unknown(request.json(), [schema], "")
        elif kind == "application/x-www-form-urlencoded":
            yield from self._unknown(dict(parse_qsl(request.body.decode())), [schema], "")

    def _unknown(self, value: Any, schemas: list[Any], where: str) -> Iterator[str]:
        flat = list(self._branches(schemas))
        if isinstance(value, list):
            for item in value:
                yield from self._unknown(item, [s["items"] for s in flat if "items" in s], f"{where.rstrip('.')}[].")
        named = [s for s in flat if s.get("properties")]
        if not isinstance(value, dict) or not named or any(s.get(word) for s in flat for word in _OPEN):
            return
        for name, inner in value.items():
            known = [s["properties"][name] for s in named if name in s["properties"]]
            if not known:
                yield f"the field {where}{name} is unknown"
            yield from self._unknown(inner, known, f"{where}{name}.")

    def _branches(self, schemas: list[Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
        for schema in map(self._resolved, schemas):
            if isinstance(schema, Mapping):
                yield schema
                for word in ("allOf", "anyOf", "oneOf") if depth < 8 else ():
                    yield from self._branches(schema.get(word, []), depth + 1)


def _without_null_parameters(document: Mapping[str, Any]) -> None:
    """Take null out of the types of parameters: no address can carry it, and openapi-core cannot read it there."""
    items = list(document.get("paths", {}).values())
    operations = [operation for item in items for operation in item.values() if isinstance(operation, dict)]
    shared = document.get("components", {}).get("parameters", {}).values()
    for parameter in [*shared, *(p for part in [*items, *operations] for p in part.get("parameters", ()))]:
        schema = parameter.get("schema") or {}
        kinds = [kind for kind in schema.get("type", ()) if kind != "null"]
        if isinstance(schema.get("type"), list) and len(kinds) == 1:
            schema["type"] = kinds[0]


def _without_lists_of_types(document: Mapping[str, Any]) -> None:
    """Write ["string", "number"] as anyOf in the fields of forms: openapi-core cannot decode a list of types there."""
    schemas = document.get("components", {}).get("schemas", {})
    for item in document.get("paths", {}).values():
        for operation in item.values() if isinstance(item, dict) else ():
            content = operation.get("requestBody", {}).get("content", {}) if isinstance(operation, dict) else {}
            form = content.get("application/x-www-form-urlencoded", {}).get("schema", {})
            pending = [schemas.get(str(form.get("$ref", "")).rsplit("/", 1)[-1], form)]
            while pending:
                schema = pending.pop()
                pending += [
                    schemas.get(str(one.get("$ref", "")).rsplit("/", 1)[-1], one) for one in schema.get("anyOf", ())
                ]
                for field in schema.get("properties", {}).values():
                    if isinstance(field.get("type"), list):
                        field["anyOf"] = [{"type": kind} for kind in field.pop("type")]


def _message(error: BaseException) -> str:
    """Return openapi-core's error with what caused it: its own text often says only that something is wrong."""
    parts = [str(error)]
    schema_errors = getattr(error, "schema_errors", None) or getattr(error.__cause__, "schema_errors", None) or ()
    for inner in schema_errors:
        parts.append(f"{'.'.join(map(str, inner.absolute_path))} {inner.message}".strip())
    if not schema_errors and error.__cause__:
        parts.append(str(error.__cause__))
    return ": ".join(part.rstrip(".") for part in parts)[:500]
