"""Swagger 2.0 documents as OpenAPI 3, so that one class judges both: parameters, bodies and definitions change places.

Only what the contracts at hand use is turned: JSON bodies, query and path parameters, `#/definitions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_METHODS = ("get", "put", "post", "delete", "patch")


def as_openapi(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Swagger 2.0 document as an OpenAPI 3.0 one."""
    scheme = next(iter(document.get("schemes") or ["https"]))
    paths = {
        path: {method: _operation(one) for method, one in item.items() if method in _METHODS}
        for path, item in document["paths"].items()
    }
    return {
        "openapi": "3.0.3",
        "info": document.get("info", {"title": "", "version": ""}),
        "servers": [{"url": f"{scheme}://{document.get('host', '')}{document.get('basePath', '')}"}],
        "paths": paths,
        "components": {"schemas": {name: _moved(one) for name, one in document.get("definitions", {}).items()}},
    }


def _operation(operation: Mapping[str, Any]) -> dict[str, Any]:
    parameters = [
        _parameter(one) for one in operation.get("parameters", ()) if one["in"] in ("query", "path", "header")
    ]
    body = next((one for one in operation.get("parameters", ()) if one["in"] == "body"), None)
    turned: dict[str, Any] = {
        "parameters": parameters,
        "responses": {code: _response(one) for code, one in operation.get("responses", {}).items()},
    }
    if body:
        content = {"application/json": {"schema": _moved(body.get("schema", {}))}}
        turned["requestBody"] = {"required": bool(body.get("required")), "content": content}
    return turned


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    common = {name: parameter[name] for name in ("name", "in", "required", "description") if name in parameter}
    schema = {name: _moved(inner) for name, inner in parameter.items() if name not in (*common, "collectionFormat")}
    return {**common, "schema": schema}


def _response(response: Mapping[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": _moved(response["schema"])}} if "schema" in response else {}
    return {"description": response.get("description", ""), **({"content": content} if content else {})}


def _moved(node: Any) -> Any:
    """Return a schema whose references lead to the components."""
    if isinstance(node, Mapping):
        return {
            name: inner.replace("#/definitions/", "#/components/schemas/") if name == "$ref" else _moved(inner)
            for name, inner in node.items()
        }
    return [_moved(inner) for inner in node] if isinstance(node, list) else node
