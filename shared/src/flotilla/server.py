"""A server: its identity, its settings, and the only three ways to register a tool.

    server = Server("calendly", title="Calendly", hosts=["api.calendly.com:443"], settings=Settings, …)

    @server.reads
    async def list_events(limit: Limit = 20, cursor: Cursor = None) -> Page[Event]: …

`reads`, `writes` and `destroys` set name, title, hints, schemas, tier and audit. The FastMCP object underneath stays
private, so that no tool can go round them.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack, overload

from fastmcp import FastMCP
from fastmcp.exceptions import NotFoundError
from fastmcp.prompts.base import Prompt
from mcp.server.request_state import RequestStateSecurity

from . import errors
from .audit import Audit
from .call import announce, current
from .confirm import Confirmation
from .idempotency import Idempotency
from .private import accept_arguments_as_text
from .results import link_to
from .settings import FleetSettings, ServerSettings, load
from .state import State
from .tool import ChangeOptions, FleetTool, ReadOptions, WriteOptions, prose
from .version import VERSION
from .voice import Voice

if TYPE_CHECKING:
    from .consent import Consent
    from .files import FileRef
    from .wire import Wire

S = TypeVar("S", bound=ServerSettings)
Function = TypeVar("Function", bound=Callable[..., Awaitable[Any]])


class Server(Generic[S]):
    """One integration. `hosts` are the only addresses it may contact (`host:port`); none means no network at all."""

    def __init__(
        self,
        slug: str,
        *,
        title: str,
        description: str,
        category: str,
        settings: type[S] = ServerSettings,  # type: ignore[assignment]
        prefix: str = "",
        tags: list[str] | None = None,
        hosts: list[str] | None = None,
        network: bool | None = None,
        files: bool = False,
        instructions: str = "",
        docs: str = "",
        masked: list[str] | None = None,
        consent: Consent | None = None,
    ) -> None:
        self.slug, self.prefix = slug, prefix or slug.replace("-", "_")
        self.title, self.description, self.category, self.docs = title, description, category, docs
        self.tags, self.hosts, self.files = tags or [], hosts or [], files
        self.network = bool(self.hosts) if network is None else network
        self.settings_class, self.instructions, self.consent = settings, instructions, consent
        self.attributes: dict[str, dict[str, str]] = {}  # what `filters.visible` decides by, tools and prompts
        self.scopes: dict[str, Sequence[str]] = {}  # by tool, alternatives; see `consent.scopes`
        self.apis: list[Wire] = []  # every Api adds itself
        self.audit = Audit(slug, frozenset(masked or []))
        self._voice = Voice(self)
        key = self.fleet.state_key  # the same for every worker, so that another one can go on after a question
        self._key = key.get_secret_value().encode() if key else os.urandom(32)
        self._confirmation = Confirmation(self._key)
        self._mcp = FastMCP(
            f"flotilla-{slug}",
            version=VERSION,
            instructions=instructions or None,
            on_duplicate="error",
            mask_error_details=True,
            dereference_schemas=False,
            cache_ttl=60,
            cache_scope="public",
            request_state_security=RequestStateSecurity(keys=[self._key], audience=f"flotilla-{slug}"),
            middleware=[self._voice],
        )
        accept_arguments_as_text(self._mcp)

    # -- settings and state -------------------------------------------------------------------------------------

    @property
    def settings(self) -> S:
        """The server's settings; raises errors.Setup that names what is missing."""
        return self._settings

    @cached_property
    def _settings(self) -> S:
        return load(self.settings_class, self.slug)

    @cached_property
    def fleet(self) -> FleetSettings:
        """What every server understands. A wrong value is told by every call (`fleet_problem`), not by a crash."""
        self.fleet_problem: errors.Setup | None = None
        try:
            return load(FleetSettings, "flotilla")
        except errors.Setup as problem:
            self.fleet_problem = problem
            return FleetSettings.model_construct()

    @cached_property
    def state(self) -> State:
        """Documents that outlive the process."""
        return State(self.fleet.data, self.slug)

    @cached_property
    def _idempotency(self) -> Idempotency:
        return Idempotency(self.state)

    def reset(self) -> None:
        """Forget the environment that was read and every open connection: for tests, which change both."""
        for name in ("_settings", "fleet", "fleet_problem", "state", "_idempotency"):
            self.__dict__.pop(name, None)
        for api in self.apis:
            api.reset()

    # -- registration -------------------------------------------------------------------------------------------

    @overload
    def reads(self, fn: Function, /) -> Function: ...
    @overload
    def reads(self, /, **options: Unpack[ReadOptions]) -> Callable[[Function], Function]: ...
    def reads(self, fn: Any = None, /, **options: Any) -> Any:
        """Register a tool that changes nothing. Options: core, group, title, deadline (seconds), scopes."""
        return self._register("reads", fn, options)

    @overload
    def writes(self, fn: Function, /) -> Function: ...
    @overload
    def writes(self, /, **options: Unpack[WriteOptions]) -> Callable[[Function], Function]: ...
    def writes(self, fn: Any = None, /, **options: Any) -> Any:
        """Register a tool that adds or changes. It gets `dry_run`, and `idempotency_key` with `creates=True`.

        Options: as `reads`; `idempotent` (repeating it changes nothing more); `asks` (it may call `confirm`);
        `additive=False` for a tool that changes or removes part of what is there (an update, a move, a message that
        cannot be called back): clients are told that it is destructive, nobody is asked; `replaces=True` for a tool
        that overwrites or cannot be taken back: clients are told so, and it asks, either every time by
        `confirm="Replace {path}?"`, or by `await server.confirm(question)` exactly when something would be lost.
        """
        return self._register("writes", fn, options)

    @overload
    def destroys(self, fn: Function, /) -> Function: ...
    @overload
    def destroys(self, /, **options: Unpack[ChangeOptions]) -> Callable[[Function], Function]: ...
    def destroys(self, fn: Any = None, /, **options: Any) -> Any:
        """Register a tool that takes something away: it gets `dry_run` and runs only after a yes.

        Options: as `writes`, and `confirm`, the question, which may name arguments: "Delete {path} for good?". Where
        these are ids, which tell a person nothing, the tool looks first and asks itself (`asks=True`); what it does
        before it has asked is refused.
        """
        return self._register("destroys", fn, options)

    def _register(self, effect: str, fn: Any, options: Any) -> Any:
        if fn is None:
            return lambda real: self._register(effect, real, options)
        tool = FleetTool.of(self, effect, fn, options)
        tier = "core" if options.get("core", True) else "all"
        self.attributes[tool.name] = {"effect": effect, "tier": tier, "group": options.get("group", "")}
        self.scopes[tool.name] = options.get("scopes", ())
        self._mcp.add_tool(tool)
        return fn

    def prompt(self, fn: Function) -> Function:
        """Register a prompt: an async function that returns the text a user would otherwise type."""
        name, label = self._named(fn)
        prompt = Prompt.from_function(fn, name=name, title=label, description=prose(fn))
        for argument in prompt.arguments or []:  # FastMCP adds a paragraph on JSON, which is for programs
            argument.description = (argument.description or "").split("\n\nProvide a value")[0] or None
        self._mcp.add_prompt(prompt)
        return fn

    def resource(self, uri: str, *, mime: str = "text/plain") -> Callable[[Function], Function]:
        """Register a resource, or a template with `{names}`: an async function that returns text or bytes."""
        if not uri.startswith(f"{self.slug}://"):
            raise TypeError(f"{uri} must begin with {self.slug}://")

        def register(fn: Function) -> Function:
            name, label = self._named(fn)

            @wraps(fn)
            async def shown(**given: Any) -> Any:
                if not self._voice.visible(name):
                    raise NotFoundError(f"Unknown resource: {name}")
                return await fn(**given)

            self._mcp.resource(uri, name=name, title=label, description=prose(fn), mime_type=mime)(shown)
            return fn

        return register

    def _named(self, fn: Callable[..., Any]) -> tuple[str, str]:
        """Return name and title of a prompt or resource, which only read."""
        name = f"{self.prefix}_{fn.__name__}"
        self.attributes[name] = {"effect": "reads", "tier": "core", "group": ""}
        return name, fn.__name__.replace("_", " ").capitalize()

    # -- for tools ------------------------------------------------------------------------------------------------

    def announce(self, **request: Any) -> None:
        """Say what is about to be done, before the first side effect; a dry run ends here. See `call.announce`."""
        announce(**request)

    def link(self, file: FileRef) -> None:
        """Add a link to a file of the data folder to the running call's result, behind its text."""
        current().links.append(link_to(file))

    async def confirm(self, question: str) -> None:
        """Go on only after a person's yes; ask before the first side effect, since the tool may run again from the top.

        Nobody is asked in a dry run, or under `FLOTILLA_CONFIRM=off`. Raises errors.Input after a no. A tool that
        asks by itself is registered with `asks=True`, so that clients that cannot be asked have a way too.
        """
        if current().acted:
            raise RuntimeError(f"{current().tool} must call server.confirm before it does anything")
        if self.fleet.confirm and not current().dry_run:
            await self._confirmation.ask(errors.excerpt(question, 1000))
            current().unasked = False

    @property
    def asks(self) -> bool:
        """Whether `confirm` asks anybody in the running call: otherwise what only a question needs is not fetched."""
        return bool(self.fleet.confirm) and not current().dry_run

    @property
    def running(self) -> int:
        """How many calls are in flight."""
        return self._voice.running

    def run(self) -> None:
        """Serve until the client goes away. See `serve`."""
        from .serve import run

        run(self)
