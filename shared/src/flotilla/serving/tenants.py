"""A server that many tenants share: each request works for the tenant whose sealed credentials it brings.

A request without them is refused: the server's own environment holds how it serves and the operator's guards, but no
account.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Generic, TypeVar

import mcp_types as mt
from fastmcp import FastMCP
from mcp.shared.exceptions import MCPError

from flotilla import errors
from flotilla.calls.context import sealed_access
from flotilla.calls.credentials import HEADER, CallSeal, Credentials, CredentialsError
from flotilla.calls.used_ids import UsedIds
from flotilla.compat import low_level
from flotilla.connection import Connection
from flotilla.settings import ServerSettings, own_secrets, variable
from flotilla_launcher.environment import setting
from flotilla_launcher.filters import SETTINGS

S = TypeVar("S", bound=ServerSettings)
MOST = 200  # connections that are kept, those of the last tenants that called
OPEN = ("initialize", "ping", "server/discover")  # requests that concern no account
GUARDS = (*SETTINGS, "FLOTILLA_CONFIRM", "FLOTILLA_DRY_RUN", "FLOTILLA_DEADLINE", "FLOTILLA_PLAIN_HTTP")
HINT = "Ask the operator to compare FLOTILLA_STATE_KEY and the clocks of the switchboard and of the server."
TENANT = re.compile(r"[a-z0-9][a-z0-9-]*(@[a-z][a-z0-9-]*)?")  # with the name of its account, where that has one
_connection: ContextVar[Connection[Any]] = ContextVar("flotilla_connection")


@dataclass(eq=False)
class _Tenant(Generic[S]):
    connection: Connection[S]
    environ: Mapping[str, str]  # as it was sealed
    secrets: set[str] = field(default_factory=set)  # that no text of its calls may show
    calls: int = 0  # that are running
    dropped: bool = False


class TenantConnections(Generic[S]):
    """The connections of the tenants that called lately. `own` is that of the process, which says where files are.

    A tenant's files and state are in the folder `tenants/<id>` of the server's own. Each account of a tenant has a
    connection; the state of one that has a name is in the folder `@<name>` of the tenant's.
    """

    def __init__(self, own: Connection[S], most: int = MOST) -> None:
        self._integration, self._network, self._fleet, self._most = own.integration, own.network, own.fleet, most
        self._guards = {name: own.environ[name] for name in GUARDS if name in own.environ}
        self._tenants: OrderedDict[str, _Tenant[S]] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()

    @contextmanager
    def entered(self, credentials: Credentials) -> Iterator[None]:
        """Work for a tenant within the block."""
        tenant = self._of(credentials)
        tenant.calls += 1
        token, access = _connection.set(tenant.connection), sealed_access.set(credentials.access)
        try:
            with own_secrets(tenant.secrets):
                yield
        finally:
            _connection.reset(token)
            sealed_access.reset(access)
            tenant.calls -= 1
            self._close_unneeded(tenant)

    def _of(self, credentials: Credentials) -> _Tenant[S]:
        """Return a tenant with these settings: with other ones than before it gets a new connection."""
        known = self._tenants.get(credentials.tenant)
        if known is None or known.environ != credentials.environ:
            if known:
                self._drop(credentials.tenant)
            known = self._tenants[credentials.tenant] = self._made(credentials)
            if len(self._tenants) > self._most:
                self._drop(next(iter(self._tenants)))
        self._tenants.move_to_end(credentials.tenant)
        return known

    def _made(self, credentials: Credentials) -> _Tenant[S]:
        if not TENANT.fullmatch(credentials.tenant):
            raise CredentialsError("they name no tenant")
        fleet, key = self._fleet, self._fleet.state_key
        tenant, at, account = credentials.tenant.partition("@")
        assert key, "see `share`"
        own = {
            "FLOTILLA_DATA": _folder(fleet.data, tenant),
            "FLOTILLA_STATE": _folder(fleet.state, tenant, at + account),
            # What one tenant's client holds, such as a question's state, does not open for another one.
            "FLOTILLA_STATE_KEY": hmac.new(
                key.get_secret_value().encode(), credentials.tenant.encode(), sha256
            ).hexdigest(),
        }
        environ = {**self._guards, **credentials.environ, **own}
        return _Tenant(Connection(self._integration, environ, self._network), credentials.environ)

    def _drop(self, tenant_id: str) -> None:
        tenant = self._tenants.pop(tenant_id)
        tenant.dropped = True
        self._close_unneeded(tenant)

    def _close_unneeded(self, tenant: _Tenant[S]) -> None:
        if tenant.dropped and not tenant.calls:
            task = asyncio.ensure_future(tenant.connection.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def share(mcp: FastMCP[Any], own: Connection[S]) -> Callable[[], Connection[S]]:
    """Have each request work for the tenant whose credentials it brings; return what gives that tenant's connection.

    Exits with a message where the server's environment does not go with that.
    """
    fleet, integration = own.fleet, own.integration
    name = f"flotilla-{integration.slug}: FLOTILLA_CALL_CREDENTIALS"
    if fleet.transport != "http" or fleet.stateful:
        sys.exit(f"{name} needs FLOTILLA_TRANSPORT=http, and no FLOTILLA_STATEFUL.")
    if not fleet.state_key:
        sys.exit(f"{name} needs FLOTILLA_STATE_KEY, the one of the switchboard.")
    for field_name in integration.settings_class.model_fields:
        if setting(own_variable := variable(integration.slug, field_name), own.environ):
            sys.exit(f"{name} is on, so {own_variable} would have no effect: it comes with each call. Unset it.")
    unshared = "replicas do not know each other's calls"
    used = UsedIds(own.state, lambda reason: own.audit.line(unshared, level="warning", reason=reason))
    seal = CallSeal(integration.slug, fleet.state_key.get_secret_value(), used=used)
    connections = TenantConnections(own)

    async def answer(ctx: Any, call_next: Any) -> Any:
        if ctx.request_id is None or ctx.method in OPEN:
            return await call_next(ctx)
        try:
            credentials = seal.open(ctx.request.headers.get(HEADER, ""), await ctx.request.body())
            with connections.entered(credentials):
                return await call_next(ctx)
        except CredentialsError as problem:
            own.audit.line("call refused", level="warning", reason=f"its credentials: {problem}")
            message = f"Error: The credentials of this call were refused: {problem}. Nothing was done. {HINT}"
            raise MCPError(code=mt.INVALID_REQUEST, message=message) from None

    server, _ = low_level(mcp)
    server.middleware.insert(0, answer)
    return current_connection


def current_connection() -> Connection[Any]:
    """Return the connection of the tenant that is being answered. Raises errors.ConfigurationError without one."""
    try:
        return _connection.get()
    except LookupError:
        raise errors.ConfigurationError(
            "This server has no account of its own.", "Call it through the switchboard."
        ) from None


def _folder(root: str, tenant_id: str, account: str = "") -> str:
    """Return a tenant's folder, which is made; where that fails, whoever writes to it says so."""
    path = Path(root) / "tenants" / tenant_id / account
    with suppress(OSError):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return str(path)
