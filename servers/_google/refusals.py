"""What a refusal means: Google says 403 to a missing scope, to too many requests and to an API that is switched off.

https://developers.google.com/workspace/calendar/api/guides/errors
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flotilla import Integration, errors
from flotilla.calls.context import current

LIMITS = frozenset(
    ("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "sharingRateLimitExceeded", "RESOURCE_EXHAUSTED")
)
SCOPE = frozenset(("insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"))
OFF = frozenset(("accessNotConfigured", "SERVICE_DISABLED"))


def refusal(integration: Integration[Any]) -> Callable[[int, Any], errors.FlotillaError | None]:
    """Return what tells one refusal from another by its reason; None leaves it to the status."""

    def classify(status: int, body: Any) -> errors.FlotillaError | None:
        error = body.get("error") if isinstance(body, dict) else None
        why = frozenset(reasons(error))
        words = errors.quoted(error.get("message") or "") if isinstance(error, dict) else ""
        told = f": {words}" if words else ""
        again = f"Ask the user to run `scripts/login {integration.slug}` again"
        if status == 401:
            return errors.AuthenticationError(f"Google does not accept the access{told}.", f"{again}.")
        if status == 412:
            return errors.InvalidInputError(
                "It was changed by somebody else meanwhile.", "Get it again, then repeat the change."
            )
        if status != 403:
            return None
        if "dailyLimitExceeded" in why:
            return errors.RateLimitError("The Google project has used up its day's requests.", "Try again tomorrow.")
        if why & LIMITS:
            return errors.RateLimitError(
                f"Google refuses more requests for now{told}.", "Wait a minute, then try again."
            )
        if why & SCOPE:
            return errors.PermissionDeniedError(
                f"The consent does not cover this: {_needed(integration)}.",
                f"{again}: it asks for what the enabled tools need. A service account needs its scopes allowed by "
                "the Workspace admin.",
            )
        if why & OFF:
            return errors.PermissionDeniedError(
                f"The API of {integration.title} is switched off in the Google Cloud project.",
                "Ask the user to enable it: console.cloud.google.com > APIs & Services > Library.",
            )
        return None

    return classify


def reasons(error: Any) -> Iterator[str]:
    """Yield every reason that an error answer gives, in the older form and in the newer one."""
    if isinstance(error, dict):
        yield str(error.get("status", ""))
        for part in (*(error.get("errors") or ()), *(error.get("details") or ())):
            if isinstance(part, dict):
                yield str(part.get("reason", ""))


def _needed(integration: Integration[Any]) -> str:
    """Say which scopes the running tool could do with, the narrowest first."""
    alternatives = integration.scopes.get(current().tool) or ("another scope",)
    short = [one.replace("https://www.googleapis.com/auth/", "") for one in alternatives[:2]]
    return f"it needs the scope {' or '.join(one.replace(' ', ' and ') for one in short)}"
