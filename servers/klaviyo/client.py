"""Klaviyo and how it is spoken to: settings, authentication, limits, errors, and its JSON:API documents.

https://developers.klaviyo.com/en/reference/api_overview
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, Field, HttpUrl

from flotilla import (
    Api,
    Consent,
    FirstOf,
    HeaderKey,
    Integration,
    OAuth2,
    Page,
    SecretStr,
    ServerSettings,
    errors,
    readable,
)
from flotilla.parsing import to_utc

HOME = "https://a.klaviyo.com"
REVISION = "2026-07-15"
JSON_API = "application/vnd.api+json"
CONTENT = {"Content-Type": JSON_API}
# What one request takes of the limits below, by the tier of its endpoint:
# https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
LARGE, SMALL, TINY = 0.2, 3.4, 10.0
# https://developers.klaviyo.com/en/docs/set_up_oauth
CONSENT = Consent(
    account="klaviyo",
    authorize_url="https://www.klaviyo.com/oauth/authorize",
    token_url=f"{HOME}/oauth/token",
    revoke_url=f"{HOME}/oauth/revoke",
    who_url=f"{HOME}/api/accounts",
    who="data.0.attributes.contact_information.organization_name",
    who_headers={"revision": REVISION, "accept": JSON_API},
    scopes=("accounts:read",),
    client_auth="client_secret_basic",
    ports=(8976,),  # Klaviyo compares the whole redirect URL
    register="www.klaviyo.com/manage-apps > Create app, with the scopes of this server's README and the redirect URL "
    "http://127.0.0.1:8976/",
)
M = TypeVar("M", bound=BaseModel)


class Settings(ServerSettings):
    """Read from KLAVIYO_API_KEY and the like. Either a private API key, or OAuth with a refresh token."""

    auth_options = (("api_key",), ("refresh_token", "client_id", "client_secret"))

    api_key: SecretStr = Field(
        description="Private API key, from Klaviyo > Settings > Account > API keys > Create private API key",
        examples=["pk_0123456789abcdef0123456789abcdef01"],
    )
    refresh_token: SecretStr = Field(description="Refresh token of OAuth, in place of the key; it needs the next two")
    client_id: SecretStr = Field(description=f"OAuth client, from {CONSENT.register}")
    client_secret: SecretStr = Field(description="Secret of the OAuth client")
    token_url: HttpUrl = Field(HttpUrl(CONSENT.token_url), description="Where OAuth access tokens come from")
    base_url: HttpUrl = Field(HttpUrl(HOME), description="Address of the API")


integration = Integration(
    "klaviyo",
    title="Klaviyo",
    description="Look customers up in Klaviyo, subscribe them with consent, manage lists, read events, prepare and "
    "schedule campaigns.",
    category="productivity",
    tags=["marketing", "newsletter", "email", "sms", "e-commerce"],
    hosts=["a.klaviyo.com:443"],
    settings=Settings,
    consent=CONSENT,
    docs="https://developers.klaviyo.com/en/reference/api_overview",
    instructions="People go by e-mail address or phone number; lists, segments, campaigns, templates and metrics by "
    "name. Who is in a list has not consented by that: klaviyo_add_subscription records a consent. Times are read in "
    "the account's zone.",
)


def _first(body: Any) -> Mapping[str, Any]:
    """Return the first error of an error response, {} without one."""
    details = body.get("errors") if isinstance(body, Mapping) else None
    rows = [row for row in details if isinstance(row, Mapping)] if isinstance(details, list) else []
    return rows[0] if rows else {}


def error_message(status: int, body: Any) -> str:
    """Return the details of an error response, each with the part of the request that it means."""
    details = body.get("errors") if isinstance(body, Mapping) else None
    if not isinstance(details, list):
        message = body.get("error_description") or body.get("error") if isinstance(body, Mapping) else body
        return str(message or "")
    parts = []
    for row in [row for row in details if isinstance(row, Mapping)][:5]:
        source = row.get("source")
        place = source.get("pointer") or source.get("parameter") if isinstance(source, Mapping) else None
        where = f" ({str(place).removeprefix('/data/attributes/')})" if place and place != "/data/" else ""
        parts.append(f"{row.get('detail') or row.get('title') or ''}{where}")
    return " ".join(parts)


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a duplicate profile, or of a key that is not accepted; None for what the status says."""
    first = _first(body)
    code, message = str(first.get("code") or ""), errors.quoted(error_message(status, body))
    meta = first.get("meta")
    existing = meta.get("duplicate_profile_id") if isinstance(meta, Mapping) else None
    if status == 409 and (existing or code == "duplicate_profile"):
        which = f", {errors.excerpt(existing, 40)}" if existing else ""
        return errors.InvalidInputError(
            f"Another profile has this e-mail address or phone number already{which}; nothing was done.",
            "Use that profile, or leave the address or number out.",
        )
    if status == 400 and code in ("authentication_failed", "not_authenticated", "missing_api_key"):
        return errors.AuthenticationError(
            f"Klaviyo does not accept the credentials: {message}.", "Ask the user to renew them."
        )
    if status == 403 and code == "permission_denied":
        return errors.PermissionDeniedError(
            f"The API key or the consent lacks a scope for this: {message}.",
            "Ask the user for a key or a consent with the scopes of this server's README.",
        )
    return None


