"""The inboxes of many tenants, whose settings are in their vault: looked at again every other second."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flotilla import errors, in_thread
from flotilla.audit import Audit
from flotilla.connection import Connection
from flotilla.settings import load
from flotilla_launcher.environment import SettingError

from ..client import InboxSettings, integration
from ..store import store_of
from .inbox import Inbox, Inboxes, MakeForwarder

if TYPE_CHECKING:  # the image `webhooks` has no switchboard in it
    from flotilla_servers.switchboard.tenants.server_tenants import ServerTenants
    from flotilla_servers.switchboard.tenants.tenant import Tenant

PAUSE = 2.0  # seconds after which a change is seen
MOST_AT_ONCE = 50  # requests of one tenant, so that a flood of its leaves room for the others


def open_tenants(url: str) -> ServerTenants:
    """Open the database of tenants; raises errors.ConfigurationError, and SettingError for one that cannot be used."""
    try:
        from flotilla_servers.switchboard.tenants.server_tenants import ServerTenants
    except ModuleNotFoundError as error:
        raise errors.ConfigurationError(
            f"Nothing can be received for tenants here: {error.name} is not installed.",
            "Use the image `fleet`, which has all servers and the switchboard, or install `flotilla-fleet`.",
        ) from None
    return ServerTenants(url, integration.slug, InboxSettings.model_fields)


class OfTenants(Inboxes):
    """An inbox for each tenant that has webhooks; `look` sees what has changed."""

    def __init__(self, tenants: ServerTenants, masked: frozenset[str], audit: Audit, forwarder: MakeForwarder) -> None:
        super().__init__()
        self._tenants, self._masked, self._audit, self._make_forwarder = tenants, masked, audit, forwarder
        self._revisions: dict[str, int] = {}  # of the tenants whose settings were read
        self._unreadable = ""

    async def start(self) -> None:
        """Read all tenants; raises SettingError where that fails."""
        await self.look()

    async def follow(self) -> None:
        """Look again and again. While the database cannot be reached, nothing in it can change either."""
        while True:
            await asyncio.sleep(PAUSE)
            problem = ""
            try:
                await self.look()
            except SettingError as error:
                problem = str(error)
            except Exception as error:  # without a next look, whoever is suspended would be received for
                self._audit.bug("tenants", error)
            if problem and problem != self._unreadable:
                self._audit.line("tenants not read", level="error", reason=problem)
            self._unreadable = problem

    async def look(self) -> None:
        """See which tenants there are, and what has changed; raises SettingError where nobody can tell."""
        tenants = await in_thread(self._tenants.served)
        for tenant_id in self._revisions.keys() - tenants.keys():
            del self._revisions[tenant_id]
            self.problems.pop(tenant_id, None)
            await self._let_go(tenant_id)
        for tenant in tenants.values():
            if tenant.id in self.problems or self._revisions.get(tenant.id) != tenant.revision:
                await self._read(tenant)
                self._revisions[tenant.id] = tenant.revision

    async def _read(self, tenant: Tenant) -> None:
        """Work with a tenant's newest settings. Where they are wrong, its vendors are asked to come again."""
        try:
            variables = await in_thread(self._tenants.variables, tenant)
            if "WEBHOOKS_SECRETS" in variables:
                await self._configure(tenant, variables)
            else:
                await self._let_go(tenant.id)
        except (errors.ConfigurationError, SettingError) as error:
            if self.problems.get(tenant.id) != str(error):
                self._audit.line("not receiving", level="error", tenant=tenant.id, reason=str(error))
            self.problems[tenant.id] = str(error)
            await self._let_go(tenant.id)
        else:
            self.problems.pop(tenant.id, None)

    async def _configure(self, tenant: Tenant, variables: dict[str, str]) -> None:
        settings = load(InboxSettings, integration.slug, variables)
        inbox = self.by_tenant.get(tenant.id)
        if inbox is None:
            # The tools run with no FLOTILLA_STATE_KEY either: the key is in the tenant's folder.
            store = await in_thread(store_of, Connection(integration, variables))
            audit = Audit(f"{integration.slug}-receive", self._masked, tenant=tenant.id)
            inbox = Inbox(store, audit, self._make_forwarder, MOST_AT_ONCE)
        inbox.configure(settings)
        self.by_tenant[tenant.id] = inbox

    async def _let_go(self, tenant_id: str) -> None:
        """Take nothing more for a tenant; its folder may be gone, and nothing makes it again."""
        if inbox := self.by_tenant.pop(tenant_id, None):
            inbox.end()
            await inbox.tidy()
