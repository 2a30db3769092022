"""GoHighLevel and how it is spoken to: settings, authentication, API versions, the sub-account, errors."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, HttpUrl

from flotilla import (
    Api,
    Bearer,
    Consent,
    FirstOf,
    Integration,
    OfAccount,
    Preference,
    SecretStr,
    ServerSettings,
    connection_of,
    errors,
    known_zone,
    settings_of,
)
from flotilla.parsing import zone
from flotilla.state import digest

from .oauth import MarketplaceApp

VERSION = "2021-07-28"  # of the API, one an operation: https://marketplace.gohighlevel.com/docs
API_OF_2021_04 = {"Version": "2021-04-15"}  # calendars and conversations
HOME = "https://services.leadconnectorhq.com"
CONSENT = Consent(
    account="gohighlevel",
    authorize_url="https://marketplace.gohighlevel.com/v2/oauth/chooselocation",
    token_url=f"{HOME}/oauth/token",
    who_url=f"{HOME}/locations/{{locationId}}",
    who="location.name",
    who_headers={"Version": VERSION},
    scopes=("locations.readonly",),
    pkce=False,
    rotates=True,
    redirect_host="localhost",
    ports=(8976,),  # GoHighLevel compares the whole redirect URL
    register="marketplace.gohighlevel.com > My Apps > Create App (private, for sub-accounts), with the scopes of this "
    "server's README and the redirect URL http://localhost:8976/",
)


class Settings(ServerSettings):
    """Read from GOHIGHLEVEL_TOKEN, GOHIGHLEVEL_LOCATION_ID and the like."""

    auth_options = (("token",), ("refresh_token", "client_id", "client_secret"))

    token: SecretStr = Field(
        description="Private integration token of the sub-account, from Settings > Private Integrations",
        examples=["pit-2f6b1c9e-8d3a-4c57-9f40-1b7e6a5d0c82"],
    )
    location_id: Annotated[str, OfAccount] = Field(
        "",
        pattern=r"^[\w-]*$",
        description="Id of the sub-account (location), in its address behind /location/; found where there is one only",
        examples=["ve9EPM428h8vShlRW1KT"],
    )
    country: Annotated[str, Preference] = Field(
        "FR", pattern="^[A-Z]{2}$", description="Country of phone numbers without +, two letters"
    )
    timezone: Annotated[str, Preference, AfterValidator(known_zone)] = Field(
        "Europe/Paris", description="IANA time zone of days and times without an offset"
    )
    refresh_token: SecretStr = Field(description="Refresh token of OAuth, in place of the token; it needs the next two")
    client_id: SecretStr = Field(description=f"OAuth client, from {CONSENT.register}")
    client_secret: SecretStr = Field(description="Client secret of the Marketplace app")
    base_url: HttpUrl = Field(HttpUrl(HOME), description="Address of the API")


integration = Integration(
    "gohighlevel",
    prefix="ghl",
    title="GoHighLevel",
    description="Contacts, tags, notes, tasks, workflows, appointments, opportunities, messages and forms of a "
    "GoHighLevel sub-account.",
    category="crm",
    tags=["crm", "marketing", "automation", "calendar", "agency"],
    hosts=["services.leadconnectorhq.com:443"],
    settings=Settings,
    consent=CONSENT,
    docs="https://marketplace.gohighlevel.com/docs",
    instructions="Ids come from searches and lists. A contact that exists already is returned as it is, not changed. "
    "Tags are added to those that are there.",
)


def error_message(status: int, body: Any) -> str:
    """Return the message of an error: one sentence, or the sentences of a list on 422."""
    message = body.get("message") or body.get("error") or "" if isinstance(body, dict) else body or ""
    return "; ".join(map(str, message)) if isinstance(message, list) else str(message)


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a missing scope, a missing thing, a duplicate or a taken time.

    The API answers 401 to a missing scope and 400 to a missing thing.
    """
    message = errors.quoted(error_message(status, body), 200)
    lower, meta = message.lower(), body.get("meta") if isinstance(body, dict) else None
    if status in (401, 403) and ("scope" in lower or "access to this location" in lower):
        return errors.PermissionDeniedError(
            f"GoHighLevel does not allow this: {message}.",
            "Ask the user to give the integration the missing scope, and to set GOHIGHLEVEL_LOCATION_ID to its "
            "sub-account.",
        )
    if status in (400, 422) and ("not found" in lower or "does not exist" in lower):
        return errors.NotFoundError(
            f"GoHighLevel does not have this: {message}.", "Check the id, or list or search first."
        )
    if status in (400, 409, 422) and isinstance(meta, dict) and meta.get("contactId"):
        who = errors.excerpt(f"{meta.get('contactName') or 'a contact'} ({meta['contactId']})", 120)
        return errors.InvalidInputError(
            f"Nothing was changed: another contact has this {meta.get('matchingField') or 'e-mail or phone'}: {who}.",
            "Use that contact's id.",
        )
    if status in (400, 422) and "slot" in lower:
        return errors.InvalidInputError(f"The time is not free: {message}.", "Choose one from ghl_get_free_slots.")
    return None


oauth = MarketplaceApp(
    "base_url",
    extra_fields=["locationId", "companyId", "userType"],
    revoked_hint="Ask the user to install the app on the sub-account again (`scripts/login {slug}`) or to set "
    "{slug}.refresh_token; with {slug}.location_id set, a lost token is replaced without them.",
)
api = Api(
    integration,
    auth=FirstOf(Bearer("token"), oauth),
    headers={"Version": VERSION},
    limits=[(100, 10)],  # a sub-account; 200,000 a day
    error_message=error_message,
    map_error=map_error,
)


async def location() -> str:
    """Return the id of the sub-account: from the settings, from the tokens, or the only one that the token reaches.

    Raises errors.ConfigurationError, naming them, where there are several.
    """
    settings = settings_of(integration)
    if settings.location_id:
        return settings.location_id
    if not settings.token.get_secret_value() and (of_tokens := await oauth.location()):
        return of_tokens
    owner = digest(settings.token.get_secret_value(), str(settings.refresh_token), str(settings.base_url))
    state = connection_of(integration).state
    saved = state.cached("location") or {}
    if saved.get("whose") != owner:
        saved = {"whose": owner, "id": await _only_one()}
        state.cache("location", saved)
    return str(saved["id"])


async def _only_one() -> str:
    hint = "Ask the user which sub-account is meant, and to set GOHIGHLEVEL_LOCATION_ID to its id."
    rows = [row for row in await api.rows("/locations/search", "locations", params={"limit": 10}) if row.get("id")]
    if len(rows) == 1:
        return str(rows[0]["id"])
    if not rows:
        raise errors.ConfigurationError("The token reaches no sub-account of GoHighLevel.", hint)
    names = ", ".join(errors.excerpt(f"{one.get('name') or 'unnamed'} ({one['id']})", 60) for one in rows)
    raise errors.ConfigurationError(f"The token reaches several sub-accounts: {names}.", hint)


def account_zone() -> ZoneInfo:
    """Return the time zone of days and times without an offset."""
    return zone(settings_of(integration).timezone)


ContactId = Annotated[str, Field(description="Id from ghl_search_contacts.", examples=["ocQHyuzHvysMo5N5VsXc"])]
