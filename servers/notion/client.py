"""Notion and how it is spoken to: settings, version of the API, limits, errors, ids in addresses."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

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
)

VERSION = "2026-03-11"  # of the API; pinned, since each version changes shapes. https://developers.notion.com/reference/versioning
HOME = "https://api.notion.com/v1"
CONSENT = Consent(  # https://developers.notion.com/docs/authorization; what it may do is set in Notion, not by scopes
    account="notion",
    authorize_url=f"{HOME}/oauth/authorize",
    token_url=f"{HOME}/oauth/token",
    who_url=f"{HOME}/users/me",
    who="bot.workspace_name",
    who_headers={"Notion-Version": VERSION},
    extra={"owner": "user"},
    client_auth="client_secret_basic_json",
    pkce=False,
    rotates=True,
    redirect_host="localhost",
    ports=(8976,),  # Notion compares the whole redirect URL
    register="notion.so/profile/integrations > New integration > Public, redirect URL http://localhost:8976/",
)
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}(?![0-9a-f])", re.I)

_ADDRESS = re.compile(r"[a-z]+://(?P<path>[^?#]*)(\?(?P<query>[^#]*))?(#(?P<fragment>.*))?", re.I)


class Settings(ServerSettings):
    """Read from NOTION_TOKEN and the like. Either an internal integration's secret, or OAuth with a refresh token."""

    auth_options = (("token",), ("refresh_token", "client_id", "client_secret"))

    token: SecretStr = Field(
        description="Internal integration secret, from notion.so/profile/integrations; share the pages with it",
        examples=["ntn_26535729125a1b2c3d4e5f6g7h8i9j0k"],
    )
    refresh_token: SecretStr = Field(description="Refresh token of OAuth, in place of the token; it needs the next two")
    client_id: SecretStr = Field(description=f"OAuth client, from {CONSENT.register}")
    client_secret: SecretStr = Field(description="Secret of the OAuth client")
    token_url: HttpUrl = Field(HttpUrl(CONSENT.token_url), description="Where OAuth access tokens come from")
    base_url: HttpUrl = Field(HttpUrl(HOME), description="Address of the API")


integration = Integration(
    "notion",
    title="Notion",
    description="Search Notion, read and write pages as Markdown, query databases and add items by plain values.",
    category="productivity",
    tags=["notes", "wiki", "databases", "tasks", "crm"],
    hosts=["api.notion.com:443"],
    settings=Settings,
    consent=CONSENT,
    docs="https://developers.notion.com/reference/intro",
    instructions="Databases are matches by name. notion_get_database returns their properties and allowed values. "
    f"The integration sees only what was shared with it. API version {VERSION}.",
)


def error_message(status: int, body: Any) -> str:
    """Return the message of an error. https://developers.notion.com/reference/status-codes"""
    return str(body.get("message") or "") if isinstance(body, dict) else str(body or "")


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of Notion's own statuses. A conflict or an overload did nothing and may be tried again."""
    message = errors.quoted(error_message(status, body), 200) if isinstance(body, dict) else ""
    reason = f": {message}" if message else ""
    if status == 409:
        return errors.RateLimitError(
            f"Notion is saving another change to this page (409){reason}.", "Wait a few seconds, then try again."
        )
    if status == 529:
        return errors.RateLimitError(f"Notion is overloaded (529){reason}.", "Wait a minute, then try again.")
    if status == 404:
        return errors.NotFoundError(
            f"Notion does not have this, or has not shared it{reason}.",
            "Check the id; else ask the user to open it in Notion > ... > Connections and add the integration.",
        )
    if status == 403:
        return errors.PermissionDeniedError(
            f"Notion does not allow this{reason}.",
            "Ask the user to give the integration this capability at notion.so/profile/integrations.",
        )
    return None


AUTH = FirstOf(
    Bearer("token"),
    OAuth2(
        "token_url",
        client_auth=CONSENT.client_auth,
        revoked_hint="Ask the user to run `scripts/login {slug}` again.",
    ),
)
api = Api(
    integration,
    auth=AUTH,
    headers={"Notion-Version": VERSION},
    paging=ByCursor("results", "next_cursor", cursor="start_cursor", limit="page_size"),
    limits=[(3, 1)],  # https://developers.notion.com/reference/request-limits
    error_message=error_message,
    map_error=map_error,
)


async def list_by_post(path: str, body: dict[str, Any], limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    """Return one page of a list that is asked for by POST: `results`, `has_more`, `next_cursor`."""
    payload = {**body, "page_size": limit, "start_cursor": cursor}
    answer = await api.post(path, json=payload, reads=True)
    answer["results"] = api.rows_in(answer, "results")
    return answer


def id_in(text: str) -> str:
    """Return the id in an address or an id, with dashes; "" where there is none.

    In an address that shows a page over a database (`?p=…`), the page is meant; after `#`, a block.
    """
    address = _ADDRESS.match(text.strip())
    if address is None:
        matches = list(_ID.finditer(text))
    else:
        places = (address["fragment"] or "", *parse_qs(address["query"] or "").get("p", ()), address["path"])
        matches = next((ids for place in places if (ids := list(_ID.finditer(place)))), [])
    if not matches:
        return ""
    plain = matches[-1].group().replace("-", "").lower()
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))


def id_of(text: str) -> str:
    """Return the id of a page or block; raises errors.InvalidInputError for a text without one."""
    page_id = id_in(text)
    if not page_id:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 80)}` is not the id or address of a Notion page.", "Get one from notion_search."
        )
    return page_id
