"""Access tokens for calls: renewed by one switchboard at a time, and saved before they are used.

The tokens of a login are one credential of the vault. Whoever renews them holds the account's row in the database, so
that callers in many processes and on many hosts ask the vendor once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError

from flotilla_launcher.environment import SettingError
from flotilla_launcher.naming import catalog_name

from ..accounts import AccountError, DisconnectedError
from ..consent_flow import client, refresh
from ..discovery import title
from ..reporting import report
from ..tenants.connections import Connections
from ..tenants.gateways import account_of
from ..tenants.tenant import Tenant
from ..tenants.vault import LOGIN, Vault
from .login import login_of
from .offer import entry_of

LEEWAY = 120.0  # seconds before its end that a token is renewed: a call may take a minute
HOUR = 3_600.0  # that a token lasts where its vendor does not say
PATIENCE = 30.0  # seconds that are waited for another one's renewal
LOOK_EVERY = 0.1  # seconds
NEVER_SENT_ON = ("refresh_token", "id_token", "expires_in")  # parts of a token response that no server needs
Tokens = dict[str, Any]  # access_token, refresh_token, expires_at in Unix seconds, and what else the vendor says


class AccessError(AccountError):
    """There is no access token for now. The message says why, and what to do next."""


class RevokedError(DisconnectedError):
    """The vendor gives no more access: the account must be connected again."""


class AccessTokens:
    """The access tokens of all tenants of one switchboard. A server is named by its slug."""

    def __init__(self, options: argparse.Namespace, connections: Connections, vault: Vault) -> None:
        self._options, self._connections, self._vault = options, connections, vault
        self._held: dict[tuple[str, str], tuple[int, Tokens]] = {}  # by tenant and server, with the tenant's revision
        self._unsaved: dict[tuple[str, str], Tokens] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        self._renewals: set[asyncio.Task[Tokens]] = set()

    async def of(self, tenant: Tenant, server: str, instead_of: str = "") -> Tokens:
        """Return tokens that are good for a call, without the refresh token; another one than `instead_of`.

        Raises AccessError, RevokedError, and what the vault and the database raise.
        """
        place = (tenant.id, server)
        async with self._locks.setdefault(place, asyncio.Lock()):
            revision, held = self._held.get(place, (-1, {}))
            if revision != tenant.revision or not is_good(held, instead_of):
                renewal = asyncio.create_task(self._newest(tenant, server, instead_of))
                self._renewals.add(renewal)  # it goes on when its caller is gone: a new refresh token would be lost
                renewal.add_done_callback(self._renewals.discard)
                held = await asyncio.shield(renewal)
                self._held[place] = tenant.revision, held
        return {name: value for name, value in held.items() if name not in NEVER_SENT_ON}

    def save(self, tenant: Tenant, server: str, tokens: Tokens, announce: bool = False) -> None:
        """Save the tokens of a login. Raises VaultError and StoreError."""
        place = (catalog_name(server), LOGIN)
        self._vault.put(tenant, {place: json.dumps(tokens)}, announce)

    async def close(self) -> None:
        """Wait for the renewals that are under way."""
        await asyncio.gather(*self._renewals, return_exceptions=True)

    async def _newest(self, tenant: Tenant, server: str, instead_of: str) -> Tokens:
        holder, end = secrets.token_hex(8), time.monotonic() + PATIENCE
        while True:
            saved = await asyncio.to_thread(self._saved, tenant, server)
            if is_good(saved, instead_of):
                return saved
            if await asyncio.to_thread(self._connections.hold, tenant, server, holder):
                break
            if time.monotonic() > end:
                raise AccessError("The access token is being renewed. Nothing was done. Call again in a minute.")
            await asyncio.sleep(LOOK_EVERY)
        try:
            saved = await asyncio.to_thread(self._saved, tenant, server)  # another one may have renewed it meanwhile
            return (
                saved if is_good(saved, instead_of) else await asyncio.to_thread(self._renewed, tenant, server, saved)
            )
        finally:
            await asyncio.to_thread(self._connections.release, tenant, server, holder)

    def _saved(self, tenant: Tenant, server: str) -> Tokens:
        if unsaved := self._unsaved.get((tenant.id, server)):
            self.save(tenant, server, unsaved)
            del self._unsaved[tenant.id, server]
        revoked = [one.server for one in self._connections.all(tenant) if one.revoked]
        text = self._vault.all(tenant).get(f"{catalog_name(server)}.{LOGIN}")
        if text is None or server in revoked:
            raise RevokedError(f"Access to the account of {server} was revoked or has ended. Nothing was done.")
        return dict(json.loads(text))

    def _renewed(self, tenant: Tenant, server: str, saved: Tokens) -> Tokens:
        """Exchange the refresh token, and save what comes before anybody uses it."""
        account = account_of(tenant, self._vault)
        entry = entry_of(self._options, account, server)
        login = login_of(entry, Path(self._options.discovery))
        if login is None:
            raise AccessError(f"{server} has no OAuth client any more. Nothing was done. Ask the operator to set it.")
        try:
            with client(login.consent, login.client_id, login.client_secret, []) as oauth:
                response = refresh(login.consent, oauth, str(saved["refresh_token"]))
            tokens = tokens_of(response, saved)
        except OAuthError as refusal:
            if refusal.error in login.consent.ended:
                self._connections.revoke(tenant, server)
                raise RevokedError(
                    f"Access to the {title(entry)} account was revoked or has ended. Nothing was done."
                ) from None
            raise _not_now(title(entry), str(refusal.error)) from None
        except (httpx2.HTTPError, ValueError, KeyError) as error:
            raise _not_now(title(entry), type(error).__name__) from None
        try:
            self.save(tenant, server, tokens)
        except SettingError:
            self._unsaved[tenant.id, server] = tokens  # the next call saves it before anything else
            raise
        return tokens


def tokens_of(response: Mapping[str, Any], before: Mapping[str, Any]) -> Tokens:
    """Return what is saved of a token response; what it does not repeat stays as before. Raises KeyError."""
    plain = {name: value for name, value in response.items() if isinstance(value, str | int | float)}
    saved = {**before, **plain, "access_token": str(response["access_token"])}
    saved["expires_at"] = time.time() + float(response.get("expires_in") or HOUR)
    return {name: value for name, value in saved.items() if name not in NEVER_SENT_ON or name == "refresh_token"}


def is_good(tokens: Mapping[str, Any], instead_of: str = "") -> bool:
    """Tell whether an access token will last for a call, and is another one than `instead_of`."""
    return tokens["access_token"] != instead_of and float(tokens["expires_at"]) - LEEWAY > time.time()


def _not_now(name: str, reason: str) -> AccessError:
    report(f"no access token of {name}: {reason}")
    return AccessError(f"{name} gives no access token for now. Nothing was done. Call again in a minute.")
