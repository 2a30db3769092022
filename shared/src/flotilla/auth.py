"""How a request proves who sends it: small objects that name settings fields and read them at the first call.

    api = Api(server, auth=Bearer("token"))
    api = Api(server, auth=Basic("account", "key"))
    api = Api(server, auth=HeaderKey("api_key", header="X-Api-Key"))
    api = Api(server, auth=OAuth2("https://vendor.example/oauth/token"))
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any

import httpx2 as httpx

from . import errors
from .settings import remember_secret
from .state import digest

if TYPE_CHECKING:
    from .server import Server


class Auth(httpx.Auth):
    """Base: adds headers to each request."""

    server: Server[Any]

    def bind(self, server: Server[Any]) -> Auth:
        """Tie this object to the server whose settings it reads."""
        self.server = server
        return self

    def value(self, field: str) -> str:
        """Return a settings field as text; raises errors.Setup when it is not configured."""
        found = getattr(self.server.settings, field)
        return str(found.get_secret_value() if hasattr(found, "get_secret_value") else found or "")

    def headers(self) -> dict[str, str]:
        """Return the headers to add."""
        raise NotImplementedError

    def forget(self) -> None:
        """Drop what was remembered between requests: nothing, for most."""

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the headers and send the request."""
        request.headers.update(self.headers())
        yield request


class Bearer(Auth):
    """`Authorization: Bearer <field>`."""

    def __init__(self, field: str) -> None:
        self.field = field

    def headers(self) -> dict[str, str]:
        """Return the header with the token."""
        return {"Authorization": f"Bearer {self.value(self.field)}"}


class HeaderKey(Auth):
    """`<header>: <scheme><field>`."""

    def __init__(self, field: str, header: str, scheme: str = "") -> None:
        self.field, self.header, self.scheme = field, header, scheme

    def headers(self) -> dict[str, str]:
        """Return the header with the key."""
        return {self.header: self.scheme + self.value(self.field)}


class Basic(Auth):
    """HTTP Basic with two settings fields; `suffix` is what some vendors want behind the user name."""

    def __init__(self, user: str, password: str, suffix: str = "") -> None:
        self.user, self.password, self.suffix = user, password, suffix

    def headers(self) -> dict[str, str]:
        """Return the header with both, base64."""
        pair = f"{self.value(self.user)}{self.suffix}:{self.value(self.password)}"
        encoded = base64.b64encode(pair.encode()).decode()
        remember_secret(encoded)
        return {"Authorization": f"Basic {encoded}"}


class OAuth2(Auth):
    """OAuth 2 with a refresh token (RFC 6749 §6), renewed ahead of expiry and once after a 401, by one caller at a time.

    Reads the settings fields client_id, client_secret and refresh_token; a rotated refresh token is saved in the
    server's state before it is used, and wins over the configured one until that one changes.
    """

    requires_response_body = False

    def __init__(
        self,
        token_url: str,
        *,
        client_auth: str = "client_secret_post",
        leeway: float = 60,
        now: Callable[[], float] = time.time,
        revoked: str = "Ask the user to connect the account again and to set the new refresh token.",
    ) -> None:
        self.token_url, self.client_auth, self.leeway, self.now, self.revoked = (
            token_url,
            client_auth,
            leeway,
            now,
            revoked,
        )
        self.forget()

    def forget(self) -> None:
        """Drop the tokens in memory; the saved ones stay."""
        self._lock = asyncio.Lock()  # a new one, since a lock belongs to an event loop
        self._token: dict[str, Any] = {}

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with a valid access token; after a 401 renew it and send once more."""
        token = await self.access_token()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401:  # nothing was carried out, so a write may be sent again too
            await response.aread()
            request.headers["Authorization"] = f"Bearer {await self.access_token(instead_of=token)}"
            yield request

    async def access_token(self, instead_of: str = "") -> str:
        """Return a valid access token, another one than `instead_of`."""
        async with self._lock:
            held = self._held()
            good = held.get("access_token", "")
            if not good or good == instead_of or held.get("expires_at", 0) - self.leeway <= self.now():
                held = await self._renewed(held.get("refresh_token") or self.value("refresh_token"))
            return str(held["access_token"])

    def _held(self) -> dict[str, Any]:
        if not self._token:
            saved = self.server.state.get("oauth") or {}
            fresh = saved.get("origin") == digest(self.value("refresh_token"))  # else the user has connected anew
            self._token = saved if fresh else {}
            for name in ("access_token", "refresh_token"):
                remember_secret(str(self._token.get(name, "")))
        return self._token

    async def _renewed(self, refresh_token: str) -> dict[str, Any]:
        from authlib.integrations.base_client import OAuthError
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        client = AsyncOAuth2Client(
            self.value("client_id"),
            self.value("client_secret"),
            token_endpoint_auth_method=self.client_auth,
            token={"refresh_token": refresh_token},
            timeout=15,
        )
        try:
            async with client:
                got = dict(await client.refresh_token(self.token_url, refresh_token=refresh_token))
        except OAuthError as refusal:
            if refusal.error in ("invalid_client", "unauthorized_client"):
                raise errors.Auth(
                    f"The OAuth client is not accepted ({refusal.error}).", "Check client_id and client_secret."
                ) from None
            raise errors.Auth(f"Access was revoked or has expired ({refusal.error}).", self.revoked) from None
        except httpx.HTTPError as cut:
            raise errors.Upstream(
                f"The access token could not be renewed ({type(cut).__name__}).", "Try again later."
            ) from None
        rotated = got.get("refresh_token") or refresh_token
        kept = {
            "access_token": got["access_token"],
            "refresh_token": rotated,
            "expires_at": self.now() + float(got.get("expires_in") or 3600),
            "origin": digest(self.value("refresh_token")),
        }
        for name in ("access_token", "refresh_token"):
            remember_secret(kept[name])
        self.server.state.put("oauth", kept)  # before use: a rotated token that is lost locks the user out
        self._token = kept
        return kept
