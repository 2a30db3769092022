"""The accounts of one tenant's calls: access tokens for those of its servers whose account is connected by a login."""

from __future__ import annotations

from flotilla_launcher.environment import SettingError
from flotilla_launcher.naming import slug_of
from flotilla_launcher.protocol import GIVEN

from ..accounts import AccountError
from ..catalog import Entry
from ..jsonrpc import Message
from ..reporting import report
from ..selection import Account
from ..tenants.tenant import Tenant
from .access_tokens import AccessTokens

UNAVAILABLE = "The account's access token cannot be read at the moment. Nothing was done. Try again in a minute."


class TenantAccounts:
    """What `accounts.Accounts` asks for, of one tenant as of one revision."""

    def __init__(self, tenant: Tenant, account: Account, tokens: AccessTokens) -> None:
        self._tenant, self._tokens = tenant, tokens
        given = (name.partition(".")[0] for name, value in account.secrets.items() if value == GIVEN)
        self._logins = frozenset(map(slug_of, given))

    async def access(self, entry: Entry, refused: str) -> Message | None:
        """Return a token for a call. Raises AccountError."""
        if entry.slug not in self._logins:
            return None
        try:
            return await self._tokens.of(self._tenant, entry.slug, refused)
        except SettingError as error:
            report(f"{self._tenant.name}: {error}")
            raise AccountError(UNAVAILABLE) from None
