"""Flotilla's own gateway, for machines without Docker's: it lists all servers and starts one on its first call.

It reads the same catalog, secrets file and configuration as `docker mcp gateway run`, and speaks stdio, or streamable
HTTP with a bearer token. Every option can also stand in the environment: FLOTILLA_CATALOG and so on.

It does not have the shape of a server (Integration, Api, Toolset, Server). It has no vendor, no account and no tools of
its own: what it lists are other servers' definitions, and what it does is to forward JSON messages.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flotilla_launcher.environment import SettingError, setting
from flotilla_launcher.handover import build_models_on_first_use

from . import settings_file
from .accounts import Accounts
from .action_log import ActionLog
from .admission import Admission
from .approvals import Approvals
from .backend import Backend, Process
from .catalog import CatalogError, Entry
from .commands import Commands
from .database import Database
from .discovery import DiscoveryError, deadlines, definitions, searchables, title
from .embeddings import TOKEN as EMBEDDINGS_TOKEN
from .embeddings import Embeddings
from .gateway import Gateway
from .last_calls import LastCalls
from .named_accounts import MAIN, NamedAccounts
from .note_save import NoteSave
from .offers import Offers
from .options import arguments, remotes
from .own_backends import Own, backend_of
from .own_offers import OwnOffers
from .own_servers import OwnServer
from .permissions import Permissions
from .reporting import report
from .selection import Account, is_ready, selected
from .settings_file import Settings, SettingsFile
from .spoken import Sentences, language
from .stdio_transport import StdioTransport
from .time_limits import TimeLimits
from .tool_search import ToolSearch, is_on
from .warm import Warmer

if TYPE_CHECKING:
    from .console.app import Site


def build(
    options: argparse.Namespace,
    account: Account | None = None,
    commands: Commands | None = None,
    state_key: str = "",
) -> tuple[Gateway, list[Backend]]:
    """Make the gateway that clients see, and the backends; nothing is started.

    They work for the account of the user's files, unless another one is given. `state_key` signs questions,
    FLOTILLA_STATE_KEY by default. Raises CatalogError, and errors.ConfigurationError for a variable of the environment.
    """
    token = setting("FLOTILLA_REMOTE_TOKEN", guard=True)
    last_calls = LastCalls(Path(options.state))
    file = settings_file.of(options)
    settings = file.load()
    spoken = language(settings.language, os.environ)
    sentences, admission = Sentences(spoken, settings.time.say_after_seconds), None
    plain = options.plain == "on"
    if not plain:
        database = Database(Path(options.state))
        admission = Admission(Permissions(database, file), Approvals(database), file, spoken)
    user = account.environment.get("FLOTILLA_USER", "") if account else setting("FLOTILLA_USER") or ""
    commands, log = commands or Commands(options), action_log(options, settings, user)
    key = state_key or configured_state_key()
    gateway = Gateway(key, last_calls.note, log, sentences, admission, telemetry(options))

    def limits() -> TimeLimits:
        time = file.current().time
        return TimeLimits(time.limit_seconds, time.tools)

    gateway.limits = limits
    gateway.notes = NoteSave(Path(options.data), gateway.offers)
    backends: list[Backend] = []
    urls, folder = remotes(options), Path(options.discovery)

    def server_of(entry: Entry) -> Backend | None:
        """Return the server of one account; None for one that a tenant does not have, since it does not run."""
        if url := urls.get(entry.slug):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return _shared(entry, url, headers, account) if account else _remote(entry, url, headers)
        if remote := entry.spec.get("remote"):
            return _remote(entry, remote["url"], entry.headers)
        if options.run == "http-map" and account:
            return None
        if options.run == "http-map":
            raise CatalogError(f"No URL is set for {entry.slug}. Add it to --remote, or leave it out of --servers.")
        own = commands
        if entry.account:  # whose state nobody else's server sees; the files are the tenant's
            own = commands.in_folders(Path(options.data), Path(options.state) / f"@{entry.account}")
        return Process(entry, own, options.idle, options.start_timeout)

    for entry in selected(options, account):
        if (backend := server_of(entry)) is None:
            continue
        others = {name: made for name, one in entry.others.items() if (made := server_of(one))}
        try:
            offered = definitions(entry, folder)
            if others:
                offered |= {"tools": _name_accounts(gateway.offers, backend, others, folder)}
            gateway.offers.offer(backend, offered)
            for one in (backend, *others.values()):
                one.deadlines = deadlines(entry, folder)
        except DiscoveryError as error:
            report(f"{entry.slug} is left out: {error}")
            continue
        backends += [backend, *others.values()]
    # An own server has one account, which is nobody's but the user's.
    own = gateway.own = None if account else own_offers(gateway, file, commands, options)
    gateway.bind_rules()
    entries = [backend.entry for backend in backends if not backend.entry.account]
    api_token = setting(EMBEDDINGS_TOKEN, guard=True) or ""
    embeddings = None if plain else Embeddings(Path(options.state), lambda: file.current().search, api_token)
    gateway.tool_search = ToolSearch(
        lambda: gateway.offers.listed("tools"),
        lambda: [s for e in entries for s in searchables(e, folder)] + (own.searchables() if own else []),
        embeddings,
    )
    if is_on(settings.search.mode, gateway.tool_count):
        gateway.search_instead([*map(title, entries), *(own.titles() if own else ())])
    return gateway, backends


def _name_accounts(
    offers: Offers, backend: Backend, others: Mapping[str, Backend], folder: Path
) -> list[dict[str, Any]]:
    """Have the calls of a server go to the account that they name; return the tools that any of its accounts has.

    Its first account may not be connected: then only the others are.
    """
    accounts = {MAIN: backend, **others} if is_ready(backend.entry, folder) else others
    tools = {
        name: {tool["name"]: tool for tool in definitions(one.entry, folder)["tools"]} for name, one in accounts.items()
    }
    offers.accounts[backend] = NamedAccounts({name: (one, tools[name].keys()) for name, one in accounts.items()})
    return list({name: tool for of_account in tools.values() for name, tool in of_account.items()}.values())


def own_offers(
    gateway: Gateway, file: SettingsFile, commands: Commands, options: argparse.Namespace
) -> OwnOffers | None:
    """Return what offers the own servers of the settings file, and offer them; None with --plain."""
    if options.plain == "on":
        return None
    state = Path(options.state)
    fleet = [backend.entry.slug for backend in gateway.offers.backends()]

    def make(server: OwnServer) -> Own:
        return backend_of(server, state, commands, options.idle, options.start_timeout)

    own = OwnOffers(gateway.offers, file, state, make, fleet, Path(options.discovery))
    own.on_change = gateway.search_again
    own.follow()
    return own


def configured_state_key() -> str:
    """Return FLOTILLA_STATE_KEY, or a key that ends with the process. Raises CatalogError."""
    state_key = setting("FLOTILLA_STATE_KEY", guard=True) or secrets.token_hex(32)
    if len(state_key) < 32:
        raise CatalogError("FLOTILLA_STATE_KEY has fewer than 32 characters. Set a longer one, or unset it.")
    return state_key


def action_log(options: argparse.Namespace, settings: Settings, user: str) -> ActionLog | None:
    """Return where calls are logged, None where they are not."""
    if settings.log.mode == "off":
        return None
    log = settings.log
    return ActionLog(Path(options.state), log.mode == "results", user, keep_days=log.days, keep_rows=log.rows)


def telemetry(options: argparse.Namespace) -> Any:
    """Return what measures calls, None where nobody wants to know: it takes the library's import."""
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
    if not (options.metrics == "on" and options.transport == "http") and not any(map(os.environ.get, names)):
        return None
    from flotilla.serving import telemetry as measuring

    measuring.configure("switchboard")
    return measuring


