"""How an account of a server is connected by a login: its vendor's pages, and the scopes of the tools that are enabled.

All of it is data that the server declares in its discovery file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flotilla import Consent
from flotilla.http.consent import AccessLevels, Regions, Scopes
from flotilla.http.scopes import access_level, scopes
from flotilla.settings import variable
from flotilla_launcher.filters import visible

from ..catalog import Entry
from ..discovery import attributes, discovery_if_any
from .offer import Field, field_of

ADDRESSES = ("authorize_url", "token_url", "who_url", "revoke_url")
PART = re.compile(r"[A-Za-z0-9.-]+")  # what may stand in place of a setting in an address
TYPED = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")  # what of it a customer may give


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
    login = _declared(entry, folder)
    return None if login is None or _parts(login.consent) else login


def missing_part(entry: Entry, folder: Path) -> Field | None:
    """Return the setting that a login lacks, and nothing else: the part of the vendor's address that is the account's.

    Raises DiscoveryError.
    """
    login = _declared(entry, folder)
    parts = _parts(login.consent) if login else []
    names = {secret["env"]: secret for secret in entry.spec.get("secrets") or ()}
    secret = names.get(variable(entry.slug, parts[0])) if len(parts) == 1 else None
    return field_of(secret) if secret else None


def with_part(entry: Entry, folder: Path, field: Field, typed: str) -> tuple[Entry, str] | None:
    """Return a server with the part of its vendor's address that a customer has typed, and that part alone.

    People paste what they see: the part, the host, the whole address. It counts only where each of the login's
    addresses leads to a host that the server declares, since the secret of the operator's app is sent there: None else.
    Raises DiscoveryError.
    """
    login, declared = _declared(entry, folder), discovery_if_any(entry, folder).get("login") or {}
    hosts = declared.get("hosts") or ()
    text = re.split(r"[/?#]", typed.strip().lower().partition("://")[2] or typed.strip().lower())[0]
    for part in filter(TYPED.fullmatch, _candidates(text, login.consent.authorize_url, hosts) if login else ()):
        trial = replace(entry, env={**entry.env, variable(entry.slug, field.name): part})
        filled = login_of(trial, folder)
        addresses = [getattr(filled.consent, name) for name in ADDRESSES] if filled else []
        if addresses and all(_leads_to(address, hosts) for address in addresses if address):
            return trial, part
    return None


def _candidates(text: str, template: str, hosts: Collection[str]) -> Iterator[str]:
    """Yield what a text may mean: itself, without what follows it in the address, and with what the hosts end in."""
    yield text
    yield text.removesuffix(urlsplit(template).netloc.partition("}")[2])
    yield from (f"{text}{host.rpartition(':')[0].removeprefix('*')}" for host in hosts if host.startswith("*."))


def _leads_to(address: str, hosts: Collection[str]) -> bool:
    """Tell whether an address is at one of these hosts, with port; `*` at the beginning stands for one name."""
    parts = urlsplit(address)
    place = f"{parts.hostname}:{parts.port or 443}"
    return any(re.fullmatch(re.escape(host).replace(r"\*", "[a-z0-9][a-z0-9-]*"), place) for host in hosts)


def _declared(entry: Entry, folder: Path) -> Login | None:
    """Return a login whose addresses may lack a part; None where there is none, or no app of the operator."""
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
    return replace(login, consent=_filled(about, entry, declared.get("defaults") or {})) if login.client_id else None


def _consent(document: Mapping[str, Any]) -> Consent:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    regions = values.pop("regions", None)
    return Consent(**values, regions=Regions(**regions) if regions else None)


def _parts(about: Consent) -> list[str]:
    """Return the settings that stand in braces in the addresses of a login."""
    return sorted(set(re.findall(r"{(\w+)}", about.authorize_url + about.token_url)))


def _filled(about: Consent, entry: Entry, defaults: Mapping[str, str]) -> Consent:
    """Return a consent with the settings that stand in braces in its addresses, as far as they are set."""
    addresses = {name: str(getattr(about, name)) for name in ADDRESSES}
    for field in _parts(about):
        value = entry.env.get(variable(entry.slug, field)) or defaults.get(field, "")
        if PART.fullmatch(value):
            addresses = {name: text.replace(f"{{{field}}}", value) for name, text in addresses.items()}
    return replace(about, **addresses)  # type: ignore[arg-type]
