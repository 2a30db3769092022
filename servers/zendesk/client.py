"""Zendesk and how it is spoken to: settings, authentication, limits, paging, errors.

https://developer.zendesk.com/api-reference/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, HttpUrl

from flotilla import (
    Api,
    Basic,
    ByCursor,
    ByNumber,
    Consent,
    FirstOf,
    Integration,
    OAuth2,
    SecretStr,
    ServerSettings,
    errors,
)
from flotilla.pagination import Links, dig

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

SITE = "https://zendesk.com"
CLIENT = "Admin Center > Apps and integrations > APIs > OAuth clients > Add OAuth client (confidential)"
ACCOUNT = "https://{subdomain}.zendesk.com"
CONSENT = Consent(
    account="zendesk",
    authorize_url=f"{ACCOUNT}/oauth/authorizations/new",
    token_url=f"{ACCOUNT}/oauth/tokens",
    who_url=f"{ACCOUNT}/api/v2/users/me",
    who="user.email",
    rotates=True,
    redirect_host="localhost",
    ports=(8976,),  # Zendesk compares the whole redirect URL
    register=f"{CLIENT}, redirect URL http://localhost:8976/",
)
DAY = 86_400  # seconds
_SUBDOMAIN = re.compile(r"(?:https?://)?([a-z0-9][a-z0-9-]*)(?:\.zendesk\.com)?(?:/.*)?", re.IGNORECASE)


def _subdomain(value: Any) -> Any:
    """Return the account's name in the texts that people paste: atelier, atelier.zendesk.com, https://atelier.…/agent."""
    match = _SUBDOMAIN.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, str) and not match:
        raise ValueError("it must be the first part of the account's address, such as atelier of atelier.zendesk.com")
    return match[1].lower() if match else value


class Settings(ServerSettings):
    """Read from ZENDESK_SUBDOMAIN and the like: an OAuth client alone, with a refresh token, or an older API token."""

    auth_options = (
        ("client_id", "client_secret"),
        ("refresh_token", "client_id", "client_secret"),
        ("email", "api_token"),
    )

    subdomain: Annotated[str, BeforeValidator(_subdomain)] = Field(
        description="First part of the account's address: atelier of atelier.zendesk.com", examples=["atelier"]
    )
    client_id: SecretStr = Field(description=f"Identifier of the OAuth client, from {CLIENT}")
    client_secret: SecretStr = Field(
        description="Secret of the OAuth client; without a refresh token it acts as its owner"
    )
    refresh_token: SecretStr = Field(description="Refresh token of OAuth, where somebody else than the owner shall act")
    email: str = Field(description="E-mail address of the agent, beside an API token", examples=["zoe@atelier.example"])
    api_token: SecretStr = Field(
        description="API token made before 27 October 2026; Zendesk ends them on 30 April 2027"
    )
    base_url: HttpUrl = Field(HttpUrl(SITE), description="Address of the API, in place of that of the subdomain")

    @property
    def address(self) -> str:
        """Where the account's API stands."""
        own = str(self.base_url).rstrip("/")
        return own if own != SITE else f"https://{self.subdomain}.zendesk.com"


integration = Integration(
    "zendesk",
    title="Zendesk",
    description="Search, answer, note, assign and solve Zendesk tickets, apply macros, find callers, search the help "
    "center.",
    category="productivity",
    tags=["helpdesk", "support", "tickets", "customer-service"],
    hosts=["*.zendesk.com:443", "zendesk.com:443", "*.zdusercontent.com:443"],
    settings=Settings,
    consent=CONSENT,
    files=True,
    docs="https://developer.zendesk.com/api-reference/",
    instructions="Tickets go by number. Agents, groups, macros and views go by name. A public reply reaches the "
    "customer by e-mail, a note does not. New tickets appear in searches after some minutes.",
)


