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


AGENCY = "Company"  # the vendor's word in its tokens


class MarketplaceApp(OAuth2):
    """https://marketplace.gohighlevel.com/docs/Authorization/OAuth2.0: tokens of one location (sub-account)."""

    @property
    def token_url(self) -> str:
        """The address that tokens come from."""
        return self._at("/oauth/token")

    def _at(self, path: str) -> str:
        return self.value("base_url").rstrip("/") + path

    async def access_token(self, instead_of: str = "") -> str:
        """Return a valid access token; an agency's is renewed when another location was chosen since."""
        token = await super().access_token(instead_of)
        chosen = self.value("location_id")
        if self.extra("userType") == AGENCY and chosen and self.extra("locationId") != chosen:
            token = await super().access_token(token)
        return token

    async def location(self) -> str:
        """Return the id of the location that the tokens are for, empty where the vendor did not name it.

        Raises errors.ConfigurationError for the tokens of an agency without a chosen location.
        """
        await self.access_token()
        if self.extra("userType") == AGENCY and not self.extra("locationId"):
            raise errors.ConfigurationError(
                "The refresh token belongs to an agency, and contacts belong to a sub-account.",
                "Ask the user to set GOHIGHLEVEL_LOCATION_ID to the sub-account's id, which is in its address behind "
                "/location/.",
            )
        return self.extra("locationId")

    async def exchange_token(self, client: AsyncOAuth2Client, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Refresh; where the refresh token is spent, reconnect. An agency's tokens become those of its location."""
        from authlib.integrations.base_client import OAuthError

        newest, location = held.get("refresh_token") or self.refresh_source(), held.get("locationId")
        try:
            tokens: Mapping[str, Any] = await client.refresh_token(
                self.token_url, refresh_token=newest, user_type=held.get("userType") or "Location"
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
        return await self._of_location(client, tokens) if tokens.get("userType") == AGENCY else tokens

    async def _of_location(self, client: AsyncOAuth2Client, tokens: Mapping[str, Any]) -> Mapping[str, Any]:
        """Exchange an agency's access token for one of the chosen location; its refresh token stays the agency's.

        https://marketplace.gohighlevel.com/docs/ghl/oauth/get-location-access-token
        """
        location = self.value("location_id")
        if not location:  # the new refresh token must be saved all the same; the access token counts as expired
            return {**tokens, "expires_in": -1}
        answer = await client.request(
            "POST",
            self._at("/oauth/locationToken"),
            data={"companyId": tokens["companyId"], "locationId": location},
            headers={"Authorization": f"Bearer {tokens['access_token']}", "Version": "2021-07-28"},
            withhold_token=True,
        )
        body = answer.json() if answer.is_success else {}
        if not body.get("access_token"):
            return {**tokens, "expires_in": -1}
        of_location = {
            "access_token": body["access_token"],
            "expires_in": body.get("expires_in"),
            "locationId": location,
        }
        return {**tokens, **of_location}

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