def _remote(entry: Entry, url: str, headers: Mapping[str, str]) -> Backend:
    build_models_on_first_use()
    from .remote import Remote  # not at the top: mcp's client takes a second and 60 MB

    return Remote(entry, url, headers)


def _shared(entry: Entry, url: str, headers: Mapping[str, str], account: Account) -> Backend:
    build_models_on_first_use()
    from .tenants.sealed_remote import SealedRemote

    whose = account.tenant + entry.place.removeprefix(entry.slug)
    return SealedRemote(entry, url, headers, whose, configured_state_key())


async def serve(options: argparse.Namespace) -> None:
    """Serve until the client closes the connection or a signal comes, then stop every server."""
    if options.tenants:
        await _serve_tenants(options)
        return
    gateway, backends = build(options)
    own = gateway.own
    report(f"{len(backends) + (len(own.titles()) if own else 0)} servers, {gateway.tool_count} tools")

    def console() -> Site:
        from .console.app import Console  # not at the top: clients that want no console need no templates

        return Console(options, gateway)

    async def run() -> None:
        gateway.tool_search.prepare()
        lately = LastCalls(Path(options.state)).since(options.warm_days)
        watching = asyncio.create_task(gateway.watch())
        warming = asyncio.create_task(Warmer(gateway, backends, options.warm_memory).run(lately))
        try:
            if options.transport == "http":
                build_models_on_first_use()
                from . import http_transport  # not at the top: stdio needs neither FastMCP nor mcp

                await http_transport.serve(gateway, options, console)
            else:
                await StdioTransport(gateway).serve()
        finally:
            for task in (warming, watching):
                task.cancel()

    drain = options.drain if options.transport == "http" else 0
    await _until_ended(run, lambda: gateway.end(backends), lambda: gateway.in_flight, drain)


