"""The page with the receiver's state, for the operator: what came in, what is forwarded, what was given up.

It listens apart from the receiver, on this machine, wants a password (HTTP Basic), and has no script. No payload of an
event is on it.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette import types
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from flotilla import errors, in_thread
from flotilla.http.loopback import is_loopback

from ..endpoints import Endpoints
from ..store import STATES, Offer, Store, by_endpoint, number_of
from .web import body_of

SHOWN = 50  # events and forwards
MOST_FORM = 4_096  # bytes
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser sends `Origin: null` with the page's own forms
    "X-Content-Type-Options": "nosniff",
}
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222;"
    "background:#fff}table{border-collapse:collapse;width:100%;margin:0 0 2rem}th,td{text-align:left;padding:.3rem "
    ".6rem;border-bottom:1px solid #ddd;vertical-align:top}h2{font-size:1.1rem;margin:2rem 0 .5rem}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}th,td{border-color:#444}}"
)


class _Button:
    """A form of one button."""

    def __init__(self, action: str, name: str, value: str, label: str) -> None:
        self.html = (
            f"<form method=post action='{escape(action)}'><input type=hidden name='{escape(name)}' "
            f"value='{escape(value)}'><button>{escape(label)}</button></form>"
        )


Row = Sequence[str | _Button]


class Page:
    """The page. `wake` has the forwarder look at once; None where nothing is forwarded."""

    def __init__(self, store: Store, endpoints: Endpoints, token: str, wake: Callable[[], None] | None) -> None:
        self._store, self._endpoints, self._token, self._wake = store, endpoints, token, wake
        self.app = Starlette(
            routes=[
                Route("/", self._show, methods=["GET"]),
                Route("/again", self._again, methods=["POST"]),
                Route("/forget", self._forget, methods=["POST"]),
            ]
        )

    def beside(self, receiver: types.ASGIApp, port: int) -> types.ASGIApp:
        """Return an application that serves this page on one port, and the receiver on all others."""

        async def serve(scope: MutableMapping[str, Any], receive: types.Receive, send: types.Send) -> None:
            on_page = scope["type"] == "http" and (scope.get("server") or ("", 0))[1] == port
            await (self._guarded if on_page else receiver)(scope, receive, send)

        return serve

    async def _guarded(self, scope: MutableMapping[str, Any], receive: types.Receive, send: types.Send) -> None:
        """Serve this machine alone: by its own name, with the password, and from no other site's form."""
        request = Request(scope)
        host = urlsplit(f"//{request.headers.get('host', '')}")
        origin = request.headers.get("origin", "")
        response: types.ASGIApp = self.app
        if not is_loopback(host.hostname or ""):
            response = PlainTextResponse("Open it as http://127.0.0.1 and its port.", 403)
        elif not self._is_operator(request.headers.get("authorization", "")):
            response = PlainTextResponse("A password is needed.", 401, {"WWW-Authenticate": 'Basic realm="webhooks"'})
        elif scope["method"] != "GET" and urlsplit(origin).netloc != host.netloc:
            response = PlainTextResponse("Use the button on the page.", 403)
        await response(scope, receive, send)

    def _is_operator(self, header: str) -> bool:
        scheme, _, value = header.partition(" ")
        password = b""
        with suppress(ValueError):
            password = b64decode(value).partition(b":")[2]
        return scheme.lower() == "basic" and hmac.compare_digest(password, self._token.encode())

    async def _show(self, _: Request) -> Response:
        return Response(await in_thread(self._page), media_type="text/html", headers=HEADERS)

    async def _again(self, request: Request) -> Response:
        """Have an event forwarded again, from its first attempt on."""
        event = await _field(request, "event")
        with suppress(errors.InvalidInputError):
            await in_thread(self._store.forward_again, [number_of(event)])
            if self._wake:
                self._wake()
        return RedirectResponse("/", 303)

    async def _forget(self, request: Request) -> Response:
        """Forget a secret that a vendor offered, once the operator has it."""
        vendor, _, endpoint = (await _field(request, "endpoint")).partition("/")
        await in_thread(self._store.forget_offer, vendor, endpoint)
        return RedirectResponse("/", 303)

    def _page(self) -> str:
        offers = self._store.offered()
        shown = [
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
            f"<title>Webhooks</title><style>{STYLE}</style><h1>Webhooks</h1>",
        ]
        if offers:
            shown.append("<h2>Secrets that a vendor sent</h2><p>Anyone can send one. Enter it at the vendor and in ")
            shown.append("WEBHOOKS_SECRETS only if you have just registered the address.</p>")
            shown.append(_table(["endpoint", "received", "secret", ""], [self._offer(offer) for offer in offers]))
        shown.append("<h2>Endpoints</h2>")
        shown.append(_table(["endpoint", "secret", *STATES, "last event"], self._rows()))
        shown.append("<h2>Requests of the last 90 days</h2>")
        outcomes: list[Row] = [
            [f"{one.vendor}/{one.endpoint}", one.outcome, str(one.number)] for one in self._store.outcomes()
        ]
        shown.append(_table(["endpoint", "outcome", "number"], outcomes))
        for title, state in (("Waiting to be forwarded", "waiting"), ("Given up", "dead")):
            shown.append(f"<h2>{title}</h2>")
            forwards = self._store.forwards(state, limit=SHOWN)
            rows: list[Row] = [
                [
                    f"{one.event.id}: {one.event.vendor} {one.event.kind}",
                    str(one.attempts),
                    _time(one.due) if state == "waiting" else "",
                    one.problem,
                    _Button("/again", "event", str(one.event.id), "Try again now"),
                ]
                for one in forwards
            ]
            shown.append(_table(["event", "attempts", "next", "problem", ""], rows))
        return "".join(shown)

    def _rows(self) -> list[Row]:
        totals = by_endpoint(self._store.totals())
        rows: list[Row] = []
        for key, endpoint in sorted(self._endpoints.items()):
            own = totals[key]
            numbers = [str(own.numbers[state]) for state in STATES]
            rows.append(["/".join(key), "set" if endpoint.secrets else "missing", *numbers, _time(own.last)])
        return rows

    def _offer(self, offer: Offer) -> Row:
        name = f"{offer.vendor}/{offer.endpoint}"
        secret = offer.secret or "It cannot be opened: the state key has changed or the file is damaged."
        return [name, _time(offer.received), secret, _Button("/forget", "endpoint", name, "Forget")]


def _table(heads: list[str], rows: Sequence[Row]) -> str:
    if not rows:
        return "<p>None.</p>"
    head = "".join(f"<th>{escape(name)}" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{_cell(cell)}" for cell in row) for row in rows)
    return f"<table><tr>{head}{body}</table>"


def _cell(cell: str | _Button) -> str:
    return cell.html if isinstance(cell, _Button) else escape(cell)


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


async def _field(request: Request, name: str) -> str:
    """Return a field of a short form, "" without it."""
    body = await body_of(request, MOST_FORM) or b""
    return parse_qs(body.decode("utf-8", "replace")).get(name, [""])[0]
