"""How an account is connected: consent of a person or of an app, and tokens that rotate.

https://docs.slack.dev/authentication/installing-with-oauth · https://docs.slack.dev/authentication/using-token-rotation
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flotilla import AccessLevels, Consent, OAuth2, errors

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

CHANNELS = "channels:read groups:read im:read mpim:read"
HISTORY = "channels:history groups:history im:history mpim:history"
# A person may use one scope for many things; a bot has some of its own.
BOT = (
    f"{CHANNELS} {HISTORY} users:read users:read.email chat:write reactions:write files:read files:write im:write "
    "mpim:write channels:manage groups:write channels:join"
)
PERSON = (
    f"{CHANNELS} {HISTORY} users:read users:read.email chat:write reactions:write files:read files:write im:write "
    "mpim:write channels:write groups:write search:read users.profile:write reminders:read reminders:write"
)
ENDED = ("invalid_refresh_token", "token_expired", "token_revoked", "invalid_grant", "account_inactive", "no_scopes")
CLIENT = ("bad_client_secret", "invalid_client_id", "invalid_client")

# Only people's scopes may be asked for with a redirect to this machine, by an app with PKCE; other redirects are https:
# https://docs.slack.dev/authentication/using-pkce
CONSENT = Consent(
    account="slack",
    authorize_url="https://slack.com/oauth/v2_user/authorize",
    token_url="https://slack.com/api/oauth.v2.user.access",
    who_url="https://slack.com/api/auth.test",
    who="user",
    separator=",",
    rotation_optional=True,
    rotates=True,
    tokens_in="authed_user",
    ended=ENDED,
    redirect_host="localhost",
    ports=(8976,),  # Slack compares the whole redirect URL
    register="api.slack.com/apps > Create New App > OAuth & Permissions: PKCE on, the redirect URL "
    "http://localhost:8976/ (for a bot https://localhost:8976/ and no PKCE) and the scopes of this server's README",
)
APP = {
    "authorize_url": "https://slack.com/oauth/v2/authorize",
    "token_url": "https://slack.com/api/oauth.v2.access",
    "tokens_in": "",
    "pkce": False,
    "redirect_scheme": "https",
}
ACCESS = AccessLevels("identity", "identity", {"person": PERSON, "app": BOT}, {"app": APP})


class SlackOAuth(OAuth2):
    """A refresh token, bot's or person's. Slack answers 200 to what it refuses, with codes of its own.

    The tokens of a person may stand in `authed_user`.
    """

    async def exchange_token(self, client: AsyncOAuth2Client, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Refresh; the refresh token is replaced on every use."""
        answer = await super().exchange_token(client, held)
        nested = answer.get("authed_user")
        return {**answer, **nested} if isinstance(nested, Mapping) and nested.get("access_token") else answer

    def _problem(self, error: object) -> errors.FlotillaError:
        code = "invalid_grant" if error in ENDED else "invalid_client" if error in CLIENT else error
        return super()._problem(code)
