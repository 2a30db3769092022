"""A gateway for each tenant: its servers, with its credentials, in its folders. Made at its first call."""

from __future__ import annotations

import argparse
import asyncio
import copy
import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path
from weakref import WeakValueDictionary

from mcp.server.auth.middleware.auth_context import get_access_token

from flotilla_launcher.environment import SettingError
from flotilla_launcher.protocol import GIVEN

from ..accounts import AccountConnectedError, Accounts
from ..backend import Backend
from ..call import FORWARDED
from ..commands import Commands
from ..gateway import LISTEN, Gateway, finished
from ..http_transport import HttpRequest
from ..jsonrpc import INTERNAL_ERROR, Message, RpcError
from ..reporting import report
from ..selection import Account
from ..tool_search import failed
from .authentication import UNAVAILABLE, TenantToken
from .quotas import QuotaError, Quotas
from .setup import folders, own_variables, remove_folders
from .store import StoreError
from .tenant import Tenant
from .tenants import Tenants
from .vault import LOGIN, Vault

SWEEP = 15.0  # seconds between two looks for gateways that are not needed any more
KEEP = 600.0  # seconds without a request after which a tenant's gateway is closed
Build = Callable[[argparse.Namespace, Account, Commands, str], tuple[Gateway, list[Backend]]]


