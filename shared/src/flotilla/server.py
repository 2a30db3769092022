"""A server: its identity, its settings, and the only three ways to register a tool.

    server = Server("calendly", title="Calendly", hosts=["api.calendly.com:443"], settings=Settings, …)

    @server.reads
    async def list_events(limit: Limit = 20, cursor: Cursor = None) -> Page[Event]: …

`reads`, `writes` and `destroys` set name, title, hints, schemas, tier and audit. The FastMCP object underneath stays
private, so that no tool can go round them.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cached_property
from inspect import Signature, signature
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack, overload

from fastmcp import FastMCP
from fastmcp.exceptions import NotFoundError, PromptError, ResourceError
from fastmcp.prompts.base import Prompt
from mcp.server.request_state import RequestStateSecurity

from . import errors
from .audit import Audit
from .call import announce, current, in_thread
from .confirm import TOKEN_SECONDS, Confirmation
from .filters import check
from .idempotency import Idempotency
from .private import accept_arguments_as_text, keep_no_session_state
from .results import link_to
from .running import FleetPrompt, guarded
from .sealing import Keys, LazyCodec
from .settings import FleetSettings, ServerSettings, guards, load
from .state import State
from .text import visible
from .tool import ChangeOptions, FleetTool, ReadOptions, WriteOptions, prose
from .version import VERSION
from .voice import Voice

if TYPE_CHECKING:
    from .consent import Consent
    from .files import FileRef
    from .wire import Wire

FEW = 5  # recipients of what cannot be called back; more are asked about
S = TypeVar("S", bound=ServerSettings)
Function = TypeVar("Function", bound=Callable[..., Awaitable[Any]])


class Server(Generic[S]):
    """One integration. `hosts` are the only addresses it may contact (`host:port`); none means no network at all.

    The credentials go to the API's own address alone, and to those of `hosts` that `credential_hosts` repeats.
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
        tags: list[str] | None = None,
        hosts: list[str] | None = None,
        credential_hosts: list[str] | None = None,
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
        self.credential_hosts = credential_hosts or []
        if unknown := set(self.credential_hosts) - set(self.hosts):
            raise TypeError(f"credential_hosts must be among the hosts: {', '.join(sorted(unknown))}")
        self.network = bool(self.hosts) if network is None else network
        self.settings_class, self.instructions, self.consent = settings, instructions, consent
        self.attributes: dict[str, dict[str, str]] = {}  # what `filters.visible` decides by, tools and prompts
        self.scopes: dict[str, Sequence[str]] = {}  # by tool, alternatives; see `consent.scopes`
        self.apis: list[Wire] = []  # every Api adds itself
        self.audit = Audit(slug, frozenset(masked or []))
        self._voice = Voice(self)
        self.warnings: dict[str, str] = {}  # sentences that every result carries, see `voice`
        # The same keys for every process of this state, so that another one can go on after a question.
        self._confirmation = Confirmation(self, LazyCodec(lambda: self.keys, "confirmations"))
        rounds = LazyCodec(lambda: self.keys, "rounds")
        self._mcp = FastMCP(
            f"flotilla-{slug}",
            version=VERSION,
            instructions=instructions or None,
            on_duplicate="error",
            mask_error_details=True,
            dereference_schemas=False,
            cache_ttl=60,
            cache_scope="public",
            request_state_security=RequestStateSecurity(codec=rounds, ttl=TOKEN_SECONDS, audience=f"flotilla-{slug}"),
            middleware=[self._voice],
        )
        accept_arguments_as_text(self._mcp)
        keep_no_session_state(self._mcp)

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

    def check_guards(self) -> None:
        """Raise errors.Setup where the operator's filters or guards are unclear: then nothing is listed or done."""
        check(os.environ, self.attributes, guards(self.settings_class, self.slug, self.files))

    @cached_property
    def state(self) -> State:
        """Documents that outlive the process."""
        key = self.fleet.state_key
        return State(self.fleet.state, self.slug, key.get_secret_value() if key else "")

    @cached_property
    def keys(self) -> Keys:
        """What seals a question in the client's hands: where no key can be kept, one of this process alone."""
        try:
            return self.state.keys
        except errors.Setup:
            return Keys.of_this_process(self.slug)

    @cached_property
    def _idempotency(self) -> Idempotency:
        return Idempotency(self.state, self.audit)

    def reset(self) -> None:
        """Forget the environment that was read and every open connection: for tests, which change both."""
        for name in ("_settings", "fleet", "fleet_problem", "state", "keys", "_idempotency"):
            self.__dict__.pop(name, None)
        self.warnings.clear()
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
        plain = Prompt.from_function(fn, name=name, title=label, description=prose(fn))
        for argument in plain.arguments or []:  # FastMCP adds a paragraph on JSON, which is for programs
            argument.description = (argument.description or "").split("\n\nProvide a value")[0] or None
        self._mcp.add_prompt(
            FleetPrompt(
                name=name,
                title=label,
                description=plain.description,
                arguments=plain.arguments,
                run=guarded(self, name, fn, PromptError),
            )
        )
        return fn

    def resource(self, uri: str, *, mime: str = "text/plain") -> Callable[[Function], Function]:
        """Register a resource, or a template with `{names}`: an async function that returns text or bytes."""
        if not uri.startswith(f"{self.slug}://"):
            raise TypeError(f"{uri} must begin with {self.slug}://")

        def register(fn: Function) -> Function:
            name, label = self._named(fn)
            run = guarded(self, name, fn, ResourceError)

            async def shown(**given: Any) -> Any:
                if not self._voice.visible(name):
                    raise NotFoundError(f"Unknown resource: {name}")
                return await run(given)

            # Texts alone, as they stand in an address: what they mean is checked like the arguments of a tool.
            names = [parameter.replace(annotation=str) for parameter in signature(fn).parameters.values()]
            shown.__signature__ = Signature(names)  # type: ignore[attr-defined]
            shown.__annotations__ = {parameter.name: str for parameter in names}
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

    async def confirm(self, question: str, version: object = None) -> None:
        """Go on only after a person's yes; ask before the first side effect, since the tool may run again from the top.

        A yes is worth one execution. `version` is what tells one state of the thing from another (size and time, an
        etag): when it has changed since the question was asked, the question is asked again. Nobody is asked in a dry
        run, or under `FLOTILLA_CONFIRM=off`. Raises errors.Input after a no. A tool that asks by itself is registered
        with `asks=True`, so that clients that cannot be asked have a way too; under `FLOTILLA_CONFIRM=strict` these
        get errors.Setup.
        """
        if current().acted:
            raise RuntimeError(f"{current().tool} must call server.confirm before it does anything")
        if self.fleet.confirm and not current().dry_run:
            shown = visible(question, name=True)  # whole: a person must see what is meant
            await self._confirmation.ask(shown, version, strict=self.fleet.confirm == "strict")
            current().unasked = False

    async def confirm_replacing(self, path: str, overwrite: bool = True) -> None:
        """Ask before a file of the data folder is written over; where nothing would be lost, nobody is asked.

        Raises what `files.writer` would say about the path. For tools that are registered with `replaces=True`.
        """
        from .files import replaced, version

        if lost := await in_thread(replaced, path, overwrite):
            await self.confirm(f"Replace {lost}? What it holds now is lost.", await in_thread(version, path))

    async def confirm_many(self, recipients: Iterable[str], doing: str) -> None:
        """Ask before something that cannot be called back goes to more than FEW people; `doing`: "Send «Offre»".

        For tools that are registered with `asks=True`.
        """
        names = list(dict.fromkeys(recipients))
        if len(names) > FEW:
            more = f" and {len(names) - 50} more" if len(names) > 50 else ""
            await self.confirm(f"{doing} to {len(names)} recipients: {', '.join(names[:50])}{more}?")

    @property
    def asks(self) -> bool:
        """Whether `confirm` asks in the running call; where not, what only the question needs is not fetched."""
        return bool(self.fleet.confirm) and not current().dry_run

    @property
    def running(self) -> int:
        """How many calls are in flight."""
        return self._voice.running

    def run(self) -> None:
        """Serve until the client goes away. See `serve`."""
        from .serve import run

        run(self)
