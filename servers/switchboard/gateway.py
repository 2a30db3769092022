"""The client side: a FastMCP provider whose tools, prompts and resources stand for those of the servers."""

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
from fastmcp.server.dependencies import get_context
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.server.providers.base import Provider
from fastmcp.tools.base import InputRequiredToolResult, Tool, ToolResult
from mcp import MCPError
from pydantic import BaseModel, PrivateAttr, TypeAdapter, ValidationError

from .backend import Backend, ConnectionLostError, NotStartedError
from .catalog import CatalogError
from .client_request import ClientRequest
from .discovery import DiscoveryError

MAX_ROUNDS = 10  # times that one call may ask, as in the SDK's own clients
TOOL_RESULT: TypeAdapter[Any] = TypeAdapter(mt.CallToolResult | mt.InputRequiredResult)
PROMPT_RESULT: TypeAdapter[Any] = TypeAdapter(mt.GetPromptResult | mt.InputRequiredResult)
RESOURCE_RESULT: TypeAdapter[Any] = TypeAdapter(mt.ReadResourceResult | mt.InputRequiredResult)


async def forward(
    backend: Backend, request_type: Any, params_type: Any, result_type: Any, safe: bool = True, **fields: Any
) -> Any:
    """Send a request to a server and return its result.

    Where the client's protocol knows no InputRequiredResult, its questions are put to the client here.
    """
    client = ClientRequest(get_context())
    responses, state = client.input_responses, client.request_state
    for _ in range(MAX_ROUNDS):
        params = params_type(**fields, input_responses=responses, request_state=state, _meta=client.meta)
        result = await backend.send(client, request_type(params=params), result_type, safe)
        if result.meta:
            result.meta = {key: value for key, value in result.meta.items() if key != mt.SERVER_INFO_META_KEY} or None
        if client.modern or not isinstance(result, mt.InputRequiredResult):
            return result
        state = result.request_state
        responses = {key: await client.ask(question) for key, question in (result.input_requests or {}).items()}
        if not responses:
            await asyncio.sleep(0.1)  # the server only wants to be asked again
    raise ConnectionLostError(f"{backend.entry.slug} asked more than {MAX_ROUNDS} times during the call")


async def fetch(backend: Backend, request_type: Any, params_type: Any, result_type: Any, **fields: Any) -> Any:
    """Forward a request that changes nothing and has no error result: failures are errors of the protocol."""
    try:
        return await forward(backend, request_type, params_type, result_type, **fields)
    except (NotStartedError, ConnectionLostError) as error:
        message = f"Error: {error}. Nothing was changed. Try again later."
        raise MCPError(code=mt.INTERNAL_ERROR, message=message) from None


class Proxy(BaseModel):
    """What stands for something that a server offers. It is listed exactly as its discovery file defines it."""

    _definition: Any = PrivateAttr()
    _backend: Backend = PrivateAttr()

    @classmethod
    def of(cls, backend: Backend, definition: Any, **fields: Any) -> Self:
        """Make the proxy of a definition."""
        proxy = cls(**{"name": definition.name, "description": definition.description, **fields})
        proxy._definition, proxy._backend = definition, backend
        return proxy

    def _listed(self, **_: Any) -> Any:
        return self._definition

    to_mcp_tool = to_mcp_prompt = to_mcp_resource = to_mcp_template = _listed


class ProxyTool(Proxy, Tool):
    """A tool of a server."""

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Call the server's tool. What goes wrong on the way is an error result that says what was done."""
        safe = bool(self.annotations and self.annotations.read_only_hint)
        types = (mt.CallToolRequest, mt.CallToolRequestParams, TOOL_RESULT)
        try:
            result = await forward(self._backend, *types, safe, name=self.name, arguments=arguments)
        except NotStartedError as error:
            return failed(f"{error}. Nothing was done. Ask the user to fix it, then call again.")
        except ConnectionLostError as error:
            if safe:
                return failed(f"{error}. Nothing was changed. Try again later.")
            return failed(
                f"{error}: `{self.name}` may or may not have been done. Check whether it was done before you call it "
                "again."
            )
        except ValidationError:
            return failed(
                f"{self._backend.entry.slug} answered `{self.name}` with a result that breaks the protocol. "
                "Ask the user to update this server."
            )
        if isinstance(result, mt.InputRequiredResult):
            return InputRequiredToolResult(result)
        return ToolResult.from_mcp_result(result)


