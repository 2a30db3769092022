"""WhatsApp's Cloud API and how it is spoken to: settings, authentication, pages, errors.

https://developers.facebook.com/docs/whatsapp/cloud-api
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, HttpUrl

from flotilla import Api, Bearer, ByCursor, Integration, SecretStr, ServerSettings, connection_of, errors, settings_of

MEDIA_HOST = "lookaside.fbsbx.com"
NUMBER = r"^[0-9]{5,30}$"
_CODE = re.compile(r"^\(#\d+\)\s*")


class Settings(ServerSettings):
    """Read from WHATSAPP_TOKEN and the like. An account has several phone numbers; one of them sends."""

    token: SecretStr = Field(
        description="Access token of a system user, from business.facebook.com > Settings > System users",
        examples=["EAAJB0aWxsYVRlc3RUb2tlbg"],
    )
    phone_number_id: Annotated[str, Field(pattern=NUMBER)] = Field(
        description="Id (not the number) of the phone number that sends, from developers.facebook.com > My apps > "
        "WhatsApp > API setup",
        examples=["106853218861309"],
    )
    business_account_id: Annotated[str, Field(pattern=NUMBER)] = Field(
        description="Id of the WhatsApp Business account, shown beside the id of the phone number",
        examples=["102290129340398"],
    )
    base_url: HttpUrl = Field(
        HttpUrl("https://graph.facebook.com/v23.0"), description="Address of the Graph API, with its version"
    )
    media_url: HttpUrl = Field(HttpUrl(f"https://{MEDIA_HOST}"), description="Where files of customers come from")


integration = Integration(
    "whatsapp",
    title="WhatsApp",
    description="Write to customers on WhatsApp: text, templates, files, buttons, lists; manage templates, profile and "
    "blocked numbers.",
    category="communication",
    tags=["whatsapp", "messages", "templates", "customers"],
    hosts=["graph.facebook.com:443", f"{MEDIA_HOST}:443"],
    files=True,
    settings=Settings,
    docs="https://developers.facebook.com/docs/whatsapp/cloud-api",
    instructions="Free text reaches only customers who wrote within the last 24 hours; all others get a template. "
    "Messages of customers cannot be read here: WhatsApp gives them to the user's webhook alone.",
)


class WindowClosedError(errors.InvalidInputError):
    """The customer has not written within 24 hours, so WhatsApp takes a template only (131047)."""


class UnknownFieldError(errors.UpstreamError):
    """This version of the API does not have a field that was asked for."""


def _error(body: Any) -> Mapping[str, Any]:
    error = body.get("error") if isinstance(body, Mapping) else None
    return error if isinstance(error, Mapping) else {}


def error_message(status: int, body: Any) -> str:
    """Return what the Graph API says is wrong: its words for users, else the details, else the message."""
    error = _error(body)
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, Mapping) else None
    return _CODE.sub("", str(error.get("error_user_msg") or details or error.get("message") or ""))


_SETUP = "Tell the user: it is settled in WhatsApp Manager, not by other arguments."
_TEMPLATE = "Look at the template with whatsapp_get_template, then correct the values."
_CHOOSE = "Choose another template with whatsapp_list_templates, or tell the user."
_NO_REPEAT = "Do not send it again; tell the user."
# https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
_KNOWN: dict[int, tuple[type[errors.FlotillaError], str, str]] = {
    3: (
        errors.PermissionDeniedError,
        "The app lacks the capability for this",
        "Tell the user: the app's setup lacks it.",
    ),
    368: (errors.PermissionDeniedError, "Meta has blocked the account for a breach of its policies", _SETUP),
    131005: (errors.PermissionDeniedError, "The token may not do this", "Ask the user to check its permissions."),
    131008: (errors.InvalidInputError, "WhatsApp misses a value", "Pass the value that it names."),
    131009: (errors.InvalidInputError, "WhatsApp does not take one of the values", "Correct it and try again."),
    131021: (errors.InvalidInputError, "The number is the sender's own", "Pass the customer's number."),
    131026: (
        errors.InvalidInputError,
        "WhatsApp cannot deliver to this number",
        "Ask the user whether it is right and on WhatsApp; reach the person in another way.",
    ),
    131030: (
        errors.InvalidInputError,
        "A test number writes only to the numbers of its list, and this one is not in it",
        "Ask the user to add it at developers.facebook.com > My apps > WhatsApp > API setup.",
    ),
    131031: (errors.PermissionDeniedError, "The WhatsApp account is locked", _SETUP),
    131037: (errors.PermissionDeniedError, "The display name of the sending number is not approved", _SETUP),
    131042: (errors.PermissionDeniedError, "WhatsApp cannot charge the account", "Ask the user to check the payment."),
    131045: (errors.PermissionDeniedError, "The sending number is not registered", _SETUP),
    131049: (errors.InvalidInputError, "Meta does not deliver more marketing to this person for now", _NO_REPEAT),
    131050: (errors.InvalidInputError, "This person has stopped the marketing messages of the user", _NO_REPEAT),
    131051: (errors.InvalidInputError, "WhatsApp does not take this kind of message", "Send a text or a document."),
    131052: (
        errors.NotFoundError,
        "WhatsApp could not fetch the customer's file",
        "Ask the customer to send it again.",
    ),
    131053: (
        errors.InvalidInputError,
        "WhatsApp could not take the file",
        "Check its type and size, and that a link is public; then send another one.",
    ),
    130472: (errors.InvalidInputError, "Meta withholds marketing from this person for a test", _NO_REPEAT),
    130497: (errors.PermissionDeniedError, "The account may not write to this country", _SETUP),
    132000: (errors.InvalidInputError, "The number of values does not fit the template", _TEMPLATE),
    132001: (errors.NotFoundError, "There is no approved template of this name and language", _CHOOSE),
    132005: (errors.InvalidInputError, "The template is too long with these values", "Pass shorter values."),
    132007: (errors.InvalidInputError, "The values of the template break a policy of WhatsApp", _TEMPLATE),
    132012: (errors.InvalidInputError, "A value does not have the format that the template wants", _TEMPLATE),
    132015: (errors.InvalidInputError, "Meta has paused the template for its low quality", _CHOOSE),
    132016: (errors.InvalidInputError, "Meta has switched the template off for its low quality", _CHOOSE),
    132018: (errors.InvalidInputError, "A value of the template has a form that WhatsApp does not take", _TEMPLATE),
    133010: (errors.PermissionDeniedError, "The sending number is not registered", _SETUP),
    139100: (
        errors.InvalidInputError,
        "The number could not be blocked or unblocked",
        "Only somebody who wrote to the business within 24 hours can be blocked.",
    ),
    139101: (errors.InvalidInputError, "The list of blocked numbers is full", "Unblock others first."),
}
_BUSY = (errors.RateLimitError, "WhatsApp takes no more requests of this account for now", "Try again in an hour.")
_OFTEN: dict[int, tuple[str, str, bool]] = {  # what is wrong, what to do, whether another try soon may work
    4: (_BUSY[1], _BUSY[2], False),
    80007: (_BUSY[1], _BUSY[2], False),
    80008: (_BUSY[1], _BUSY[2], False),
    130429: ("More messages a second were sent than the number may send", "Wait a minute, then retry.", True),
    131048: ("WhatsApp holds the number back, since its messages were reported as spam", _SETUP, False),
    131056: ("Too many messages went to this person in a short time", "Wait a minute, then retry.", False),
}


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error that a code of the Graph API means; None for those that the status tells as well."""
    error = _error(body)
    code, message = error.get("code"), errors.quoted(error_message(status, body), 200)
    reason = f": {message}" if message else ""
    if not isinstance(code, int) or isinstance(code, bool):
        return None
    if code in (131047, 470):
        return WindowClosedError(
            "The customer has not written within the last 24 hours, so WhatsApp takes only a template; nothing was "
            "sent.",
            "Choose one with whatsapp_list_templates, and send it with whatsapp_send_template.",
        )
    if code == 190:
        return errors.AuthenticationError(
            f"WhatsApp does not accept the access token{reason}.",
            "Ask the user to make a new one for the system user, and to put it into WHATSAPP_TOKEN.",
        )
    if code == 10 or 200 <= code <= 299:
        return errors.PermissionDeniedError(
            f"The access token lacks a permission{reason}.",
            "Ask the user for one with whatsapp_business_messaging and whatsapp_business_management, and with access "
            "to this account.",
        )
    if code == 100 and error.get("error_subcode") == 33:
        return errors.NotFoundError(
            f"WhatsApp does not have this, or the token may not see it{reason}.",
            "Check the id; if it is right, ask the user to check the account's ids in the settings.",
        )
    if code == 100 and "nonexisting field" in message:
        return UnknownFieldError(
            f"The Graph API of this version does not have a field that is asked for{reason}.",
            "Ask the user to set WHATSAPP_BASE_URL to https://graph.facebook.com/v23.0 or newer.",
        )
    if code in _OFTEN and status != 429:
        wrong, hint, again = _OFTEN[code]
        return errors.RateLimitError(f"{wrong}{reason}.", hint, again=again)
    if code in _KNOWN:
        kind, wrong, hint = _KNOWN[code]
        return kind(f"{wrong}{reason}.", hint)
    if code in (1, 2, 131000, 131016, 131057) and 400 <= status < 500:
        return errors.UpstreamError(f"WhatsApp failed for a reason of its own{reason}.", "Try again later.")
    return None


