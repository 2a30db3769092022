"""The front: FastMCP with tools, prompts and resources that stand for those of the servers behind it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Any, Self

import mcp_types as mt
from fastmcp.exceptions import NotFoundError
from fastmcp.prompts import Message, Prompt, PromptResult
from fastmcp.prompts.base import InputRequiredPromptResult
from fastmcp.resources import Resource, ResourceContent, ResourceResult, ResourceTemplate
from fastmcp.resources.base import InputRequiredResourceResult
from fastmcp.server.context import Context
from fastmcp.server.dependencies import get_context
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.server.providers.base import Provider
from fastmcp.tools.base import InputRequiredToolResult, Tool, ToolResult
from mcp import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, PrivateAttr, TypeAdapter, ValidationError

from .backend import FRONT, Backend, Lost, NotStarted
from .catalog import Problem, Unreadable
from .private import log_level

HOP = (mt.PROTOCOL_VERSION_META_KEY, mt.CLIENT_INFO_META_KEY, mt.CLIENT_CAPABILITIES_META_KEY)  # of one connection
SESSION = "mcp-session-id"
ROUNDS = 10  # times that one call may ask, as in the SDK's own clients
ANSWERS: dict[str, type[mt.Result]] = {
    "elicitation/create": mt.ElicitResult,
    "sampling/createMessage": mt.CreateMessageResult,
    "roots/list": mt.ListRootsResult,
}
CALLED: TypeAdapter[Any] = TypeAdapter(mt.CallToolResult | mt.InputRequiredResult)
PROMPTED: TypeAdapter[Any] = TypeAdapter(mt.GetPromptResult | mt.InputRequiredResult)
READ: TypeAdapter[Any] = TypeAdapter(mt.ReadResourceResult | mt.InputRequiredResult)


class Front:
    """One request of a client: what it said, and the way back to it.

    The way back is kept here because the callbacks of a server's connection run in a task of that connection, where
    FastMCP's idea of the current request is none, or somebody else's.
    """

    def __init__(self, ctx: Context) -> None:
        rc = ctx.request_context
        assert rc is not None
        self._session, self._id = rc.session, rc.request_id
        self.modern = rc.protocol_version in MODERN_PROTOCOL_VERSIONS
        # requests with the same mark are surely of one client
        self.mark = ctx.transport if ctx.transport == "stdio" else rc.request and rc.request.headers.get(SESSION)
        self.answers = (ctx.input_responses, ctx.request_state) if self.modern else (None, None)
        said = {key: value for key, value in (rc.meta or {}).items() if key not in HOP}
        self.progress = rc.session.report_progress if said.pop("progressToken", None) is not None else None
        able = rc.session.client_capabilities or mt.ClientCapabilities()
        said[FRONT] = able.model_dump(mode="json", by_alias=True, exclude_none=True)
        if not self.modern:  # since 2026-07-28 a server sends the logs that are asked for; before, it sent all
            said[mt.LOG_LEVEL_META_KEY] = log_level(ctx) or "debug"
        self.meta, self.wants_logs = said, mt.LOG_LEVEL_META_KEY in said

    async def log(self, params: mt.LoggingMessageNotificationParams) -> None:
        """Pass a log message on to the client."""
        if self.wants_logs:
            note = mt.LoggingMessageNotification(params=params)
            await self._session.send_notification(note, related_request_id=self._id)

    async def ask(self, question: Any) -> Any:
        """Ask a client before 2026-07-28, which is asked while its call runs."""
        way = ServerMessageMetadata(related_request_id=self._id)
        return await self._session.send_request(question, ANSWERS[question.method], metadata=way)


async def converse(backend: Backend, kind: Any, params: Any, answer: Any, safe: bool = True, **fields: Any) -> Any:
    """Send a request and return the result; ask the server's questions on the way when the front cannot take them."""
    front = Front(get_context())
    responses, state = front.answers
    for _ in range(ROUNDS):
        said = params(**fields, input_responses=responses, request_state=state, _meta=front.meta)
        got = await backend.send(front, kind(params=said), answer, safe)
        if got.meta:
            got.meta = {key: value for key, value in got.meta.items() if key != mt.SERVER_INFO_META_KEY} or None
        if front.modern or not isinstance(got, mt.InputRequiredResult):
            return got
        responses, state = {key: await front.ask(q) for key, q in (got.input_requests or {}).items()}, got.request_state
        if not responses:
            await asyncio.sleep(0.1)  # the server only wants to be asked again
    raise Lost(f"{backend.entry.slug} asked too often during the call")


async def fetch(backend: Backend, kind: Any, params: Any, answer: Any, **fields: Any) -> Any:
    """Converse about what changes nothing and has no error results: failures are errors of the protocol."""
    try:
        return await converse(backend, kind, params, answer, **fields)
    except (NotStarted, Lost) as problem:
        raise MCPError(code=mt.INTERNAL_ERROR, message=f"Error: {problem}. Nothing was changed.") from None


class Door(BaseModel):
    """What stands for a thing of a server. It is listed as it was baked, byte for byte."""

    _wire: Any = PrivateAttr()
    _backend: Backend = PrivateAttr()

    @classmethod
    def of(cls, backend: Backend, wire: Any, **fields: Any) -> Self:
        """Make it from its definition."""
        door = cls(**{"name": wire.name, "description": wire.description, **fields})
        door._wire, door._backend = wire, backend
        return door

    def _listed(self, **_: Any) -> Any:
        return self._wire

    to_mcp_tool = to_mcp_prompt = to_mcp_resource = to_mcp_template = _listed