def error_message(status: int, body: Any) -> str:
    """Return Zendesk's message of an error, of which there are four shapes, then one for each field.

    https://developer.zendesk.com/api-reference/introduction/requests/#400-range
    """
    if not isinstance(body, Mapping):
        return str(body or "")
    error = body.get("error")
    if isinstance(error, Mapping):
        return " ".join(str(error[part]) for part in ("title", "message") if error.get(part))
    details = body.get("details")
    fields = details.items() if isinstance(details, Mapping) else ()
    texts = [
        f"{name} {one.get('description')}"
        for name, wrong in fields
        for one in (wrong if isinstance(wrong, list) else [wrong])
        if isinstance(one, Mapping) and one.get("description")
    ][:5]
    return "; ".join([str(body.get("description") or body.get("message") or error or ""), *texts])


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of credentials, of a conflict and of what is closed; None for what the status says already."""
    message = error_message(status, body)
    if status == 401:
        return errors.AuthenticationError(
            f"Zendesk does not accept the credentials: {errors.quoted(message) or 'no reason is given'}.",
            "Ask the user to renew them. API tokens that were not used for 30 days are switched off: an OAuth client "
            "takes their place.",
        )
    if status == 409:
        return errors.InvalidInputError(
            "The ticket was changed by somebody else in the meantime; nothing was done.",
            "Read it with zendesk_get_ticket, then decide anew.",
        )
    if status == 422 and "closed" in message.lower():
        return errors.InvalidInputError(
            f"Zendesk refuses: {errors.quoted(message)}.", "A closed ticket cannot be changed: open a new one."
        )
    return None


class ZendeskOAuth(OAuth2):
    """A refresh token, which works once, or else the client's own credentials.

    https://developer.zendesk.com/api-reference/ticketing/oauth/grant_type_tokens/
    """

    @property
    def token_url(self) -> str:
        """Where the account's tokens come from."""
        return self.value("address") + "/oauth/tokens"

    def refresh_source(self) -> str:
        """Return the refresh token, else the client's credentials; "" where neither is there."""
        pair = (self.value("client_id"), self.value("client_secret"))
        return self.value("refresh_token") or ("\n".join(pair) if all(pair) else "")

    async def exchange_token(self, client: AsyncOAuth2Client, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Refresh, or ask for a token of the client. Zendesk says how long a token lasts only where that is asked."""
        newest = held.get("refresh_token") or self.value("refresh_token")
        if newest:
            answer: Mapping[str, Any] = await client.refresh_token(
                self.token_url, refresh_token=newest, expires_in=DAY, refresh_token_expires_in=90 * DAY
            )
            return {"refresh_token": newest, **answer}
        token = await client.fetch_token(
            self.token_url, grant_type="client_credentials", scope="read write", expires_in=DAY
        )
        return {**token, "refresh_token": ""}


@dataclass(frozen=True)
class ByZendeskCursor(ByCursor):
    """A cursor comes back on the last page too; `has_more` says that there is nothing more."""

    next: str = "meta.after_cursor"
    cursor: str = "page[after]"
    limit: str = "page[size]"

    def read(self, data: Any, links: Links, limit: int, cursor: str | None) -> tuple[list[Any], str | None]:
        """Return the items and the cursor of the next page."""
        rows, following = super().read(data, links, limit, cursor)
        return rows, following if dig(data, "meta.has_more") else None


def numbered(items: str) -> ByNumber:
    """Return the paging of searches, which count pages."""
    return ByNumber(items, total="count")


api = Api(
    integration,
    auth=FirstOf(
        Basic("email", "api_token", suffix="/token"),
        ZendeskOAuth(
            CONSENT.token_url,
            revoked_hint="Ask the user to run `scripts/login {slug}` again.",
        ),
    ),
    base_url="address",
    limits=[(200, 60)],  # the smallest plan's: https://developer.zendesk.com/api-reference/introduction/rate-limits/
    error_message=error_message,
    map_error=map_error,
)
