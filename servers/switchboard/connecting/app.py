"""The routes of the links: a page that asks for what connects an account, and tries it before anything is kept.

Whoever opens a link has no account here and no cookie: the link itself is the right, for one server of one tenant.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from hmac import compare_digest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response

from flotilla.serving.http import LOOPBACK
from flotilla_launcher.environment import SettingError, name_set
from flotilla_launcher.naming import catalog_name
from flotilla_launcher.protocol import GIVEN
from flotilla_launcher.text import visible

from ..catalog import Entry
from ..commands import Commands
from ..consent_flow import REGION, ConsentError, account_name, authorization, client, exchange, new_verifier
from ..console.access import HEADERS, Access
from ..console.texts import language_of
from ..reporting import report
from ..tenants.connections import Connections
from ..tenants.gateways import account_of
from ..tenants.links import Link, Links
from ..tenants.tenants import Tenants
from ..tenants.vault import LOGIN, Vault
from ..web import form_values, templates_in
from .access_tokens import AccessTokens, Tokens, tokens_of
from .entered import LARGEST_FORM, RefusedError, entered, leads_outside
from .login import Login, login_of, missing_part, with_part
from .offer import Field, Offer, entry_of, offer_of, with_all_tools
from .texts import Texts
from .trial import TrialError, try_account

ROOT = "/connect"
FOLDER = Path(__file__).parent
STATIC = FOLDER.parent / "console" / "static"  # the console's look
COOKIE, PATIENCE = "flotilla-connect-", 900.0  # of each login that a browser has begun, and seconds that it has
AT_VENDORS = 8  # logins that are exchanged for tokens at once; calls do not wait for their threads
PART_FIELD = "part"  # of a query: what a customer typed for the account's part of the vendor's address
STATE = "connect-state"  # what the state is sealed for
TO_URL, FROM_URL = str.maketrans("+/=:", "-_.~"), str.maketrans("-_.~", "+/=:")  # so that nothing in it is escaped
POLICY = (  # no script at all
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
Route = tuple[str, str, Callable[[Request], Awaitable[Response]]]  # path, method, endpoint


@dataclass(frozen=True)
class Attempt:
    """One attempt to log in, which only the browser that began it can end. `link` is the secret part of the link."""

    link: str
    server: str
    verifier: str
    part: str = ""  # of the vendor's address that the customer has typed
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    browser: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    ends: float = field(default_factory=lambda: time.time() + PATIENCE)


@dataclass
class Page:
    """What one page shows. `entered` is what was filled in, of which hidden fields are never shown again."""

    heading: str
    lead: Sequence[str] = ()
    forms: Sequence[Sequence[Field]] = ()
    error: str = ""
    good: str = ""
    entered: dict[str, str] = field(default_factory=dict)
    token: str = ""  # of the link, for the ways on
    host: str = ""  # of the vendor, where a login is offered
    asks: Field | None = None  # the part of the vendor's address that a login needs first
    part: str = ""  # what was given for it
    scopes: Sequence[str] = ()  # that the login asks for
    warning: str = ""
    status: int = 200


@dataclass(frozen=True)
class Choice:
    """What a link offers: keys to enter, and a login where that is possible.

    `asks` is the account's part of the vendor's address, where the login lacks it; `part` what was typed for it, ""
    where that cannot be used.
    """

    offer: Offer
    login: Login | None
    asks: Field | None
    part: str


class ConnectPages:
    """The pages of all links of one switchboard."""

    def __init__(
        self,
        options: argparse.Namespace,
        tenants: Tenants,
        vault: Vault,
        commands: Commands,
        tokens: AccessTokens,
    ) -> None:
        self._options, self._vault, self._commands, self._store = options, vault, commands, tenants.store
        self._links, self._discovery = Links(tenants.store), Path(options.discovery)
        self._connections, self._tokens = Connections(tenants.store), tokens
        own = {*LOOPBACK, options.host, urlsplit(options.public_url).hostname or ""} - {"0.0.0.0", "::", ""}
        self._access = Access(secrets.token_urlsafe(), own | name_set("FLOTILLA_ALLOWED_HOSTS", os.environ))
        self._trying: set[str] = set()  # links
        self._at_vendors = ThreadPoolExecutor(AT_VENDORS)
        self._templates = templates_in(FOLDER / "templates")

    def routes(self) -> list[Route]:
        """Return all routes, each behind the checks of Host and Origin."""
        return [
            (f"{ROOT}/static/{{name}}", "GET", self._checked(self._static)),
            (f"{ROOT}/{{token}}", "GET", self._checked(self._opened)),
            (f"{ROOT}/{{token}}", "POST", self._checked(self._sent)),
            (f"{ROOT}/back/{{server}}", "GET", self._checked(self._came_back)),
            (f"{ROOT}/{{token}}/login", "GET", self._checked(self._login)),
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
        texts, typed = _texts(request), request.query_params.get(PART_FIELD, "")
        choice = await self._choice(link, typed)
        page = _asking(texts, link, choice)
        if (asks := choice.asks) and typed and not choice.part:
            page.error, page.entered, page.status = texts("wrong_part", label=asks.label), {asks.name: typed}, 400
        return self._shown(request, page)

    async def _sent(self, request: Request) -> Response:
        """Try what was entered, and keep it where it works."""
        texts, form = _texts(request), await form_values(request, LARGEST_FORM)
        link = await asyncio.to_thread(self._links.find, request.path_params["token"])
        if link is None:
            return self._shown(request, _gone(texts))
        choice = await self._choice(link)
        offer = choice.offer
        try:
            values = await entered(texts, offer, form)
            if link.hash in self._trying:
                raise RefusedError(texts("busy"))
            self._trying.add(link.hash)
            try:
                account = await self._tried(texts, offer, link, values)
            finally:
                self._trying.discard(link.hash)
        except RefusedError as refusal:
            page = _asking(texts, link, choice)
            page.error, page.entered, page.status = str(refusal), form, 400
            return self._shown(request, page)
        if not await asyncio.to_thread(self._kept, link, offer, values, account):
            return self._shown(request, _gone(texts))
        return self._shown(request, _connected(texts, link, offer, account))

    async def _login(self, request: Request) -> Response:
        """Lead to the vendor's page. The browser gets a cookie: only it can come back with the state."""
        token, texts = request.path_params["token"], _texts(request)
        link = await asyncio.to_thread(self._links.find, token)
        choice = await self._choice(link, request.query_params.get(PART_FIELD, "")) if link else None
        if link is None or choice is None or not (login := choice.login):
            return self._shown(request, _gone(texts))
        attempt = Attempt(token, link.server, new_verifier(login.consent), choice.part)
        state = await asyncio.to_thread(self._begun, link, attempt)
        with self._client(request, login) as oauth:
            address, _ = authorization(login.consent, oauth, self._redirect(request, login), attempt.verifier, state)
        response = RedirectResponse(address, 303)
        secure = self._address(request).startswith("https:")
        # Lax: the vendor's page leads here, which a stricter cookie would not survive
        response.set_cookie(
            f"{COOKIE}{attempt.id}",
            attempt.browser,
            int(PATIENCE),
            path=ROOT,
            secure=secure,
            httponly=True,
            samesite="lax",
        )
        return response

    async def _came_back(self, request: Request) -> Response:
        """Take what the vendor's page sends the browser back with, once, and keep the login where it works."""
        texts = _texts(request)
        attempt = await asyncio.to_thread(self._attempt, request)
        if attempt is None:
            return self._shown(request, _ended(texts))
        link = await asyncio.to_thread(self._links.find, attempt.link)
        if link is None:
            return self._shown(request, _gone(texts))
        if not await asyncio.to_thread(self._links.end_login, link, attempt.id):
            return self._shown(request, _ended(texts))
        choice = await self._choice(link, attempt.part)
        offer, login = choice.offer, choice.login
        if login is None:
            return self._shown(request, _gone(texts))
        try:
            agreed = asyncio.get_running_loop().run_in_executor
            token, account = await agreed(self._at_vendors, self._agreed, request, login, attempt)
        except (ConsentError, OAuthError, httpx2.HTTPError, ValueError) as error:
            reason = visible(" ".join(str(error).split()))[:300]  # a part of it may be the vendor's, or anybody's
            report(f"{link.tenant.name}: the login of {login.slug} failed: {reason}")
            page = _asking(texts, link, choice)
            page.error, page.token, page.status = texts("login_failed", title=offer.title), attempt.link, 400
            return self._shown(request, page)
        settings = {choice.asks.name: choice.part} if choice.asks else {}
        if not await asyncio.to_thread(self._kept_login, link, offer, login, token, account, settings):
            return self._shown(request, _gone(texts))
        page = _connected(texts, link, offer, account)
        if lacking := login.without(_granted(token)) if _granted(token) else []:
            page.warning = texts("not_agreed", tools=", ".join(lacking))
        response = self._shown(request, page)
        response.delete_cookie(f"{COOKIE}{attempt.id}", path=ROOT)
        return response

    async def _tried(self, texts: Texts, offer: Offer, link: Link, values: dict[str, str]) -> str:
        """Return whose account the values open. Raises RefusedError."""
        entry = with_all_tools(await asyncio.to_thread(self._entry, link, values))
        try:
            return await try_account(entry, self._commands, self._discovery, self._options.start_timeout)
        except TrialError as error:
            reason = str(error).partition(" Ask the user")[0]  # what follows is for a model
            for value in values.values():
                reason = reason.replace(value, "***") if len(value) > 3 else reason
            raise RefusedError(texts("refused", title=offer.title, reason=reason[:500])) from None

    def _entry(self, link: Link, values: dict[str, str] | None = None) -> Entry:
        """Return the server of a link with the tenant's settings, and with those that were entered."""
        account, server = account_of(link.tenant, self._vault), catalog_name(link.server)
        entered = {f"{server}.{name}": value for name, value in (values or {}).items()}
        saved = {name: value for name, value in account.secrets.items() if not (entered and value == GIVEN)}
        account = replace(account, secrets={**saved, **entered})
        return entry_of(self._options, account, link.server, connecting=not entered)

    async def _choice(self, link: Link, typed: str = "") -> Choice:
        """Return what a link offers, with what `typed` gives for the account's part of the vendor's address.

        A part that leads into the network is none, and there is no login then.
        """
        choice = await asyncio.to_thread(self._offered, link, typed)
        if not (choice.login and choice.part):
            return choice
        host = urlsplit(choice.login.consent.authorize_url).hostname or ""
        return choice if await leads_outside(host, True) else replace(choice, login=None, part="")

    def _offered(self, link: Link, typed: str) -> Choice:
        """Read what a link offers. A set of keys with a client of its own is left out where the operator has one."""
        entry, part = self._entry(link), ""
        asks = missing_part(entry, self._discovery)
        if asks and (filled := with_part(entry, self._discovery, asks, typed)):
            entry, part = filled
        offer, login = offer_of(entry, self._discovery), login_of(entry, self._discovery)
        if login or asks:
            forms = tuple(fields for fields in offer.forms if not any(field.name == "client_id" for field in fields))
            offer = replace(offer, forms=forms)
        return Choice(offer, login, asks, part)

    def _kept(
        self, link: Link, offer: Offer, values: dict[str, str], account: str, tokens: Tokens | None = None
    ) -> bool:
        """Use the link up and keep the values, both or neither; False where the link was used meanwhile.

        `tokens` are those of a login that the switchboard renews.
        """
        with self._store.of(link.tenant, write=True):
            if not self._links.use(link):
                return False
            self._forget(link, {LOGIN, *_names(offer)} - values.keys() - offer.always)
            self._vault.put(link.tenant, {(catalog_name(link.server), name): value for name, value in values.items()})
            if tokens:
                self._tokens.save(link.tenant, link.server, tokens, announce=True)
            self._connections.note(link.tenant, link.server, account)
        return True

    def _kept_login(
        self, link: Link, offer: Offer, login: Login, token: dict[str, Any], account: str, settings: dict[str, str]
    ) -> bool:
        """Do the same for a login, whose tokens take the place of all keys; `settings` are those it needed first."""
        about, values = login.consent.storing(token), dict(settings)
        if about.regions and (region := token.pop(REGION, "")):
            values[about.regions.field] = region
        if about.stored_token == "access_token":
            values[about.token_field] = token["access_token"]
        tokens = tokens_of(token, {}) if about.stored_token == "refresh_token" else None
        return self._kept(link, offer, values, account, tokens)

    def _forget(self, link: Link, names: set[str]) -> None:
        """Delete what connected another account: the server would go on with it."""
        server = catalog_name(link.server)
        for one in self._vault.listed(link.tenant):
            if one.server == server and one.name in names:
                self._vault.remove(link.tenant, server, one.name)

    # -- logins

    def _agreed(self, request: Request, login: Login, attempt: Attempt) -> tuple[dict[str, Any], str]:
        """Exchange the code for tokens; return them, and whose account it is.

        Raises ConsentError, OAuthError, and what the HTTP client raises.
        """
        about, state = login.consent, request.query_params["state"]
        with self._client(request, login) as oauth:
            token = exchange(about, oauth, str(request.url), state, attempt.verifier)
        if not (token.get("access_token") and token.get(about.storing(token).stored_token)):
            raise ConsentError("The vendor gave no token that lasts.")
        return token, account_name(about.in_region(token.get(REGION, "")), token)

    def _client(self, request: Request, login: Login) -> OAuth2Client:
        oauth = client(login.consent, login.client_id, login.client_secret, login.wanted)
        oauth.redirect_uri = self._redirect(request, login)
        return oauth

    def _redirect(self, request: Request, login: Login) -> str:
        """Return where the vendor sends the browser: each vendor has an address of its own, so that none is taken for
        another one.
        """
        return f"{self._address(request)}{ROOT}/back/{login.slug}"

    def _address(self, request: Request) -> str:
        return self._options.public_url.rstrip("/") or f"{request.url.scheme}://{request.headers['host']}"

    def _begun(self, link: Link, attempt: Attempt) -> str:
        """Note an attempt, and return it sealed, as the state that comes back."""
        self._links.begin_login(link, attempt.id)
        return self._vault.seal(json.dumps(asdict(attempt)), STATE).translate(TO_URL)

    def _attempt(self, request: Request) -> Attempt | None:
        """Return the attempt that a browser comes back from; None where it is not its own, or has ended."""
        state = request.query_params.get("state", "")
        try:
            attempt = Attempt(**json.loads(self._vault.unseal(state.translate(FROM_URL), STATE)))
        except (SettingError, ValueError):
            return None
        browser = request.cookies.get(f"{COOKIE}{attempt.id}", "")
        own = compare_digest(attempt.browser.encode(), browser.encode())
        is_of_vendor = attempt.server.partition("@")[0] == request.path_params["server"]
        return attempt if own and is_of_vendor and attempt.ends > time.time() else None

    # -- pages

    def _shown(self, request: Request, page: Page) -> Response:
        texts = _texts(request)
        if not page.token and page.status in (200, 400):
            page.token = request.path_params.get("token", "")
        values = {"language": texts.language, "t": texts, "root": ROOT, **vars(page)}
        return HTMLResponse(self._templates.get_template("page.html").render(values), page.status)


