"""What a pretended vendor answers: routes and recorded bodies, as data.

`servers/<slug>/tests/answers.yaml`:

    answers:
      GET /users/me: user.json                                    # 200, with the body of tests/fixtures/user.json
      GET /scheduled_events: events.json
      GET /scheduled_events?page_token=two: events_last.json      # wins where the query has this
      POST /scheduled_events/{uuid}/cancellation: {status: 201, file: cancellation.json}
      DELETE /things/{id}: {status: 204}
      POST /things/search: found.json
      POST /things/search?after=two: found_last.json              # a field of a form or JSON body counts as query
      POST /graphql?operationName=Things&variables.after=two: …   # and one of an object in it, with a point between
    reads: [POST /things/search]                                  # optional: what only asks, though it is not a GET
    errors:                                                       # optional: how this vendor says no, by class
      scope: {status: 403, json: {title: Permission Denied, message: You are not allowed to view this event}}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2 as httpx
import yaml

USUAL = {"auth": 401, "scope": 403, "not_found": 404, "input": 422, "rate": 429, "upstream": 500}


@dataclass(frozen=True)
class Request:
    """One request that arrived. Header names are lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    asks: bool = False  # changes nothing, though it may be a POST

    @property
    def writes(self) -> bool:
        """Whether it may have changed something."""
        return not (self.asks or self.method in ("GET", "HEAD"))

    @property
    def path(self) -> str:
        """The path, as it was sent (percent-encoded)."""
        return urlsplit(self.url).path

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query parameters, decoded, in order."""
        return parse_qsl(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The fields of a form, or of a JSON body those with a text or a number, an object's as `object.field`."""
        if "x-www-form-urlencoded" in self.headers.get("content-type", ""):
            return parse_qsl(self.body.decode(), keep_blank_values=True)
        if "json" not in self.headers.get("content-type", ""):
            return []
        data = self.json()
        outer = data if isinstance(data, dict) else {}
        inner = {f"{name}.{k}": v for name, part in outer.items() if isinstance(part, dict) for k, v in part.items()}
        return [(k, str(v)) for k, v in {**outer, **inner}.items() if isinstance(v, str | int)]

    def json(self) -> Any:
        """Return the decoded body, None when there is none."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Response:
    """One answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """Make a JSON answer."""
        return cls(status, json.dumps(data).encode(), {"content-type": "application/json", **(headers or {})})

    @classmethod
    def read(cls, declared: Any, folder: Path) -> Response:
        """Read one answer of answers.yaml: a file's name, or a mapping of status, headers, and file, json or text."""
        if isinstance(declared, str):
            declared = {"file": declared}
        status, headers = (
            int(declared.get("status", 200)),
            {k.lower(): str(v) for k, v in declared.get("headers", {}).items()},
        )
        if "json" in declared:
            return cls.of(declared["json"], status, headers)
        if "file" in declared:
            kind = {} if not declared["file"].endswith(".json") else {"content-type": "application/json"}
            return cls(status, (folder / declared["file"]).read_bytes(), {**kind, **headers})
        return cls(status, str(declared.get("text", "")).encode(), headers)


@dataclass(frozen=True)
class Route:
    """A method, a path with {placeholders}, and query parameters that must be there."""

    method: str
    pattern: re.Pattern[str]
    query: frozenset[tuple[str, str]]
    answer: Response

    @classmethod
    def read(cls, route: str, answer: Response) -> Route:
        """Read `GET /things/{id}?page=2`."""
        method, _, url = route.partition(" ")
        path, _, query = url.strip().partition("?")
        pattern = re.sub(r"\\\{[^/}]*\\\}", "[^/]+", re.escape(path))
        return cls(method.upper(), re.compile(pattern), frozenset(parse_qsl(query)), answer)

    def fits(self, request: Request) -> bool:
        """Tell whether it answers this request."""
        return (
            self.method == request.method
            and self.pattern.fullmatch(request.path) is not None
            and self.query <= {*request.query, *request.fields}
        )


class RecordedResponses:
    """All routes of a vendor, and its ways to refuse."""

    def __init__(
        self,
        routes: Mapping[str, Any] | None = None,
        errors: Mapping[str, Any] | None = None,
        folder: Path = Path(),
        reads: Sequence[str] = (),
    ):
        self.folder = folder
        self.asking = [Route.read(route, Response()) for route in reads]
        self.routes = [Route.read(route, Response.read(answer, folder)) for route, answer in (routes or {}).items()]
        self.errors = {kind: Response.of({"message": f"Refused with {code}"}, code) for kind, code in USUAL.items()}
        self.errors |= {kind: Response.read(answer, folder) for kind, answer in (errors or {}).items()}

    @classmethod
    def load(cls, path: Path) -> RecordedResponses:
        """Read answers.yaml; its files are in `fixtures/` beside it."""
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
        return cls(declared["answers"], declared.get("errors"), path.parent / "fixtures", declared.get("reads") or ())

    def seen(self, request: Request) -> Request:
        """Return the request, marked when it only asks."""
        return replace(request, asks=any(route.fits(request) for route in self.asking))

    def respond(self, route: str, answer: Response) -> None:
        """Answer a route in this way from now on."""
        new = Route.read(route, answer)
        self.routes = [new, *(r for r in self.routes if (r.method, r.pattern) != (new.method, new.pattern))]

    def to(self, request: Request) -> Response:
        """Return the answer: of the route that asks for most of the query, of those with a literal path first."""
        fitting = [route for route in self.routes if route.fits(request)]
        if not fitting:
            return Response.of({"message": f"Nobody answers {request.method} {request.path}"}, 404)
        return max(fitting, key=lambda route: (len(route.query), "[^/]+" not in route.pattern.pattern)).answer


class Recorder(httpx.AsyncBaseTransport):
    """Takes the place of the network in `api.transport`: records every request, and answers at once."""

    def __init__(self, answers: RecordedResponses) -> None:
        self.answers = answers
        self.requests: list[Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Record and answer."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = self.answers.seen(Request(request.method, str(request.url), headers, await request.aread()))
        self.requests.append(seen)
        answer = self.answers.to(seen)
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body, request=request)