class ProxyPrompt(Proxy, Prompt):
    """A prompt of a server."""

    async def render(self, arguments: dict[str, Any] | None = None) -> PromptResult:
        """Get the prompt from the server."""
        types = (mt.GetPromptRequest, mt.GetPromptRequestParams, PROMPT_RESULT)
        result = await fetch(self._backend, *types, name=self.name, arguments=arguments)
        if isinstance(result, mt.InputRequiredResult):
            return InputRequiredPromptResult(result)
        messages = [Message(content=message.content, role=message.role) for message in result.messages]
        return PromptResult(messages=messages, description=result.description, meta=result.meta)


class ProxyResource(Proxy, Resource):
    """A resource of a server."""

    async def read(self) -> ResourceResult:
        """Read the resource from the server."""
        types = (mt.ReadResourceRequest, mt.ReadResourceRequestParams, RESOURCE_RESULT)
        result = await fetch(self._backend, *types, uri=self._definition.uri)
        if isinstance(result, mt.InputRequiredResult):
            return InputRequiredResourceResult(result)
        parts = [(base64.b64decode(p.blob) if hasattr(p, "blob") else p.text, p) for p in result.contents]
        contents = [ResourceContent(content, mime_type=p.mime_type, meta=p.meta) for content, p in parts]
        return ResourceResult(contents=contents, meta=result.meta)


class ProxyTemplate(Proxy, ResourceTemplate):
    """A resource template of a server."""

    async def create_resource(self, uri: str, params: dict[str, Any], context: Any = None) -> Resource:
        """Return the proxy of the resource at that URI."""
        return ProxyResource.of(self._backend, mt.Resource(name=self.name, uri=uri), uri=uri)


class Definitions(Provider):
    """Everything that the servers offer, in the catalog's order."""

    def __init__(self) -> None:
        super().__init__()
        self.tools: list[ProxyTool] = []
        self._prompts: list[ProxyPrompt] = []
        self._resources: list[ProxyResource] = []
        self._templates: list[ProxyTemplate] = []
        self._owners: dict[tuple[str, str], str] = {}

    def add(self, backend: Backend, definitions: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Offer what a server offers: `definitions` by kind, as `discovery.definitions` returns them.

        Raises CatalogError for a name that another server has, and DiscoveryError for definitions that break the
        protocol.
        """
        try:
            tools = [mt.Tool.model_validate(item) for item in definitions["tools"]]
            prompts = [mt.Prompt.model_validate(item) for item in definitions["prompts"]]
            resources = [mt.Resource.model_validate(item) for item in definitions["resources"]]
            templates = [mt.ResourceTemplate.model_validate(item) for item in definitions["resourceTemplates"]]
        except ValidationError:
            raise DiscoveryError(
                "its discovery.json holds a definition that breaks the protocol. Run `make generate` to write it again."
            ) from None
        for kind, item in [(kind, item) for kind, items in definitions.items() for item in items]:
            name = item.get("uri") or item.get("uriTemplate") or item["name"]
            if (other := self._owners.setdefault((kind, name), backend.entry.slug)) != backend.entry.slug:
                raise CatalogError(
                    f"{backend.entry.slug} and {other} both offer `{name}`. Name only one of them in --servers."
                )
        for tool in tools:
            fields = {"title": tool.title, "parameters": tool.input_schema, "annotations": tool.annotations}
            self.tools.append(ProxyTool.of(backend, tool, **fields))
        self._prompts += [ProxyPrompt.of(backend, prompt) for prompt in prompts]
        self._resources += [ProxyResource.of(backend, resource, uri=resource.uri) for resource in resources]
        for template in templates:
            fields = {"uri_template": template.uri_template, "parameters": {}}
            self._templates.append(ProxyTemplate.of(backend, template, **fields))

    async def _list_tools(self) -> Sequence[Tool]:
        return self.tools

    async def _list_prompts(self) -> Sequence[Prompt]:
        return self._prompts

    async def _list_resources(self) -> Sequence[Resource]:
        return self._resources

    async def _list_resource_templates(self) -> Sequence[ResourceTemplate]:
        return self._templates


class UnknownTool(Middleware):
    """Answers a call of a tool that does not exist with an error result, as the servers do."""

    async def on_call_tool(self, context: MiddlewareContext[Any], call_next: CallNext[Any, ToolResult]) -> ToolResult:
        """Turn FastMCP's error into a result."""
        try:
            return await call_next(context)
        except NotFoundError:
            return failed(f"Unknown tool `{context.message.name}`. List the tools to see which ones exist.")


def failed(text: str) -> ToolResult:
    """Return an error result."""
    return ToolResult(content=[mt.TextContent(type="text", text=f"Error: {text}")], is_error=True)
