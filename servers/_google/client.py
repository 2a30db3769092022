"""Settings, integration and Api of a Google server: a refresh token, a service account, or a ready access token.

https://developers.google.com/identity/protocols/oauth2
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl

from flotilla import (
    AccessLevels,
    Api,
    Auth,
    Bearer,
    ByCursor,
    Consent,
    FirstOf,
    Integration,
    JwtBearer,
    OAuth2,
    SecretStr,
    ServerSettings,
    errors,
)
from flotilla.settings import variable

from .responses import map_error

S = TypeVar("S", bound="GoogleSettings")
HOSTS = ["oauth2.googleapis.com:443"]  # beside the API's own
LASTING = ("refresh_token", "client_id", "client_secret")
CONSENT = Consent(
    account="google",
    authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
    token_url="https://oauth2.googleapis.com/token",
    revoke_url="https://oauth2.googleapis.com/revoke",
    who_url="https://openidconnect.googleapis.com/v1/userinfo",
    who="email",
    scopes=("openid", "email"),  # whose account it is, whatever else was agreed to
    extra={"access_type": "offline", "prompt": "consent"},  # without both, no refresh token comes
    # no device_url: Google's device flow gives none of the scopes of mail and calendar
    register="console.cloud.google.com > Google Auth Platform > Clients > Create client > Desktop app",
)


class GoogleSettings(ServerSettings):
    """Three ways to authenticate; `scripts/login` stores the first three fields, which are one of them."""

    auth_options = (LASTING, ("service_account",), ("access_token",))

    refresh_token: SecretStr = Field(
        description="Run `scripts/login google`: it asks for consent and stores this",
        examples=["1//0gAbCdEfGhIjKl"],
    )
    client_id: SecretStr = Field(
        description=f"OAuth client, from {CONSENT.register}",
        examples=["1234567890-abcdef.apps.googleusercontent.com"],
    )
    client_secret: SecretStr = Field(description="Secret of the OAuth client", examples=["GOCSPX-abcdef"])
    service_account: SecretStr = Field(
        description="In place of the three: a service account's JSON key (the variable with _FILE names its file)"
    )
    subject: str = Field("", description="Whose account the service account works for, by domain-wide delegation")
    access_token: SecretStr = Field(description="In place of all these: a ready access token, which is not renewed")
    token_url: HttpUrl = Field(HttpUrl(CONSENT.token_url), description="Where access tokens come from")


class ServiceAccount(JwtBearer):
    """The JSON key of a service account: https://developers.google.com/identity/protocols/oauth2/service-account"""

    def identity(self) -> tuple[str, str]:
        """Return its e-mail address and private key.

        Raises errors.ConfigurationError for something that is not such a key.
        """
        text = self.value("service_account")
        if not text:
            return "", ""
        try:
            key = json.loads(text)
            return str(key["client_email"]), str(key["private_key"])
        except (ValueError, KeyError, TypeError):
            name = variable(self.integration.slug, "service_account")
            raise errors.ConfigurationError(
                f"{name} is not a valid JSON key of a service account.",
                f"Ask the user to set {name}_FILE to the file that Google Cloud gave.",
            ) from None


def google_integration(
    slug: str,
    settings: type[S],
    *,
    title: str,
    description: str,
    docs: str,
    prefix: str = "",
    category: str = "productivity",
    tags: Iterable[str] = (),
    files: bool = False,
    instructions: str = "",
    access: AccessLevels | None = None,
    limited_to: str = "",
    hosts: Iterable[str] = (),
) -> Integration[S]:
    """Return the integration of one of Google's APIs; `hosts` are others than the API's and the token URL's."""
    return Integration(
        slug,
        prefix=prefix,
        title=title,
        description=description,
        category=category,
        tags=tags,
        hosts=[f"{urlsplit(str(settings.model_fields['base_url'].default)).hostname}:443", *HOSTS, *hosts],
        settings=settings,
        files=files,
        consent=CONSENT,
        docs=docs,
        instructions=instructions,
        access=access,
        limited_to=limited_to,
    )


def google(
    integration: Integration[Any],
    limits: Sequence[tuple[float, float]] = ((600, 60),),
    *,
    base_url: str = "base_url",
    auth: Auth | None = None,
) -> Api:
    """Return the Api of one of Google's APIs. `limits` are (requests, seconds); 600 a minute for most.

    `base_url` is the settings field of its address. A second Api of a server takes the `auth` of the first one.
    """
    api = Api(
        integration,
        base_url=base_url,
        auth=auth
        or FirstOf(
            Bearer("access_token"),
            ServiceAccount(
                "token_url",
                subject="subject",
                revoked_hint="Check the service account's key and {slug}.subject.",
                unknown_client_hint="Ask a Workspace admin to allow its client and scopes: Security > API controls > "
                "Domain-wide delegation.",
            ),
            OAuth2(
                "token_url",
                extra_fields=("scope",),  # what the user agreed to, see `reach`
                revoked_hint="It ends after 7 days while the consent screen is in testing: ask the user to run "
                "`scripts/login {slug}` again.",
                unknown_client_hint=(
                    "Ask the user to check client_id and client_secret, then to run scripts/login again."
                ),
            ),
        ),
        paging=ByCursor("items", "nextPageToken", cursor="pageToken", limit="maxResults"),
        limits=limits,
        map_error=lambda status, body: map_error(api, status, body),
    )
    return api


def scope(name: str) -> str:
    """Return scopes by their short names: "gmail.send" is https://www.googleapis.com/auth/gmail.send."""
    return " ".join(f"https://www.googleapis.com/auth/{word}" for word in name.split())
