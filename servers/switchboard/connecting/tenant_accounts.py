"""The accounts of one tenant's calls: access tokens for logins, and links to the person where an account is missing.

| client | how the link reaches the person |
|---|---|
| MCP 2026-07-28 that can show an address | the call's result is the question; the repeated call waits for the account |
| 2025-11-25 that can | `elicitation/create` while the call waits |
| any other | the error's next step |
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from flotilla_launcher.environment import SettingError
from flotilla_launcher.naming import slug_of
from flotilla_launcher.protocol import GIVEN

from ..accounts import AccountConnectedError, AccountError
from ..call import Asked, Call
from ..catalog import Entry
from ..discovery import title
from ..jsonrpc import Message, RpcError
from ..reporting import report
from ..selection import Account, is_ready
from ..tenants.connections import Connections
from ..tenants.links import Links
from ..tenants.tenant import Tenant
from ..tool_search import failed
from .access_tokens import AccessTokens
from .login import login_of, missing_part
from .offer import offer_of

UNAVAILABLE = "The account's credentials cannot be read at the moment. Nothing was done. Try again in a minute."
QUESTION = "flotilla_account"  # the question's key in a result that asks
HOURS = 24.0  # that a link of a call works; calls within the first half of it get the same one
WAIT, LOOK_EVERY = 45.0, 0.5  # seconds that a call waits for the person who opens the page, and between two looks
MEANWHILE = 5.0  # seconds before a call waits in which the account may have been connected
TEXTS = {
    "en": "{title} needs your account. Open this page to connect it.",
    "fr": "{title} a besoin de votre compte. Ouvrez cette page pour le connecter.",
}


class TenantAccounts:
    """What `accounts.Accounts` asks for, of one tenant as of one revision. `clock` returns Unix seconds."""

    def __init__(
        self,
        options: argparse.Namespace,
        tenant: Tenant,
        account: Account,
        tokens: AccessTokens,
        connections: Connections,
        links: Links,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._options, self._tenant, self._tokens, self._clock = options, tenant, tokens, clock
        self._connections, self._links, self._discovery = connections, links, Path(options.discovery)
        servers = (name.partition(".")[0] for name, value in account.secrets.items() if value == GIVEN)
        self._logins = frozenset(map(slug_of, servers))
        self._ready: dict[str, bool] = {}
        self._addresses: dict[str, tuple[float, str]] = {}  # by server: when it was made, and the link

    async def access(self, entry: Entry, refused: str) -> Message | None:
        """Return a token for a call. Raises AccountError."""
        if entry.place not in self._logins:
            return None
        try:
            return await self._tokens.of(self._tenant, entry.place, refused)
        except SettingError as error:
            report(f"{self._tenant.name}: {error}")
            raise AccountError(UNAVAILABLE) from None

    async def connected(self, call: Call, problem: str = "") -> Message | None:
        """Ask for an account where a call has none. Raises AccountConnectedError."""
        entry = call.backend.entry
        if entry.place not in self._ready:
            self._ready[entry.place] = is_ready(entry, self._discovery)
        if self._ready[entry.place] and not problem:
            return None
        problem = problem or f"{title(entry)} has no account yet. Nothing was done."
        call.decision, call.outcome = "waiting", "asked"
        has_login = login_of(entry, self._discovery) or missing_part(entry, self._discovery)
        if not has_login and not offer_of(entry, self._discovery).forms:
            return failed(f"{problem} Ask the operator of this switchboard to set its credentials.")
        try:
            return await self._asked(call, problem)
        except SettingError as error:
            report(f"{self._tenant.name}: {error}")
            return failed(UNAVAILABLE)

    async def _asked(self, call: Call, problem: str) -> Message:
        """Let the link reach the person. Raises AccountConnectedError."""
        client, entry = call.client, call.backend.entry
        capability = client.capabilities.get("elicitation")
        able = type(capability) is dict and type(capability.get("url")) is dict
        answer = (call.params.get("inputResponses") or {}).get(QUESTION) if client.modern else None
        if answer is not None:
            await self._wait_for(entry, answer)
        address = await self._address(entry)
        text = TEXTS[self._tenant.settings.locale[:2]].format(title=title(entry))
        question = {"mode": "url", "message": text, "url": address}
        if able and client.modern and answer is None:
            asked = {QUESTION: {"method": "elicitation/create", "params": question}}
            return {"resultType": "input_required", "requestState": Asked().written(), "inputRequests": asked}
        if able and not client.modern:
            about = {"elicitationId": secrets.token_urlsafe(12)}
            with suppress(RpcError):  # a gateway says that it can ask, for clients that cannot
                answer = await client.ask("elicitation/create", {**question, **about})
                try:
                    await self._wait_for(entry, answer)
                except AccountConnectedError:
                    client.notify("notifications/elicitation/complete", about)
                    raise
        return failed(
            f"{problem} Give the user this link, by which they connect the account; it works once: {address} "
            "After that, call again."
        )

    async def _wait_for(self, entry: Entry, answer: Message) -> None:
        """Wait for a person who has agreed to open the page. Raises AccountConnectedError once the account is there."""
        if answer.get("action") != "accept":
            return
        began = self._clock()
        while self._clock() < began + WAIT:
            rows = await asyncio.to_thread(self._connections.all, self._tenant)
            if any(one.server == entry.place and one.connected > began - MEANWHILE for one in rows):
                raise AccountConnectedError
            await asyncio.sleep(LOOK_EVERY)

    async def _address(self, entry: Entry) -> str:
        made, address = self._addresses.get(entry.place, (0.0, ""))
        if self._clock() > made + HOURS * 1800:
            token = await asyncio.to_thread(self._links.create, self._tenant, entry.place, HOURS)
            base = self._options.public_url.rstrip("/") or f"http://{self._options.host}:{self._options.port}"
            address = f"{base}/connect/{token}"
            self._addresses[entry.place] = self._clock(), address
        return address
