"""Settings, integration and Api of a server of Microsoft Graph: a consent, an app without a user, or a ready token.

https://learn.microsoft.com/graph/overview
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl

from flotilla import AccessLevels, Api, Bearer, ByLink, Consent, FirstOf, Integration, SecretStr, ServerSettings, errors
from flotilla.pagination import Links

from .login import AppOnly, RefreshToken
from .responses import error_message, map_error

S = TypeVar("S", bound="MicrosoftSettings")
LOGIN, BASE = "https://login.microsoftonline.com", "https://graph.microsoft.com/v1.0"
HOSTS = ["graph.microsoft.com:443", "login.microsoftonline.com:443"]
TIMES = ("startDateTime", "endDateTime")  # of a calendar's view, in the address of its next page too
IMMUTABLE = 'IdType="ImmutableId"'  # ids that stay when something is moved to another folder
CONSENT = Consent(
    account="microsoft",
    authorize_url=f"{LOGIN}/{{tenant}}/oauth2/v2.0/authorize",
    token_url=f"{LOGIN}/{{tenant}}/oauth2/v2.0/token",
    device_url=f"{LOGIN}/{{tenant}}/oauth2/v2.0/devicecode",
    who_url=f"{BASE}/me",
    who="userPrincipalName",
    scopes=("openid", "offline_access", "User.Read"),
    extra={"prompt": "select_account"},
    redirect_host="localhost",  # with any port: https://learn.microsoft.com/entra/identity-platform/reply-url
    register="entra.microsoft.com > App registrations > New registration (accounts in any organization and personal "
    "ones), platform Mobile and desktop applications with the redirect URI http://localhost/",
)


class MicrosoftSettings(ServerSettings):
    """Three ways to authenticate; `scripts/login` stores the fields of the first one."""

    auth_options = (("refresh_token", "client_id"), ("client_id", "client_secret"), ("access_token",))

    refresh_token: SecretStr = Field(
        description="Run `scripts/login microsoft`: it asks for consent and stores this",
        examples=["0.AXoAdGVuYW50LWlk-refresh"],
    )
    client_id: SecretStr = Field(
        description=f"Application (client) id, from {CONSENT.register}",
        examples=["11111111-2222-3333-4444-555555555555"],
    )
    client_secret: SecretStr = Field(
        description="Secret of the application, where it has one; without a refresh token, the app acts by itself "
        "(client credentials), for `user`"
    )
    user: str = Field(
        "",
        description="Whose mailbox, an address; needed where the app acts by itself, else it is the account",
    )
    access_token: SecretStr = Field(description="In place of all these: a ready access token, which is not renewed")
    tenant: str = Field(
        "common",
        pattern=r"^[A-Za-z0-9.-]+$",
        description="Id or domain of the organization; common for work and personal accounts, consumers for personal "
        "ones alone. Where the app acts by itself it must be the organization's",
    )
    login_url: HttpUrl = Field(HttpUrl(LOGIN), description="Where consent is given and access tokens come from")
    base_url: HttpUrl = Field(HttpUrl(BASE), description="Address of Microsoft Graph")


def microsoft_integration(
    slug: str,
    settings: type[S],
    *,
    title: str,
    description: str,
    docs: str,
    prefix: str,
    category: str = "productivity",
    tags: Iterable[str] = (),
    files: bool = False,
    hosts: Iterable[str] = (),
    instructions: str = "",
    access: AccessLevels | None = None,
) -> Integration[S]:
    """Return the integration of a part of Microsoft Graph; `hosts` are others than Graph's and the login's."""
    return Integration(
        slug,
        prefix=prefix,
        title=title,
        description=description,
        category=category,
        tags=tags,
        hosts=[*HOSTS, *hosts],
        settings=settings,
        files=files,
        consent=CONSENT,
        docs=docs,
        instructions=instructions,
        access=access,
    )


@dataclass(frozen=True)
class GraphPages(ByLink):
    """Pages by `@odata.nextLink`, whose query alone is used: whatever host it names, Graph is asked."""

    items: str = "value"
    limit: str = "$top"

    def query(self, limit: int, cursor: str | None) -> dict[str, Any]:
        """Return the query parameters of a page; raises errors.InvalidInputError for a cursor that Graph never gave."""
        query = super().query(limit, cursor)
        if not query or not all(name.startswith("$") or name in TIMES for name in query):
            raise errors.InvalidInputError("The cursor is not valid.", "Leave it out to start at the first page.")
        return query

    def read(self, data: Any, links: Links, limit: int, cursor: str | None) -> tuple[list[Any], str | None]:
        """Return the items and the cursor of the next page."""
        answer: Mapping[str, Any] = data if isinstance(data, dict) else {}
        following = urlsplit(str(answer.get("@odata.nextLink") or "")).query
        return answer.get(self.items) or [], following or None


PAGES = GraphPages()


async def every_row(api: Api, path: str, most: int = 20) -> list[Any]:
    """Return the rows of a whole list, of at most so many pages: for names, which must not be missed on a later one."""
    rows: list[Any] = []
    params: dict[str, Any] = {}
    for _ in range(most):
        answer = await api.get(path, params=params)
        rows += api.rows_in(answer, PAGES.items, missing=True)
        _, following = PAGES.read(answer, {}, 0, None)
        if not following:
            break
        params = PAGES.query(0, following)
    return rows


def graph(integration: Integration[Any], limits: Sequence[tuple[float, float]] = ((10_000, 600),)) -> Api:
    """Return the Api of Microsoft Graph. `limits` are (requests, seconds)."""
    client = "Ask the user to check client_id, client_secret and tenant, then to run `scripts/login` again."
    api = Api(
        integration,
        auth=FirstOf(
            Bearer("access_token"),
            RefreshToken(
                extra_fields=("scope",),
                revoked_hint="It ends after 90 days without use, and with a new password: ask the user to run "
                "`scripts/login {slug}` again.",
                unknown_client_hint=client,
            ),
            AppOnly(unknown_client_hint=client),
        ),
        headers={"Prefer": IMMUTABLE},
        paging=PAGES,
        limits=limits,
        error_message=error_message,
        map_error=lambda status, body: map_error(api, status, body),
    )
    return api
