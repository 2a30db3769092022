"""The routes of the links: a page that asks for what connects an account, and tries it before anything is kept.

Whoever opens a link has no account here and no cookie: the link itself is the right, for one server of one tenant.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from fastmcp.server.auth.ssrf import SSRFError, is_ip_allowed, resolve_hostname
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response

from flotilla.serving.http import LOOPBACK
from flotilla_launcher.environment import SettingError, is_placeholder, name_set
from flotilla_launcher.naming import catalog_name
from flotilla_launcher.text import visible

from ..catalog import Entry
from ..commands import Commands
from ..console.access import HEADERS, Access
from ..console.texts import language_of
from ..reporting import report
from ..tenants.gateways import account_of
from ..tenants.links import Link, Links
from ..tenants.tenants import Tenants
from ..tenants.vault import Vault
from .offer import Field, Offer, entry_of, offer_of, with_all_tools
from .texts import Texts
from .trial import TrialError, try_account

ROOT = "/connect"
FOLDER = Path(__file__).parent
STATIC = FOLDER.parent / "console" / "static"  # the console's look
LARGEST_FORM = 100_000  # bytes
LONGEST_VALUE = 5_000  # characters
POLICY = (  # no script at all
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
Route = tuple[str, str, Callable[[Request], Awaitable[Response]]]  # path, method, endpoint


class RefusedError(Exception):
    """What was entered cannot be kept. The message is for the customer, in their language."""


@dataclass
class Page:
    """What one page shows. `entered` is what was filled in, of which hidden fields are never shown again."""

    heading: str
    lead: Sequence[str] = ()
    forms: Sequence[Sequence[Field]] = ()
    error: str = ""
    good: str = ""
    entered: dict[str, str] = field(default_factory=dict)
    status: int = 200


class ConnectPages:
    """The pages of all links of one switchboard. `hosts` are further names by which it is reached."""

    def __init__(
        self, options: argparse.Namespace, tenants: Tenants, vault: Vault, commands: Commands, hosts: Sequence[str] = ()
    ) -> None:
        self._options, self._vault, self._commands = options, vault, commands
        self._links, self._discovery = Links(tenants.store), Path(options.discovery)
        own = {*LOOPBACK, options.host, *hosts, urlsplit(options.public_url).hostname or ""} - {"0.0.0.0", "::", ""}
        self._access = Access("", own | name_set("FLOTILLA_ALLOWED_HOSTS", os.environ))
        self._trying: set[str] = set()  # links
        self._templates = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=lambda value: visible(value) if type(value) is str else value,
        )

    def routes(self) -> list[Route]:
        """Return all routes, each behind the checks of Host and Origin."""
        return [
            (f"{ROOT}/static/{{name}}", "GET", self._checked(self._static)),
            (f"{ROOT}/{{token}}", "GET", self._checked(self._opened)),
            (f"{ROOT}/{{token}}", "POST", self._checked(self._sent)),
        ]

    def _checked(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            texts = _texts(request)
            if not self._access.known_host(request):
                response: Response = PlainTextResponse(texts("gone_why"), 421)
            elif request.method == "POST" and not self._access.own_form(request):
                response = PlainTextResponse(texts("elsewhere"), 403)
            else:
                try:
                    response = await answer(request)
                except SettingError as error:
                    report(f"connecting an account: {error}")
                    response = self._shown(request, _unavailable(texts))
            for name, value in {**HEADERS, "Content-Security-Policy": POLICY}.items():
                response.headers.setdefault(name, value)
            return response

        return endpoint

    async def _static(self, request: Request) -> Response:
        path = STATIC / request.path_params["name"]
        if path.parent != STATIC or path.suffix not in (".css", ".svg") or not path.is_file():
            return PlainTextResponse("", 404)
        return FileResponse(path)

    async def _opened(self, request: Request) -> Response:
        """Show what a link asks for. Opening it does not use it up: programs that show previews open it too."""
        link = await asyncio.to_thread(self._links.find, request.path_params["token"])
        if link is None:
            return self._shown(request, _gone(_texts(request)))
        offer = offer_of(await asyncio.to_thread(self._entry, link), self._discovery)
        return self._shown(request, _asking(_texts(request), link, offer))

    async def _sent(self, request: Request) -> Response:
        """Try what was entered, and keep it where it works."""
        texts, form = _texts(request), await _form_values(request)
        link = await asyncio.to_thread(self._links.find, request.path_params["token"])
        if link is None:
            return self._shown(request, _gone(texts))
        offer = offer_of(await asyncio.to_thread(self._entry, link), self._discovery)
        try:
            values = await _entered(texts, offer, form)
            if link.hash in self._trying:
                raise RefusedError(texts("busy"))
            self._trying.add(link.hash)
            try:
                account = await self._tried(texts, offer, link, values)
            finally:
                self._trying.discard(link.hash)
        except RefusedError as refusal:
            page = _asking(texts, link, offer)
            page.error, page.entered, page.status = str(refusal), form, 400
            return self._shown(request, page)
        if not await asyncio.to_thread(self._kept, link, values, account):
            return self._shown(request, _gone(texts))
        return self._shown(request, _connected(texts, link, offer, account))

    async def _tried(self, texts: Texts, offer: Offer, link: Link, values: dict[str, str]) -> str:
        """Return whose account the values open. Raises RefusedError."""
        entry = with_all_tools(await asyncio.to_thread(self._entry, link, values))
        try:
            return await try_account(entry, self._commands, self._discovery, self._options.start_timeout)
        except TrialError as error:
            reason = str(error)
            for value in values.values():
                reason = reason.replace(value, "***") if len(value) > 3 else reason
            raise RefusedError(texts("refused", title=offer.title, reason=reason[:500])) from None

    def _entry(self, link: Link, values: dict[str, str] | None = None) -> Entry:
        """Return the server of a link with the tenant's settings, and with those that were entered."""
        account = account_of(link.tenant, self._vault)
        entered = {f"{catalog_name(link.server)}.{name}": value for name, value in (values or {}).items()}
        return entry_of(self._options, replace(account, secrets={**account.secrets, **entered}), link.server)

    def _kept(self, link: Link, values: dict[str, str], account: str) -> bool:
        """Use the link up and keep the values; False where the link was used meanwhile."""
        if not self._links.use(link):
            return False
        self._vault.put(link.tenant, {(catalog_name(link.server), name): value for name, value in values.items()})
        self._links.note_connected(link.tenant, link.server, account)
        return True

    def _shown(self, request: Request, page: Page) -> Response:
        texts = _texts(request)
        values = {"language": texts.language, "t": texts, "root": ROOT, **vars(page)}
        return HTMLResponse(self._templates.get_template("page.html").render(values), page.status)


