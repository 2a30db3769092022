"""Make and how it is spoken to: settings, the account's zone, authentication, limits, errors.

https://developers.make.com/api-documentation
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, HttpUrl

from flotilla import (
    Api,
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

SITE, HOOKS, VERSION = "https://www.make.com", "https://hook.make.com", "/api/v2"
_ZONE = re.compile(
    r"(?:https?://)?(?:hook\.)?([a-z]{2}\d{1,2})(\.make\.com|\.make\.celonis\.com)?(?:/.*)?", re.IGNORECASE
)
# https://developers.make.com/api-documentation/authentication
CONSENT = Consent(
    account="make",
    authorize_url=f"{SITE}/oauth/v2/authorize",
    token_url=f"{SITE}/oauth/v2/token",
    revoke_url=f"{SITE}/oauth/v2/revoke",
    who_url=f"{SITE}/oauth/v2/oidc/userinfo",
    who="email",
    scopes=("openid", "email"),
    redirect_host="localhost",
    ports=(8976,),
    register="Make > the picture at the bottom left > Profile > OAuth applications (confidential client, redirect URI "
    "http://localhost:8976/)",
)


def _zone(value: Any) -> Any:
    """Return the host of a zone in the texts that people paste: eu1, eu1.make.com, https://eu1.make.com/123/team."""
    match = _ZONE.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, str) and not match:
        raise ValueError(
            "it must be the account's zone, which stands at the start of the address in the browser: eu1, eu2, us1 or "
            "us2 of eu1.make.com, or eu1.make.celonis.com"
        )
    return (match[1] + (match[2] or ".make.com")).lower() if match else value


class Settings(ServerSettings):
    """Read from MAKE_ZONE and MAKE_API_KEY; or OAuth in place of the key."""

    auth_options = (("api_key",), ("refresh_token", "client_id", "client_secret"))

    zone: Annotated[str, BeforeValidator(_zone)] = Field(
        description="Zone of the account, from the address in the browser, such as eu1; a key works in no other",
        examples=["eu1"],
    )
    api_key: SecretStr = Field(
        description="API key, from Make > the picture at the bottom left > Profile > API > Add token",
        examples=["93e2ad3f-7a8b-4c1d-9e0f-2b4c6d8e0a1c"],
    )
    refresh_token: SecretStr = Field(description="Refresh token of OAuth, in place of the key; it needs the next two")
    client_id: SecretStr = Field(description=f"OAuth client, from {CONSENT.register}")
    client_secret: SecretStr = Field(description="Secret of the OAuth client")
    token_url: HttpUrl = Field(HttpUrl(CONSENT.token_url), description="Where OAuth access tokens come from")
    team: str = Field("", description="Name or id of the team that is meant where a call names none")
    base_url: HttpUrl = Field(HttpUrl(SITE), description="Address of the API, in place of that of the zone")
    hooks_url: HttpUrl = Field(HttpUrl(HOOKS), description="Address of the webhooks, in place of that of the zone")

    @property
    def api_url(self) -> str:
        """Where the zone's API stands."""
        own = str(self.base_url).rstrip("/")
        return (own if own != SITE else f"https://{self.zone}").removesuffix(VERSION) + VERSION

    @property
    def webhooks_url(self) -> str:
        """Where the zone's webhooks stand."""
        own = str(self.hooks_url).rstrip("/")
        return own if own != HOOKS else f"https://hook.{self.zone}"


integration = Integration(
    "make",
    title="Make",
    description="Run Make scenarios, call their webhooks, see which runs failed and why, retry them, read and write "
    "data stores.",
    category="productivity",
    tags=["automation", "scenarios", "webhooks", "data-stores"],
    hosts=["*.make.com:443", "*.make.celonis.com:443"],
    settings=Settings,
    consent=CONSENT,
    docs="https://developers.make.com/api-documentation",
    instructions="Scenarios, teams, webhooks and data stores go by name. make_run_scenario runs an active scenario; "
    "make_trigger_webhook starts one that has a webhook. make_get_execution says why one failed.",
)


def error_message(status: int, body: Any) -> str:
    """Return Make's message of an error, in its details where there are any, and what belongs to it."""
    if not isinstance(body, dict):
        return str(body or "")
    rows = body.get("suberrors")
    more = [str(one.get("message") or "") for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []
    return "; ".join(text for text in [str(body.get("detail") or body.get("message") or ""), *more[:5]] if text)


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a wrong zone, a missing scope or a scenario's state, which the status alone does not tell."""
    message = errors.quoted(error_message(status, body))
    lower = message.lower()
    if status == 401:
        return errors.AuthenticationError(
            f"Make does not accept the credentials{': ' + message if message else ''}.",
            "Ask the operator to check MAKE_API_KEY, and that MAKE_ZONE is the zone in which it was made: it works "
            "in no other one.",
        )
    if status == 403 and "scope" in lower:
        return errors.PermissionDeniedError(
            f"The API key lacks a scope for this: {message}.",
            "Ask the operator for a key with the scopes of this server's README.",
        )
    if status in (400, 409, 422) and "not active" in lower:
        return errors.InvalidInputError(f"The scenario is not active: {message}.", "Start it with make_start_scenario.")
    return None


# https://developers.make.com/api-documentation/pagination-and-filtering
paging = {
    name: ByNumber(name, page="pg[offset]", limit="pg[limit]", offset=True, total=total)
    for name, total in (("scenarioLogs", ""), ("dataStores", ""), ("records", "count"))
}
api = Api(
    integration,
    auth=FirstOf(
        HeaderKey("api_key", header="Authorization", scheme="Token "),
        OAuth2("token_url", revoked_hint="Ask the user to run `scripts/login {slug}` again."),
    ),
    base_url="api_url",
    limits=[(60, 60)],  # of the plan Core, for the whole organization: Pro has 120, Teams 240, Enterprise 1000
    error_message=error_message,
    map_error=map_error,
)


def map_webhook_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a webhook: one without a scenario, a full queue, too many calls."""
    message = errors.quoted(error_message(status, body))
    if status == 410:
        return errors.NotFoundError(
            "This webhook is switched off: no scenario has used it for some days.",
            "Ask the user to add it to a scenario in Make, or look at the others with make_list_hooks.",
        )
    if status == 400 and "queue" in message.lower():
        return errors.InvalidInputError(
            f"The webhook's queue is full: {message}; nothing was taken.",
            "Start its scenario with make_start_scenario, so that the queue gets shorter.",
        )
    if status in (401, 403):
        return errors.AuthenticationError(
            f"The webhook wants a key{': ' + message if message else ''}; nothing was taken.",
            "Tell the user: this server has no key for webhooks.",
        )
    return None


webhooks = Api(
    integration,
    base_url="webhooks_url",
    limits=[(300, 10)],  # https://help.make.com/webhooks
    error_message=error_message,
    map_error=map_webhook_error,
)
