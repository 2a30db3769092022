"""What a consent does not reach: Google leaves it out of lists and answers 404, as if it were not there."""

from __future__ import annotations

from collections.abc import Collection

from flotilla import Api, Auth, FirstOf
from flotilla.calls.context import current
from flotilla.http.oauth import Grant, JwtBearer
from flotilla.http.scopes import scopes, wider_levels
from flotilla.settings import variable


def limit_note(api: Api) -> str:
    """Return what the consent reaches, and how to open more, where it allows a part only of the running tool's work.

    Returns "" where it allows all of it, or where nobody knows the scopes.
    """
    integration = api.integration
    needed = integration.scopes.get(current().tool)
    if needed is None or needed.coverage(granted_scopes(api)) != "part":
        return ""
    return f"The consent reaches {integration.limited_to}. {open_more(api)}"


def open_more(api: Api) -> str:
    """Return how the user gives a wider consent, as a sentence."""
    slug, levels = api.integration.slug, api.integration.access
    wider = wider_levels(api.integration, api.connection.environ)
    if levels and wider and isinstance(_auth(api), JwtBearer):  # its scopes follow the setting
        return f"To open more, ask the user to set {variable(slug, levels.field)} to {' or '.join(wider)}."
    if levels and wider:
        options = " or ".join(f"--{levels.option} {level}" for level in wider)
        return f"To open more, ask the user to run `scripts/login {slug}` again with {options}."
    return f"To open more, ask the user to run `scripts/login {slug}` again and to agree to everything."


def granted_scopes(api: Api) -> Collection[str]:
    """Return the scopes of the running call's account; empty where they are not known."""
    auth = _auth(api)
    if isinstance(auth, JwtBearer):
        return scopes(auth.integration, auth.connection.environ)
    return auth.extra("scope").split() if isinstance(auth, Grant) else ()


def _auth(api: Api) -> Auth | None:
    return api.auth.chosen if isinstance(api.auth, FirstOf) else api.auth
