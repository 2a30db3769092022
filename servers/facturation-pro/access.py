"""Proving who asks: OAuth 2 where it is configured, else the API identifier and key."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import httpx2 as httpx
from flotilla import Basic, OAuth2, Server
from flotilla.auth import Auth

Flow = AsyncGenerator[httpx.Request, httpx.Response]


class Granted(OAuth2):
    """The vendor documents neither how the token travels nor how long it lives. Its own JavaScript library sends it
    as a parameter; as a header it stays out of logs, so that is tried first, and what worked is remembered."""

    in_query = False

    def forget(self) -> None:
        """Drop the tokens in memory, and which way worked."""
        super().forget()
        self.in_query = False

    async def async_auth_flow(self, request: httpx.Request) -> Flow:
        """Send with a valid token; after a 401 renew it, then try the other way."""
        self.token_url = str(self.server.settings.base_url).rstrip("/") + "/oauth/token"
        token = await self.access_token()
        response = yield self._signed(request, token)
        if response.status_code != 401:
            return
        await response.aread()
        token = await self.access_token(instead_of=token)
        # after a redirect it is the last request that was refused, and it has lost its parameters
        response = yield self._signed(response.request, token)
        if response.status_code == 401 and not self.in_query:
            await response.aread()
            self.in_query = True
            response = yield self._signed(response.request, token)
            self.in_query = response.status_code != 401

    def _signed(self, request: httpx.Request, token: str) -> httpx.Request:
        request.headers.pop(self.header, None)
        if self.in_query:
            request.url = request.url.copy_set_param("access_token", token)
        else:
            request.headers[self.header] = f"Bearer {token}"
        return request


class Access(Auth):
    """Chooses by what is configured."""

    def __init__(self) -> None:
        self.key, self.oauth = Basic("identifier", "api_key"), Granted("")

    def bind(self, server: Server[Any]) -> Auth:
        """Tie both ways to the server."""
        self.key.bind(server)
        self.oauth.bind(server)
        return super().bind(server)

    def forget(self) -> None:
        """Drop the OAuth tokens in memory."""
        self.oauth.forget()

    def async_auth_flow(self, request: httpx.Request) -> Flow:
        """Send in the way that is configured."""
        way: Auth = self.oauth if self.server.settings.oauth else self.key
        return way.async_auth_flow(request)
