"""Everything of one account: settings, tokens, HTTP clients, vendor metadata, time zone, records, folders.

A process has one connection for each integration, made from its environment (`process_connection`). A running
call carries the connection that it works for (`calls.context`), so that many accounts can share a process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import httpx2 as httpx

from flotilla import errors
from flotilla.audit import Audit
from flotilla.http.retry import Retry
from flotilla.integration import Integration
from flotilla.sealing import Keys
from flotilla.settings import FleetSettings, ServerSettings, guards, load
from flotilla.state import State
from flotilla_launcher.environment import snapshot
from flotilla_launcher.filters import check, variables_read, visible

S = TypeVar("S", bound=ServerSettings)
T = TypeVar("T")


@dataclass(frozen=True)
class Network:
    """How requests travel, for tests: the transport below the client, pauses, timeouts, client-side limits."""

    transport: httpx.AsyncBaseTransport | None = None
    retry: Retry = field(default_factory=Retry)
    timeout: httpx.Timeout | None = None  # in place of each Api's own
    limits: bool = True


class Connection(Generic[S]):
    """One account of one integration. `environ` is where its settings are read from."""

    def __init__(
        self, integration: Integration[S], environ: Mapping[str, str] = os.environ, network: Network | None = None
    ) -> None:
        self.integration, self.environ, self.network = integration, environ, network or Network()
        self.warnings: dict[str, str] = {}  # sentences that every result carries
        self.audit = Audit(integration.slug, integration.masked)
        self.fleet_error: errors.ConfigurationError | None = None
        # From the vendor, fetched once per process: schemas, pipelines, users.
        self.metadata: dict[str, Any] = {}
        self._resources: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self._checked: Mapping[str, str] | None = None  # the variables that `check_guards` has found clear
        self._shown: dict[str, bool] = {}  # what they say of tools, prompts and resources

    @cached_property
    def settings(self) -> S:
        """The integration's settings; raises errors.ConfigurationError that names what is missing."""
        return load(self.integration.settings_class, self.integration.slug, self.environ)

    @cached_property
    def fleet(self) -> FleetSettings:
        """What every server understands. A wrong value fails every call (`fleet_error`), not the start."""
        try:
            return load(FleetSettings, "flotilla", self.environ)
        except errors.ConfigurationError as error:
            self.fleet_error = error
            return FleetSettings.model_construct()

    def check_guards(self) -> None:
        """Raise errors.ConfigurationError where the operator's filters or guards are unclear: nothing is done then."""
        variables = snapshot(self.environ)
        if variables is self._checked:
            return
        known = self.integration.attributes
        own = guards(self.integration.settings_class, self.integration.slug, self.integration.files)
        with errors.setting_errors():
            check(self.environ, known, own)
        in_files = any(f"{name}_FILE" in variables for name in variables_read(known, own))  # they change at any time
        self._checked, self._shown = None if in_files else variables, {}

    def shows(self, name: str) -> bool:
        """Tell whether the operator shows a tool, prompt or resource; `check_guards` comes first."""
        shown = self._shown.get(name) if snapshot(self.environ) is self._checked else None
        if shown is None:
            attributes = self.integration.attributes
            with errors.setting_errors():
                shown = visible(self.environ, attributes.get(name, {}), name)
            if name in attributes:  # a client may ask for any name
                self._shown[name] = shown
        return shown

    @cached_property
    def state(self) -> State:
        """Documents that outlive the process."""
        key = self.fleet.state_key
        return State(self.fleet.state, self.integration.slug, key.get_secret_value() if key else "")

    @cached_property
    def keys(self) -> Keys:
        """The keys that seal what clients hold: where none can be stored, keys of this process alone."""
        try:
            return self.state.keys
        except errors.ConfigurationError:
            return Keys.of_this_process(self.integration.slug)

    def resource(self, owner: object, make: Callable[[], T]) -> T:
        """Return what belongs to `owner` on this connection, such as an Api's client; made when first asked for."""
        made: T | None = self._resources.get(owner)
        if made is None:
            made = self._resources[owner] = make()
        return made

    async def close(self) -> None:
        """Close what its resources hold open, such as HTTP clients. Nothing may be sent for it any more."""
        for resource in list(self._resources.values()):
            if close := getattr(resource, "aclose", None):
                await close()


_of_process: WeakKeyDictionary[Integration[Any], Connection[Any]] = WeakKeyDictionary()


def process_connection(integration: Integration[S]) -> Connection[S]:
    """Return the connection that this process's environment describes."""
    connection: Connection[S] | None = _of_process.get(integration)
    if connection is None:
        connection = _of_process[integration] = Connection(integration)
    return connection


def forget_process_connection(integration: Integration[Any]) -> None:
    """Drop it, so that the environment is read anew: for tests."""
    _of_process.pop(integration, None)
