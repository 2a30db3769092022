"""A server: its identity, its settings, and the only three ways to register a tool.

    server = Server("calendly", title="Calendly", hosts=["api.calendly.com:443"], settings=Settings, …)

    @server.reads
    async def list_events(limit: Limit = 20, cursor: Cursor = None) -> Page[Event]: …

`reads`, `writes` and `destroys` set name, title, hints, schemas, tier and audit. The FastMCP object underneath stays
private, so that no tool can go round them.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar, get_type_hints, overload

from fastmcp import FastMCP
from fastmcp.prompts.base import Prompt
from fastmcp.tools.base import ToolResult
from mcp.server.request_state import RequestStateSecurity
from mcp_types import ToolAnnotations
from pydantic import Field, TypeAdapter

from . import errors, schema
from .audit import Audit
from .call import announce
from .confirm import Confirmation
from .idempotency import Idempotency
from .private import accept_arguments_as_text
from .settings import FleetSettings, ServerSettings, load
from .state import State
from .tool import FleetTool
from .version import VERSION
from .voice import Voice

if TYPE_CHECKING:
    from .api import Api

S = TypeVar("S", bound=ServerSettings)
Function = TypeVar("Function", bound=Callable[..., Awaitable[Any]])
NAME = re.compile(r"^[a-z][a-z0-9_]{0,44}$")

DryRun = Annotated[bool, Field(description="Only show the request")]
Key = Annotated[str | None, Field(max_length=255, description="Repeat-safe: same key, done once a day")]
Token = Annotated[str | None, Field(description="Only from this tool's own preview")]


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
    ) -> None:
        self.slug, self.prefix = slug, prefix or slug.replace("-", "_")
        self.title, self.description, self.category, self.docs = title, description, category, docs
        self.tags, self.hosts, self.files = tags or [], hosts or [], files
        self.network = bool(self.hosts) if network is None else network
        self.settings_class = settings
        self.instructions = instructions
        self.attributes: dict[str, dict[str, str]] = {}  # what `filters.visible` decides by, tools and prompts
        self.apis: list[Api] = []  # every Api adds itself
        self.audit = Audit(slug, frozenset(masked or []))
        self._voice = Voice(self)
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
        if "_settings" not in self.__dict__:
            self._settings: S = load(self.settings_class, self.slug)  # type: ignore[assignment]
        return self._settings

    @cached_property
    def fleet(self) -> FleetSettings:
        """What every server understands. A wrong value is told by every call (`fleet_problem`), not by a crash."""
        self.fleet_problem: errors.Setup | None = None
        try:
            return load(FleetSettings, "flotilla")  # type: ignore[return-value]
        except errors.Setup as problem:
            self.fleet_problem = problem
            return FleetSettings.model_construct()

    @cached_property
    def _key(self) -> bytes:
        """Seals confirmations: the given key, so that restarts and other workers can go on, else one of our own."""
        given = self.fleet.state_key
        return given.get_secret_value().encode() if given else os.urandom(32)

    @cached_property
    def state(self) -> State:
        """Documents that outlive the process."""
        return State(self.fleet.data, self.slug)

    @cached_property
    def _confirmation(self) -> Confirmation:
        return Confirmation(self._key)

    @cached_property
    def _idempotency(self) -> Idempotency:
        return Idempotency(self.state)

    # -- registration -------------------------------------------------------------------------------------------

    @overload
    def reads(self, fn: Function, /) -> Function: ...
    @overload
    def reads(self, fn: None = None, /, **options: Any) -> Callable[[Function], Function]: ...
    def reads(self, fn: Any = None, /, **options: Any) -> Any:
        """Register a tool that changes nothing. Options: core, group, title, deadline (seconds)."""
        return self._register("reads", fn, options)

    @overload
    def writes(self, fn: Function, /) -> Function: ...
    @overload
    def writes(self, fn: None = None, /, **options: Any) -> Callable[[Function], Function]: ...
    def writes(self, fn: Any = None, /, **options: Any) -> Any:
        """Register a tool that adds or changes. It gets `dry_run`, and `idempotency_key` with `creates=True`.

        Options: as `reads`, and `creates`, `idempotent` (repeating it changes nothing more).
        """
        return self._register("writes", fn, options)

    @overload
    def destroys(self, fn: Function, /) -> Function: ...
    @overload
    def destroys(self, fn: None = None, /, **options: Any) -> Callable[[Function], Function]: ...
    def destroys(self, fn: Any = None, /, **options: Any) -> Any:
        """Register a tool that takes something away: it gets `dry_run` and runs only after a yes.

        Options: as `writes`, and `confirm`, the question, which may name arguments: "Delete {path} for good?".
        """
        return self._register("destroys", fn, options)

    def _register(self, effect: str, fn: Any, options: dict[str, Any]) -> Any:
        if fn is None:
            return lambda real: self._register(effect, real, options)
        self._mcp.add_tool(self._tool(effect, fn, **options))
        return fn

    def _tool(
        self,
        effect: str,
        fn: Callable[..., Awaitable[Any]],
        *,
        core: bool = True,
        group: str = "",
        title: str = "",
        deadline: float | None = None,
        creates: bool = False,
        idempotent: bool | None = None,
        confirm: str = "",
    ) -> FleetTool:
        name = f"{self.prefix}_{fn.__name__}"
        for wrong, why in (
            (not NAME.match(name), "must match [a-z][a-z0-9_]* and have at most 45 characters"),
            (not inspect.iscoroutinefunction(fn), "must be an async function"),
            (not inspect.getdoc(fn), "needs a docstring: it is what the model reads"),
        ):
            if wrong:
                raise TypeError(f"{name} {why}")
        extra: dict[str, tuple[Any, Any]] = {}
        if creates:
            extra["idempotency_key"] = (Key, None)
        if effect != "reads":
            extra["dry_run"] = (DryRun, False)
        if effect == "destroys":
            extra["confirm_token"] = (Token, None)
        takes, gives = schema.arguments_of(fn, extra), TypeAdapter(get_type_hints(fn, include_extras=True)["return"])
        output = schema.portable(gives, "serialization")
        if output.get("type") != "object":
            raise TypeError(f"{name} must return an object, not {output.get('type')}: the gateway aborts on others")
        if effect != "reads":
            output.pop("required", None)  # previews and dry runs must fit it too
        self.attributes[name] = {"effect": effect, "tier": "core" if core else "all", "group": group}
        label = title or fn.__name__.replace("_", " ").capitalize()
        return FleetTool(
            name=name,
            title=label,
            description=_prose(fn),
            parameters={"type": "object", "properties": {}, **schema.portable(takes)},
            output_schema=output,
            annotations=ToolAnnotations(
                read_only_hint=effect == "reads",
                destructive_hint=effect == "destroys",
                idempotent_hint=effect == "reads" if idempotent is None else idempotent,
                open_world_hint=self.network,
            ),
            fn=fn,
            takes=takes,
            gives=gives,
            server=self,
            effect=effect,
            tier="core" if core else "all",
            group=group,
            deadline=deadline,
            question=confirm,
        )

    def prompt(self, fn: Function) -> Function:
        """Register a prompt: an async function that returns the text a user would otherwise type."""
        name = f"{self.prefix}_{fn.__name__}"
        self.attributes[name] = {"effect": "reads", "tier": "core", "group": ""}
        label = fn.__name__.replace("_", " ").capitalize()
        self._mcp.add_prompt(Prompt.from_function(fn, name=name, title=label, description=_prose(fn)))
        return fn

    # -- what tools and the one Tool class ask for ----------------------------------------------------------------

    def announce(self, **request: Any) -> None:
        """Say what is about to be done, before the first side effect; a dry run ends here. See `call.announce`."""
        announce(**request)

    def masked(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a request as it may be shown."""
        return dict(self.audit.masked(request))

    async def confirm(self, question: str, arguments: dict[str, Any], token: str = "", tool: str = "") -> None:
        """Go on only after a person's yes, unless `FLOTILLA_CONFIRM=off`."""
        if self.fleet.confirm.lower() != "off":
            await self._confirmation.ask(question, tool, arguments, token)

    async def once(
        self, tool: str, key: str, arguments: dict[str, Any], act: Callable[[], Awaitable[ToolResult]]
    ) -> ToolResult:
        """Do it unless this key was used before."""
        return await self._idempotency.once(tool, key, arguments, act)

    def log_bug(self, tool: str, bug: Exception) -> None:
        """Write an unexpected exception to the log, secrets masked."""
        import traceback

        from .settings import scrub

        trace = scrub("".join(traceback.format_exception(bug)))
        self.audit.line("bug", level="error", tool_name=tool, exception=trace)

    def reset(self) -> None:
        """Forget the environment that was read and every open connection: for tests, which change both."""
        for name in ("_settings", "fleet", "fleet_problem", "state", "_idempotency"):
            self.__dict__.pop(name, None)
        for api in self.apis:
            api.reset()

    @property
    def running(self) -> int:
        """How many calls are in flight."""
        return self._voice.running

    def run(self) -> None:
        """Serve until the client goes away. See `serve`."""
        from .serve import run

        run(self)


def _prose(fn: Callable[..., Any]) -> str:
    """Return a docstring as paragraphs: the line breaks of the source are not the reader's."""
    return "\n\n".join(" ".join(part.split()) for part in (inspect.getdoc(fn) or "").split("\n\n"))
