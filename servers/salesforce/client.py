"""Who Salesforce is and how it is spoken to: settings, authentication, where the org is, errors.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, Unpack
from urllib.parse import urlsplit

import httpx2 as httpx
from pydantic import AfterValidator, Field, HttpUrl

from flotilla import Api, Bearer, Consent, FirstOf, Integration, SecretStr, ServerSettings, connection_of, errors
from flotilla.calls.context import current
from flotilla.http.client import RequestOptions
from flotilla.http.oauth import Grant

from .login import COMMON, PRODUCTION, ClientCredentials, RefreshToken, SignedAssertion

VERSION = "64.0"  # of the API: Summer '25, which every org has
ROOT = f"/services/data/v{VERSION}"
SOAP = f"/services/Soap/u/{VERSION}"
CONSENT = Consent(
    account="salesforce",
    authorize_url=f"{PRODUCTION}/services/oauth2/authorize",
    token_url=f"{PRODUCTION}/services/oauth2/token",
    who_url=f"{PRODUCTION}/services/oauth2/userinfo",
    who="preferred_username",
    revoke_url=f"{PRODUCTION}/services/oauth2/revoke",
    scopes=("api", "refresh_token", "id", "openid"),
    rotates=True,  # where the app says so; else the same refresh token stays
    redirect_host="localhost",
    ports=(8976,),  # Salesforce compares the whole redirect URL
    register="Salesforce > Setup > External Client App Manager > New, with OAuth, the scopes of this server's README "
    "and the callback URL http://localhost:8976/",
)


def _salesforce(url: HttpUrl) -> HttpUrl:
    """Return an address of Salesforce; raises ValueError for another one, which would get the credentials."""
    host = url.host or ""
    if url.scheme == "https" and not host.endswith(".salesforce.com"):
        raise ValueError("it must be the org's My Domain, such as https://acme.my.salesforce.com")
    return url


class Settings(ServerSettings):
    """Read from SALESFORCE_REFRESH_TOKEN and the like: one of four ways to authenticate, and where the org is."""

    auth_options = (
        ("refresh_token", "client_id", "client_secret"),
        ("client_id", "private_key", "username"),
        ("client_id", "client_secret"),
        ("access_token",),
    )

    refresh_token: SecretStr = Field(
        description="Run `scripts/login salesforce`: it asks for consent and stores this",
        examples=["5Aep861TSESvWeug_xvFHRBTTbf_YrTWgEyjBJrfhdEz"],
    )
    client_id: SecretStr = Field(
        description=f"Consumer key of an app, from {CONSENT.register}", examples=["3MVG9lKcPoNINVBIPJjdw1J9LLM82Hn"]
    )
    client_secret: SecretStr = Field(
        description="Consumer secret of the app; without a refresh token, its client credentials flow is used",
        examples=["1955279925675241571"],
    )
    private_key: SecretStr = Field(
        description="In place of the secret: the private key (PEM) of the certificate that the app has, with username"
    )
    username: str = Field(
        description="With private_key: the user whom the server works for", examples=["chloe@agence.example"]
    )
    access_token: SecretStr = Field(description="In place of all these: a session's access token, which is not renewed")
    instance_url: Annotated[HttpUrl, AfterValidator(_salesforce)] = Field(
        HttpUrl(PRODUCTION),
        description="Address of the org (Setup > My Domain), such as https://acme.my.salesforce.com. A refresh token "
        "and a private key find it by themselves; for a sandbox, https://test.salesforce.com or its own address",
    )


integration = Integration(
    "salesforce",
    title="Salesforce",
    description="Find people by phone, name or mail in Salesforce; leads, accounts, contacts, opportunities, tasks, "
    "events, cases, reports and any other object.",
    category="crm",
    tags=["crm", "sales", "leads", "opportunities", "cases"],
    hosts=["login.salesforce.com:443", "test.salesforce.com:443", "*.my.salesforce.com:443"],
    settings=Settings,
    consent=CONSENT,
    files=True,
    docs="https://developer.salesforce.com/docs/apis",
    instructions="A record is written as its id, as Object:name (Account:Boulangerie Roy), or for people as a phone "
    "number or e-mail address. Fields go by their label or API name. Times are in the user's time zone.",
)


def nothing_was_done() -> None:
    """Note that a request was answered with success, but says that it changed nothing: a refusal inside of a 200."""
    call = current()
    call.side_effect_confirmed = False
    call.mark_not_sent()


def error_message(status: int, body: Any) -> str:
    """Return the messages of an error: a list of them, or an object of OAuth's."""
    if isinstance(body, Mapping):
        return str(body.get("error_description") or body.get("message") or body.get("error") or "")
    if isinstance(body, list):
        return "; ".join(_sentence(one) for one in body[:3] if isinstance(one, Mapping))
    return str(body or "")


def _sentence(problem: Mapping[str, Any]) -> str:
    """Return one message, and the fields that it is about where it does not say."""
    message = " ".join(str(problem.get("message") or problem.get("errorCode") or "").split())
    fields = [str(name) for name in problem.get("fields") or [] if str(name) not in message]
    return f"{message} ({', '.join(fields)})" if fields else message


