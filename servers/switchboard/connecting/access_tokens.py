"""Access tokens for calls: renewed by one switchboard at a time, and saved before they are used.

The tokens of a login are one credential of the vault. Whoever renews them holds the account's row in the database, so
that callers in many processes and on many hosts ask the vendor once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError

from flotilla_launcher.naming import catalog_name
from flotilla_launcher.text import visible

from ..accounts import AccountError, DisconnectedError
from ..consent_flow import refresh_async
from ..discovery import title
from ..reporting import report
from ..tenants.connections import Connections
from ..tenants.gateways import account_of
from ..tenants.tenant import Tenant
from ..tenants.vault import LOGIN, Vault
from .login import Login, login_of
from .offer import entry_of

LEEWAY = 120.0  # seconds before its end that a token is renewed: a call may take a minute
HOUR = 3_600.0  # that a token lasts where its vendor does not say
LONGEST = 40.0  # seconds of a renewal: less than `connections.HOLD`, or another one would begin meanwhile
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
        self._unsaved: dict[tuple[str, str], tuple[Tokens, Tokens]] = {}  # those before, and those that were given
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
            return saved if is_good(saved, instead_of) else await self._renewed(tenant, server, saved)
        finally:
            await asyncio.to_thread(self._connections.release, tenant, server, holder)

    def _saved(self, tenant: Tenant, server: str) -> Tokens:
        if unsaved := self._unsaved.get((tenant.id, server)):
            self._replace(tenant, server, *unsaved)
        revoked = [one.server for one in self._connections.all(tenant) if one.revoked]
        tokens = self._stored(tenant, server)
        if tokens is None or server in revoked:
            raise RevokedError(f"Access to the account of {server} was revoked or has ended. Nothing was done.")
        if not is_whole(tokens):
            raise RevokedError(f"The saved login of {server} is not complete. Nothing was done.")
        return tokens

    def _stored(self, tenant: Tenant, server: str) -> Tokens | None:
        text = self._vault.all(tenant).get(f"{catalog_name(server)}.{LOGIN}")
        try:
            tokens = json.loads(text) if text is not None else None
        except ValueError:  # the operator has imported it
            tokens = {}
        return tokens if tokens is None or type(tokens) is dict else {}

    async def _renewed(self, tenant: Tenant, server: str, saved: Tokens) -> Tokens:
        """Exchange the refresh token, and save what comes before anybody uses it."""
        login, name = await asyncio.to_thread(self._login, tenant, server)
        try:
            async with asyncio.timeout(LONGEST):
                response = await refresh_async(
                    login.consent, login.client_id, login.client_secret, str(saved["refresh_token"])
                )
            tokens = tokens_of(response, saved)
        except OAuthError as refusal:
            if refusal.error in login.consent.ended:
                await asyncio.to_thread(self._ended, tenant, server, saved)
                raise RevokedError(
                    f"Access to the {name} account was revoked or has ended. Nothing was done."
                ) from None
            raise _not_now(name, str(refusal.error)) from None
        except (httpx2.HTTPError, TimeoutError, ValueError, KeyError) as error:
            raise _not_now(name, type(error).__name__) from None
        self._unsaved[tenant.id, server] = saved, tokens  # where saving fails, the next call does it first
        if not await asyncio.to_thread(self._replace, tenant, server, saved, tokens):
            raise AccessError(f"The {name} account was connected anew meanwhile. Nothing was done. Call again.")
        return tokens

    def _login(self, tenant: Tenant, server: str) -> tuple[Login, str]:
        entry = entry_of(self._options, account_of(tenant, self._vault), server)
        if login := login_of(entry, Path(self._options.discovery)):
            return login, title(entry)
        raise AccessError(f"{server} has no OAuth client any more. Nothing was done. Ask the operator to set it.")

    def _replace(self, tenant: Tenant, server: str, before: Tokens, tokens: Tokens) -> bool:
        """Save renewed tokens in place of those before; False where another account was connected meanwhile."""
        with self._connections.store.of(tenant, write=True):
            if is_same := self._stored(tenant, server) == before:
                self.save(tenant, server, tokens)
        self._unsaved.pop((tenant.id, server), None)
        return is_same

    def _ended(self, tenant: Tenant, server: str, before: Tokens) -> None:
        """Mark an account as revoked, unless another one was connected meanwhile."""
        with self._connections.store.of(tenant, write=True):
            if self._stored(tenant, server) == before:
                self._connections.revoke(tenant, server)


def tokens_of(response: Mapping[str, Any], before: Mapping[str, Any]) -> Tokens:
    """Return what is saved of a token response; what it does not repeat stays as before. Raises KeyError."""
    plain = {name: value for name, value in response.items() if isinstance(value, str | int | float) and value != ""}
    if not isinstance(plain.get("access_token"), str):
        raise KeyError("access_token")
    saved = {**before, **plain}
    try:
        seconds = float(plain.get("expires_in", HOUR))
    except ValueError:
        seconds = HOUR
    saved["expires_at"] = time.time() + (seconds if 0 < seconds < math.inf else HOUR)
    return {name: value for name, value in saved.items() if name not in NEVER_SENT_ON or name == "refresh_token"}


def is_whole(tokens: Mapping[str, Any]) -> bool:
    """Tell whether saved tokens are what `tokens_of` makes."""
    texts = all(type(tokens.get(name)) is str and tokens[name] for name in ("access_token", "refresh_token"))
    return texts and type(tokens.get("expires_at")) in (int, float)


def is_good(tokens: Mapping[str, Any], instead_of: str = "") -> bool:
    """Tell whether an access token will last for a call, and is another one than `instead_of`."""
    return tokens["access_token"] != instead_of and float(tokens["expires_at"]) - LEEWAY > time.time()


def _not_now(name: str, reason: str) -> AccessError:
    report(f"no access token of {name}: {visible(reason, name=True)[:100]}")
    return AccessError(f"{name} gives no access token for now. Nothing was done. Call again in a minute.")
