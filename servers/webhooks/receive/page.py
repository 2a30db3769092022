"""The page with the receiver's state, for the operator: what came in, what is forwarded, what was given up.

With many tenants each has a page of its own, `/t/<id>`, and the first one counts what all have.
It listens apart from the receiver, on this machine, wants a password (HTTP Basic), and has no script. No payload of an
event is on it.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from starlette import types
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from flotilla import errors, in_thread
from flotilla.http.loopback import is_loopback

from ..store import STATES, Offer, by_endpoint, number_of
from .inbox import Inbox, Inboxes
from .web import body_of

SHOWN = 50  # events and forwards
COUNTED = (*STATES, "waiting", "dead")  # of all tenants: events and forwards by state
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


class _Link:
    """A link to another page."""

    def __init__(self, address: str, label: str) -> None:
        self.html = f"<a href='{escape(address)}'>{escape(label)}</a>"


Row = Sequence[str | _Button | _Link]
Handler = Callable[[Request, Inbox], Awaitable[Response]]


class Page:
    """The pages of all inboxes: that of one person is the only one."""

    def __init__(self, inboxes: Inboxes, token: str) -> None:
        self._inboxes, self._token = inboxes, token
        routes = [("", "GET", _show), ("/again", "POST", _again), ("/forget", "POST", _forget)]
        self.app = Starlette(
            routes=[
                Route((root + path) or "/", self._of_inbox(handler), methods=[method])
                for root in ("", "/t/{tenant}")
                for path, method, handler in routes
            ]
        )

    def _of_inbox(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Have a page about the inbox that its address names; the first page of many tenants is about all."""

        async def answer(request: Request) -> Response:
            inbox = self._inboxes.by_tenant.get(request.path_params.get("tenant", ""))
            if inbox:
                return await handler(request, inbox)
            if request.url.path == "/":
                return _html(await in_thread(_overview, dict(self._inboxes.by_tenant), dict(self._inboxes.problems)))
            return PlainTextResponse("Nothing is received for such a tenant.", 404)

        return answer

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


async def _show(request: Request, inbox: Inbox) -> Response:
    return _html(await in_thread(_page, inbox, request.path_params.get("tenant", "")))


async def _again(request: Request, inbox: Inbox) -> Response:
    """Have an event forwarded again, from its first attempt on."""
    event = await _field(request, "event")
    with suppress(errors.InvalidInputError):
        await in_thread(inbox.store.forward_again, [number_of(event)])
        inbox.wake()
    return _back(request)


async def _forget(request: Request, inbox: Inbox) -> Response:
    """Forget a secret that a vendor offered, once the operator has it."""
    vendor, _, endpoint = (await _field(request, "endpoint")).partition("/")
    await in_thread(inbox.store.forget_offer, vendor, endpoint)
    return _back(request)


def _back(request: Request) -> Response:
    return RedirectResponse(_place(request.path_params.get("tenant", "")) or "/", 303)


def _place(tenant: str) -> str:
    return f"/t/{quote(tenant)}" if tenant else ""


def _html(text: str) -> Response:
    return Response(text, media_type="text/html", headers=HEADERS)


def _head(title: str) -> str:
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style><h1>{escape(title)}</h1>"
    )


def _overview(inboxes: dict[str, Inbox], problems: dict[str, str]) -> str:
    """Return the page about all tenants: counts, and a link to what each has."""
    rows: list[Row] = []
    sums: Counter[str] = Counter()
    for tenant, inbox in sorted(inboxes.items()):
        numbers: Counter[str] = Counter()
        last, problem = None, "its database cannot be read"
        with suppress(errors.ConfigurationError):
            for total in inbox.store.totals():
                numbers[total.state] += total.number
                last = max(total.last, last or 0.0)
            numbers.update(inbox.store.forward_totals())
            problem = ""
        sums.update(numbers)
        shown = [str(numbers[name]) for name in COUNTED]
        rows.append([_Link(_place(tenant), tenant), str(len(inbox.endpoints)), *shown, _time(last), problem])
    blank = ["" for _ in COUNTED]
    rows += [[tenant, "", *blank, "", problem] for tenant, problem in sorted(problems.items())]
    if rows:
        rows.append(["all", "", *(str(sums[name]) for name in COUNTED), "", ""])
    return _head("Webhooks") + _table(["tenant", "endpoints", *COUNTED, "last event", "problem"], rows)


def _page(inbox: Inbox, tenant: str) -> str:
    store, place = inbox.store, _place(tenant)
    offers = store.offered()
    shown = [_head(f"Webhooks of {tenant}" if tenant else "Webhooks")]
    if tenant:
        shown.append("<p><a href='/'>All tenants</a></p>")
    if offers:
        shown.append("<h2>Secrets that a vendor sent</h2><p>Anyone can send one. Enter it at the vendor and in ")
        shown.append("WEBHOOKS_SECRETS only if you have just registered the address.</p>")
        shown.append(_table(["endpoint", "received", "secret", ""], [_offer(offer, place) for offer in offers]))
    shown.append("<h2>Endpoints</h2>")
    shown.append(_table(["endpoint", "secret", *STATES, "last event"], _endpoints(inbox)))
    shown.append("<h2>Requests of the last 90 days</h2>")
    outcomes: list[Row] = [[f"{one.vendor}/{one.endpoint}", one.outcome, str(one.number)] for one in store.outcomes()]
    shown.append(_table(["endpoint", "outcome", "number"], outcomes))
    for title, state in (("Waiting to be forwarded", "waiting"), ("Given up", "dead")):
        shown.append(f"<h2>{title}</h2>")
        rows: list[Row] = [
            [
                f"{one.event.id}: {one.event.vendor} {one.event.kind}",
                str(one.attempts),
                _time(one.due) if state == "waiting" else "",
                one.problem,
                _Button(f"{place}/again", "event", str(one.event.id), "Try again now"),
            ]
            for one in store.forwards(state, limit=SHOWN)
        ]
        shown.append(_table(["event", "attempts", "next", "problem", ""], rows))
    return "".join(shown)


def _endpoints(inbox: Inbox) -> list[Row]:
    totals = by_endpoint(inbox.store.totals())
    rows: list[Row] = []
    for key, endpoint in sorted(inbox.endpoints.items()):
        own = totals[key]
        numbers = [str(own.numbers[state]) for state in STATES]
        rows.append(["/".join(key), "set" if endpoint.secrets else "missing", *numbers, _time(own.last)])
    return rows


def _offer(offer: Offer, place: str) -> Row:
    name = f"{offer.vendor}/{offer.endpoint}"
    secret = offer.secret or "It cannot be opened: the state key has changed or the file is damaged."
    return [name, _time(offer.received), secret, _Button(f"{place}/forget", "endpoint", name, "Forget")]


def _table(heads: list[str], rows: Sequence[Row]) -> str:
    if not rows:
        return "<p>None.</p>"
    head = "".join(f"<th>{escape(name)}" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{_cell(cell)}" for cell in row) for row in rows)
    return f"<table><tr>{head}{body}</table>"


def _cell(cell: str | _Button | _Link) -> str:
    return escape(cell) if isinstance(cell, str) else cell.html


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


async def _field(request: Request, name: str) -> str:
    """Return a field of a short form, "" without it."""
    body = await body_of(request, MOST_FORM) or b""
    return parse_qs(body.decode("utf-8", "replace")).get(name, [""])[0]
