"""Pipedrive and how it is spoken to: settings, authentication, limits, errors.

Version 2 of the API, and version 1 where version 2 has nothing: notes, leads, files, users, activity types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from pydantic import Field, HttpUrl

from flotilla import (
    Api,
    ByCursor,
    ByNumber,
    Consent,
    FirstOf,
    HeaderKey,
    Integration,
    OAuth2,
    SecretStr,
    ServerSettings,
    errors,
)
from flotilla.http.client import RequestOptions
from flotilla.http.responses import object_of

HOME = "https://api.pipedrive.com"
V1, V2 = "/v1", "/api/v2"
# https://pipedrive.readme.io/docs/marketplace-oauth-authorization
CONSENT = Consent(
    account="pipedrive",
    authorize_url="https://oauth.pipedrive.com/oauth/authorize",
    token_url="https://oauth.pipedrive.com/oauth/token",
    who_url=f"{HOME}{V1}/users/me",
    who="data.email",
    scopes=("base",),
    client_auth="client_secret_basic",
    pkce=False,
    redirect_host="localhost",
    ports=(8976,),  # Pipedrive compares the whole callback URL
    register="Pipedrive > Developer Hub > Create an app > Create private app, with the callback URL "
    "http://localhost:8976/ and the scopes of this server's README",
)


class Settings(ServerSettings):
    """Read from PIPEDRIVE_TOKEN and the like. Either a person's API token, or OAuth with a refresh token."""

    auth_options = (("token",), ("refresh_token", "client_id", "client_secret"))

    token: SecretStr = Field(
        description="API token, from Pipedrive > Personal preferences > API",
        examples=["1a2b3c4d5e6f708192a3b4c5d6e7f80912345678"],
    )
    refresh_token: SecretStr = Field(description="Refresh token of OAuth, in place of the token; it needs the next two")
    client_id: SecretStr = Field(description=f"OAuth client, from {CONSENT.register}")
    client_secret: SecretStr = Field(description="Secret of the OAuth client")
    token_url: HttpUrl = Field(HttpUrl(CONSENT.token_url), description="Where OAuth access tokens come from")
    base_url: HttpUrl = Field(
        HttpUrl(HOME), description="Address of the API; the company's own, https://acme.pipedrive.com, works too"
    )


integration = Integration(
    "pipedrive",
    title="Pipedrive",
    description="Find callers by phone number, and work on deals, leads, people, activities and notes in Pipedrive.",
    category="productivity",
    tags=["crm", "sales", "deals", "leads", "contacts", "activities"],
    hosts=["api.pipedrive.com:443", "oauth.pipedrive.com:443"],
    settings=Settings,
    files=True,
    consent=CONSENT,
    docs="https://developers.pipedrive.com/docs/api/v1",
    instructions="Records are written kind:id or kind:name, such as person:5 or organization:Boulangerie Roy. Stages, "
    "owners and custom fields go by their names. Times without an offset are in the user's own time zone.",
)


def error_message(status: int, body: Any) -> str:
    """Return the message of an error response, and what Pipedrive says about it."""
    if not isinstance(body, Mapping):
        return str(body or "")
    about = str(body.get("error_info") or "")
    boilerplate = "developers.pipedrive.com" in about  # "Please check developers.pipedrive.com"
    return " ".join(part for part in (str(body.get("error") or ""), "" if boilerplate else about) if part)


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a day's budget, of a blocked address or of a missing scope; None for all others."""
    message = errors.quoted(error_message(status, body), 200)
    lower = message.lower()
    if status == 429 and ("daily" in lower or "budget" in lower):
        return errors.RateLimitError(
            f"The company's requests to Pipedrive are used up for today: {message}.",
            "Nothing was done; try again tomorrow.",
            again=False,
        )
    if status == 403 and not isinstance(body, Mapping):  # a page of the network before Pipedrive
        return errors.RateLimitError(
            "Pipedrive's network refuses requests for now (403), as it does after too many of them.",
            "Wait some minutes, then retry; if it stays, tell the user.",
            again=False,
        )
    if status == 403 and "scope" in lower:
        return errors.PermissionDeniedError(
            f"The app in Pipedrive lacks a scope for this: {message}.",
            "Ask the user to add it to the app in the Developer Hub and to connect the account again.",
        )
    return None


OAUTH = OAuth2(
    "token_url",
    client_auth="client_secret_basic",
    revoked_hint="Ask the user to run `scripts/login {slug}` again.",
)


AUTH = FirstOf(HeaderKey("token", header="x-api-token"), OAUTH)
CURSOR = ByCursor("data", "additional_data.next_cursor")
FOUND = ByCursor("data.items", "additional_data.next_cursor")
START = ByNumber("data", page="start", limit="limit", offset=True, first=0)  # version 1
# The smallest of the plans, https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting; searches have their own.
api = Api(
    integration, auth=AUTH, limits=[(20, 2)], wait_header="x-ratelimit-reset",
    error_message=error_message, map_error=map_error,
)  # fmt: skip
search_api = Api(
    integration, auth=AUTH, limits=[(10, 2)], wait_header="x-ratelimit-reset",
    error_message=error_message, map_error=map_error,
)  # fmt: skip


async def data(method: str, path: str, **request: Unpack[RequestOptions]) -> Any:
    """Send, and return the answer's `data`, None where there is none.

    Raises the errors' classes; errors.InvalidInputError for a refusal inside of a success.
    """
    return accepted(await api.request(method, path, **request)).get("data")


async def record(method: str, path: str, **request: Unpack[RequestOptions]) -> dict[str, Any]:
    """Send, and return the object that stands in the answer's `data`; raises errors.UpstreamError without one."""
    return object_of(await data(method, path, **request), integration.title)


def accepted(answer: Any) -> dict[str, Any]:
    """Return an answer's object; raises errors.UpstreamError for none, errors.InvalidInputError for a refusal."""
    result = object_of(answer, integration.title)
    if result.get("success") is False:
        message = errors.quoted(error_message(200, result)) or "it gave no reason"
        raise errors.InvalidInputError(f"Pipedrive refuses this: {message}.", "Correct the arguments and try again.")
    return result
