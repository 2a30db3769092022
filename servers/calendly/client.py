"""Calendly and how it is spoken to: settings, authentication, limits, errors.

https://developer.calendly.com/api-docs
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, HttpUrl

from flotilla import (
    Api,
    Bearer,
    ByCursor,
    Consent,
    FirstOf,
    Integration,
    OAuth2,
    SecretStr,
    ServerSettings,
    errors,
    segment,
)

HOME = "https://api.calendly.com"  # every uri of a thing begins so, wherever base_url leads
# https://developer.calendly.com/docs/authentication/creating-an-oauth-app
CONSENT = Consent(
    account="calendly",
    authorize_url="https://auth.calendly.com/oauth/authorize",
    token_url="https://auth.calendly.com/oauth/token",
    who_url=f"{HOME}/users/me",
    who="resource.email",
    scopes=("users:read",),
    client_auth="client_secret_basic",
    rotates=True,
    redirect_host="localhost",
    ports=(8976,),  # Calendly compares the whole redirect URL, and takes http://localhost for its Sandbox apps alone
    register="developer.calendly.com > My apps > Create new app (web, environment Sandbox), with the scopes of this "
    "server's README and the redirect URI http://localhost:8976/",
)


class Settings(ServerSettings):
    """Read from CALENDLY_TOKEN and the like. Either a personal access token, or OAuth with a refresh token."""

    auth_options = (("token",), ("refresh_token", "client_id", "client_secret"))

    token: SecretStr = Field(
        description="Personal access token, made at calendly.com > Integrations & apps > API & webhooks",
        examples=["eyJraWQiOiIxY2UxZTEzNj"],
    )
    refresh_token: SecretStr = Field(description="Refresh token of OAuth, in place of the token; it needs the next two")
    client_id: SecretStr = Field(description=f"OAuth client, from {CONSENT.register}")
    client_secret: SecretStr = Field(description="Secret of the OAuth client")
    token_url: HttpUrl = Field(HttpUrl(CONSENT.token_url), description="Where OAuth access tokens come from")
    base_url: HttpUrl = Field(HttpUrl(HOME), description="Address of the API")


integration = Integration(
    "calendly",
    title="Calendly",
    description="See event types, free slots and bookings of Calendly, book, move and cancel meetings, make one-time "
    "booking links.",
    category="productivity",
    tags=["calendar", "scheduling", "bookings"],
    hosts=["api.calendly.com:443", "auth.calendly.com:443"],
    settings=Settings,
    consent=CONSENT,
    docs="https://developer.calendly.com/api-docs",
    instructions="Times are read and come back in the user's own time zone. calendly_book_event books a free slot for "
    "somebody; a link lets them choose themselves.",
)


def error_message(status: int, body: Any) -> str:
    """Return the message of an error response, and which parameters it means."""
    if not isinstance(body, dict):
        return str(body or "")
    details = [detail for detail in body.get("details") or [] if isinstance(detail, dict)]
    return " ".join([str(body.get("message") or ""), *(f"{d.get('parameter')} {d.get('message')}" for d in details)])


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a state, a plan or a foreign calendar, which no permission would change."""
    message = errors.quoted(error_message(status, body))
    if status == 403 and ("already canceled" in message or "in the past" in message):
        return errors.InvalidInputError(f"Calendly refuses: {message}.", "Look at it with calendly_get_event.")
    if status == 403 and "upgrade" in message.lower():
        return errors.PermissionDeniedError(
            f"The account's Calendly plan does not include this: {message}.", "Tell the user."
        )
    if status == 409:
        return errors.InvalidInputError(
            f"The time is not free any more: {message}.", "Choose another one with calendly_list_available_times."
        )
    if status == 424:
        return errors.UpstreamError(
            f"Calendly could not read the connected calendar: {message}.",
            "Ask the user to check the calendar connection in Calendly.",
        )
    return None


api = Api(
    integration,
    auth=FirstOf(
        Bearer("token"),
        OAuth2(
            "token_url",
            client_auth="client_secret_basic",
            revoked_hint="Ask the user to run `scripts/login {slug}` again.",
        ),
    ),
    paging=ByCursor("collection", "pagination.next_page_token", cursor="page_token", limit="count"),
    limits=[(50, 60)],  # the free plan's; paid plans have 500 a minute
    wait_header="X-RateLimit-Reset",
    error_message=error_message,
    map_error=map_error,
)


def id_of(thing: str) -> str:
    """Return the id in a uri of this API, or the id that was passed; raises errors.InvalidInputError."""
    if "://" in thing and not thing.startswith(f"{HOME}/"):
        raise errors.InvalidInputError(
            "The uri does not belong to Calendly's API.", "Pass the uri that a calendly tool returned."
        )
    return segment(thing.rstrip("/").rsplit("/", 1)[-1])
