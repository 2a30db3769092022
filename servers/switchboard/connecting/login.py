"""How an account of a server is connected by a login: its vendor's pages, and the scopes of the tools that are enabled.

All of it is data that the server declares in its discovery file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from flotilla import Consent
from flotilla.http.consent import AccessLevels, Regions, Scopes
from flotilla.http.scopes import access_level, scopes
from flotilla.settings import variable
from flotilla_launcher.filters import visible

from ..catalog import Entry
from ..discovery import attributes, discovery_if_any

ADDRESSES = ("authorize_url", "token_url", "who_url", "revoke_url")
PART = re.compile(r"[A-Za-z0-9.-]+")  # what may stand in place of a setting in an address


@dataclass(frozen=True)
class Login:
    """The login of one account. `client_id` and `client_secret` are those of the operator's app at the vendor."""

    slug: str
    consent: Consent
    attributes: Mapping[str, Mapping[str, str]]
    scopes: Mapping[str, Scopes]
    access: AccessLevels | None
    environ: Mapping[str, str]
    client_id: str
    client_secret: str

    @cached_property
    def wanted(self) -> list[str]:
        """The scopes of exactly the tools that are enabled, and those that say whose account it is."""
        return list(dict.fromkeys([*self.consent.scopes, *scopes(self, self.environ)]))

    def without(self, granted: Collection[str]) -> list[str]:
        """Return the enabled tools that the granted scopes do not cover."""
        return [
            name
            for name, needed in self.scopes.items()
            if visible(self.environ, self.attributes[name], name) and needed.coverage(granted) == "none"
        ]


def login_of(entry: Entry, folder: Path) -> Login | None:
    """Return how a server's account is connected by a login; None where it cannot be.

    It needs a vendor that has one, the operator's app (client id) among the tenant's credentials, and the settings that
    are part of the vendor's addresses. `folder` holds the discovery files. Raises DiscoveryError.
    """
    declared = discovery_if_any(entry, folder).get("login")
    if not declared:
        return None
    levels = declared["access"]
    login = Login(
        entry.slug,
        _consent(declared["consent"]),
        attributes(entry, folder),
        {name: Scopes(*map(tuple, (one["sufficient"], one["tolerated"]))) for name, one in declared["scopes"].items()},
        AccessLevels(**levels) if levels else None,
        entry.env,
        entry.env.get(variable(entry.slug, "client_id"), ""),
        entry.env.get(variable(entry.slug, "client_secret"), ""),
    )
    about = login.consent
    if login.access:
        about = replace(about, **login.access.consents.get(access_level(login, entry.env), {}))
    if about.regions:
        about = about.in_region(entry.env.get(variable(entry.slug, about.regions.field), ""))
    if address := entry.env.get(variable(entry.slug, "token_url")):
        about = replace(about, token_url=address)
    filled = _filled(about, entry, declared.get("defaults") or {})
    return replace(login, consent=filled) if filled and login.client_id else None


def _consent(document: Mapping[str, Any]) -> Consent:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    regions = values.pop("regions", None)
    return Consent(**values, regions=Regions(**regions) if regions else None)


def _filled(about: Consent, entry: Entry, defaults: Mapping[str, str]) -> Consent | None:
    """Return a consent with the settings that stand in braces in its addresses; None where one is not set."""
    addresses = {name: str(getattr(about, name)) for name in ADDRESSES}
    for field in set(re.findall(r"{(\w+)}", about.authorize_url + about.token_url)):
        value = entry.env.get(variable(entry.slug, field)) or defaults.get(field, "")
        if not PART.fullmatch(value):
            return None
        addresses = {name: text.replace(f"{{{field}}}", value) for name, text in addresses.items()}
    return replace(about, **addresses)  # type: ignore[arg-type]