class DoorTool(Door, Tool):
    """A tool of a server behind the door."""

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Call the server; what goes wrong on the way is an error result in words."""
        safe = bool(self.annotations and self.annotations.read_only_hint)
        way = (mt.CallToolRequest, mt.CallToolRequestParams, CALLED)
        try:
            got = await converse(self._backend, *way, safe, name=self.name, arguments=arguments)
        except NotStarted as problem:
            return failed(f"{problem}. Nothing was done. Ask the user to mend it, then call again.")
        except Lost as problem:
            if safe:
                return failed(f"{problem}. Nothing was changed. Try again later.")
            return failed(f"{problem}: `{self.name}` may or may not have been done. Look before you repeat it.")
        except ValidationError:
            return failed(f"{self._backend.entry.slug} gave an answer to `{self.name}` that breaks the protocol.")
        if isinstance(got, mt.InputRequiredResult):
            return InputRequiredToolResult(got)
        return ToolResult.from_mcp_result(got)


class DoorPrompt(Door, Prompt):
    """A prompt of a server behind the door."""

    async def render(self, arguments: dict[str, Any] | None = None) -> PromptResult:
        """Get the prompt from the server."""
        way = (mt.GetPromptRequest, mt.GetPromptRequestParams, PROMPTED)
        got = await fetch(self._backend, *way, name=self.name, arguments=arguments)
        if isinstance(got, mt.InputRequiredResult):
            return InputRequiredPromptResult(got)
        messages = [Message(content=message.content, role=message.role) for message in got.messages]
        return PromptResult(messages=messages, description=got.description, meta=got.meta)


class DoorResource(Door, Resource):
    """A resource of a server behind the door."""

    async def read(self) -> ResourceResult:
        """Read it from the server."""
        way = (mt.ReadResourceRequest, mt.ReadResourceRequestParams, READ)
        got = await fetch(self._backend, *way, uri=self._wire.uri)
        if isinstance(got, mt.InputRequiredResult):
            return InputRequiredResourceResult(got)
        parts = [(base64.b64decode(p.blob) if hasattr(p, "blob") else p.text, p) for p in got.contents]
        contents = [ResourceContent(content, mime_type=p.mime_type, meta=p.meta) for content, p in parts]
        return ResourceResult(contents=contents, meta=got.meta)


class DoorTemplate(Door, ResourceTemplate):
    """A resource template of a server behind the door."""

    async def create_resource(self, uri: str, params: dict[str, Any], context: Any = None) -> Resource:
        """Stand for the resource of that URI."""
        return DoorResource.of(self._backend, mt.Resource(name=self.name, uri=uri), uri=uri)


class Definitions(Provider):
    """Everything that the servers offer, in the catalog's order."""

    def __init__(self) -> None:
        super().__init__()
        self.tools: list[DoorTool] = []
        self._prompts: list[DoorPrompt] = []
        self._resources: list[DoorResource] = []
        self._templates: list[DoorTemplate] = []
        self._taken: dict[tuple[str, str], str] = {}

    def add(self, backend: Backend, baked: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Offer what a server offers.

        Raises Problem for a name that another one has, and Unreadable for definitions that break the protocol.
        """
        try:
            tools = [mt.Tool.model_validate(item) for item in baked["tools"]]
            prompts = [mt.Prompt.model_validate(item) for item in baked["prompts"]]
            resources = [mt.Resource.model_validate(item) for item in baked["resources"]]
            templates = [mt.ResourceTemplate.model_validate(item) for item in baked["resourceTemplates"]]
        except ValidationError:
            what = "its discovery.json holds a definition that breaks the protocol"
            raise Unreadable(f"{what}. Run `make generate` to write it anew.") from None
        for kind, item in [(kind, item) for kind, items in baked.items() for item in items]:
            name = item.get("uri") or item.get("uriTemplate") or item["name"]
            if (other := self._taken.setdefault((kind, name), backend.entry.slug)) != backend.entry.slug:
                raise Problem(f"{backend.entry.slug} and {other} both offer `{name}`.")
        for tool in tools:
            fields = {"title": tool.title, "parameters": tool.input_schema, "annotations": tool.annotations}
            self.tools.append(DoorTool.of(backend, tool, **fields))
        self._prompts += [DoorPrompt.of(backend, prompt) for prompt in prompts]
        for thing in resources:
            self._resources.append(DoorResource.of(backend, thing, uri=thing.uri))
        for form in templates:
            self._templates.append(DoorTemplate.of(backend, form, uri_template=form.uri_template, parameters={}))

    async def _list_tools(self) -> Sequence[Tool]:
        return self.tools

    async def _list_prompts(self) -> Sequence[Prompt]:
        return self._prompts

    async def _list_resources(self) -> Sequence[Resource]:
        return self._resources

    async def _list_resource_templates(self) -> Sequence[ResourceTemplate]:
        return self._templates


class Unknown(Middleware):
    """Answers a call of a tool that is not there in the fleet's voice."""

    async def on_call_tool(self, context: MiddlewareContext[Any], call_next: CallNext[Any, ToolResult]) -> ToolResult:
        """Say so."""
        try:
            return await call_next(context)
        except NotFoundError:
            return failed(f"Unknown tool `{context.message.name}`. List the tools to see what there is.")


def failed(text: str) -> ToolResult:
    """Return an error in the fleet's voice."""
    return ToolResult(content=[mt.TextContent(type="text", text=f"Error: {text}")], is_error=True)
