"""HubSpot and how it is spoken to: settings, authentication, limits, errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, HttpUrl

from flotilla import (
    Api,
    Bearer,
    ByCursor,
    Consent,
    FirstOf,
    Integration,
    OAuth2,
    Preference,
    SecretStr,
    ServerSettings,
    errors,
    known_zone,
    settings_of,
)
from flotilla.parsing import zone

HOME = "https://api.hubapi.com"
CONSENT = Consent(
    account="hubspot",
    authorize_url="https://app.hubspot.com/oauth/authorize",
    token_url=f"{HOME}/oauth/v3/token",  # v1 ends in February 2027
    who_url=f"{HOME}/account-info/v3/details",
    who="portalId",
    scopes=("oauth",),
    pkce=False,
    redirect_host="localhost",
    ports=(8976,),  # HubSpot compares the whole redirect URL
    register="app.hubspot.com > Development > Legacy apps > Create public app, redirect URL http://localhost:8976/",
)
_EXISTING = re.compile(r"Existing ID:\s*(\d+)")


class Settings(ServerSettings):
    """Read from HUBSPOT_TOKEN and the like. Either a private app's token, or OAuth with a refresh token."""

    auth_options = (("token",), ("refresh_token", "client_id", "client_secret"))

    token: SecretStr = Field(
        description="Private app's token, from HubSpot > Settings > Integrations > Private apps > Auth",
        examples=["pat-eu1-1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d"],
    )
    refresh_token: SecretStr = Field(description="Refresh token of OAuth, in place of the token; it needs the next two")
    client_id: SecretStr = Field(description=f"OAuth client, from {CONSENT.register}")
    client_secret: SecretStr = Field(description="Secret of the OAuth client")
    timezone: Annotated[str, Preference, AfterValidator(known_zone)] = Field(
        "Europe/Paris", description="IANA time zone of times without an offset, and of those in results"
    )
    token_url: HttpUrl = Field(HttpUrl(CONSENT.token_url), description="Where OAuth access tokens come from")
    base_url: HttpUrl = Field(HttpUrl(HOME), description="Address of the API")


integration = Integration(
    "hubspot",
    title="HubSpot",
    description="Find, create and update contacts, companies, deals and tickets in HubSpot; add notes, tasks, calls.",
    category="productivity",
    tags=["crm", "sales", "contacts", "deals", "tasks"],
    hosts=["api.hubapi.com:443"],
    settings=Settings,
    consent=CONSENT,
    docs="https://developers.hubspot.com/docs/api-reference/overview",
    instructions="Records are written kind:id or kind:name, such as contact:51 or company:Boulangerie Roy. Creating "
    "what HubSpot has already fails with the existing record's id. A search finds new records after a few seconds.",
)


def error_message(status: int, body: Any) -> str:
    """Return HubSpot's message of an error, then one for each detail.

    https://developers.hubspot.com/docs/api-reference/error-handling
    """
    if not isinstance(body, Mapping):
        return str(body or "")
    details = [str(e.get("message") or "") for e in body.get("errors") or [] if isinstance(e, Mapping)][:5]
    message = str(body.get("message") or "")
    if details and ": [{" in message:  # the same errors again, as JSON in the text
        message = message.split(": [{")[0] + ":"
    return " ".join([message, *(d for d in details if d not in message)])


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a daily limit, a duplicate or a missing scope; None for what the status says already."""
    payload = body if isinstance(body, Mapping) else {}
    message = errors.excerpt(error_message(status, body), 200)
    if status == 429 and str(payload.get("policyName") or "").upper() == "DAILY":
        return errors.RateLimitError(
            f"HubSpot's requests for today are used up: {errors.quoted(message)}.",
            "Nothing was done; try again tomorrow.",
            again=False,
        )
    if status == 409 and (existing := _EXISTING.search(message)):
        return errors.InvalidInputError(
            f"HubSpot has this record already, with the id {existing[1]}; nothing was done.",
            "Use that id, or update that record.",
        )
    missing = _scopes(payload) if status == 403 else []
    if missing:
        return errors.PermissionDeniedError(
            f"HubSpot does not allow this: the scope {' or '.join(missing[:4])} is missing.",
            "Ask the user to add it to the private app or OAuth app, and to install it again.",
        )
    return None


def _scopes(body: Mapping[str, Any]) -> list[str]:
    """Return the scopes that an error asks for. Each is one word, so that nothing else gets into the sentence."""
    contexts = [body.get("context"), *(e.get("context") for e in body.get("errors") or [] if isinstance(e, Mapping))]
    named = [v for c in contexts if isinstance(c, Mapping) for k, v in c.items() if "scope" in str(k).lower()]
    flat = [str(word) for value in named for word in (value if isinstance(value, list) else [value])]
    return [word for word in dict.fromkeys(flat) if re.fullmatch(r"[\w.-]{1,60}", word)]


OAUTH = OAuth2("token_url", revoked_hint="Ask the user to run `scripts/login {slug}` again.")
AUTH = FirstOf(Bearer("token"), OAUTH)
api = Api(
    integration,
    auth=AUTH,
    paging=ByCursor("results", "paging.next.after", cursor="after"),
    # The smallest of the plans: https://developers.hubspot.com/docs/guides/apps/api-usage/usage-details
    limits=[(100, 10)],
    error_message=error_message,
    map_error=map_error,
)
search_api = Api(  # searches have a limit of their own
    integration, auth=AUTH, limits=[(4, 1)], error_message=error_message, map_error=map_error
)


def account_zone() -> ZoneInfo:
    """Return the time zone of times without an offset."""
    return zone(settings_of(integration).timezone)
