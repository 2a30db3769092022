"""Who a vendor is, as plain data: names, addresses, the class of its settings, how an account is connected.

Nothing of an account stands here: that hangs on a `Connection`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from flotilla.http.consent import AccessLevels, Consent, Scopes
from flotilla.settings import ServerSettings

S = TypeVar("S", bound=ServerSettings)


@dataclass(frozen=True)
class Service:
    """A second program of a server's image, `flotilla-<slug> <mode>`, that always runs and listens by itself.

    `listens` are its settings fields of an address, each with that of its port; the first one is for others, the rest
    for this machine alone. It answers GET /health at the first one. `of_tenants` are its settings where it runs for all
    tenants of a database, each of whom has the rest in the vault; None for a program that cannot.
    """

    mode: str
    settings: type[ServerSettings]
    listens: Mapping[str, str]
    of_tenants: type[ServerSettings] | None = None


class Integration(Generic[S]):
    """One vendor, and what its server may do.

    `hosts` are the only addresses that may be contacted (`host:port`); none means no network at all, unless `network`
    says otherwise. Credentials go to the API's own address alone, and to those of `hosts` that `credential_hosts`
    repeats. `files`: the server uses the data folder. `masked` are names of arguments that no log may show. `prefix`
    begins the names of its tools; without one it is the slug. `access` are levels that the user chooses from at login.
    `limited_to` says in a few words what tolerated scopes open ("only files that Flotilla made"), see `consent.Scopes`.
    `service` is a program that runs beside the server, from the same image and on the same state.
    """

    def __init__(
        self,
        slug: str,
        *,
        title: str,
        description: str,
        category: str,
        settings: type[S] = ServerSettings,  # type: ignore[assignment]
        prefix: str = "",
        tags: Iterable[str] = (),
        hosts: Iterable[str] = (),
        credential_hosts: Iterable[str] = (),
        network: bool | None = None,
        files: bool = False,
        instructions: str = "",
        docs: str = "",
        masked: Iterable[str] = (),
        consent: Consent | None = None,
        access: AccessLevels | None = None,
        limited_to: str = "",
        service: Service | None = None,
    ) -> None:
        self.slug, self.prefix = slug, prefix or slug.replace("-", "_")
        self.title, self.description, self.category, self.docs = title, description, category, docs
        self.tags, self.hosts, self.credential_hosts = list(tags), list(hosts), list(credential_hosts)
        if unknown := set(self.credential_hosts) - set(self.hosts):
            raise TypeError(f"credential_hosts must be among the hosts: {', '.join(sorted(unknown))}")
        self.network = bool(self.hosts) if network is None else network
        self.files, self.instructions, self.masked, self.consent = files, instructions, frozenset(masked), consent
        self.settings_class, self.access, self.limited_to, self.service = settings, access, limited_to, service
        if access and access.field not in settings.model_fields:
            raise TypeError(f"{settings.__qualname__} has no field {access.field!r} for the access level")
        self.attributes: dict[str, dict[str, str]] = {}  # of its tools, prompts and resources: `Server` fills it in
        self.scopes: dict[str, Scopes] = {}  # of its tools; filled in likewise

    def __repr__(self) -> str:
        return f"Integration({self.slug!r})"
