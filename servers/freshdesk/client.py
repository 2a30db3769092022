"""Freshdesk and how it is spoken to: settings, authentication, limits, paging, errors.

https://developers.freshdesk.com/api/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, HttpUrl

from flotilla import Api, Basic, ByNumber, Integration, SecretStr, ServerSettings, errors
from flotilla.pagination import Links

SITE, V2 = "https://freshdesk.com", "/api/v2"
_DOMAIN = re.compile(r"(?:https?://)?([a-z0-9][a-z0-9-]*)(?:\.freshdesk\.com)?(?:/.*)?", re.IGNORECASE)


def _domain(value: Any) -> Any:
    """Return the account's name in the texts that people paste: atelier, atelier.freshdesk.com, https://atelier.…/a."""
    match = _DOMAIN.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, str) and not match:
        raise ValueError(
            "it must be the first part of the account's own address, such as atelier of atelier.freshdesk.com: the API "
            "does not answer at other addresses"
        )
    return match[1].lower() if match else value


class Settings(ServerSettings):
    """Read from FRESHDESK_DOMAIN and FRESHDESK_API_KEY."""

    domain: Annotated[str, BeforeValidator(_domain)] = Field(
        description="First part of the account's address: atelier of atelier.freshdesk.com", examples=["atelier"]
    )
    api_key: SecretStr = Field(
        description="API key of an agent, from Freshdesk > the agent's picture > Profile settings > View API key",
        examples=["kGh7d8sJf9Lm2nQx"],
    )
    base_url: HttpUrl = Field(HttpUrl(SITE), description="Address of the API, in place of that of the domain")

    @property
    def address(self) -> str:
        """Where the account's API stands."""
        own = str(self.base_url).rstrip("/")
        return own if own != SITE else f"https://{self.domain}.freshdesk.com"

    @property
    def password(self) -> str:
        """The password, which Freshdesk does not look at beside an API key."""
        return "X"


integration = Integration(
    "freshdesk",
    title="Freshdesk",
    description="List, search, answer, note, assign and resolve Freshdesk tickets, find callers, log time.",
    category="productivity",
    tags=["helpdesk", "support", "tickets", "customer-service"],
    hosts=["*.freshdesk.com:443", "freshdesk.com:443", "*.amazonaws.com:443"],
    settings=Settings,
    files=True,
    docs="https://developers.freshdesk.com/api/",
    instructions="Tickets go by number. Agents, groups, statuses and canned responses go by name. A reply reaches the "
    "customer by e-mail, a note does not. New tickets appear in searches after some minutes, in lists at once.",
)


def error_message(status: int, body: Any) -> str:
    """Return Freshdesk's message of an error, then one for each field. https://developers.freshdesk.com/api/#error"""
    if not isinstance(body, Mapping):
        return str(body or "")
    rows = body.get("errors")
    wrong = [one for one in rows if isinstance(one, Mapping)] if isinstance(rows, list) else []
    texts = [f"{one.get('field') or ''} {one.get('message') or ''}".strip() for one in wrong][:5]
    return "; ".join(text for text in [str(body.get("description") or body.get("message") or ""), *texts] if text)


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a plan, a suspended account or a duplicate; None for what the status says already."""
    payload = body if isinstance(body, Mapping) else {}
    rows = payload.get("errors")
    wrong = [one for one in rows if isinstance(one, Mapping)] if isinstance(rows, list) else []
    codes = {str(payload.get("code") or ""), *(str(one.get("code") or "") for one in wrong)}
    message = errors.quoted(error_message(status, body)) or "no reason is given"
    if "require_feature" in codes:
        return errors.PermissionDeniedError(
            f"The account's Freshdesk plan does not include this: {message}.", "Tell the user."
        )
    if "account_suspended" in codes:
        return errors.PermissionDeniedError("The Freshdesk account is suspended.", "Tell the user.")
    if status == 409:
        return errors.InvalidInputError(
            f"Freshdesk has this already: {message}; nothing was done.", "Search for it, and use what is there."
        )
    if status == 405:
        return errors.UpstreamError(
            f"Freshdesk does not do this with it (405): {message}. A ticket may be deleted or marked as spam.",
            "Look at the list of deleted tickets, or tell the user.",
        )
    return None


@dataclass(frozen=True)
class ByPage(ByNumber):
    """Pages are counted, and the Link header says whether there is another."""

    def read(self, data: Any, links: Links, limit: int, cursor: str | None) -> tuple[list[Any], str | None]:
        """Return the items and the number of the next page."""
        rows, _ = super().read(data, links, limit, cursor)
        return rows, str(self._number(cursor) + 1) if rows and "next" in links else None


def _api(*limits: tuple[float, float]) -> Api:
    return Api(
        integration,
        auth=Basic("api_key", "password"),
        base_url="address",
        paging=ByPage(),
        limits=limits,
        error_message=error_message,
        map_error=map_error,
    )


# The plan Growth, the smallest with an API: https://developers.freshdesk.com/api/#ratelimit
api = _api((200, 60))
lists = _api((20, 60))  # lists of tickets and of contacts
changes = _api((80, 60))  # tickets opened and changed
