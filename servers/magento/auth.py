"""How Magento is logged in to: signed requests of an integration (OAuth 1.0a), or a token for an administrator.

https://developer.adobe.com/commerce/webapi/get-started/authentication/
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx2 as httpx

from flotilla import Auth, errors
from flotilla.http.oauth import Grant

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

LIFE = 4 * 3600  # seconds that an administrator's token is good for, unless the shop says else


def _quoted(text: str) -> str:
    return quote(text, safe="~")


def signature(method: str, url: httpx.URL, oauth: Mapping[str, str], consumer_secret: str, token_secret: str) -> str:
    """Return the HMAC-SHA256 signature of a request (RFC 5849 §3.4); a JSON body is not part of it.

    authlib knows HMAC-SHA1 alone, which Magento no longer takes.
    """
    pairs = sorted((_quoted(k), _quoted(v)) for k, v in [*url.params.multi_items(), *oauth.items()])
    normal = "&".join(f"{name}={value}" for name, value in pairs)
    address = f"{url.scheme}://{url.netloc.decode('ascii').lower()}{url.raw_path.decode('ascii').partition('?')[0]}"
    text = "&".join(_quoted(part) for part in (method.upper(), address, normal))
    key = f"{_quoted(consumer_secret)}&{_quoted(token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


class SignedRequests(Auth):
    """OAuth 1.0a with the four values of an integration, named by their settings fields."""

    def __init__(
        self,
        consumer_key: str,
        consumer_secret: str,
        token: str,
        token_secret: str,
        *,
        now: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        super().__init__()
        self._names = (consumer_key, consumer_secret, token, token_secret)
        self._now, self._nonce = now, nonce

    def fields(self) -> Sequence[str]:
        """Return the four fields."""
        return self._names

    def configured(self) -> bool:
        """Tell whether all four are there."""
        return all(self.value(name) for name in self._names)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign the request and send it."""
        key, secret, token, token_secret = (self.needed(name) for name in self._names)
        oauth = {
            "oauth_consumer_key": key,
            "oauth_nonce": self._nonce(),
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_timestamp": str(int(self._now())),
            "oauth_token": token,
            "oauth_version": "1.0",
        }
        oauth["oauth_signature"] = signature(request.method, request.url, oauth, secret, token_secret)
        request.headers[self.header] = "OAuth " + ", ".join(f'{k}="{_quoted(v)}"' for k, v in oauth.items())
        yield request


class AdminLogin(Grant):
    """The token that an administrator's name and password are exchanged for; got anew before it ends."""

    def __init__(self, token_url: str, **more: Any) -> None:
        super().__init__(token_url, client_auth="none", **more)

    def fields(self) -> Sequence[str]:
        """Return the fields of the login."""
        return (*super().fields(), "username", "password")

    def refresh_source(self) -> str:
        """Return the login; "" where it is not set."""
        name, password = self.value("username"), self.value("password")
        return f"{name}\n{password}\n{self.token_url}" if name and password else ""

    async def exchange_token(self, client: AsyncOAuth2Client, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Log in: the answer is the token, as a JSON text."""
        login = {"username": self.needed("username"), "password": self.needed("password")}
        response: Any = await client.request("POST", self.token_url, json=login, withhold_token=True)
        if response.status_code in (400, 401, 403):
            raise errors.AuthenticationError(
                "Magento refuses the administrator's login.",
                "Ask the operator to check it; where two-factor authentication is on, use an integration in its place.",
            )
        response.raise_for_status()
        token = response.json()
        return {"access_token": token if isinstance(token, str) else token["access_token"], "expires_in": LIFE}
