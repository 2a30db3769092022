"""The library that every Flotilla server is written with. Names are imported when they are first asked for, so that
the launcher can use `flotilla.filters` without paying for FastMCP."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import errors as errors
    from . import files as files
    from .api import Api as Api
    from .api import segment as segment
    from .auth import Basic as Basic
    from .auth import Bearer as Bearer
    from .auth import FirstOf as FirstOf
    from .auth import HeaderKey as HeaderKey
    from .call import in_thread as in_thread
    from .call import progress as progress
    from .consent import Consent as Consent
    from .oauth import JwtBearer as JwtBearer
    from .oauth import OAuth2 as OAuth2
    from .paging import ByCursor as ByCursor
    from .paging import ByLink as ByLink
    from .paging import ByNumber as ByNumber
    from .paging import Cursor as Cursor
    from .paging import Limit as Limit
    from .paging import Model as Model
    from .paging import Page as Page
    from .paging import sliced as sliced
    from .parsing.money import Amount as Amount
    from .parsing.money import Money as Money
    from .parsing.money import Number as Number
    from .parsing.money import Percent as Percent
    from .server import Server as Server
    from .settings import Preference as Preference
    from .settings import Secret as Secret
    from .settings import ServerSettings as ServerSettings
    from .settings import Words as Words
    from .text import Untrusted as Untrusted
    from .version import VERSION as VERSION

_HOMES = {
    "Api": "api", "segment": "api",
    "Basic": "auth", "Bearer": "auth", "FirstOf": "auth", "HeaderKey": "auth",
    "in_thread": "call", "progress": "call",
    "Consent": "consent",
    "JwtBearer": "oauth", "OAuth2": "oauth",
    "ByCursor": "paging", "ByLink": "paging", "ByNumber": "paging", "Cursor": "paging", "Limit": "paging",
    "Model": "paging", "Page": "paging", "sliced": "paging",
    "Amount": "parsing.money", "Money": "parsing.money", "Number": "parsing.money", "Percent": "parsing.money",
    "Server": "server",
    "Preference": "settings", "Secret": "settings", "ServerSettings": "settings", "Words": "settings",
    "Untrusted": "text",
    "VERSION": "version",
}  # fmt: skip
__all__ = ["errors", "files", *_HOMES]


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    if name in ("errors", "files"):
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__} has no attribute {name}")
