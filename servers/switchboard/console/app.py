"""The console's routes: each page is a template and a function of `pages`, each form a function of `actions`."""

from __future__ import annotations

import argparse
import asyncio
import mimetypes
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

from flotilla_launcher.environment import SettingError, name_set, setting
from flotilla_launcher.version import VERSION

from ..action_log import read
from ..gateway import Gateway
from ..options import url_host
from ..web import form_values, templates_in
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

NO_PAGE = (MissingError, SettingError, sqlite3.Error)  # what there is no page for, but a sentence

Route = tuple[str, str, Callable[[Request], Awaitable[Response]]]  # path, method, endpoint


@dataclass(frozen=True)
class Part:
    """Pages and forms that look at the same: at what one person has, at all tenants, or at what one tenant has.

    `root` is where their addresses begin, beneath ROOT; `open` gives for one request what they look at, and raises
    MissingError where there is none; `common` returns what stands on each page, by its section. `live`: whether `open`
    gives a Host, whose calls are logged and may wait for a yes.
    """

    root: str
    open: Callable[[Visit], AbstractContextManager[Any]]
    common: Callable[[Visit, str], dict[str, Any]]
    pages: Sequence[tuple[str, str, str, pages.Context]]
    actions: Mapping[str, actions.Action]
    live: bool = True


