"""Cal.com and how it is spoken to: settings, authentication, API versions, limits, errors.

https://cal.com/docs/api-reference/v2
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Unpack

import httpx2 as httpx
from pydantic import Field, HttpUrl, field_validator

from flotilla import (
    Api,
    Bearer,
    ByNumber,
    Consent,
    FirstOf,
    Integration,
    OAuth2,
    Preference,
    SecretStr,
    ServerSettings,
    errors,
    segment,
)
from flotilla.http.client import RequestOptions
from flotilla.http.responses import object_of

HOME = "https://api.cal.com"
WEB_APPS = ("cal.com", "www.cal.com", "app.cal.com")  # people's pages, without the API
# Each resource has its own version of the API: with another one the request reaches an older route, or none.
VERSIONS = {
    "bookings": "2024-08-13",
    "slots": "2024-09-04",
    "event-types": "2024-06-14",
    "schedules": "2024-06-11",
    "private-links": "2024-09-04",
}
USUAL_VERSION = "2024-08-13"  # of resources that name none, as the vendor's own client sends it
UID = re.compile(r"[\w-]{4,64}", re.ASCII)
# https://cal.com/docs/api-reference/v2/oauth
CONSENT = Consent(
    account="calcom",
    authorize_url="https://app.cal.com/auth/oauth2/authorize",
    token_url=f"{HOME}/v2/auth/oauth2/token",
    who_url=f"{HOME}/v2/me",
    who="data.email",
    scopes=("PROFILE_READ",),
    rotates=True,
    redirect_host="localhost",
    ports=(8976,),  # Cal.com compares the whole redirect URL
    register="app.cal.com/settings/developer/oauth, with the scopes of this server's README and the redirect URI "
    "http://localhost:8976/; Cal.com looks at a new client before it works",
)
Language = Literal["fr", "en", "de", "es", "it", "nl", "pt", "pl", "ro", "sv", "da", "no", "fi", "cs", "el", "hu"]


class Settings(ServerSettings):
    """Read from CALCOM_API_KEY and the like. Either an API key, or OAuth with a refresh token."""

    auth_options = (("api_key",), ("refresh_token", "client_id", "client_secret"))

    api_key: SecretStr = Field(
        description="API key, made at app.cal.com > Settings > Developer > API keys",
        examples=["cal_live_4f1c8be20b7d"],
    )
    refresh_token: SecretStr = Field(description="Refresh token of OAuth, in place of the key; it needs the next two")
    client_id: SecretStr = Field(description=f"OAuth client, from {CONSENT.register}")
    client_secret: SecretStr = Field(description="Secret of the OAuth client")
    token_url: HttpUrl = Field(HttpUrl(CONSENT.token_url), description="Where OAuth access tokens come from")
    base_url: HttpUrl = Field(
        HttpUrl(HOME),
        description="Address of the API; of a Cal.com that you host yourself, that of its API, such as "
        "https://cal.example.com/api/v2",
    )
    language: Annotated[Language, Preference] = Field(
        "fr", description="Language of the e-mails that Cal.com sends to those for whom something is booked"
    )

    @field_validator("base_url")
    @classmethod
    def _is_the_api(cls, value: HttpUrl) -> HttpUrl:
        """Refuse the address of the web app, and one with more than a path."""
        if value.host in WEB_APPS:
            raise ValueError(f"it is the web app's address: the API of {value.host} stands at {HOME}")
        if value.query or value.fragment or value.username or value.password:
            raise ValueError("it must be a plain address, without a user name, a query or a fragment")
        return value

    @property
    def api_url(self) -> str:
        """Where the API stands, without its version, which each path begins with."""
        return str(self.base_url).rstrip("/").removesuffix("/v2")


integration = Integration(
    "calcom",
    title="Cal.com",
    description="See event types, free slots and bookings of Cal.com, book, move, confirm and cancel meetings, change "
    "the hours in which people can book.",
    category="productivity",
    tags=["calendar", "scheduling", "bookings"],
    hosts=["api.cal.com:443"],
    settings=Settings,
    masked=["secret"],
    consent=CONSENT,
    docs="https://cal.com/docs/api-reference/v2",
    instructions="Times are read and come back in the user's own time zone. calcom_book_event books a free slot for "
    "somebody; calcom_list_bookings finds the bookings of a person by e-mail address, name or phone number.",
)


def error_message(status: int, body: Any) -> str:
    """Return the message of an error response: {error: {message, details}}, or {message} of an older route."""
    if not isinstance(body, dict):
        return str(body or "")
    problem = body.get("error")
    inner = problem if isinstance(problem, dict) else {}
    message = inner.get("message") or body.get("message") or (problem if isinstance(problem, str) else "")
    return "; ".join(map(str, message)) if isinstance(message, list) else str(message)


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a time that is taken, a state or a version, which the status alone does not tell."""
    text = error_message(status, body)
    message, low = errors.quoted(text), text.lower()
    if status in (400, 409) and ("already has booking" in low or "not available" in low or "no_available" in low):
        return errors.InvalidInputError(
            f"The time is not free any more: {message}.", "Choose another one with calcom_list_available_times."
        )
    if status in (400, 409) and "already" in low:
        return errors.InvalidInputError(f"Cal.com refuses: {message}.", "Look at what is there before you try again.")
    if status == 404 and re.match(r"cannot (get|post|patch|put|delete) /", low):
        return errors.UpstreamError(
            "This Cal.com has no such route, or not in the version that this server speaks.",
            "Ask the operator to check CALCOM_BASE_URL, and that a Cal.com of one's own is up to date.",
        )
    if status == 403 and "insufficient_scope" in low:
        return errors.PermissionDeniedError(
            f"The OAuth consent does not cover this: {message}.",
            "Ask the user to run `scripts/login calcom` again and to agree to all scopes.",
        )
    return None


