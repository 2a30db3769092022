"""The server and its ways out: settings, access, limits, and what HubSpot's refusals mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field, HttpUrl, field_validator

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
)

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
    """Read from HUBSPOT_TOKEN and the like. Two ways in: a private app's token, or OAuth with a refresh token."""

    auth_options = (("token",), ("refresh_token", "client_id", "client_secret"))

    token: SecretStr = Field(
        description="Private app's token, from HubSpot > Settings > Integrations > Private apps > Auth",
        examples=["pat-eu1-1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d"],
    )
    refresh_token: SecretStr = Field(description="In place of the token: OAuth, with the next two")
    client_id: SecretStr = Field(description=f"OAuth client, from {CONSENT.register}")
    client_secret: SecretStr = Field(description="SecretStr of the OAuth client")
    timezone: Annotated[str, Preference] = Field(
        "Europe/Paris", description="IANA zone of times without an offset, and of those in results"
    )
    token_url: HttpUrl = Field(HttpUrl(CONSENT.token_url), description="Where OAuth access tokens come from")
    base_url: HttpUrl = Field(HttpUrl(HOME), description="Address of the API")

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        """Refuse a zone that does not exist."""
        try:
            ZoneInfo(name)
        except (KeyError, OSError, ValueError):
            raise ValueError(f"{name} is no IANA time zone, such as Europe/Paris") from None
        return name


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
    instructions="Records are named kind:id, such as contact:51 or deal:77. A create that HubSpot has already is told, "
    "not done. New records take some seconds to be found by a search.",
)


def said(status: int, body: Any) -> str:
    """Return HubSpot's own words: a message, then one an error. https://developers.hubspot.com/docs/api-reference/error-handling"""
    if not isinstance(body, Mapping):
        return str(body or "")
    details = [str(e.get("message") or "") for e in body.get("errors") or [] if isinstance(e, Mapping)][:5]
    message = str(body.get("message") or "")
    if details and ": [{" in message:  # the same errors again, as JSON in the text
        message = message.split(": [{")[0] + ":"
    return " ".join([message, *(d for d in details if d not in message)])


def meaning(status: int, body: Any) -> errors.FlotillaError | None:
    """Tell what the usual classes would not: a day's limit, a duplicate, the scopes that lack."""
    told = body if isinstance(body, Mapping) else {}
    words = errors.excerpt(said(status, body), 200)
    if status == 429 and str(told.get("policyName") or "").upper() == "DAILY":
        what = f"HubSpot's requests for today are used up: {errors.quoted(words)}."
        return errors.RateLimitError(what, "Nothing was done; try again tomorrow.", again=False)
    if status == 409 and (existing := _EXISTING.search(words)):
        return errors.InvalidInputError(
            f"HubSpot has this one already, with the id {existing[1]}: nothing was done.",
            "Go on with that id, or update it.",
        )
    lacking = _scopes(told) if status == 403 else []
    if lacking:
        return errors.PermissionDeniedError(
            f"HubSpot does not allow this: the scope {' or '.join(lacking[:4])} is missing.",
            "Ask the user to add it to the private app or OAuth app, and to install it again.",
        )
    return None


def _scopes(body: Mapping[str, Any]) -> list[str]:
    """Return the scopes that a refusal asks for; each is a word, so that nothing else gets into the sentence."""
    contexts = [body.get("context"), *(e.get("context") for e in body.get("errors") or [] if isinstance(e, Mapping))]
    named = [v for c in contexts if isinstance(c, Mapping) for k, v in c.items() if "scope" in str(k).lower()]
    flat = [str(word) for value in named for word in (value if isinstance(value, list) else [value])]
    return [word for word in dict.fromkeys(flat) if re.fullmatch(r"[\w.-]{1,60}", word)]


AUTH = FirstOf(Bearer("token"), OAuth2("token_url", revoked_hint="Ask the user to run `scripts/login {slug}` again."))
PAGING = ByCursor("results", "paging.next.after", cursor="after")
api = Api(
    integration,
    auth=AUTH,
    paging=PAGING,
    limits=[
        (100, 10)
    ],  # the smallest of the plans: https://developers.hubspot.com/docs/guides/apps/api-usage/usage-details
    error_message=said,
    map_error=meaning,
)
finder = Api(
    integration, auth=AUTH, limits=[(4, 1)], error_message=said, map_error=meaning
)  # searches have a limit of their own
