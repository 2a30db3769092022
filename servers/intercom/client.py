"""Intercom and how it is spoken to: settings, regions, authentication, limits, errors.

https://developers.intercom.com/docs/build-an-integration/learn-more/rest-apis
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, HttpUrl, field_validator, model_validator

from flotilla import Api, Bearer, Consent, Integration, SecretStr, ServerSettings, errors

VERSION = {"Intercom-Version": "2.16"}  # without it the version answers that the app was made with
HOSTS = {"us": "api.intercom.io", "eu": "api.eu.intercom.io", "au": "api.au.intercom.io"}
HOME = f"https://{HOSTS['us']}"
CONSENT = Consent(
    account="intercom",
    authorize_url="https://app.intercom.com/oauth",
    token_url=f"{HOME}/auth/eagle/token",
    who_url=f"{HOME}/me",
    who="app.name",
    who_headers=VERSION,
    pkce=False,
    stored_token="access_token",  # it does not expire, and there is no refresh token
    redirect_host="localhost",
    ports=(8976,),  # Intercom compares the whole redirect URL
    register="app.intercom.com > Settings > Integrations > Developer Hub > your app > Authentication > Use OAuth, with "
    "the redirect URL http://localhost:8976/ and the permissions of this server's README",
)
_EXISTING = re.compile(r"\bid=([0-9a-f]{24})\b")


class Settings(ServerSettings):
    """Read from INTERCOM_TOKEN and the like."""

    token: SecretStr = Field(
        description="Access token, from Developer Hub > your app > Authentication; scripts/login sets it too",
        examples=["dG9rOjEyMzQ1Njc4X2FiY2RfZWZnaA=="],
    )
    region: Literal["us", "eu", "au"] = Field(
        "us", description="Where the workspace is hosted: us, eu (its address is app.eu.intercom.com) or au"
    )
    teammate: str = Field(
        "",
        description="Name, e-mail address or id of the teammate in whose name is written; without it the token's owner",
    )
    client_id: SecretStr = Field(SecretStr(""), description=f"OAuth client for scripts/login, from {CONSENT.register}")
    client_secret: SecretStr = Field(SecretStr(""), description="Secret of the OAuth client, for scripts/login")
    base_url: HttpUrl = Field(HttpUrl(HOME), description="Address of the API, in place of the region's")

    @model_validator(mode="before")
    @classmethod
    def _address_of_the_region(cls, values: Any) -> Any:
        region = str(values.get("region") or "").strip().lower() if isinstance(values, dict) else ""
        if not region:
            return values
        named = {"base_url": f"https://{HOSTS[region]}"} if region in HOSTS else {}
        return {**named, **values, "region": region}

    @field_validator("base_url")
    @classmethod
    def _an_address_of_intercom(cls, value: HttpUrl) -> HttpUrl:
        if value.scheme == "https" and value.host not in HOSTS.values():
            raise ValueError(f"it must be one of {', '.join(f'https://{host}' for host in HOSTS.values())}")
        return value


integration = Integration(
    "intercom",
    title="Intercom",
    description="Read, answer, assign, snooze and close conversations of Intercom; find and keep contacts and "
    "companies; open tickets; write articles.",
    category="productivity",
    tags=["support", "helpdesk", "chat", "crm", "tickets"],
    hosts=[
        *(f"{host}:443" for host in HOSTS.values()),
        "downloads.intercomcdn.com:443",  # attachments
        "downloads.intercomcdn.eu:443",
        "downloads.au.intercomcdn.com:443",
        "*.intercom-attachments.com:443",
        *(f"*.intercom-attachments-{number}.com:443" for number in range(1, 10)),
    ],
    settings=Settings,
    files=True,
    consent=CONSENT,
    docs="https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io",
    instructions="Conversations and tickets are written conversation:215 and ticket:12, people by e-mail address, "
    "phone number or name. A reply goes to the customer, a note only to the team.",
)


def error_message(status: int, body: Any) -> str:
    """Return the messages of an error list, each with the field that it means.

    https://developers.intercom.com/docs/references/rest-api/errors/error-objects
    """
    listed = body.get("errors") if isinstance(body, Mapping) else None
    if not isinstance(listed, list):
        return str(body.get("message") or "") if isinstance(body, Mapping) else str(body or "")
    parts = []
    for one in listed[:5]:
        if isinstance(one, Mapping):
            text = str(one.get("message") or one.get("code") or "")
            field = str(one.get("field") or "")
            parts.append(f"{field}: {text}" if field and field not in text else text)
    return "; ".join(part for part in parts if part)


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a foreign token, a plan or a duplicate; None for what the status says already."""
    listed = body.get("errors") if isinstance(body, Mapping) else None
    codes = {str(one.get("code")) for one in listed or [] if isinstance(one, Mapping)}
    message = errors.quoted(error_message(status, body), 200)
    reason = f": {message}" if message else ""
    if status == 401:
        return errors.AuthenticationError(
            f"Intercom does not accept the access token{reason}.",
            "Ask the user for a token of this workspace, and to check the setting region.",
        )
    if status == 403 and ("api_plan_restricted" in codes or "plan" in message.lower()):
        return errors.PermissionDeniedError(
            f"The workspace's Intercom plan does not include this{reason}.", "Tell the user."
        )
    if status == 409 and (existing := _EXISTING.search(error_message(status, body))):
        return errors.InvalidInputError(
            f"Intercom has this contact already, with the id {existing[1]}; nothing was done.",
            "Use that contact, or change it with intercom_update_contact.",
        )
    if status == 413 or "parameter_too_large" in codes:
        return errors.InvalidInputError(f"This is too large for Intercom{reason}.", "Send less text or smaller files.")
    return None


api = Api(
    integration,
    auth=Bearer("token"),
    headers=VERSION,
    # A private app's smallest limit, spread over ten seconds:
    # https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting
    limits=[(166, 10)],
    wait_header="X-RateLimit-Reset",
    error_message=error_message,
    map_error=map_error,
)