async def _serve_tenants(options: argparse.Namespace) -> None:
    """Serve many tenants over HTTP. Raises CatalogError, and StoreError for their database."""
    if options.transport != "http":
        raise CatalogError("--tenants needs --transport http: over stdio there is one person, who has no token.")
    if options.remote and not setting("FLOTILLA_STATE_KEY", guard=True):
        raise CatalogError(
            "Servers at a URL get each call's credentials sealed with FLOTILLA_STATE_KEY, which is not set. Set the "
            "same one here and at those servers, which need FLOTILLA_CALL_CREDENTIALS=on too."
        )
    build_models_on_first_use()
    from . import http_transport
    from .connecting.access_tokens import AccessTokens  # not at the top: one person needs none of it
    from .connecting.tenant_accounts import TenantAccounts
    from .tenants.authentication import authentication
    from .tenants.connections import Connections
    from .tenants.gateways import TenantGateways
    from .tenants.links import Links
    from .tenants.setup import open_tenants
    from .tenants.tenant import Tenant

    tenants, vault = open_tenants(options.tenants, os.environ)
    commands = Commands(options)
    connections, links = Connections(tenants.store), Links(tenants.store)
    tokens = AccessTokens(options, connections, vault)

    def accounts(tenant: Tenant, account: Account) -> Accounts:
        return TenantAccounts(options, tenant, account, tokens, connections, links)

    gateways = TenantGateways(options, tenants, vault, build, commands, configured_state_key(), accounts)
    auth = authentication(tenants, os.environ)
    sweeping = asyncio.create_task(gateways.sweep())

    def console() -> Site:
        from .console.tenants_console import TenantsConsole  # not at the top: see above

        return TenantsConsole(options, tenants, vault)

    async def run() -> None:
        try:
            pages = connect_pages(options, tenants, vault, commands, tokens)
            await http_transport.serve(gateways, options, console, auth, pages)
        finally:
            sweeping.cancel()

    async def close() -> None:
        await asyncio.gather(gateways.close(), tokens.close())

    await _until_ended(run, close, lambda: gateways.in_flight, options.drain)


def connect_pages(options: argparse.Namespace, tenants: Any, vault: Any, commands: Commands, tokens: Any) -> list[Any]:
    """Return the routes by which customers connect their accounts, none where pages cannot be made here."""
    try:
        from .connecting.app import ConnectPages
    except ModuleNotFoundError as error:
        report(f"no links to connect accounts: install {error.name}, or flotilla-fleet[switchboard]")
        return []
    return list(ConnectPages(options, tenants, vault, commands, tokens).routes())


async def _until_ended(
    run: Callable[[], Awaitable[None]],
    close_servers: Callable[[], Awaitable[None]],
    in_flight: Callable[[], int],
    drain: float,
) -> None:
    """Serve until that ends or a signal comes; then stop every server, and this process.

    Calls that are in flight get `drain` seconds to end. With more than one second, new ones are answered until the end
    has been announced (see `flotilla.serving.shutdown`), and `run` ends by itself unless a client listens for changes.
    """

    async def close(accepting: float = 0, quiet: float = 0) -> None:
        """Stop every server once no call was in flight for `quiet` seconds, after `accepting` seconds at least."""
        with suppress(TimeoutError):
            async with asyncio.timeout(drain):
                await asyncio.sleep(accepting)
                last_call = time.monotonic()
                while in_flight() or time.monotonic() - last_call < quiet:
                    last_call = time.monotonic() if in_flight() else last_call
                    await asyncio.sleep(0.05)
        async with asyncio.timeout(12):  # a server that renews its tokens is waited for
            await close_servers()

    def end() -> None:  # without it the process would die before its servers
        if drain > 1:
            from flotilla.serving.shutdown import notice_of  # not at the top: stdio needs none of it

            closing = close(notice_of(drain), quiet=2)  # what was received is in flight by then, what was answered sent
        else:
            closing = close()
        ending.append(asyncio.ensure_future(closing))
        ending[-1].add_done_callback(lambda _: os._exit(0))

    ending: list[asyncio.Future[None]] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        await run()
    finally:
        await close()
    os._exit(0)


class Switchboard:
    """What the launcher runs: it has the slug and the `run` of a Server, and nothing else of it."""

    slug = "switchboard"

    def run(self) -> None:
        """Serve with the options of the command line."""
        logging.getLogger("fastmcp").setLevel(logging.CRITICAL)  # it would write every error with its traceback
        try:
            asyncio.run(serve(arguments(sys.argv[1:])))
        except SettingError as error:
            sys.exit(f"flotilla-switchboard: {error}")


server = Switchboard()
