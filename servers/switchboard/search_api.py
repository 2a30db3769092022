"""Tool search for a host that has its own model: `POST /v1/tools/search`, with the clients' bearer token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hmac import compare_digest
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from .gateway import Gateway
from .tool_search import MOST_RESULTS, RESULTS, caller_of

PATH = "/v1/tools/search"
LARGEST = 64_000  # bytes of a request


class _RefusedError(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


async def answer(gateway: Gateway, request: Request, token: str) -> JSONResponse:
    """Return the tools that fit the request's `query`, best first, `limit` at most; a refusal holds an `error`."""
    header = request.headers.get("authorization", "").encode()
    try:
        if not compare_digest(header, f"Bearer {token}".encode()):
            raise _RefusedError(401, "The bearer token is missing or wrong.")
        query, limit = _read(await _body(request))
        return JSONResponse(
            {"tools": [_shown(gateway, *match) for match in await gateway.tool_search.matches(query, limit)]}
        )
    except _RefusedError as refusal:
        headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else None
        return JSONResponse({"error": str(refusal)}, refusal.status, headers)


def _shown(gateway: Gateway, tool: Mapping[str, Any], score: float) -> dict[str, Any]:
    owner = gateway.offers.tool(tool["name"])
    return {
        "name": tool["name"],
        "server": owner[0].entry.slug if owner else "",
        "description": tool.get("description") or "",
        "inputSchema": tool["inputSchema"],
        "call_with": caller_of(tool),
        "score": round(score, 4),
    }


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise _RefusedError(413, f"The request has more than {LARGEST} bytes. Send a shorter `query`.")
    return body


def _read(body: bytes) -> tuple[str, int]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _RefusedError(400, "The request must be a JSON object with `query`.")
    query, limit = document.get("query"), document.get("limit", RESULTS)
    if not isinstance(query, str) or not query.strip():
        raise _RefusedError(400, "`query` must be text: what is to be done, in a person's words.")
    if type(limit) is not int or not 1 <= limit <= MOST_RESULTS:
        raise _RefusedError(400, f"`limit` must be a number from 1 to {MOST_RESULTS}.")
    return query, limit