def _texts(request: Request) -> Texts:
    wish = request.query_params.get("lang", "")
    return Texts(language_of(wish, request.headers.get("accept-language", "")))


def _asking(texts: Texts, link: Link, choice: Choice) -> Page:
    offer, login, asks = choice.offer, choice.login, choice.asks
    lead, names = [texts("for_whom", tenant=link.tenant.name, title=offer.title)], {"title": offer.title}
    host = urlsplit(login.consent.authorize_url).hostname or "" if login else ""
    if host:
        lead.append(texts("login_lead", host=host, **names))
    elif asks:
        lead.append(texts("part_lead", **names))
    elif offer.forms:
        lead.append(texts("forms_lead"))
    else:
        lead = [texts("nothing_to_enter")]
    scopes = login.wanted if login else ()
    asked = None if host else asks
    return Page(texts("connect", **names), lead, offer.forms, host=host, scopes=scopes, asks=asked, part=choice.part)


def _connected(texts: Texts, link: Link, offer: Offer, account: str) -> Page:
    good = texts("connected_as", account=account) if account else texts("connected", title=offer.title)
    return Page(offer.title, [texts("close", tenant=link.tenant.name)], good=good)


def _gone(texts: Texts) -> Page:
    return Page(texts("gone"), [texts("gone_why")], status=404)


def _ended(texts: Texts) -> Page:
    return Page(texts("login_ended"), [texts("login_ended_why")], status=404)


def _unavailable(texts: Texts) -> Page:
    return Page(texts("unavailable"), [texts("unavailable_why")], status=503)


def _names(offer: Offer) -> list[str]:
    return [field.name for fields in offer.forms for field in fields if field.required]


def _granted(token: dict[str, Any]) -> set[str]:
    """Return the scopes that a token response names; nothing where it names none."""
    return set(str(token.get("scope") or "").replace(",", " ").split())
