"""What an error response means: Google says 403 to a missing scope, to a limit, and to an API that is switched off.

https://developers.google.com/workspace/drive/api/guides/handle-errors
https://developers.google.com/workspace/calendar/api/guides/errors
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flotilla import Api, Integration, errors
from flotilla.calls.context import current

from .reach import limit_note, open_more

LIMITS = frozenset(
    ("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "sharingRateLimitExceeded", "RESOURCE_EXHAUSTED")
)
SCOPE = frozenset(("insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"))
OFF = frozenset(("accessNotConfigured", "SERVICE_DISABLED"))
OTHERS: dict[str, tuple[type[errors.FlotillaError], str, str]] = {
    "exportSizeLimitExceeded": (
        errors.InvalidInputError,
        "The file is too large to be exported: Google exports at most 10 MB.",
        "Try another `format`, or ask the user to open the file in the browser.",
    ),
    "storageQuotaExceeded": (
        errors.InvalidInputError,
        "The storage of the Google account is full.",
        "Ask the user to delete files, to empty the trash or to buy storage.",
    ),
    "teamDriveFileLimitExceeded": (
        errors.InvalidInputError,
        "The shared drive holds as many files as it can.",
        "Choose another folder, or ask the user to delete files there.",
    ),
    "cannotDownloadAbusiveFile": (
        errors.InvalidInputError,
        "Google takes the file for malware or spam and does not let it be downloaded.",
        "Tell the user: only the owner of the file can download it, in the browser.",
    ),
    "cannotDownloadFile": (
        errors.InvalidInputError,
        "The owner of the file does not let others download it.",
        "Ask the user to get a copy from the owner.",
    ),
    "fileNotDownloadable": (
        errors.InvalidInputError,
        "The file has no content to download.",
        "Look at its type first: folders and shortcuts have none.",
    ),
    "invalidSharingRequest": (
        errors.InvalidInputError,
        "Google does not share the file in this way",
        "Pass notify=true: a person without a Google account must be invited by e-mail.",
    ),
    "insufficientFilePermissions": (
        errors.PermissionDeniedError,
        "The Google account does not have the permission for this on the file.",
        "Ask the user to get it from the owner of the file.",
    ),
    "domainPolicy": (
        errors.PermissionDeniedError,
        "The administrator of the Google Workspace domain does not allow this.",
        "Tell the user.",
    ),
}


def map_error(api: Api, status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error that an error response means by its reason; None leaves it to the status."""
    integration = api.integration
    error = body.get("error") if isinstance(body, dict) else None
    reasons = list(reasons_of(error))
    message = errors.quoted(error.get("message") or "") if isinstance(error, dict) else ""
    vendor = f": {message}" if message else ""
    again = f"Ask the user to run `scripts/login {integration.slug}` again"
    if status == 401:
        return errors.AuthenticationError(f"Google does not accept the access{vendor}.", f"{again}.")
    if status == 404 and (limit := limit_note(api)):
        return errors.NotFoundError(
            f"{integration.title} does not have this, or it is not open to Flotilla.", f"Check the id. {limit}"
        )
    if status == 412:
        return errors.InvalidInputError(
            "It was changed by somebody else meanwhile.", "Get it again, then repeat the change."
        )
    for reason in reasons:
        if reason in OTHERS:
            kind, text, hint = OTHERS[reason]
            return kind(text if text.endswith(".") else f"{text}{vendor}.", hint)
    if status != 403:
        return None
    if "appNotAuthorizedToFile" in reasons:
        limit = f"the consent reaches {integration.limited_to}" if integration.limited_to else "the consent is narrower"
        return errors.PermissionDeniedError(f"The file is not open to Flotilla: {limit}.", open_more(api))
    if "dailyLimitExceeded" in reasons:
        return errors.RateLimitError("The Google project has used up its day's requests.", "Try again tomorrow.")
    if LIMITS.intersection(reasons):
        return errors.RateLimitError(f"Google refuses more requests for now{vendor}.", "Wait a minute, then try again.")
    if SCOPE.intersection(reasons):
        consent = open_more(api) if integration.access else f"{again}: it asks for what the enabled tools need."
        return errors.PermissionDeniedError(
            f"The consent does not cover this: it needs the scope {_needed(integration)}.",
            f"{consent} A service account needs its scopes allowed by the Workspace admin.",
        )
    if OFF.intersection(reasons):
        return errors.PermissionDeniedError(
            f"The API of {_api_name(api)} is switched off in the Google Cloud project.",
            "Ask the user to enable it: console.cloud.google.com > APIs & Services > Library.",
        )
    if any(reason.endswith(("LimitExceeded", "QuotaExceeded")) for reason in reasons):
        return errors.InvalidInputError(f"{integration.title} has reached a limit{vendor}.", "Tell the user.")
    return None


def _api_name(api: Api) -> str:
    """Return which API it is: Sheets and Docs speak to that of Drive too, see `drive.drive_beside`."""
    return "Google Drive" if api.transport.base_field == "drive_url" else api.integration.title


def reasons_of(error: Any) -> Iterator[str]:
    """Yield every reason that an error response gives, in the older form and in the newer one."""
    if isinstance(error, dict):
        yield str(error.get("status", ""))
        for part in (*(error.get("errors") or ()), *(error.get("details") or ())):
            if isinstance(part, dict):
                yield str(part.get("reason", ""))


def _needed(integration: Integration[Any]) -> str:
    """Return which scopes the running tool could do with, the narrowest first."""
    needed = integration.scopes.get(current().tool)
    alternatives = (*needed.sufficient, *needed.tolerated)[:2] if needed else ()
    short = [one.replace("https://www.googleapis.com/auth/", "") for one in alternatives]
    return " or ".join(one.replace(" ", " and ") for one in short) or "of another tool"
