"""A server: one integration and the tools that it offers.

    server = Server(calendly, toolsets=[events.tools, links.tools])

The order of the toolsets is the order of the listing. The FastMCP object underneath stays private, so that no tool can
go round what the library does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from inspect import Signature, signature
from typing import Any, Generic, TypeVar

from fastmcp import FastMCP
from fastmcp.exceptions import NotFoundError, PromptError, ResourceError
from fastmcp.prompts.base import PromptArgument
from mcp.server.request_state import RequestStateSecurity

from flotilla.calls.confirmation import TOKEN_SECONDS
from flotilla.calls.execution import FleetPrompt, guarded
from flotilla.calls.middleware import CallMiddleware
from flotilla.calls.schema import arguments_of, portable
from flotilla.compat import accept_arguments_as_text, keep_no_session_state, take_no_arguments_from_headers
from flotilla.connection import Connection, forget_process_connection, process_connection
from flotilla.http.consent import Scopes
from flotilla.integration import Integration
from flotilla.sealing import LazyCodec
from flotilla.serving.stdio import run
from flotilla.settings import ServerSettings, variable
from flotilla.tool import FleetTool, prose
from flotilla.toolset import Registered, Toolset
from flotilla_launcher.version import VERSION

S = TypeVar("S", bound=ServerSettings)


class Server(Generic[S]):
    """Offers the tools of some toolsets. `connect` returns the account that a call works for: that of the process."""

    def __init__(
        self,
        integration: Integration[S],
        *,
        toolsets: Sequence[Toolset],
        connect: Callable[[], Connection[S]] | None = None,
    ) -> None:
        self.integration, self.toolsets = integration, list(toolsets)
        self.connect = connect or (lambda: process_connection(integration))
        self.search: dict[str, tuple[str, Sequence[str]]] = {}  # by tool: further words, sentences of people
        self.deadlines: dict[str, float] = {}  # seconds, of the tools that have one of their own
        self._middleware = CallMiddleware(lambda: self.connect())
        # Keys of the state, so that another process can go on after a question.
        rounds = LazyCodec(lambda: self.connect().keys, "rounds")
        name = f"flotilla-{integration.slug}"
        self._mcp = FastMCP(
            name,
            version=VERSION,
            instructions=integration.instructions or None,
            on_duplicate="error",
            mask_error_details=True,
            dereference_schemas=False,
            cache_ttl=60,
            cache_scope="private",  # lists, and what a resource holds, are one account's
            request_state_security=RequestStateSecurity(codec=rounds, ttl=TOKEN_SECONDS, audience=name),
            middleware=[self._middleware],
        )
        accept_arguments_as_text(self._mcp)
        keep_no_session_state(self._mcp)
        take_no_arguments_from_headers(self._mcp)
        for toolset in self.toolsets:
            for tool in toolset.tools:
                self._add_tool(tool, toolset.name)
            for prompt in toolset.prompts:
                self._add_prompt(prompt.fn)
            for resource in toolset.resources:
                self._add_resource(resource)
        self._mark_lone_credentials()

    @property
    def slug(self) -> str:
        """The name of image, command and catalog entry."""
        return self.integration.slug

    @property
    def attributes(self) -> dict[str, dict[str, str]]:
        """What the filters decide by, for each tool, prompt and resource: kind, tier and group."""
        return self.integration.attributes

    @property
    def connection(self) -> Connection[S]:
        """The account that this process's environment describes."""
        return process_connection(self.integration)

    @property
    def running(self) -> int:
        """How many calls are in flight."""
        return self._middleware.running

    def reset(self) -> None:
        """Forget the environment that was read and every open connection: for tests, which change both."""
        forget_process_connection(self.integration)

    def run(self) -> None:
        """Serve until the client goes away. See `serving`."""
        own = self.connect()
        if own.fleet.call_credentials:
            from flotilla.serving.tenants import share  # not at the top: few servers have many tenants

            self.connect = share(self._mcp, own)
        run(self._mcp, own, lambda: self.running)

    def _add_tool(self, registered: Registered, group: str) -> None:
        options = registered.options
        tool = FleetTool.made_of(self.integration, registered.kind, registered.fn, options)
        self.attributes[tool.name] = {
            "effect": registered.kind,
            "tier": "core" if options.get("core", True) else "all",
            "group": options.get("group", group),
        }
        if credential := options.get("credential"):
            self.attributes[tool.name]["credential"] = variable(self.integration.slug, credential)
        self.integration.scopes[tool.name] = Scopes(
            tuple(options.get("scopes", ())), tuple(options.get("tolerated", ()))
        )
        self.search[tool.name] = (options.get("search", ""), options.get("examples", ()))
        if seconds := options.get("deadline"):
            self.deadlines[tool.name] = seconds
        self._mcp.add_tool(tool)

    def _mark_lone_credentials(self) -> None:
        """Tell the filters which tools a credential opens that opens nothing else, and what the other ones are."""
        slug, settings = self.integration.slug, self.integration.settings_class
        for name in {
            one.options["credential"] for ts in self.toolsets for one in ts.tools if "credential" in one.options
        }:
            others = {field for option in settings.auth_options if name not in option for field in option}
            marks = {"alone": " ".join([variable(slug, name), *sorted(variable(slug, other) for other in others)])}
            for attributes in self.attributes.values():
                attributes |= marks

    def _add_prompt(self, fn: Callable[..., Awaitable[Any]]) -> None:
        name, title = self._named(fn)
        # Not by Prompt.from_function, whose reader of docstrings (griffe) takes a twentieth of the start.
        schema = portable(arguments_of(fn, {}))
        arguments = [
            PromptArgument(name=key, description=about.get("description"), required=key in schema.get("required", ()))
            for key, about in schema.get("properties", {}).items()
        ]
        run = guarded(name, fn, PromptError)
        self._mcp.add_prompt(FleetPrompt(name=name, title=title, description=prose(fn), arguments=arguments, run=run))

    def _add_resource(self, resource: Registered) -> None:
        fn, uri = resource.fn, resource.uri
        if not uri.startswith(f"{self.slug}://"):
            raise TypeError(f"{uri} must begin with {self.slug}://")
        name, title = self._named(fn)
        read = guarded(name, fn, ResourceError)

        async def visible(**arguments: Any) -> Any:
            if not self._middleware.connection.shows(name):
                raise NotFoundError(f"Unknown resource: {name}")
            return await read(arguments)

        # Texts alone, as they stand in an address: what they mean is validated like the arguments of a tool.
        names = [parameter.replace(annotation=str) for parameter in signature(fn).parameters.values()]
        visible.__signature__ = Signature(names)  # type: ignore[attr-defined]
        visible.__annotations__ = {parameter.name: str for parameter in names}
        self._mcp.resource(uri, name=name, title=title, description=prose(fn), mime_type=resource.mime)(visible)

    def _named(self, fn: Callable[..., Any]) -> tuple[str, str]:
        """Return name and title of a prompt or resource, which only read."""
        name = f"{self.integration.prefix}_{fn.__name__}"
        self.attributes[name] = {"effect": "reads", "tier": "core", "group": ""}
        return name, fn.__name__.replace("_", " ").capitalize()