class TenantGateway:
    """What one tenant's clients see, as of one revision of the tenant."""

    def __init__(self, tenant: Tenant, gateway: Gateway, backends: list[Backend]) -> None:
        self.tenant, self.gateway, self.backends = tenant, gateway, backends
        self.requests = 0  # that are being answered
        self.watching = asyncio.create_task(gateway.watch())
        self._closing: asyncio.Task[None] | None = None
        gateway.last_request = asyncio.get_running_loop().time()  # it was made for one
        gateway.tool_search.prepare()

    async def close(self) -> None:
        """Stop its servers and write its log, once."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self.watching.cancel()
        await self.gateway.end(self.backends)


class TenantGateways:
    """The gateways of all tenants that call. Nothing of one is reachable from another."""

    def __init__(
        self,
        options: argparse.Namespace,
        tenants: Tenants,
        vault: Vault,
        build: Build,
        commands: Commands,
        state_key: str,
        accounts: Callable[[Tenant, Account], Accounts] | None = None,
    ) -> None:
        self._options, self._tenants, self._vault = options, tenants, vault
        self._quotas = Quotas(tenants)
        self._build, self._commands, self._state_key, self._accounts = build, commands, state_key, accounts
        self._roots = Path(options.data), Path(options.state)
        self._gateways: dict[str, TenantGateway] = {}
        # One of each tenant, as long as somebody holds it or waits for it
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._closing: set[asyncio.Task[None]] = set()
        self._listeners: dict[str, set[Callable[[], None]]] = {}  # of each tenant's gateway
        self.listeners: set[Callable[..., None]] = set()  # called with the id of a tenant whose clients see other tools

    @property
    def in_flight(self) -> int:
        """How many requests are being answered."""
        return sum(gateway.requests for gateway in self._gateways.values())

    async def answer(self, client: HttpRequest, method: str, params: Message) -> Message:
        """Answer from the gateway of the tenant whose token came with the request. Raises RpcError."""
        assert isinstance(client.access_token, TenantToken)
        current = await self._current(client.access_token.tenant)
        if method == LISTEN:  # it waits as long as the client is there, and keeps nothing running
            return await current.gateway.answer(client, method, params)
        current.requests += 1
        try:
            if method not in FORWARDED:
                return await current.gateway.answer(client, method, params)
            async with self._quotas.call(current.tenant):
                try:
                    return await current.gateway.answer(client, method, params)
                except AccountConnectedError:
                    return await self._answered_anew(current.tenant, client, method, params)
        except QuotaError as error:
            if method != "tools/call":
                raise RpcError(INTERNAL_ERROR, f"Error: {error}") from None
            return finished(client, failed(str(error)))
        except StoreError as error:  # of the quota: the call was not made
            report(str(error))
            raise RpcError(INTERNAL_ERROR, f"Error: {UNAVAILABLE}") from None
        finally:
            current.requests -= 1
            self._close_replaced(current)

    async def _answered_anew(self, tenant: Tenant, client: HttpRequest, method: str, params: Message) -> Message:
        """Answer with an account that was connected while the call waited."""
        newest = await asyncio.to_thread(self._tenants.find, tenant.name)
        current = await self._current(newest or tenant)
        current.requests += 1
        try:
            return await current.gateway.answer(client, method, params)
        except AccountConnectedError:
            return finished(client, failed("The account is connected now. Nothing was done yet. Call again."))
        finally:
            current.requests -= 1
            self._close_replaced(current)

    def input_schema(self, name: str) -> Message | None:
        """Return the input schema of a tool of the calling tenant, None where its gateway is not made yet."""
        token = get_access_token()
        known = self._gateways.get(token.tenant.id) if isinstance(token, TenantToken) else None
        return known.gateway.input_schema(name) if known else None

    async def _current(self, tenant: Tenant) -> TenantGateway:
        """Return a gateway that knows the tenant's newest settings and credentials."""
        known = self._gateways.get(tenant.id)
        if known and known.tenant.revision >= tenant.revision:
            return known
        async with self._locks.setdefault(tenant.id, asyncio.Lock()):
            known = self._gateways.get(tenant.id)
            if known and known.tenant.revision >= tenant.revision:
                return known
            try:
                made = await asyncio.to_thread(self._make, tenant)
            except SettingError as error:
                report(f"{tenant.name}: {error}")
                raise RpcError(INTERNAL_ERROR, f"Error: {error} Nothing was done.") from None
            replaced = self._gateways.get(tenant.id)  # None where the sweep has closed `known` meanwhile
            self._gateways[tenant.id] = current = TenantGateway(tenant, *made)
            # The same for each gateway of a tenant: whoever began to listen at an earlier one hears of changes at this.
            current.gateway.listeners = self._listeners.setdefault(tenant.id, {lambda: self._tell(tenant.id)})
            if known:
                for listener in list(current.gateway.listeners):
                    listener()
            if replaced:
                self._close_replaced(replaced)
            return current

    def _tell(self, tenant_id: str) -> None:
        for listener in list(self.listeners):
            listener(tenant_id)

    def _make(self, tenant: Tenant) -> tuple[Gateway, list[Backend]]:
        data, state = folders(*self._roots, tenant.id)
        for folder in (data, state):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        options = options_of(tenant, self._options)
        # A question is answered by whom it was put to: the key that signs its state is the tenant's own.
        key = hmac.new(self._state_key.encode(), tenant.id.encode(), hashlib.sha256).hexdigest()
        account = account_of(tenant, self._vault)
        gateway, backends = self._build(options, account, self._commands.in_folders(data, state), key)
        gateway.accounts = self._accounts(tenant, account) if self._accounts else None
        return gateway, backends

    def _close_replaced(self, gateway: TenantGateway) -> None:
        """Close a gateway that another one has replaced, once it has nothing to answer."""
        if not gateway.requests and self._gateways.get(gateway.tenant.id) is not gateway:
            task = asyncio.create_task(gateway.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def sweep(self) -> None:
        """Close, from time to time, what is idle, and what belongs to tenants that are suspended or gone."""
        while True:
            await asyncio.sleep(SWEEP)
            try:
                await self.close_unneeded()
            except Exception as error:  # the next look comes all the same
                report(f"idle accounts are not closed: {error}")

    async def close_unneeded(self) -> None:
        """Close the gateways that no client needs, and remove the folders of tenants that were deleted."""
        before = dict(self._gateways)  # one that is made while the tenants are read may be a new tenant's
        active = {tenant.id: tenant.active for tenant in await asyncio.to_thread(self._tenants.all)}
        now = asyncio.get_running_loop().time()
        unneeded = []
        for tenant_id, gateway in before.items():
            idle = not gateway.requests and now - gateway.gateway.last_request > KEEP
            if self._gateways.get(tenant_id) is gateway and (idle or not active.get(tenant_id)):
                del self._gateways[tenant_id]  # before anything is waited for: the next call gets a new one
                unneeded.append(gateway)
        await asyncio.gather(*(gateway.close() for gateway in unneeded))
        for gateway in unneeded:
            if gateway.tenant.id not in active:
                try:
                    await asyncio.to_thread(remove_folders, *self._roots, gateway.tenant.id)
                except OSError as error:
                    report(f"not all files of {gateway.tenant.name}, which was deleted, are removed: {error}")

    async def close(self) -> None:
        """Close every gateway."""
        await asyncio.gather(*(gateway.close() for gateway in self._gateways.values()), *self._closing)


def options_of(tenant: Tenant, options: argparse.Namespace) -> argparse.Namespace:
    """Return the switchboard's options as they count for one tenant: its folders, servers and language."""
    made = copy.copy(options)
    made.data, made.state = map(str, folders(Path(options.data), Path(options.state), tenant.id))
    made.servers, made.warm_days = ",".join(tenant.settings.servers), 0.0
    made.language = tenant.settings.locale.partition("-")[0]
    return made


def account_of(tenant: Tenant, vault: Vault) -> Account:
    """Return a tenant's account as its servers get it. Raises VaultError where a credential does not open.

    A server whose account is connected by a login gets an access token with each call, and no refresh token.
    """
    settings, secrets = tenant.settings, vault.all(tenant)
    for name in [name for name in secrets if name.endswith(f".{LOGIN}")]:
        del secrets[name]
        secrets[f"{name.removesuffix(LOGIN)}refresh_token"] = GIVEN
    environment = {
        "FLOTILLA_USER": tenant.name,
        "FLOTILLA_TIMEZONE": settings.timezone,
        # Servers read 0 as unlimited too, and allow 2 GiB where nothing is set.
        "FLOTILLA_DATA_QUOTA": str(settings.limits.data_megabytes * 2**20),
    }
    if country := settings.locale.partition("-")[2]:
        environment["FLOTILLA_COUNTRY"] = country
    variables = own_variables(tenant.id, os.environ)
    for slug, tier in settings.tiers.items():
        variables.setdefault(slug, {})["FLOTILLA_TIER"] = tier
    return Account(
        secrets=secrets,
        config={},
        environment=environment,
        variables=variables,
        tenant=tenant.id,
    )
