"""OAuth of a Marketplace app: refresh tokens that work once, and how access is restored when one is lost.

GoHighLevel answers each refresh with a new refresh token and forgets the old one. When this process dies after the
answer and before the new one is saved, or the answer itself is lost, no refresh token is left that works. The vendor's
reconnect call then gives an authorization code to the app that shows its own id and secret, for a location where it is
installed: https://help.gohighlevel.com/support/solutions/articles/155000003717
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flotilla import OAuth2, errors

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client


class MarketplaceApp(OAuth2):
    """https://marketplace.gohighlevel.com/docs/Authorization/OAuth2.0: tokens of one location (sub-account)."""

    @property
    def token_url(self) -> str:
        """The address that tokens come from."""
        return self._at("/oauth/token")

    def _at(self, path: str) -> str:
        return self.value("base_url").rstrip("/") + path

    async def location(self) -> str:
        """Return the id of the location that the tokens are for, empty where the vendor did not name it."""
        await self.access_token()
        return self.extra("locationId")

    async def exchange_token(self, client: AsyncOAuth2Client, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Refresh; where the refresh token is spent, reconnect.

        Raises errors.ConfigurationError for the token of an agency.
        """
        from authlib.integrations.base_client import OAuthError

        newest, location = held.get("refresh_token") or self.refresh_source(), held.get("locationId")
        try:
            tokens: Mapping[str, Any] = await client.refresh_token(
                self.token_url, refresh_token=newest, user_type="Location"
            )
        except OAuthError as refusal:
            code = ""
            if refusal.error not in ("invalid_client", "unauthorized_client"):
                code = await self._code(client, self.value("location_id") or str(location or ""))
            if not code:
                raise
            tokens = await client.fetch_token(
                self.token_url, grant_type="authorization_code", code=code, user_type="Location"
            )
        if tokens.get("userType") == "Company":
            raise errors.ConfigurationError(
                "The refresh token belongs to an agency, and contacts belong to a sub-account.",
                "Ask the user to install the app on the sub-account and to set the refresh token from there.",
            )
        return tokens

    async def _code(self, client: AsyncOAuth2Client, location: str) -> str:
        """Ask for an authorization code in place of lost tokens; empty where the vendor refuses."""
        if not location:
            return ""
        payload = {
            "clientKey": self.value("client_id"),
            "clientSecret": self.value("client_secret"),
            "locationId": location,
        }
        answer = await client.request("POST", self._at("/oauth/reconnect"), json=payload, withhold_token=True)
        body = answer.json() if answer.is_success else {}
        return str(body.get("authorizationCode") or "") if isinstance(body, dict) else ""
