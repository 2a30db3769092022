"""How access tokens are had: by a refresh token of a consent, or for the app itself, without a user.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flotilla import OAuth2
from flotilla.http.oauth import Grant

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

GRAPH = "https://graph.microsoft.com/.default"  # all that was agreed to, whichever server asks


class AtTheTenant(Grant):
    """Base: the token endpoint is that of the tenant in the settings."""

    def __init__(self, **more: Any) -> None:
        super().__init__("login_url", client_auth="none", **more)  # a secret is added where there is one

    def fields(self) -> Sequence[str]:
        """Return the settings fields that are read."""
        return ("login_url", "tenant", "client_id", "client_secret")

    @property
    def token_url(self) -> str:
        """Where tokens come from."""
        return f"{self.needed('login_url').rstrip('/')}/{self.needed('tenant')}/oauth2/v2.0/token"

    def _secret(self, client: AsyncOAuth2Client) -> dict[str, str]:
        """Say who the app is; a public client (Mobile and desktop applications) has no secret, and may send none."""
        client.client_id = self.needed("client_id")
        secret = self.value("client_secret")
        return {"client_secret": secret} if secret else {}


class RefreshToken(AtTheTenant, OAuth2):
    """A refresh token: each use gives a new one, and the old one stays good, so that two servers may share one."""

    def fields(self) -> Sequence[str]:
        """Return the settings fields that are read."""
        return (*super().fields(), "refresh_token")

    async def exchange_token(self, client: AsyncOAuth2Client, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Refresh; `offline_access` asks for the next refresh token."""
        newest = held.get("refresh_token") or self.needed("refresh_token")
        scope = f"{GRAPH} offline_access"
        answer: Mapping[str, Any] = await client.refresh_token(
            self.token_url, refresh_token=newest, scope=scope, **self._secret(client)
        )
        return {"refresh_token": newest, **answer}


class AppOnly(AtTheTenant):
    """The app itself, with what an administrator allowed it for the whole organization (client credentials)."""

    def refresh_source(self) -> str:
        """Return all that decides which token comes back, "" where a part of it is not set."""
        parts = [self.value(name) for name in ("client_id", "client_secret", "tenant")]
        return "\n".join(parts) if all(parts) else ""

    async def exchange_token(self, client: AsyncOAuth2Client, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send the client's credentials."""
        answer: Mapping[str, Any] = await client.fetch_token(
            self.token_url, grant_type="client_credentials", scope=GRAPH, **self._secret(client)
        )
        return answer
