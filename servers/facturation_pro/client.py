"""The server, its settings, and the way to the vendor. API: https://www.facturation.dev"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, HttpUrl

from flotilla import Consent, Integration, Preference, SecretStr, ServerSettings, errors
from flotilla.http.responses import usual_message
from flotilla.settings import scrub

from .access import access
from .firm import Firm

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
    firm_id: int | None = Field(None, description="Firm to work on, where the account has several")
    client_id: SecretStr = Field(description="OAuth: of the application, from www.facturation.pro/oauth/applications")
    client_secret: SecretStr = Field(description="OAuth: secret of the application")
    refresh_token: SecretStr = Field(description="OAuth: refresh token of the user")
    contact: Annotated[str, Preference] = Field(
        "", description="Mail address or page that the vendor may turn to, sent in the User-Agent"
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


def words(status: int, body: Any) -> str:
    """Return the vendor's words: `errors` with messages a field, one or a list, as it is sent or without its root."""
    fields = body.get("errors", body) if isinstance(body, dict) else body
    if isinstance(fields, dict) and (fields is not body or any(isinstance(told, list) for told in fields.values())):
        return "; ".join(f"{'' if field == 'base' else field + ': '}{_joined(told)}" for field, told in fields.items())
    return _joined(fields) if isinstance(fields, list) else usual_message(status, body)


def _joined(told: Any) -> str:
    return ", ".join(map(str, told)) if isinstance(told, list) else str(told)


def meaning(status: int, body: Any) -> errors.FlotillaError | None:
    """Tell apart what the usual classes cannot."""
    if status == 403:
        told = errors.quoted(scrub(words(status, body)))
        return errors.PermissionDeniedError(
            f"Facturation.PRO does not allow this{f': {told}' if told else ''}.",
            "Tell the user: it may need another permission, or the key of the firm's administrator, as SEPA data does.",
        )
    return None


api = Firm(integration, auth=access(), limits=LIMITS, error_message=words, map_error=meaning)
