"""What an error response means: Graph answers with a code, which is branched on, and a message, which is shown.

https://learn.microsoft.com/graph/errors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flotilla import Api, FirstOf, errors
from flotilla.calls.context import current

from .login import AppOnly

LIMITS = frozenset(("TooManyRequests", "ApplicationThrottled", "activityLimitReached", "ErrorServerBusy"))
CHANGED = frozenset(("ErrorIrresolvableConflict", "PreconditionFailed", "resourceModified"))
FORBIDDEN = frozenset(
    (
        "ErrorAccessDenied",
        "AccessDenied",
        "accessDenied",
        "Forbidden",
        "Authorization_RequestDenied",
        "InsufficientPrivileges",
    )
)
OTHERS: dict[str, tuple[type[errors.FlotillaError], str, str]] = {
    "ErrorInvalidIdMalformed": (
        errors.InvalidInputError,
        "Microsoft does not know such an id",
        "Pass an id that a list or search returned, whole.",
    ),
    "ErrorOccurrenceCrossingBoundary": (
        errors.InvalidInputError,
        "One occurrence cannot be moved past the one before or after it",
        "Choose another time, or cancel it and create an event.",
    ),
    "ErrorDuplicateTransactionId": (
        errors.InvalidInputError,
        "This was created before with the same idempotency key, so nothing was created now",
        "Look for it in the list; another one needs another idempotency_key.",
    ),
    "MailboxNotEnabledForRESTAPI": (
        errors.NotFoundError,
        "This account has no mailbox in Microsoft's cloud",
        "Tell the user: it needs an Exchange Online licence, or an Outlook.com account.",
    ),
    "ErrorQuotaExceeded": (
        errors.InvalidInputError,
        "The mailbox is full",
        "Ask the user to delete something or to get more storage.",
    ),
}


def error_of(body: Any) -> Mapping[str, Any]:
    """Return the error object of an error response, empty where there is none."""
    error = body.get("error") if isinstance(body, Mapping) else None
    return error if isinstance(error, Mapping) else {}


def error_message(status: int, body: Any) -> str:
    """Return the message of an error response, else its code."""
    error = error_of(body)
    return str(error.get("message") or error.get("code") or "")


def app_only(api: Api) -> bool:
    """Tell whether the app acts by itself for the running call, without a user."""
    return isinstance(api.auth, FirstOf) and isinstance(api.auth.chosen, AppOnly)


def map_error(api: Api, status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error that an error response means by its code; None leaves it to the status."""
    code, message = str(error_of(body).get("code") or ""), errors.quoted(error_message(status, body))
    slug, reason = api.integration.slug, f": {message}" if message else ""
    if status == 401:
        return errors.AuthenticationError(
            f"Microsoft does not accept the access{reason}.", f"Ask the user to run `scripts/login {slug}` again."
        )
    if "MSA account" in message:  # no code of its own tells a personal account
        return errors.PermissionDeniedError(
            f"Microsoft offers this to work and school accounts only{reason}.",
            "Tell the user: a personal Microsoft account cannot do it.",
        )
    if code in LIMITS and status != 429:  # which the library waits for by itself
        return errors.RateLimitError(f"Microsoft refuses more requests for now{reason}.", "Wait a minute, then retry.")
    if status == 412 or code in CHANGED:
        return errors.InvalidInputError(
            "It was changed by somebody else meanwhile.", "Get it again, then repeat the change."
        )
    if code in OTHERS:
        kind, text, hint = OTHERS[code]
        return kind(f"{text}{reason}.", hint)
    if status == 403 and code in FORBIDDEN:
        return errors.PermissionDeniedError(f"Microsoft does not allow this{reason}.", _permission_hint(api))
    return None


def _permission_hint(api: Api) -> str:
    """Return what to do about a refusal: it may be the consent, or the account's own rights."""
    needed = api.integration.scopes.get(current().tool)
    scope = f" {needed.sufficient[0].replace(' ', ' and ')}" if needed and needed.sufficient else ""
    if app_only(api):
        return f"Ask an administrator whether the app has the application permission{scope}, with admin consent."
    return (
        f"The account may lack the right, or the consent the scope{scope}: ask the user to run "
        f"`scripts/login {api.integration.slug}` again; some scopes need an administrator's consent."
    )
