"""Requests against a Google API Discovery document: https://developers.google.com/discovery/v1/reference/apis

It is not OpenAPI: methods stand in a tree of resources, and 64-bit integers are strings on the wire.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from flotilla_testing.responses import Request, Response

_KINDS: dict[str, Any] = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list}


class DiscoveryDocument:
    """One API. `server` takes the place of the document's own address."""

    def __init__(self, document: dict[str, Any], server: str = "") -> None:
        self.document, self.schemas = document, document.get("schemas", {})
        self._root = (server or document["rootUrl"]).rstrip("/") + "/"
        self._methods = [
            (re.compile(_pattern(path)), path.count("{"), method)
            for method in _methods(document)
            for path in _paths(document, method)
        ]

    def method(self, request: Request) -> Mapping[str, Any] | None:
        """Return the method that a request calls, None where the API has none: `id`, `scopes`, `parameters`, …"""
        root, url = urlsplit(self._root), urlsplit(request.url)
        if (url.scheme, url.netloc) != (root.scheme, root.netloc):
            return None
        path = url.path.removeprefix(root.path)
        fitting = [
            (braces, method)
            for pattern, braces, method in self._methods
            if method["httpMethod"] == request.method and pattern.fullmatch(path)
        ]
        return min(fitting, key=lambda pair: pair[0])[1] if fitting else None

    def knows(self, request: Request) -> bool:
        """Tell whether the API has a method for such a request."""
        return self.method(request) is not None

    def problems(self, request: Request) -> list[str]:
        """Return what the contract does not allow in a request, in sentences that begin with method and path."""
        target = f"{request.method} {request.path}"
        method = self.method(request)
        if method is None:
            return [f"{target} is not in the contract."]
        wrong = [*self._parameters(request, method), *self._body(request, method)]
        return [f"{target}: {label}." for label in wrong]

    def answer_problems(self, request: Request, answer: Response) -> list[str]:
        """Return what the contract does not allow in an answer: for the recorded ones, which must not be wishful."""
        method = self.method(request)
        if method is None or answer.status >= 300 or not answer.body or "json" not in str(answer.headers):
            return []
        schema = method.get("response")
        wrong = self._value(json.loads(answer.body), schema, "", True) if schema else ["an answer is not expected"]
        return [f"{request.method} {request.path} answers {answer.status}: {label}." for label in wrong]

    def _parameters(self, request: Request, method: Mapping[str, Any]) -> Iterator[str]:
        own = method.get("parameters", {})
        known = {**self.document.get("parameters", {}), **{n: p for n, p in own.items() if p["location"] == "query"}}
        params: dict[str, list[str]] = {}
        for name, value in request.query:
            params.setdefault(name, []).append(value)
        for name, values in params.items():
            if name not in known:
                yield f"the query parameter {name} is unknown"
                continue
            if len(values) > 1 and not known[name].get("repeated"):
                yield f"the query parameter {name} comes {len(values)} times"
            for value in values:
                yield from self._text(value, known[name], f"the query parameter {name}")
        for name, about in known.items():
            if about.get("required") and name not in params:
                yield f"the query parameter {name} is missing"

    def _text(self, value: str, schema: Mapping[str, Any], label: str) -> Iterator[str]:
        """Check a value that stands in the address, where everything is text."""
        kind = schema.get("type", "string")
        if kind == "boolean" and value not in ("true", "false"):
            yield f"{label} is {value!r}, neither true nor false"
        elif kind in ("integer", "number"):
            if not re.fullmatch(r"-?\d+(\.\d+)?" if kind == "number" else r"-?\d+", value):
                yield f"{label} is {value!r}, no {kind}"
            else:
                yield from _bounds(float(value), schema, label)
        elif kind == "string":
            yield from _string(value, schema, label)

    def _body(self, request: Request, method: Mapping[str, Any]) -> Iterator[str]:
        kind = request.headers.get("content-type", "").split(";")[0]
        if not request.body:
            return
        if "request" not in method:
            yield "a body is sent where none is wanted"
        elif kind != "application/json":
            yield f"the body is {kind or 'of no type'}, not application/json"
        else:
            yield from self._value(request.json(), method["request"], "", request.method == "PATCH")

    def _value(self, value: Any, schema: Mapping[str, Any], where: str, nullable: bool) -> Iterator[str]:
        """Check a value of a body; `nullable`: null clears a field."""
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"]]
        label = f"the field {where}" if where else "the body"
        kind = schema.get("type", "any")
        if value is None:
            if not nullable:
                yield f"{label} is null"
        elif kind == "object":
            yield from self._object(value, schema, where, nullable)
        elif kind in _KINDS:
            if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "boolean"):
                yield f"{label} is {value!r}, no {kind}"
            elif kind == "array":
                for item in value:
                    yield from self._value(item, schema["items"], f"{where}[]", nullable)
            elif kind == "string":
                yield from _string(value, schema, label)
            elif kind != "boolean":
                yield from _bounds(value, schema, label)

    def _object(self, value: Any, schema: Mapping[str, Any], where: str, nullable: bool) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"the field {where} is {value!r}, no object"
            return
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, inner in value.items():
            if name in known or others:
                yield from self._value(inner, known.get(name, others), f"{where}.{name}".lstrip("."), nullable)
            else:
                yield f"the field {where}.{name} is unknown".replace("field .", "field ")


def _methods(node: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from node.get("methods", {}).values()
    for resource in node.get("resources", {}).values():
        yield from _methods(resource)


def _paths(document: Mapping[str, Any], method: Mapping[str, Any]) -> Iterator[str]:
    """Yield a method's paths below the root: its own, and those for uploads."""
    yield document.get("servicePath", "") + method["path"]
    for protocol in method.get("mediaUpload", {}).get("protocols", {}).values():
        yield protocol["path"].lstrip("/")


def _pattern(path: str) -> str:
    parts = re.split(r"(\{\+?\w+\})", path)
    return "".join(re.escape(p) if not p.startswith("{") else (".+" if p[1] == "+" else "[^/]+") for p in parts)


def _bounds(value: float, schema: Mapping[str, Any], label: str) -> Iterator[str]:
    if "minimum" in schema and value < float(schema["minimum"]):
        yield f"{label} is {value:g}, less than {schema['minimum']}"
    if "maximum" in schema and value > float(schema["maximum"]):
        yield f"{label} is {value:g}, more than {schema['maximum']}"


def _string(value: str, schema: Mapping[str, Any], label: str) -> Iterator[str]:
    form = schema.get("format", "")
    try:
        if form in ("int64", "uint64"):
            int(value)
        elif form == "date":
            date.fromisoformat(value)
        elif form in ("date-time", "google-datetime") and datetime.fromisoformat(value).tzinfo is None:
            yield f"{label} is {value!r}, a time without an offset"
        elif form == "byte":
            if re.search(r"[^A-Za-z0-9_=-]", value):
                yield f"{label} is not in the base64url alphabet"
            base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (ValueError, binascii.Error):
        yield f"{label} is {value[:60]!r}, no {form}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{label} is {value[:60]!r}, none of {', '.join(schema['enum'])}"
    if "pattern" in schema and not re.search(schema["pattern"], unquote(value)):
        yield f"{label} does not match {schema['pattern']}"