def _codes(body: Any) -> set[str]:
    rows = body if isinstance(body, list) else [body]
    codes = (one.get("errorCode") or one.get("statusCode") for one in rows if isinstance(one, Mapping))
    return {str(code) for code in codes if code}


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error that a code of Salesforce's is; None for what the status says already.

    https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm
    """
    codes, message = _codes(body), errors.quoted(error_message(status, body))
    if status == 401 or "INVALID_SESSION_ID" in codes:
        return errors.AuthenticationError(
            "Salesforce does not accept the access token: the session has ended, or it is of another org.",
            "Ask the user to connect the account again, and to check SALESFORCE_INSTANCE_URL.",
        )
    if codes & {"REQUEST_LIMIT_EXCEEDED", "TOO_MANY_REQUESTS"}:
        if "concurrent" in message.lower():
            return errors.RateLimitError(f"Too many requests run in the org at once: {message}.", "Wait a minute.")
        return errors.RateLimitError(
            f"The org's API requests of the last 24 hours are used up: {message}.",
            "Nothing was done; tell the user, or try again in some hours.",
            again=False,
        )
    if "UNABLE_TO_LOCK_ROW" in codes:
        return errors.RateLimitError("Somebody else is changing this record now.", "Wait a few seconds, then retry.")
    if "DUPLICATES_DETECTED" in codes:
        known = list(dict.fromkeys(_matches(body)))[:5]
        which = f", with the id {' or '.join(known)}" if known else ""
        return errors.InvalidInputError(
            f"Salesforce has such a record already{which}: {message}.",
            "Use or update that one, or pass allow_duplicate=true where the tool has it.",
        )
    if "INVALID_FIELD" in codes:
        return errors.InvalidInputError(
            f"Salesforce does not know a field: {message}.",
            "Correct its name; a field that the user may not see looks unknown too.",
        )
    if codes & {"MALFORMED_QUERY", "INVALID_TYPE", "MALFORMED_SEARCH", "INVALID_SEARCH"}:
        return errors.InvalidInputError(f"Salesforce cannot read the query: {message}.", "Correct the query.")
    if codes & {"QUERY_TIMEOUT", "QUERY_TOO_COMPLICATED", "REQUEST_RUNNING_TOO_LONG"}:
        return errors.InvalidInputError(f"The query takes Salesforce too long: {message}.", "Narrow its conditions.")
    if codes & {"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"} and status < 500:
        return errors.NotFoundError(
            f"Salesforce does not have this: {message}.", "Check the id, or search for the record first."
        )
    if any(code.startswith(("INSUFFICIENT_ACCESS", "API_DISABLED", "API_CURRENTLY")) for code in codes):
        return errors.PermissionDeniedError(
            f"Salesforce does not allow this: {message}.",
            "Tell the user: an administrator can change the profile, the sharing or the edition.",
        )
    return None


def _matches(body: Any) -> list[str]:
    """Return the ids of the records that a duplicate rule found."""
    return re.findall(r"'Id': '([A-Za-z0-9]{15,18})'", str(body))


FURTHER = ("instance_url",)
REVOKED = "Ask the user to run `scripts/login {slug}` again."
AUTH = FirstOf(
    Bearer("access_token"),
    SignedAssertion("instance_url", client_auth="none", extra_fields=FURTHER),
    RefreshToken("instance_url", extra_fields=FURTHER, revoked_hint=REVOKED),
    ClientCredentials("instance_url", extra_fields=FURTHER),
)


class OrgApi(Api):
    """Requests to the org, whose address the settings name, or else the answer of the token endpoint."""

    @property
    def base(self) -> str:
        """Where the org is."""
        named, chosen = str(self.connection.settings.instance_url), AUTH.chosen
        learned = chosen.extra("instance_url") if isinstance(chosen, Grant) else ""
        return learned if learned and urlsplit(named).hostname in COMMON else named

    async def send(self, method: str, path: str, **request: Unpack[RequestOptions]) -> httpx.Response:
        """Send as an Api does, once it is known where the org is."""
        await access_token()
        return await super().send(method, path, **request)

    @asynccontextmanager
    async def stream(self, method: str, path: str, **request: Unpack[RequestOptions]) -> AsyncIterator[httpx.Response]:
        """Send as an Api does, once it is known where the org is."""
        await access_token()
        async with super().stream(method, path, **request) as response:
            yield response


async def access_token(instead_of: str = "") -> str:
    """Return a valid access token, another one than `instead_of`, where there is one."""
    chosen = AUTH.chosen
    if isinstance(chosen, Grant):
        return await chosen.access_token(instead_of)
    return connection_of(integration).settings.access_token.get_secret_value()


api = OrgApi(
    integration,
    auth=AUTH,
    base_url="instance_url",
    limits=[(100, 10)],  # Salesforce counts a day (5,000 and more) and 25 long ones at once; this keeps bursts small
    error_message=error_message,
    map_error=map_error,
)