def _texts(request: Request) -> Texts:
    wish = request.query_params.get("lang", "")
    return Texts(language_of(wish, request.headers.get("accept-language", "")))


def _asking(texts: Texts, link: Link, offer: Offer) -> Page:
    lead = [texts("for_whom", tenant=link.tenant.name, title=offer.title)]
    if not offer.forms:
        lead = [texts("nothing_to_enter")]
    return Page(texts("connect", title=offer.title), lead, offer.forms)


def _connected(texts: Texts, link: Link, offer: Offer, account: str) -> Page:
    good = texts("connected_as", account=account) if account else texts("connected", title=offer.title)
    return Page(offer.title, [texts("close", tenant=link.tenant.name)], good=good)


def _gone(texts: Texts) -> Page:
    return Page(texts("gone"), [texts("gone_why")], status=404)


def _unavailable(texts: Texts) -> Page:
    return Page(texts("unavailable"), [texts("unavailable_why")], status=503)


async def _entered(texts: Texts, offer: Offer, form: dict[str, str]) -> dict[str, str]:
    """Return the values of the form that was filled in, by field. Raises RefusedError."""
    number = form.get("number", "")
    fields = offer.forms[int(number) - 1] if number in map(str, range(1, len(offer.forms) + 1)) else ()
    values = {field.name: form.get(field.name, "").strip() for field in fields}
    if not values or any(map(is_placeholder, values.values())):
        raise RefusedError(texts("incomplete"))
    for item in fields:
        value = values[item.name]
        if len(value) > LONGEST_VALUE or not value.isprintable():
            raise RefusedError(texts("one_line", label=item.label))
        if not item.hidden and not await _leads_outside(value):
            raise RefusedError(texts("private_address", label=item.label))
    return values


async def _leads_outside(value: str) -> bool:
    """Tell whether a value names no address of this machine or its network: a server would ask there.

    Hosts that the operator allows without TLS may be entered: FLOTILLA_PLAIN_HTTP.
    """
    is_url = "://" in value
    try:
        parts = urlsplit(value if is_url else f"//{value}")
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        return not is_url
    if not is_url and ("@" in value or not ("." in host or host == "localhost")):
        return True  # an e-mail address, or the name of something else than a host
    if host in name_set("FLOTILLA_PLAIN_HTTP", os.environ):
        return True
    try:
        return all(map(is_ip_allowed, await resolve_hostname(host, port)))
    except SSRFError:
        return True  # there is no such host: the trial says so


async def _form_values(request: Request) -> dict[str, str]:
    """Return the fields of a form; nothing for one that is too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
