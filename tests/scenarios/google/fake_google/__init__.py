"""A Google for tests: accounts, consent, tokens with scopes, and the APIs, stateful, in one loopback app.

An API is a module with `mount(google)`; it keeps its state in an object of its own on the app (`google.mail`), and adds
routes by `google.api(...)`, which looks after tokens and scopes. APIS lists the modules.
"""

from . import calendar_api, docs_api, drive_api, gmail_api, sheets_api
from .app import Google

APIS = (gmail_api, calendar_api, drive_api, sheets_api, docs_api)

__all__ = ["APIS", "Google", "google"]


def google() -> Google:
    """Return a Google with every API in it."""
    app = Google()
    for module in APIS:
        module.mount(app)
    return app
