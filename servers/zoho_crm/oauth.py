"""Zoho's OAuth: tokens of one data centre, a header of its own, refusals inside of successes.

https://www.zoho.com/crm/developer/docs/api/v8/refresh.html
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

import httpx2 as httpx

from flotilla import HeaderKey, OAuth2

from .centers import ACCOUNTS, token_url_of

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

SCHEME = "Zoho-oauthtoken"
ENDED = ("invalid_code", "invalid_token", "access_denied")  # what Zoho says for invalid_grant
TOO_MANY = "Access Denied"  # more than ten access tokens in ten minutes
BUSY = ("slow_down", "temporarily_unavailable")


class ReadyToken(HeaderKey):
    """An access token from the settings, which nothing renews."""

    def __init__(self) -> None:
        super().__init__("access_token", "Authorization", f"{SCHEME} ")


class ZohoOAuth(OAuth2):
    """A refresh token of one data centre. Where nobody said which one, each is asked until one knows the token."""

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with a valid access token; after a 401 renew it and send once more.

        A 401 that means a missing scope renews nothing: Zoho gives ten tokens in ten minutes.
        """
        token = await self.access_token()
        request.headers[self.header] = f"{SCHEME} {token}"
        response = yield request
        if response.status_code == 401 and b"SCOPE" not in await response.aread():
            request.headers[self.header] = f"{SCHEME} {await self.access_token(instead_of=token)}"
            yield request

    async def exchange_token(self, client: AsyncOAuth2Client, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Refresh. Zoho gives no new refresh token: the old one stays."""
        from authlib.integrations.base_client import OAuthError

        newest = str(held.get("refresh_token") or self.needed("refresh_token"))
        refusals: list[str] = []
        for center, address in self._endpoints(held).items():
            try:
                answer: Mapping[str, Any] = await client.refresh_token(address, refresh_token=newest)
            except OAuthError as refusal:
                code = _standard(refusal.error)
                if code in BUSY:
                    raise OAuthError(code) from None
                refusals.append(code)
            else:
                return {"refresh_token": newest, "data_center": center, **answer}
        # Data centres that do not know the client refuse it; the account's own one refuses the token.
        raise OAuthError("invalid_grant" if "invalid_grant" in refusals else refusals[0])

    def _endpoints(self, held: Mapping[str, Any]) -> dict[str, str]:
        """Return the token endpoints to ask, by data centre."""
        if "token_url" in self.connection.settings.model_fields_set:
            return {self.value("data_center"): self.token_url}
        known = self.value("data_center") or str(held.get("data_center") or "") or self.extra("data_center")
        return {center: token_url_of(center) for center in ([known] if known in ACCOUNTS else ACCOUNTS)}

    async def api_domain(self) -> str:
        """Return the address of the API that the tokens are for, "" where Zoho did not name it."""
        await self.access_token()
        return self.extra("api_domain")


def _standard(code: object) -> str:
    """Return a code of RFC 6749 for Zoho's own."""
    if code == TOO_MANY:
        return "slow_down"
    return "invalid_grant" if code in ENDED else "invalid_client" if code == "invalid_client_secret" else str(code)
