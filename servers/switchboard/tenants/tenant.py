"""A tenant: one customer, whose accounts, files and logs nobody else sees."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any
from zoneinfo import ZoneInfo

from flotilla_launcher.environment import SettingError

ACTIVE, SUSPENDED = "active", "suspended"
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
ACCOUNT = re.compile(r"(?!main$)[a-z][a-z0-9-]{0,19}")  # `main` is the account without a name
ACCOUNT_RULE = (
    "The name of an account has at most 20 small letters, digits and hyphens, begins with a letter, and is not `main`."
)
LOCALE = re.compile(r"(en|fr)(-[A-Z]{2})?")


class TenantError(SettingError):
    """What was asked about a tenant cannot be done. The message is a sentence, and what to do next."""


@dataclass(frozen=True)
class Limits:
    """What one tenant may use: calls a minute, calls in flight at each gateway, megabytes of files. 0: any number."""

    calls_per_minute: int = 600
    calls_in_flight: int = 16
    data_megabytes: int = 2048


@dataclass(frozen=True)
class Settings:
    """What can be set for a tenant.

    `locale` is a language, perhaps with a country: fr-FR. `servers` are the slugs of those enabled; none stands for
    those that have all the credentials they need. `tiers` are the tiers of single servers, by slug.
    """

    locale: str = "en"
    timezone: str = "UTC"
    servers: tuple[str, ...] = ()
    tiers: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Settings:
        """Read them from JSON. Raises TenantError that says what is wrong."""
        if unknown := set(map(str, document)) - {item.name for item in fields(cls)}:
            raise TenantError(f"A tenant has no setting `{min(unknown)}`.", f"There are {_names(cls)}.")
        servers, tiers, limits = (
            document.get("servers") or (),
            document.get("tiers") or {},
            document.get("limits") or {},
        )
        if not isinstance(servers, list | tuple) or not all(type(name) is str for name in servers):
            raise TenantError("`servers` is not a list of names.", "It reads like [hubspot, gmail].")
        if not isinstance(tiers, dict):
            raise TenantError("`tiers` does not name servers.", "It reads like {hubspot: all}.")
        if not isinstance(limits, dict):
            raise TenantError("`limits` does not name limits.", "It reads like {calls_per_minute: 60}.")
        if unknown := set(map(str, limits)) - {item.name for item in fields(Limits)}:
            raise TenantError(f"A tenant has no limit `{min(unknown)}`.", f"There are {_names(Limits)}.")
        made = cls(
            str(document.get("locale") or cls.locale),
            str(document.get("timezone") or cls.timezone),
            tuple(servers),
            {str(server): tier for server, tier in tiers.items()},
            Limits(**limits),
        )
        made.check()
        return made

    def check(self) -> None:
        """Raise TenantError where a value cannot be used."""
        if not LOCALE.fullmatch(self.locale):
            raise TenantError(f"`{self.locale}` is not a locale.", "Use en or fr, perhaps with a country: fr-FR.")
        try:
            ZoneInfo(self.timezone)
        except (ValueError, OSError, KeyError):
            raise TenantError(f"`{self.timezone}` is not a time zone.", "Use a name such as Europe/Paris.") from None
        if wrong := [tier for tier in self.tiers.values() if tier not in ("core", "all")]:
            raise TenantError(f"`{wrong[0]}` is not a tier.", "Use core or all.")
        if any(type(value) is not int or value < 0 for value in asdict(self.limits).values()):
            raise TenantError("A limit is not a whole number.", "Use 0 for no limit.")

    def document(self) -> dict[str, Any]:
        """Return them as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Tenant:
    """A tenant as it stands in the database: every query about its rows takes one.

    Only `Tenants` makes one, for a token that it has checked or for the operator. `id` never comes back, not even for a
    new tenant of the same name. `revision` grows with each change that its gateway must see.
    """

    id: str
    name: str
    status: str
    settings: Settings
    revision: int

    @property
    def active(self) -> bool:
        """Whether its clients are served."""
        return self.status == ACTIVE


def _names(cls: type) -> str:
    return ", ".join(item.name for item in fields(cls))


def place_of(server: str, account: str | None) -> str:
    """Return how an account is named: by its server, and by its own name where it is a further one of that server.

    Raises TenantError for what cannot be the name of an account.
    """
    if account is None:
        return server
    if not ACCOUNT.fullmatch(account):
        raise TenantError(f"`{account}` cannot be the name of an account.", ACCOUNT_RULE)
    return f"{server}@{account}"
