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
    """Base: adds one header to each request."""

    server: Server[Any]
    header = "Authorization"

    def bind(self, server: Server[Any]) -> Auth:
        """Tie this object to the server whose settings it reads."""
        self.server = server
        return self

    def forget(self) -> None:
        """Drop what was remembered between requests: nothing, for most."""

    def value(self, field: str) -> str:
        """Return a settings field as text; raises errors.Setup when it is not configured."""
        found = getattr(self.server.settings, field, "")
        return str(found.get_secret_value() if hasattr(found, "get_secret_value") else found or "")

    def proof(self) -> str:
        """Return the header's value."""
        raise NotImplementedError

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the header and send the request."""
        request.headers[self.header] = self.proof()
        yield request


class Bearer(Auth):
    """`Authorization: Bearer <field>`."""

    def __init__(self, field: str) -> None:
        self.field = field

    def proof(self) -> str:
        """Return the scheme and the token."""
        return f"Bearer {self.value(self.field)}"


class HeaderKey(Auth):
    """`<header>: <scheme><field>`."""

    def __init__(self, field: str, header: str, scheme: str = "") -> None:
        self.field, self.header, self.scheme = field, header, scheme

    def proof(self) -> str:
        """Return the scheme and the key."""
        return self.scheme + self.value(self.field)


class Basic(Auth):
    """HTTP Basic with two settings fields; `suffix` is what some vendors want behind the user name."""

    def __init__(self, user: str, password: str, suffix: str = "") -> None:
        self.user, self.password, self.suffix = user, password, suffix

    def proof(self) -> str:
        """Return the scheme and both fields, base64."""
        pair = f"{self.value(self.user)}{self.suffix}:{self.value(self.password)}"
        encoded = base64.b64encode(pair.encode()).decode()
        remember_secret(encoded)
        return f"Basic {encoded}"


class OAuth2(Auth):
    """OAuth 2 with a refresh token (RFC 6749 §6), renewed ahead of expiry and once after a 401 by one caller.

    Reads the settings fields client_id, client_secret and refresh_token; a rotated refresh token is saved in the
    server's state before it is used, and wins over the configured one until that one changes.
    """

    def __init__(
        self,
        token_url: str,
        *,
        client_auth: str = "client_secret_post",
        leeway: float = 60,
        now: Callable[[], float] = time.time,
        revoked: str = "Ask the user to connect the account again and to set the new refresh token.",
    ) -> None:
        self.token_url, self.client_auth, self.leeway = token_url, client_auth, leeway
        self.now, self.revoked = now, revoked
        self.forget()

    def forget(self) -> None:
        """Drop the tokens in memory; the saved ones stay."""
        self._lock = asyncio.Lock()  # a new one, since a lock belongs to an event loop
        self._token: dict[str, Any] = {}

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with a valid access token; after a 401 renew it and send once more."""
        token = await self.access_token()
        request.headers[self.header] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401:  # nothing was carried out, so a write may be sent again too
            await response.aread()
            request.headers[self.header] = f"Bearer {await self.access_token(instead_of=token)}"
            yield request

    async def access_token(self, instead_of: str = "") -> str:
        """Return a valid access token, another one than `instead_of`."""
        async with self._lock:
            for held in (self._token, self._saved()):  # another process may have renewed it
                good = held.get("access_token", "")
                if good not in ("", instead_of) and held["expires_at"] - self.leeway > self.now():
                    self._token = held
                    break
            else:
                self._token = await self._renewed(held.get("refresh_token") or self.value("refresh_token"))
            return str(self._token["access_token"])

    def _saved(self) -> dict[str, Any]:
        """Return the saved tokens, unless the user has connected anew since."""
        saved = self.server.state.get("oauth") or {}
        if saved.get("origin") != digest(self.value("refresh_token")):
            return {}
        remember_secret(saved["access_token"])
        remember_secret(saved["refresh_token"])
        return dict(saved)

    async def _renewed(self, refresh_token: str) -> dict[str, Any]:
        from authlib.integrations.base_client import OAuthError
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        client = AsyncOAuth2Client(
            self.value("client_id"),
            self.value("client_secret"),
            token_endpoint_auth_method=self.client_auth,
            timeout=15,
        )
        try:
            async with client:
                got = await client.refresh_token(self.token_url, refresh_token=refresh_token)
            kept: dict[str, Any] = {
                "access_token": str(got["access_token"]),
                "refresh_token": str(got.get("refresh_token") or refresh_token),
                "expires_at": self.now() + float(got.get("expires_in") or 3600),
                "origin": digest(self.value("refresh_token")),
            }
        except OAuthError as refusal:
            if refusal.error in ("invalid_client", "unauthorized_client"):
                what, then = (
                    f"The OAuth client is not accepted ({refusal.error}).",
                    "Check client_id and client_secret.",
                )
            else:
                what, then = f"Access was revoked or has expired ({refusal.error}).", self.revoked
            raise errors.Auth(what, then) from None
        except (httpx.HTTPError, KeyError, ValueError) as wrong:
            what = f"The access token could not be renewed ({type(wrong).__name__})."
            raise errors.Upstream(what, "Try again later.") from None
        remember_secret(kept["access_token"])
        remember_secret(kept["refresh_token"])
        self.server.state.put("oauth", kept)  # before use: a rotated token that is lost locks the user out
        return kept
