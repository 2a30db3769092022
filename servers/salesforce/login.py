"""How access tokens are had: by a refresh token, a signed assertion, or the client's own credentials.

All three are exchanged at the org's own address, or at the common login, whose answer says where the org is
(`instance_url`). An access token comes without an end: it is renewed every hour, and after a 401.
https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_flows.htm
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flotilla import OAuth2, errors
from flotilla.http.oauth import JWT_BEARER, Grant

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

PRODUCTION, SANDBOX = "https://login.salesforce.com", "https://test.salesforce.com"
COMMON = (urlsplit(PRODUCTION).hostname, urlsplit(SANDBOX).hostname)  # where any org can log in
MINUTES = 3  # that Salesforce lets an assertion live


class AtTheOrg(Grant):
    """Base: the token endpoint stands at the address that the settings name."""

    @property
    def token_url(self) -> str:
        """Where tokens come from."""
        return f"{self.needed('instance_url').rstrip('/')}/services/oauth2/token"


class RefreshToken(AtTheOrg, OAuth2):
    """A refresh token of a consent in a browser; Salesforce may give a new one at each use."""


class SignedAssertion(AtTheOrg):
    """A user that an administrator approved, by a certificate's key instead of a password (RFC 7523).

    https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm
    """

    def fields(self) -> Sequence[str]:
        """Return the settings fields that are read."""
        return (self.token_url_field, "client_id", "private_key", "username")

    def refresh_source(self) -> str:
        """Return all that decides which token comes back, "" where the key or the user is not set."""
        parts = [self.value(name) for name in ("client_id", "private_key", "username")]
        return "\n".join(parts) if all(parts) else ""

    @property
    def audience(self) -> str:
        """The common login that stands for the org, as the assertion must name it."""
        host = urlsplit(self.token_url).hostname or ""
        return SANDBOX if host == COMMON[1] or ".sandbox." in host else PRODUCTION

    async def exchange_token(self, client: AsyncOAuth2Client, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Sign and send. Its audience is the common login, also where the org's own address is asked."""
        from authlib.oauth2.rfc7523 import JWTBearerGrant
        from joserfc.errors import JoseError
        from joserfc.jwk import RSAKey

        assertion = JWTBearerGrant.sign(
            _key(self.needed("private_key"), RSAKey.import_key, JoseError, ValueError, TypeError),
            self.needed("client_id"),
            self.audience,
            subject=self.needed("username"),
            issued_at=int(self.now()),
            expires_at=int(self.now()) + MINUTES * 60,
            alg="RS256",
        )
        answer: Mapping[str, Any] = await client.fetch_token(self.token_url, grant_type=JWT_BEARER, assertion=assertion)
        return answer


def _key(text: str, read: Callable[[str], Any], *wrong: type[Exception]) -> Any:
    """Return a private key; raises errors.ConfigurationError for what is not one."""
    with suppress(*wrong):
        return read(text)
    raise errors.ConfigurationError(
        "The private key cannot be read.", "Ask the user to set it whole, with its BEGIN and END lines."
    )


class ClientCredentials(AtTheOrg):
    """The client itself, for the user whom its app runs as (RFC 6749 §4.4); only the org's own address takes it.

    https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm
    """

    def refresh_source(self) -> str:
        """Return all that decides which token comes back, "" where the client is not set."""
        parts = [self.value("client_id"), self.value("client_secret")]
        return "\n".join([*parts, self.value("instance_url")]) if all(parts) else ""

    async def exchange_token(self, client: AsyncOAuth2Client, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send the client's credentials; raises errors.ConfigurationError where the org is not named."""
        if urlsplit(self.token_url).hostname in COMMON:
            raise errors.ConfigurationError(
                "Client credentials are taken at the org's own address only, and SALESFORCE_INSTANCE_URL is not set.",
                "Ask the user to set it to the org's My Domain, such as https://acme.my.salesforce.com.",
            )
        answer: Mapping[str, Any] = await client.fetch_token(self.token_url, grant_type="client_credentials")
        return answer