AUTH = FirstOf(
    HeaderKey("api_key", "Authorization", "Klaviyo-API-Key "),
    OAuth2(
        "token_url",
        client_auth="client_secret_basic",
        revoked_hint="Ask the user to run `scripts/login {slug}` again.",
    ),
)
HEADERS = {"revision": REVISION, "Accept": JSON_API}
api = Api(
    integration,
    auth=AUTH,
    headers=HEADERS,
    limits=[(10, 1), (150, 60)],  # most endpoints' (tier M); the others cost more or less of it
    error_message=error_message,
    map_error=map_error,
)
report_api = Api(  # reports have limits of their own
    integration,
    auth=AUTH,
    headers=HEADERS,
    limits=[(1, 1), (2, 60)],
    error_message=error_message,
    map_error=map_error,
)


# -- JSON:API ---------------------------------------------------------------------------------------------------------


def resource(kind: str, attributes: Mapping[str, Any] | None = None, id: str | None = None) -> dict[str, Any]:  # noqa: A002 - the name in the document
    """Return a resource object; attributes that are None are left out."""
    parts: dict[str, Any] = {"type": kind}
    if id is not None:
        parts["id"] = id
    if attributes is not None:
        parts["attributes"] = {name: value for name, value in attributes.items() if value is not None}
    return parts


def many(kind: str, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Return resource identifiers."""
    return [resource(kind, id=one) for one in ids]


def flat(row: Any) -> Any:
    """Return a resource object as its attributes with its id, and the ids of what it is related to."""
    if not isinstance(row, Mapping) or not row.get("id"):
        return row
    attributes, relations = row.get("attributes"), row.get("relationships")
    related = {name: related_ids(row, name) for name in relations} if isinstance(relations, Mapping) else {}
    return {**(attributes if isinstance(attributes, Mapping) else {}), "id": row["id"], "related": related}


def related_ids(row: Any, name: str) -> list[str]:
    """Return the ids of what a resource object is related to."""
    relations = row.get("relationships") if isinstance(row, Mapping) else None
    relation = relations.get(name) if isinstance(relations, Mapping) else None
    data = relation.get("data") if isinstance(relation, Mapping) else None
    rows = data if isinstance(data, list) else [data]
    return [str(one["id"]) for one in rows if isinstance(one, Mapping) and one.get("id")]


async def post(path: str, data: Any, *, reads: bool = False, cost: float = 1) -> dict[str, Any]:
    """POST a document whose primary data is `data`, and return the answer. `reads`: it only asks."""
    return await api.post(path, json={"data": data}, headers=CONTENT, reads=reads, cost=cost)


async def send(method: str, path: str, data: Any, *, cost: float = 1) -> None:
    """Send a document whose primary data is `data`, where the answer says nothing or does not matter."""
    await api.send(method, path, json={"data": data}, headers=CONTENT, idempotent=method == "DELETE", cost=cost)


async def page(
    path: str,
    item: type[M],
    *,
    limit: int,
    cursor: str | None,
    params: Mapping[str, Any] | None = None,
    largest: int = 100,
    cost: float = 1,
) -> Page[M]:
    """GET one page of a list as models. `largest`: what the endpoint allows; 0 where it takes no page size."""
    sized = {"page[size]": min(limit, largest)} if largest else {}
    answer = await api.get(path, params={**(params or {}), **sized, "page[cursor]": cursor}, cost=cost)
    rows = [flat(row) for row in api.rows_in(answer, "data")]
    return Page(items=readable(item, rows), next_cursor=next_cursor(answer))


def next_cursor(answer: Mapping[str, Any]) -> str | None:
    """Return the cursor of the next page: of its address only the cursor is used, so that it can lead nowhere else."""
    links = answer.get("links")
    following = links.get("next") if isinstance(links, Mapping) else None
    if not isinstance(following, str):
        return None
    return next(iter(parse_qs(urlsplit(following).query).get("page[cursor]", [])), None)


async def everything(
    path: str,
    item: type[M],
    *,
    params: Mapping[str, Any] | None = None,
    largest: int = 100,
    most: int = 100,
    cost: float = 1,
) -> list[M]:
    """GET a list whole, up to so many pages."""
    items: list[M] = []
    cursor = None
    for _ in range(most):
        one = await page(path, item, limit=100, cursor=cursor, params=params, largest=largest, cost=cost)
        items, cursor = items + one.items, one.next_cursor
        if not cursor:
            break
    return items


def condition(operator: str, field: str, value: str | bool | datetime | Sequence[str]) -> str:
    """Return one condition of a filter, its value quoted: https://developers.klaviyo.com/en/docs/filtering."""
    return f"{operator}({field},{_literal(value)})"


def _literal(value: str | bool | datetime | Sequence[str]) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return to_utc(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return f"[{','.join(_literal(one) for one in value)}]"


def all_of(conditions: Sequence[str]) -> str | None:
    """Return the filter that wants all conditions, None for none."""
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    return f"and({','.join(conditions)})"
