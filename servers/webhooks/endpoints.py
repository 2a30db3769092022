"""The endpoints that the operator has set up: a vendor, a name, its secrets, and the accounts whose events are taken.

WEBHOOKS_SECRETS holds entries separated by spaces: `calendly/main=key`, a second one with the same name while a secret
is rotated, `whatsapp/main:verify=token` for a verify token, and `gohighlevel/main` alone where no secret is needed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flotilla.settings import remember_secret

from .schemes import Signature
from .vendors import VENDORS, Vendor

MAIN = "main"
_ENTRY = re.compile(r"(?P<vendor>[a-z]+)(?:/(?P<name>[a-z0-9][a-z0-9-]{0,39}))?(?P<verify>:verify)?(?:=(?P<value>.+))?")


@dataclass
class Endpoint:
    """One endpoint; without `accounts` the events of all accounts are taken."""

    vendor: Vendor
    name: str
    secrets: list[str] = field(default_factory=list, repr=False)
    verify_tokens: list[str] = field(default_factory=list, repr=False)
    accounts: set[str] = field(default_factory=set)

    @property
    def path(self) -> str:
        """Where it stands below the public address."""
        return f"/hooks/{self.vendor.slug}/{self.name}"

    def accepts(self, account: str) -> bool:
        """Tell whether the events of an account are taken; else they are parked."""
        return not self.accounts or account in self.accounts


Endpoints = Mapping[tuple[str, str], Endpoint]


def endpoints_of(secrets: str, accounts: Iterable[str] = ()) -> Endpoints:
    """Return the endpoints by vendor and name; raises ValueError for an entry that cannot be understood."""
    endpoints: dict[tuple[str, str], Endpoint] = {}
    for text in secrets.split():
        vendor, name, verify, value = _read(text)
        endpoint = endpoints.setdefault((vendor.slug, name), Endpoint(vendor, name))
        if value:
            remember_secret(value)
            (endpoint.verify_tokens if verify else endpoint.secrets).append(value)
    taken: dict[tuple[str, str], set[str]] = defaultdict(set)
    for text in accounts:
        vendor, name, _, value = _read(text)
        taken[vendor.slug, name].add(value)
    for key, endpoint in endpoints.items():
        endpoint.accounts = taken.pop(key, set())
        if not endpoint.secrets and endpoint.vendor.public_key:
            endpoint.secrets.append(endpoint.vendor.public_key)
    if taken:
        slug, name = next(iter(taken))
        raise ValueError(f"WEBHOOKS_ACCOUNTS names {slug}/{name}, which WEBHOOKS_SECRETS does not")
    return endpoints


def check_secrets(secrets: str) -> None:
    """Raise ValueError for an entry that cannot be understood, without showing what may be a secret."""
    for (slug, name), endpoint in endpoints_of(secrets).items():
        later = endpoint.vendor.challenge and endpoint.vendor.challenge.keep
        if not endpoint.secrets and not later:
            raise ValueError(f"{slug}/{name} has no secret: write {slug}/{name}=…")
        if isinstance(endpoint.vendor.verification, Signature):
            for secret in endpoint.secrets:
                try:
                    endpoint.vendor.verification.check_secret(secret)
                except ValueError:
                    raise ValueError(f"the secret of {slug}/{name} is not written in base64") from None


def check_accounts(accounts: list[str]) -> list[str]:
    """Raise ValueError for an entry that is not vendor/endpoint=account."""
    for text in accounts:
        if not _read(text)[3]:
            raise ValueError(f"{text.partition('=')[0]} names no account")
    return accounts


def _read(text: str) -> tuple[Vendor, str, bool, str]:
    match = _ENTRY.fullmatch(text)
    if not match:
        raise ValueError("an entry is not written as vendor/endpoint=secret, such as calendly/main=…")
    vendor = VENDORS.get(match["vendor"])
    if vendor is None:
        raise ValueError(f"there is no vendor `{match['vendor']}`; there are {', '.join(sorted(VENDORS))}")
    return vendor, match["name"] or MAIN, bool(match["verify"]), match["value"] or ""
