"""How requests are authenticated: Shopify takes every token in a header of its own, without a scheme.

https://shopify.dev/docs/apps/build/authentication-authorization
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import httpx2 as httpx

from flotilla import OAuth2

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

HEADER = "X-Shopify-Access-Token"


class RefreshToken(OAuth2):
    """Expiring tokens of an app that was installed by consent: each renewal gives a new refresh token."""

    header = HEADER

    @property
    def token_url(self) -> str:
        """Where the shop gives tokens."""
        return str(self.connection.settings.token_endpoint)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with a valid access token; after a 401 renew it and send once more."""
        token = await self.access_token()
        request.headers[HEADER] = token
        response = yield request
        if response.status_code == 401:  # nothing was carried out, so a write may be sent again too
            await response.aread()
            request.headers[HEADER] = await self.access_token(instead_of=token)
            yield request


class ClientCredentials(RefreshToken):
    """An app of the shop's own organization (Dev Dashboard): its id and secret give tokens for a day.

    https://shopify.dev/docs/apps/build/authentication-authorization/client-credentials-grant
    """

    def fields(self) -> Sequence[str]:
        """Return the settings fields that it reads."""
        return ("token_url", "client_id", "client_secret")

    def refresh_source(self) -> str:
        """Return what is exchanged for access tokens, "" where a part of it is missing."""
        parts = [self.value("client_id"), self.value("client_secret"), self.token_url]
        return "\n".join(parts) if all(parts) else ""

    async def exchange_token(self, client: AsyncOAuth2Client, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask for a token (RFC 6749 section 4.4)."""
        answer: Mapping[str, Any] = await client.fetch_token(self.token_url, grant_type="client_credentials")
        return answer
