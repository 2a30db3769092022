"""A fake vendor that keeps state: handlers in place of recorded responses, served by `FakeVendor`, faults included.

app = FakeApi()
app.on("GET", r"/things/(?P<thing>[^/]+)", lambda request, thing: Response.of({"id": thing}))
with FakeVendor(app) as vendor: …
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from flotilla_testing.fake_vendor import FakeVendor
from flotilla_testing.responses import RecordedResponses, Request, Response

Handler = Callable[..., Response]


class FakeApi(RecordedResponses):
    """Routes to handlers: a handler gets the request and the named groups of its path, decoded."""

    def __init__(self) -> None:
        super().__init__()
        self._handlers: list[tuple[str, re.Pattern[str], Handler]] = []

    def on(self, method: str, path: str, handler: Handler, first: bool = False) -> None:
        """Response what matches the whole path; what was added first goes first, or what is to be the first."""
        self._handlers.insert(0 if first else len(self._handlers), (method, re.compile(path), handler))

    def to(self, request: Request) -> Response:
        """Response a request."""
        path = urlsplit(request.url).path
        for method, pattern, handler in self._handlers:
            result = pattern.fullmatch(path)
            if method == request.method and result:
                return handler(request, **{name: unquote(value or "") for name, value in result.groupdict().items()})
        return Response.of({"message": f"Nobody answers {request.method} {path}"}, 404)


class Served:
    """A fake vendor that is served while it is entered: `with FakeAcme() as acme:`. Mixed into its class.

    `vendor` is what serves it.
    """

    vendor: FakeVendor

    def __enter__(self) -> Self:
        self.vendor.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, bug: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.vendor.__exit__(kind, bug, trace)

    @property
    def writes(self) -> list[Request]:
        """What arrived and may have changed something."""
        return [request for request in self.vendor.requests if request.writes]


def exchanges_of(fake: RecordedResponses) -> list[tuple[Request, Response]]:
    """Return the list to which each request that a fake vendor gets from now on is added, with its answer."""
    exchanges: list[tuple[Request, Response]] = []
    answer = fake.to

    def noted(request: Request) -> Response:
        response = answer(request)
        exchanges.append((request, response))
        return response

    fake.to = noted  # type: ignore[method-assign]
    return exchanges


def form_of(request: Request) -> dict[str, Any]:
    """Return a form that was posted."""
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True))
