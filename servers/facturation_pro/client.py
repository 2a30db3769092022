"""Facturation.PRO: settings, integration and Api. https://www.facturation.dev"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, HttpUrl

from flotilla import Consent, Integration, OfAccount, Preference, SecretStr, ServerSettings, errors
from flotilla.http.responses import usual_message
from flotilla.settings import scrub

from .auth import configured_auth
from .firm_api import FirmApi

HOME = "https://www.facturation.pro"
CONSENT = Consent(
    account="facturation-pro",
    authorize_url=f"{HOME}/oauth/authorize",
    token_url=f"{HOME}/oauth/token",
    who_url=f"{HOME}/account.json",
    who="email",
    scopes=("read_write",),
    ports=(8976,),
    parameter="access_token",
    register="www.facturation.pro/oauth/applications, redirect URL http://127.0.0.1:8976/",
)
OAUTH = ("client_id", "client_secret", "refresh_token")
SEPA = ["sepa_iban", "sepa_bic", "sepa_rum", "sepa_signature_on"]
# The vendor allows 600 requests in 5 minutes and 10,000 a day, of all programs together. A limiter lets through its
# capacity at once and then its rate, so each window keeps capacity + rate * length at the vendor's number.
LIMITS = [(120, 75), (2_000, 21_600)]


class Settings(ServerSettings):
    """Either the API key, which is the simpler way, or the three OAuth settings, which win when all are there."""

    auth_options = (("identifier", "api_key"), OAUTH)

    identifier: str = Field(
        description="API identifier, a number: www.facturation.pro, account menu, Clé API. Not needed with OAuth",
        examples=["12345"],
    )
    api_key: SecretStr = Field(
        description="API key, beside the API identifier in the account menu, Clé API. Not needed with OAuth",
        examples=["a1b2c3d4e5f6"],
    )
    firm_id: Annotated[int | None, OfAccount] = Field(
        None, description="Firm to work on, where the account has several"
    )
    client_id: SecretStr = Field(description="OAuth: of the application, from www.facturation.pro/oauth/applications")
    client_secret: SecretStr = Field(description="OAuth: secret of the application")
    refresh_token: SecretStr = Field(description="OAuth: refresh token of the user")
    contact: Annotated[str, Preference] = Field(
        "", description="Mail address or page where the vendor can reach you, sent in the User-Agent"
    )
    base_url: HttpUrl = Field(HttpUrl(HOME), description="Address of the API")

    @property
    def oauth(self) -> bool:
        """Whether OAuth 2 is configured."""
        return all(getattr(self, name) for name in OAUTH)


integration = Integration(
    "facturation-pro",
    prefix="facturation",
    title="Facturation.PRO",
    description="Quotes, invoices, credit notes, payments, purchases, customers and documents of Facturation.PRO, "
    "the French invoicing service: all of its API.",
    category="finance",
    tags=["invoicing", "accounting", "quotes", "france"],
    hosts=["www.facturation.pro:443"],
    settings=Settings,
    consent=CONSENT,
    files=True,
    masked=SEPA,
    docs="https://www.facturation.dev",
    instructions="total is before VAT (HT), total_with_vat includes it (TTC). VAT rates are percentages. A final "
    "invoice can be neither changed nor deleted: refund it.",
)


def error_message(status: int, body: Any) -> str:
    """Return the message of an error response: `errors` by field, one or a list each, also without that root."""
    fields = body.get("errors", body) if isinstance(body, dict) else body
    if isinstance(fields, dict) and (fields is not body or any(isinstance(part, list) for part in fields.values())):
        return "; ".join(f"{'' if name == 'base' else name + ': '}{_joined(part)}" for name, part in fields.items())
    return _joined(fields) if isinstance(fields, list) else usual_message(status, body)


def _joined(messages: Any) -> str:
    return ", ".join(map(str, messages)) if isinstance(messages, list) else str(messages)


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a 403, which may be about the key's role and not about a missing permission."""
    if status != 403:
        return None
    message = errors.quoted(scrub(error_message(status, body)))
    return errors.PermissionDeniedError(
        f"Facturation.PRO does not allow this{f': {message}' if message else ''}.",
        "Tell the user: it may need another permission, or the key of the firm's administrator, as SEPA data does.",
    )


api = FirmApi(integration, auth=configured_auth(), limits=LIMITS, error_message=error_message, map_error=map_error)
