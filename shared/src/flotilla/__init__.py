"""The library that every Flotilla server is written with."""

from . import errors, files
from .api import Api, segment
from .auth import Basic, Bearer, HeaderKey, OAuth2
from .call import in_thread
from .paging import ByCursor, ByLink, ByNumber, Cursor, Limit, Model, Page
from .server import Server
from .settings import Secret, ServerSettings, Words
from .text import Untrusted
from .version import VERSION

__all__ = [
    "VERSION",
    "Api",
    "Basic",
    "Bearer",
    "ByCursor",
    "ByLink",
    "ByNumber",
    "Cursor",
    "HeaderKey",
    "Limit",
    "Model",
    "OAuth2",
    "Page",
    "Secret",
    "Server",
    "ServerSettings",
    "Untrusted",
    "Words",
    "errors",
    "files",
    "in_thread",
    "segment",
]
