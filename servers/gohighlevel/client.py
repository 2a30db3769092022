"""The server and its way out: settings, ways in, versions of the API, whose contacts they are, what refusals mean."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import Field, HttpUrl

from flotilla import (
    Api,
    Bearer,
    FirstOf,
    Integration,
    Preference,
    SecretStr,
    ServerSettings,
    connection_of,
    errors,
    settings_of,
)
from flotilla.state import digest

from .access import MarketplaceApp

VERSION = "2021-07-28"  # of the API, one an operation: https://marketplace.gohighlevel.com/docs
OLDER = {"Version": "2021-04-15"}  # calendars and conversations


class Settings(ServerSettings):
    """Read from GOHIGHLEVEL_TOKEN, GOHIGHLEVEL_LOCATION_ID and the like."""

    auth_options = (("token",), ("refresh_token", "client_id", "client_secret"))

    token: SecretStr = Field(
        description="Private integration token of the sub-account, from Settings > Private Integrations",
        examples=["pit-2f6b1c9e-8d3a-4c57-9f40-1b7e6a5d0c82"],
    )
    location_id: str = Field(
        "",
        pattern=r"^[\w-]*$",
        description="Id of the sub-account (location), in its address behind /location/; found where there is one only",
        examples=["ve9EPM428h8vShlRW1KT"],
    )
    country: Annotated[str, Preference] = Field(
        "FR", pattern="^[A-Z]{2}$", description="Country of phone numbers without +, two letters"
    )
    timezone: Annotated[str, Preference] = Field(
        "Europe/Paris", description="IANA time zone of days and slots where a call names none"
    )
    refresh_token: SecretStr = Field(description="In place of the token: of a Marketplace app, OAuth 2")
    client_id: SecretStr = Field(description="Client id of the Marketplace app")
    client_secret: SecretStr = Field(description="Client secret of the Marketplace app")
    base_url: HttpUrl = Field(HttpUrl("https://services.leadconnectorhq.com"), description="Address of the API")


integration = Integration(
    "gohighlevel",
    prefix="ghl",
    title="GoHighLevel",
    description="Contacts, tags, workflows, calendars, opportunities and messages of a GoHighLevel sub-account.",
    category="crm",
    tags=["crm", "marketing", "automation", "calendar", "agency"],
    hosts=["services.leadconnectorhq.com:443"],
    settings=Settings,
    docs="https://marketplace.gohighlevel.com/docs",
    instructions="Ids come from searches and lists. A contact that exists already is returned as it is, not changed. "
    "Tags are added to those that are there.",
)


def said(status: int, body: Any) -> str:
    """Return the vendor's own words: one sentence, or a list of them on 422."""
    words = body.get("message") or body.get("error") or "" if isinstance(body, dict) else body or ""
    return "; ".join(map(str, words)) if isinstance(words, list) else str(words)


def meaning(status: int, body: Any) -> errors.FlotillaError | None:
    """Tell missing scopes from bad tokens, and missing things from bad arguments: the API says 401 and 400 to both."""
    words = errors.quoted(said(status, body), 200)
    known, told = words.lower(), body.get("meta") if isinstance(body, dict) else None
    if status in (401, 403) and ("scope" in known or "access to this location" in known):
        return errors.PermissionDeniedError(
            f"GoHighLevel does not allow this: {words}.",
            "Ask the user to give the integration this right, on the sub-account of GOHIGHLEVEL_LOCATION_ID.",
        )
    if status in (400, 422) and ("not found" in known or "does not exist" in known):
        return errors.NotFoundError(
            f"GoHighLevel does not have this: {words}.", "Check the id, or list or search first."
        )
    if status in (400, 409, 422) and isinstance(told, dict) and told.get("contactId"):
        who = errors.excerpt(f"{told.get('contactName') or 'a contact'} ({told['contactId']})", 120)
        return errors.InvalidInputError(
            f"Nothing was changed: another contact has this {told.get('matchingField') or 'e-mail or phone'}: {who}.",
            "Use that contact's id.",
        )
    if status in (400, 422) and "slot" in known:
        return errors.InvalidInputError(f"The time is not free: {words}.", "Choose one from ghl_get_free_slots.")
    return None


oauth = MarketplaceApp(
    "base_url",
    extra_fields=["locationId"],
    revoked_hint="Ask the user to install the app on the sub-account again and to set {slug}.refresh_token; with "
    "{slug}.location_id set, a lost token is replaced without them.",
)
api = Api(
    integration,
    auth=FirstOf(Bearer("token"), oauth),
    headers={"Version": VERSION},
    limits=[(100, 10)],  # a sub-account; 200,000 a day
    error_message=said,
    map_error=meaning,
)


async def location() -> str:
    """Return the id of the sub-account: set, told with the tokens, or the only one that the token reaches.

    Raises errors.ConfigurationError, naming them, where there are several.
    """
    settings = settings_of(integration)
    if settings.location_id:
        return settings.location_id
    if not settings.token.get_secret_value() and (told := await oauth.location()):
        return told
    whose = digest(settings.token.get_secret_value(), str(settings.refresh_token), str(settings.base_url))
    known = connection_of(integration).state.cached("location") or {}
    if known.get("whose") != whose:
        known = {"whose": whose, "id": await _only_one()}
        connection_of(integration).state.cache("location", known)
    return str(known["id"])


async def _only_one() -> str:
    then = "Ask the user which sub-account is meant, and to set GOHIGHLEVEL_LOCATION_ID to its id."
    try:
        found = await api.rows("/locations/search", "locations", params={"limit": 10})
    except errors.PermissionDeniedError as refusal:
        raise errors.PermissionDeniedError(
            refusal.message, "Give the token locations.readonly, or set GOHIGHLEVEL_LOCATION_ID."
        ) from None
    if len(found) == 1:
        return str(found[0]["id"])
    if not found:
        raise errors.ConfigurationError("The token reaches no sub-account of GoHighLevel.", then)
    named = ", ".join(errors.excerpt(f"{one.get('name') or 'unnamed'} ({one['id']})", 60) for one in found)
    raise errors.ConfigurationError(f"The token reaches several sub-accounts: {named}.", then)


def folded(text: str) -> str:
    """Return a text without accents and capitals, to compare names as people do."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


class Named(Protocol):
    """What has an id and a name."""

    id: str
    name: str


Thing = TypeVar("Thing", bound=Named)


def chosen(things: Sequence[Thing], wanted: str | None, kind: str) -> Thing:
    """Return the thing of this id or name, or the only one; raises errors.InvalidInputError that names them."""
    fitting = [t for t in things if wanted is None or t.id == wanted or folded(t.name) == folded(wanted)]
    if len(fitting) == 1:
        return fitting[0]
    what = f"There is no {kind} `{errors.excerpt(wanted, 60)}`." if wanted else f"Which {kind} is not clear."
    if len(fitting) > 1 and wanted:
        what = f"Several of one name: {kind} `{errors.excerpt(wanted, 60)}`."
    known = ", ".join(f"{errors.excerpt(t.name, 40)} ({t.id})" for t in things[:20]) or "none"
    raise errors.InvalidInputError(what, f"Pass one of these: {known}.")


ContactId = Annotated[str, Field(description="From ghl_search_contacts", examples=["ocQHyuzHvysMo5N5VsXc"])]
