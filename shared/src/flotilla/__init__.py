"""The library that every Flotilla server is written with. What stands here is public; everything else may change."""

from flotilla_launcher.version import VERSION
from pydantic import SecretStr

from flotilla import errors, files
from flotilla.calls.confirmation import confirm, confirm_recipients, confirm_replacing, will_ask
from flotilla.calls.context import connection_of, in_thread, progress, settings_of
from flotilla.calls.dry_run import announce, follows
from flotilla.calls.results import link
from flotilla.http.auth import Auth, Basic, Bearer, FirstOf, HeaderKey
from flotilla.http.client import Api, segment
from flotilla.http.consent import Consent
from flotilla.http.oauth import JwtBearer, OAuth2
from flotilla.http.responses import Record
from flotilla.integration import Integration
from flotilla.pagination import (
    ByCursor,
    ByLink,
    ByNumber,
    Cursor,
    Limit,
    Model,
    Page,
    cursor_number,
    readable,
    sliced,
)
from flotilla.parsing.addresses import AddressList
from flotilla.parsing.money import Amount, Money, Number, Percent
from flotilla.server import Server
from flotilla.settings import CommaSeparated, Preference, ServerSettings
from flotilla.text import UntrustedText
from flotilla.toolset import Toolset

__all__ = [
    "VERSION",
    "AddressList",
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
    "Page",
    "Percent",
    "Preference",
    "Record",
    "SecretStr",
    "Server",
    "ServerSettings",
    "Toolset",
    "UntrustedText",
    "announce",
    "confirm",
    "confirm_recipients",
    "confirm_replacing",
    "connection_of",
    "cursor_number",
    "errors",
    "files",
    "follows",
    "in_thread",
    "link",
    "progress",
    "readable",
    "segment",
    "settings_of",
    "sliced",
    "will_ask",
]
