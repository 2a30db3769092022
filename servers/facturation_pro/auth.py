"""Authentication: OAuth 2 where it is configured, else the API identifier and key."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx2 as httpx

from flotilla import Basic, OAuth2
from flotilla.http.auth import Auth, FirstOf
from flotilla.http.hosts import origin

Flow = AsyncGenerator[httpx.Request, httpx.Response]


class TokenAuth(OAuth2):
    """OAuth 2, the token as a header or as a parameter.

    The vendor documents neither how the token travels nor how long it lives. Its own JavaScript library sends it as a
    parameter; as a header it stays out of logs, so that is tried first, and what worked is remembered.
    """

    @property
    def token_url(self) -> str:
        """The address of the token endpoint, on the API's host."""
        return str(self.connection.settings.base_url).rstrip("/") + "/oauth/token"

    def configured(self) -> bool:
        """Tell whether all three settings are there."""
        return bool(self.connection.settings.oauth)

    async def async_auth_flow(self, request: httpx.Request) -> Flow:
        """Send with a valid token; after a 401 renew it, then send it as a parameter."""
        token, metadata = await self.access_token(), self.connection.metadata
        response = yield self._signed(request, token)
        if response.status_code != 401 or origin(response.request.url) != origin(request.url):
            return  # after a redirect to another address, which gets no token
        await response.aread()
        token = await self.access_token(instead_of=token)
        # after a redirect it is the last request that was refused, and it has lost its parameters
        response = yield self._signed(response.request, token)
        if response.status_code == 401 and not metadata.get("token_in_query"):
            await response.aread()
            metadata["token_in_query"] = True
            response = yield self._signed(response.request, token)
            metadata["token_in_query"] = response.status_code != 401

    def _signed(self, request: httpx.Request, token: str) -> httpx.Request:
        request.headers.pop(self.header, None)
        if self.connection.metadata.get("token_in_query"):
            request.url = request.url.copy_set_param("access_token", token)
        else:
            request.headers[self.header] = f"Bearer {token}"
        return request


def configured_auth() -> Auth:
    """Return OAuth 2 where all of it is configured, else the key."""
    return FirstOf(TokenAuth(""), Basic("identifier", "api_key"))
