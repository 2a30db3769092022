"""The console's routes: each page is a template and a function of `pages`, each form a function of `actions`."""

from __future__ import annotations

import argparse
import asyncio
import mimetypes
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

from flotilla_launcher.environment import SettingError, name_set, setting
from flotilla_launcher.text import visible
from flotilla_launcher.version import VERSION

from ..action_log import read
from ..gateway import Gateway
from ..options import url_host
from . import actions, exports, formats, own_form, pages
from .access import HEADERS, ROOT, TOKEN, Access, console_token
from .host import Host, MissingError
from .pages import RefusedError, Visit
from .texts import LANGUAGES, Texts, language_of

FOLDER = Path(__file__).parent
LANGUAGE = "flotilla-language"  # the cookie
YEAR = 31_536_000  # seconds
LARGEST_FORM = 200_000  # bytes
LOOK_EVERY = 1.0  # seconds: how often is looked for calls that wait
NOTE_EVERY = 5  # looks: how often is noted that a page is open

Route = tuple[str, str, Callable[[Request], Awaitable[Response]]]  # path, method, endpoint


class Console:
    """The routes of one console. All work with the database happens in one thread of its own, as SQLite wants it."""

    def __init__(self, options: argparse.Namespace, gateway: Gateway | None = None) -> None:
        self._host = Host(options, gateway)
        self._token = console_token(Path(options.state))
        names = {"127.0.0.1", "localhost", "::1", options.host} - {"0.0.0.0", "::"}
        self._access = Access(self._token, names | name_set("FLOTILLA_ALLOWED_HOSTS", os.environ))
        self._templates = _environment()
        self._logins = own_form.Logins()
        self._thread = ThreadPoolExecutor(1, "console")

    def address(self, host: str, port: int) -> str:
        """Return the URL that opens the console; with its token, unless the operator has set that."""
        query = "" if setting(TOKEN, guard=True) else f"?token={self._token}"
        return f"http://{url_host(host)}:{port}{ROOT}/{query}"

    def routes(self) -> list[Route]:
        """Return all routes, each behind the checks of `access`."""
        made: list[Route] = [
            ("/static/{name}", "GET", self._checked(self._static)),
            ("/sign-in", "POST", self._checked(self._sign_in)),
            ("/sign-out", "POST", self._checked(self._sign_out)),
            ("/events", "GET", self._private(self._events)),
            ("/servers/{server}/connect", "POST", self._private(self._connect)),
            ("/approvals/waiting", "GET", self._private(self._page("waiting.html", "approvals", pages.approvals))),
            ("/activity.json", "GET", self._private(self._export(exports.as_json, "json"))),
            ("/activity.csv", "GET", self._private(self._export(exports.as_csv, "csv"))),
        ]
        for path, template, section, context in pages.PAGES:
            made.append((path, "GET", self._private(self._page(template, section, context))))
        for path, action in actions.ACTIONS.items():
            made.append((path, "POST", self._private(self._form(action))))
        return [(ROOT + path, method, endpoint) for path, method, endpoint in made]

    # -- checks

    def _checked(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if not self._access.known_host(request):
                response: Response = PlainTextResponse("Open the console by the address that it printed.", 421)
            elif request.method == "POST" and not self._access.own_form(request):
                response = PlainTextResponse(
                    "This form was not sent by a page of the console. Open the page anew.", 403
                )
            else:
                response = await answer(request)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return endpoint

    def _private(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if (token := request.query_params.get("token")) is not None and self._access.is_token(token):
                # Not a redirect: behind one, a browser that came from another site would not send the new cookie.
                response = self._sign_in_page(request, destination=_path(request, token=None))
                self._access.sign_in(request, response)
                return response
            if not self._access.signed_in(request):
                return self._sign_in_page(request, status=401)
            return await answer(request)

        return self._checked(endpoint)

    # -- answers

    def _page(self, template: str, section: str, context: pages.Context) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            response: Response = await self._in_thread(self._rendered, request, template, section, context, None)
            return response

        return answer

    def _rendered(
        self, request: Request, template: str, section: str, context: pages.Context, refused: tuple[str, Any] | None
    ) -> Response:
        visit, status = _visit(request), 200
        if refused:
            visit.error, visit.form, status = *refused, 400
        try:
            values = context(self._host, visit)
        except MissingError:
            template, values, status = "message.html", {"message": visit.text("not_here")}, 404
        except SettingError as error:
            template, values, status = "message.html", {"message": str(error)}, 500
        except sqlite3.Error as error:
            template, values, status = "message.html", {"message": visit.text("unreadable", reason=error)}, 500
        common = pages.common(self._host, visit, section)
        html = self._templates.get_template(template).render({**self._texts(request), **common, **values})
        response = HTMLResponse(html, status)
        if request.query_params.get("lang") in LANGUAGES:
            response.set_cookie(LANGUAGE, visit.language, YEAR, path=ROOT, httponly=True, samesite="strict")
        return response

    def _form(self, action: actions.Action) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            visit = _visit(request)
            visit.form = await _form_values(request)
            try:
                done = await self._in_thread(action.run, self._host, visit) if action.run else ""
                if action.work:
                    done = await action.work(self._host, visit)
            except (MissingError, RefusedError, SettingError) as error:
                return await self._refused(request, visit, action, error)
            target = action.target.format(**{name: quote(part, safe="") for name, part in visit.path.items()})
            return RedirectResponse(f"{ROOT}{target}?done={done}", 303)

        return answer

    async def _refused(self, request: Request, visit: Visit, action: actions.Action, error: Exception) -> Response:
        """Return the page of a form with the reason why it was not done, and with what was written, secrets apart."""
        template, context = ("message.html", _missing) if isinstance(error, MissingError) else action.page
        refused = None if isinstance(error, MissingError) else (str(error), own_form.shown(visit.form))
        response: Response = await self._in_thread(self._rendered, request, template, action.section, context, refused)
        return response

    async def _connect(self, request: Request) -> Response:
        """Begin a login; the page says where it goes on. A page of the vendor's cannot be the answer to a form here."""
        visit = _visit(request)
        action = actions.ACTIONS["/servers/{server}/read"]
        try:
            address = await self._logins.begin(self._host, visit)
        except (MissingError, RefusedError, SettingError) as error:
            return await self._refused(request, visit, action, error)
        if urlsplit(address).scheme not in ("https", "http"):
            return await self._refused(request, visit, action, RefusedError(visit.text("not_here")))
        values = {"name": visit.path["server"], "address": address, "host": urlsplit(address).hostname}
        response: Response = await self._in_thread(
            self._rendered, request, "connect.html", "servers", lambda host, visit: values, None
        )
        return response

    def _export(self, write: exports.Export, kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            visit = _visit(request)
            headers = {"Content-Disposition": f'attachment; filename="flotilla-activity.{kind}"'}
            media = {"json": "application/json", "csv": "text/csv; charset=utf-8"}[kind]
            lines = write(read(self._host.state, **pages.filters(visit), limit=exports.LARGEST))
            return StreamingResponse(self._batches(lines), media_type=media, headers=headers)

        return answer

    async def _batches(self, lines: Iterator[str]) -> AsyncIterator[str]:
        """Yield lines in parts, each made in the console's thread: rows are read while they are sent."""
        while part := await self._in_thread(lambda: "".join(islice(lines, 500))):
            yield part

    async def _static(self, request: Request) -> Response:
        path = FOLDER / "static" / request.path_params["name"]
        if path.parent != FOLDER / "static" or not path.is_file():
            return PlainTextResponse("Not found.", 404)
        headers = {"Cache-Control": "no-cache"}
        return Response(path.read_bytes(), media_type=mimetypes.guess_type(path.name)[0], headers=headers)

    async def _events(self, request: Request) -> Response:
        return EventSourceResponse(self._changes())  # it ends with the server, and when the page is closed

    async def _changes(self) -> AsyncIterator[dict[str, str]]:
        """Yield an event whenever other calls wait than before. While a page reads it, calls wait for its answer."""
        before: list[str] | None = None
        for number in count():
            waiting = await self._in_thread(self._waiting, number % NOTE_EVERY == 0)
            if waiting != before:
                yield {"event": "waiting", "data": str(len(waiting))}
            before = waiting
            await asyncio.sleep(LOOK_EVERY)

    def _waiting(self, note: bool) -> list[str]:
        if note:
            self._host.note_presence()
        return [approval.id for approval in self._host.approvals.waiting()]

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    # -- signing in

    async def _sign_in(self, request: Request) -> Response:
        if not self._access.is_token((await _form_values(request)).get("token", "").strip()):
            return self._sign_in_page(request, status=401, error="wrong_token")
        response = RedirectResponse(f"{ROOT}/", 303)
        self._access.sign_in(request, response)
        return response

    async def _sign_out(self, request: Request) -> Response:
        response = RedirectResponse(f"{ROOT}/", 303)
        self._access.sign_out(request, response)
        return response

    def _sign_in_page(self, request: Request, *, destination: str = "", error: str = "", status: int = 200) -> Response:
        texts = self._texts(request)
        values = {"destination": destination, "error": texts["t"](error) if error else ""}
        return HTMLResponse(self._templates.get_template("sign_in.html").render({**texts, **values}), status)

    def _texts(self, request: Request) -> dict[str, Any]:
        language = _visit(request).language
        return {"language": language, "t": Texts(language), "root": ROOT, "version": VERSION}


def _environment() -> Environment:
    """Return what renders the pages: every value is escaped, and shows characters that hide or turn text."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    made.filters["raw"] = lambda text: Markup(escape(text))
    for function in (formats.parsed, formats.scalar, formats.iso, formats.minutes_left):
        made.filters[function.__name__] = function
    for write in (formats.number, formats.duration, formats.size, formats.moment, formats.day):
        made.filters[write.__name__] = _in_language(write)
    return made


def _in_language(write: Callable[[Any, str], str]) -> Any:
    """Return a filter that writes a value in the language of the page."""

    @pass_context
    def in_language(context: Context, value: Any) -> str:
        return write(value, context["language"])

    return in_language


def _visit(request: Request) -> Visit:
    asked, cookie = request.query_params.get("lang"), request.cookies.get(LANGUAGE)
    language = language_of(asked or cookie or "", request.headers.get("accept-language", ""))
    return Visit(language, dict(request.query_params), {key: str(value) for key, value in request.path_params.items()},
                 request.url.path)  # fmt: skip


def _path(request: Request, **changes: str | None) -> str:
    values = {**request.query_params, **changes}
    query = urlencode({name: value for name, value in values.items() if value is not None})
    return request.url.path + (f"?{query}" if query else "")


async def _form_values(request: Request) -> dict[str, str]:
    """Return the fields of a form; nothing for one that is too large. `request.form` would need another package."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _missing(host: Host, visit: Visit) -> dict[str, Any]:
    raise MissingError
