"""The library that every Flotilla server is written with. What stands here is public; everything else may change."""

from pydantic import SecretStr

from flotilla import errors, files, slots
from flotilla.calls.confirmation import confirm, confirm_new, confirm_recipients, confirm_replacing, will_ask
from flotilla.calls.context import connection_of, in_thread, progress, settings_of
from flotilla.calls.dry_run import announce, follows
from flotilla.calls.execution import in_doubt
from flotilla.calls.results import link
from flotilla.http.auth import Auth, Basic, Bearer, FirstOf, HeaderKey
from flotilla.http.client import Api, segment
from flotilla.http.consent import AccessLevels, Consent, Regions
from flotilla.http.oauth import JwtBearer, OAuth2
from flotilla.http.responses import Record
from flotilla.integration import Integration, Service
from flotilla.pagination import (
    ByCursor,
    ByLink,
    ByNumber,
    Cursor,
    Limit,
    Model,
    Page,
    Timed,
    cursor_number,
    fetch_each,
    readable,
    sliced,
)
from flotilla.parsing import (
    Address,
    Addresses,
    AddressList,
    Amount,
    Money,
    Number,
    Percent,
    Phone,
    TimeZone,
    When,
    choose,
    known_zone,
)
from flotilla.server import Server
from flotilla.settings import CommaSeparated, OfAccount, Preference, ServerSettings
from flotilla.text import UntrustedText
from flotilla.toolset import Toolset
from flotilla_launcher.version import VERSION

__all__ = [
    "VERSION",
    "AccessLevels",
    "Address",
    "AddressList",
    "Addresses",
    "Amount",
    "Api",
    "Auth",
    "Basic",
    "Bearer",
    "ByCursor",
    "ByLink",
    "ByNumber",
    "CommaSeparated",
    "Consent",
    "Cursor",
    "FirstOf",
    "HeaderKey",
    "Integration",
    "JwtBearer",
    "Limit",
    "Model",
    "Money",
    "Number",
    "OAuth2",
    "OfAccount",
    "Page",
    "Percent",
    "Phone",
    "Preference",
    "Record",
    "Regions",
    "SecretStr",
    "Server",
    "ServerSettings",
    "Service",
    "TimeZone",
    "Timed",
    "Toolset",
    "UntrustedText",
    "When",
    "announce",
    "choose",
    "confirm",
    "confirm_new",
    "confirm_recipients",
    "confirm_replacing",
    "connection_of",
    "cursor_number",
    "errors",
    "fetch_each",
    "files",
    "follows",
    "in_doubt",
    "in_thread",
    "known_zone",
    "link",
    "progress",
    "readable",
    "segment",
    "settings_of",
    "sliced",
    "slots",
    "will_ask",
]