def version_of(path: str) -> str:
    """Return the `cal-api-version` that the resource of a path wants."""
    parts = path.partition("?")[0].split("/")[2:]
    known = [VERSIONS[part] for part in parts if part in VERSIONS]
    return known[-1] if known else USUAL_VERSION


class CalApi(Api):
    """Requests with the API version that their resource wants. Answers stand in `data`."""

    async def send(self, method: str, path: str, **request: Unpack[RequestOptions]) -> httpx.Response:
        """Send as `Api.send` does, with the header of the version."""
        request["headers"] = {"cal-api-version": version_of(path), **(request.get("headers") or {})}
        return await super().send(method, path, **request)

    async def data(self, method: str, path: str, **request: Unpack[RequestOptions]) -> Any:
        """Send and return what the answer holds; raises errors.UpstreamError for an answer without `data`."""
        return object_of(await self.request(method, path, **request), self.integration.title)["data"]


AUTH = FirstOf(
    Bearer("api_key"),
    OAuth2("token_url", revoked_hint="Ask the user to run `scripts/login {slug}` again."),
)
api = CalApi(
    integration,
    auth=AUTH,
    base_url="api_url",
    paging=ByNumber("data", page="skip", limit="take", offset=True, first=0, total="pagination.totalItems"),
    limits=[(120, 60)],  # of an API key; an access token has 500
    wait_header="X-RateLimit-Reset-Default",
    error_message=error_message,
    map_error=map_error,
)


def booking_path(uid: str, *more: str) -> str:
    """Return the path of a booking by its uid; raises errors.InvalidInputError for what cannot be one."""
    name = uid.strip().rstrip("/").rsplit("/", 1)[-1]  # people paste the address of a booking's page, too
    if not UID.fullmatch(name):
        raise errors.InvalidInputError(
            f"`{errors.excerpt(uid, 80)}` is not the uid of a booking.", "Pass one of calcom_list_bookings."
        )
    return "/".join(["/v2/bookings", segment(name), *more])