class Site:
    """The routes of all parts. All work with databases happens in one thread of its own, as SQLite wants it."""

    def __init__(self, options: argparse.Namespace, *parts: Part) -> None:
        self.parts = parts
        self._token = console_token(Path(options.state))
        names = {"127.0.0.1", "localhost", "::1", options.host} - {"0.0.0.0", "::"}
        self._access = Access(self._token, names | name_set("FLOTILLA_ALLOWED_HOSTS", os.environ))
        self._templates = _environment()
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
        ]
        for part in self.parts:
            made += [(part.root + path, method, self._private(answer)) for path, method, answer in self._answers(part)]
        return [(ROOT + path, method, endpoint) for path, method, endpoint in made]

    def _answers(self, part: Part) -> Iterator[Route]:
        if part.live:
            yield "/events", "GET", self._events(part)
            yield "/activity.json", "GET", self._export(part, exports.as_json, "json")
            yield "/activity.csv", "GET", self._export(part, exports.as_csv, "csv")
        for path, template, section, context in part.pages:
            yield path, "GET", self._page(part, template, section, context)
        for path, action in part.actions.items():
            yield path, "POST", self._form(part, action)

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

    def _page(
        self, part: Part, template: str, section: str, context: pages.Context
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await self._rendered(request, part, template, section, context)

        return answer

    async def _rendered(
        self,
        request: Request,
        part: Part,
        template: str,
        section: str,
        context: pages.Context,
        refused: tuple[str, Any] | None = None,
    ) -> Response:
        response: Response = await self._in_thread(self._render, request, part, template, section, context, refused)
        return response

    def _render(
        self,
        request: Request,
        part: Part,
        template: str,
        section: str,
        context: pages.Context,
        refused: tuple[str, Any] | None,
    ) -> Response:
        visit, status = _visit(request), 200
        if refused:
            visit.error, visit.form, status = *refused, 400
        try:
            with part.open(visit) as host:
                values = context(host, visit)
        except MissingError:
            template, values, status = "message.html", {"message": visit.text("not_here")}, 404
        except SettingError as error:
            template, values, status = "message.html", {"message": str(error)}, 500
        except sqlite3.Error as error:
            template, values, status = "message.html", {"message": visit.text("unreadable", reason=error)}, 500
        common = part.common(visit, section)
        html = self._templates.get_template(template).render({**self._texts(request), **common, **values})
        response = HTMLResponse(html, status)
        if request.query_params.get("lang") in LANGUAGES:
            response.set_cookie(LANGUAGE, visit.language, YEAR, path=ROOT, httponly=True, samesite="strict")
        return response

    def _form(self, part: Part, action: actions.Action) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            visit = _visit(request)
            visit.form = await form_values(request, LARGEST_FORM)
            try:
                done = await self._in_thread(_run, part, action.run, visit) if action.run else ""
                if action.work:
                    with part.open(visit) as host:
                        done = await action.work(host, visit)
            except (RefusedError, *NO_PAGE) as error:
                return await self._refused(request, part, visit, action, error)
            if isinstance(done, actions.Answer):
                values = done.values
                return await self._rendered(request, part, done.template, action.section, lambda *_: dict(values))
            target = (part.root + action.target).format(
                **{name: quote(value, safe="") for name, value in visit.path.items()}
            )
            return RedirectResponse(f"{ROOT}{target}?done={done}", 303)

        return answer

    async def _refused(
        self, request: Request, part: Part, visit: Visit, action: actions.Action, error: Exception
    ) -> Response:
        """Return the page of a form with the reason why it was not done, and with what was written, secrets apart."""
        if isinstance(error, MissingError | sqlite3.Error):
            return await self._failed(request, part, action.section, error)
        refused = visit.text.error(str(error)), own_form.shown(visit.form)
        template, context = action.page
        return await self._rendered(request, part, template, action.section, context, refused)

    async def _failed(self, request: Request, part: Part, section: str, error: Exception) -> Response:
        """Return the page that says why there is none."""

        def context(*_: Any) -> dict[str, Any]:
            raise error

        return await self._rendered(request, part, "message.html", section, context)

    def _export(self, part: Part, write: exports.Export, kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            visit = _visit(request)
            headers = {"Content-Disposition": f'attachment; filename="flotilla-activity.{kind}"'}
            media = {"json": "application/json", "csv": "text/csv; charset=utf-8"}[kind]
            try:
                state = await self._in_thread(_run, part, lambda host, _: host.state, visit)
                lines = write(read(state, **pages.filters(visit), limit=exports.LARGEST))
                first = await self._in_thread(_batch, lines)
            except NO_PAGE as error:
                return await self._failed(request, part, "activity", error)
            return StreamingResponse(self._batches(first, lines), media_type=media, headers=headers)

        return answer

    async def _batches(self, part: str, lines: Iterator[str]) -> AsyncIterator[str]:
        """Yield a part and further lines in parts, made in the console's thread: rows are read while they are sent."""
        while part:
            yield part
            part = await self._in_thread(_batch, lines)

    async def _static(self, request: Request) -> Response:
        path = FOLDER / "static" / request.path_params["name"]
        if path.parent != FOLDER / "static" or not path.is_file():
            return PlainTextResponse("Not found.", 404)
        headers = {"Cache-Control": "no-cache"}
        return Response(path.read_bytes(), media_type=mimetypes.guess_type(path.name)[0], headers=headers)

    def _events(self, part: Part) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            visit = _visit(request)
            try:
                await self._in_thread(_run, part, lambda *_: None, visit)
            except NO_PAGE as error:
                return await self._failed(request, part, "approvals", error)
            return EventSourceResponse(self._changes(part, visit))  # it ends with the server, and with the page

        return answer

    async def _changes(self, part: Part, visit: Visit) -> AsyncIterator[dict[str, str]]:
        """Yield an event whenever other calls wait than before. While a page reads it, calls wait for its answer."""
        before: list[str] | None = None
        for number in count():
            look = partial(_waiting, note=number % NOTE_EVERY == 0)
            try:
                waiting = await self._in_thread(_run, part, look, visit)
            except NO_PAGE:  # such as the tenant that is gone; the page, loaded again, says what is wrong
                return
            if waiting != before:
                yield {"event": "waiting", "data": str(len(waiting))}
            before = waiting
            await asyncio.sleep(LOOK_EVERY)

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    # -- signing in

    async def _sign_in(self, request: Request) -> Response:
        if not self._access.is_token((await form_values(request, LARGEST_FORM)).get("token", "").strip()):
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


class Console(Site):
    """The console of one person: what is theirs, `gateway` being that of the switchboard around it."""

    def __init__(self, options: argparse.Namespace, gateway: Gateway | None = None) -> None:
        self._host = Host(options, gateway)
        self._logins = own_form.Logins()
        common = partial(pages.common, self._host)
        super().__init__(options, Part("", lambda _: nullcontext(self._host), common, pages.PAGES, actions.ACTIONS))

    def routes(self) -> list[Route]:
        """Return all routes, each behind the checks of `access`."""
        connect = f"{ROOT}/servers/{{server}}/connect", "POST", self._private(self._connect)
        return [*super().routes(), connect]

    async def _connect(self, request: Request) -> Response:
        """Begin a login; the page says where it goes on. A page of the vendor's cannot be the answer to a form here."""
        visit, [part] = _visit(request), self.parts
        action = actions.ACTIONS["/servers/{server}/read"]
        try:
            address = await self._logins.begin(self._host, visit)
        except (RefusedError, *NO_PAGE) as error:
            return await self._refused(request, part, visit, action, error)
        if urlsplit(address).scheme not in ("https", "http"):
            return await self._refused(request, part, visit, action, RefusedError(visit.text("not_here")))
        values = {"name": visit.path["server"], "address": address, "host": urlsplit(address).hostname}
        return await self._rendered(request, part, "connect.html", "servers", lambda *_: values)


def _run(part: Part, function: Callable[[Any, Visit], Any], visit: Visit) -> Any:
    """Return what a function makes of what a part looks at."""
    with part.open(visit) as host:
        return function(host, visit)


def _batch(lines: Iterator[str]) -> str:
    return "".join(islice(lines, 500))


def _waiting(host: Host, visit: Visit, note: bool) -> list[str]:
    """Return the ids of the calls that wait; with `note`, that a page is open."""
    if note:
        host.note_presence()
    return [approval.id for approval in host.approvals.waiting()]


def _environment() -> Environment:
    """Return what renders the pages: every value is escaped, and shows characters that hide or turn text."""
    made = templates_in(FOLDER / "templates")
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
                 request.url.path, f"{request.url.scheme}://{request.headers.get('host', '')}")  # fmt: skip


def _path(request: Request, **changes: str | None) -> str:
    values = {**request.query_params, **changes}
    query = urlencode({name: value for name, value in values.items() if value is not None})
    return request.url.path + (f"?{query}" if query else "")