@dataclass(frozen=True)
class GraphPages(ByCursor):
    """The Graph API gives a cursor on the last page too; that there is another page, `paging.next` tells.

    That address itself is never passed on: it holds the access token.
    """

    def read(self, data: Any, links: Any, limit: int, cursor: str | None) -> tuple[list[Any], str | None]:
        """Return the items and the cursor of the next page."""
        items, following = super().read(data, links, limit, cursor)
        paging = data.get("paging") if isinstance(data, Mapping) else None
        more = isinstance(paging, Mapping) and paging.get("next")
        return items, following if more and items else None


PAGES = GraphPages("data", "paging.cursors.after", cursor="after")
api = Api(
    integration,
    auth=Bearer("token"),
    paging=PAGES,
    limits=[(80, 1)],
    error_message=error_message,
    map_error=map_error,
)
# The files of customers stand elsewhere, and want the token too.
downloads = Api(
    integration, auth=Bearer("token"), base_url="media_url", error_message=error_message, map_error=map_error
)


def own(path: str = "") -> str:
    """Return a path below the phone number that sends."""
    return f"/{settings_of(integration).phone_number_id}{path}"


def account(path: str = "") -> str:
    """Return a path below the WhatsApp Business account."""
    return f"/{settings_of(integration).business_account_id}{path}"


def country() -> str:
    """Return the country in which numbers without a calling code are read, in two letters."""
    return connection_of(integration).fleet.country
