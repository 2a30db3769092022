"""The middleware of every server: filters, audit, and no exception that leaves without being put into words."""

from __future__ import annotations

import asyncio
import difflib
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import mcp_types as mt
from fastmcp.exceptions import FastMCPError, NotFoundError, PromptError, ResourceError
from fastmcp.prompts.base import PromptResult
from fastmcp.resources.base import ResourceResult
from fastmcp.server.dependencies import get_access_token
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import ToolResult
from mcp.shared.exceptions import MCPError

from . import errors
from .call import Call, entered
from .filters import visible
from .private import quiet_error
from .results import failed, sentence, warned

if TYPE_CHECKING:
    from .server import Server

Context = MiddlewareContext
R = TypeVar("R")


class Voice(Middleware):
    """Stands around every list and call of one server."""

    def __init__(self, server: Server[Any]) -> None:
        self._server = server
        self.running = 0  # calls in flight, for a polite end

    def visible(self, name: str) -> bool:
        """Tell whether the operator shows a tool, prompt or resource; `check` comes first."""
        return visible(os.environ, self._server.attributes.get(name, {}), name)

    def check(self) -> None:
        """Raise an error of the protocol, in a sentence, where a guard is unclear."""
        try:
            self._server.check_guards()
        except errors.Setup as problem:
            raise MCPError(code=mt.INTERNAL_ERROR, message=f"Error: {problem}") from None

    async def _shown(self, context: Context[Any], call_next: CallNext[Any, Sequence[Any]]) -> Sequence[Any]:
        """Leave out what the operator hides."""
        self.check()
        return [item for item in await call_next(context) if self.visible(item.name)]

    on_list_tools = on_list_prompts = on_list_resources = on_list_resource_templates = _shown

    async def on_get_prompt(
        self,
        context: Context[mt.GetPromptRequestParams],
        call_next: CallNext[mt.GetPromptRequestParams, PromptResult],
    ) -> PromptResult:
        """Render one prompt as a tool is called, and write its audit line; refuse what the operator hides."""
        name = context.message.name

        async def rendered(call: Call) -> PromptResult:
            self._check_settings(call, PromptError)
            if not self.visible(name):
                raise NotFoundError(f"Unknown prompt: {name!r}")
            return await call_next(context)

        return await self._audited(rendered, name, dict(context.message.arguments or {}), prompt_name=name)

    async def on_read_resource(
        self,
        context: Context[mt.ReadResourceRequestParams],
        call_next: CallNext[mt.ReadResourceRequestParams, ResourceResult],
    ) -> ResourceResult:
        """Read one resource as a tool is called, and write its audit line."""
        uri = str(context.message.uri)

        async def read(call: Call) -> ResourceResult:
            self._check_settings(call, ResourceError)
            return await call_next(context)

        return await self._audited(read, uri, {}, resource_uri=uri)

    def _refuse_wrong_settings(self) -> None:
        """Raise errors.Setup where a setting of the library is wrong or a guard is unclear: nothing is done then."""
        if self._server.fleet and self._server.fleet_problem:
            raise self._server.fleet_problem
        self._server.check_guards()

    def _check_settings(self, call: Call, failure: type[FastMCPError]) -> None:
        try:
            self._refuse_wrong_settings()
        except errors.Setup as problem:
            call.outcome = problem.kind
            raise quiet_error(failure, sentence(problem), is_input=False) from None

    async def on_call_tool(
        self, context: Context[mt.CallToolRequestParams], call_next: CallNext[mt.CallToolRequestParams, ToolResult]
    ) -> ToolResult:
        """Run one call, and write its audit line."""
        name = context.message.name

        async def run(call: Call) -> ToolResult:
            return warned(await self._answer(context, call_next, name), self._server.warnings.values())

        return await self._audited(run, name, dict(context.message.arguments or {}), tool_name=name)

    async def _audited(
        self, work: Callable[[Call], Awaitable[R]], called: str, arguments: dict[str, Any], **named: str
    ) -> R:
        """Run the work of one request as the current call, and write its audit line."""
        server, started, result = self._server, time.perf_counter(), None
        self.running += 1
        with entered(Call(called)) as call:
            try:
                result = await work(call)
                return result
            except asyncio.CancelledError:
                call.outcome = "cancelled"
                raise
            except NotFoundError:
                call.outcome = errors.NotFound.kind
                raise
            except Exception:
                call.outcome = errors.Upstream.kind if call.outcome == "ok" else call.outcome
                raise
            finally:
                self.running -= 1
                token = get_access_token()
                server.audit.call(
                    trace_id=call.trace_id,
                    user_id=server.fleet.user or (token.client_id if token else ""),
                    **named,
                    arguments=arguments,
                    outcome=call.outcome,
                    mcp_response=_size(result),
                    latency_ms=round((time.perf_counter() - started) * 1000, 1),
                )

    async def _answer(
        self,
        context: Context[mt.CallToolRequestParams],
        call_next: CallNext[mt.CallToolRequestParams, ToolResult],
        name: str,
    ) -> ToolResult:
        server = self._server
        try:
            self._refuse_wrong_settings()
            if name not in server.attributes or not self.visible(name):
                raise NotFoundError(name)
            return await call_next(context)
        except errors.Problem as problem:
            return failed(problem)
        except NotFoundError:
            known = [n for n in server.attributes if self.visible(n)]
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
            return failed(errors.NotFound(f"There is no tool {errors.excerpt(name, 60)} here.", hint))
        except MCPError:
            raise
        except Exception as bug:  # whatever FastMCP raises on the way must not become a protocol error with a trace
            server.audit.bug(name, bug)
            return failed(errors.Upstream(f"{name} failed inside Flotilla ({type(bug).__name__}).", "Tell the user."))


def _size(result: Any) -> int:
    """Return how many characters of text, or bytes, a client gets."""
    if isinstance(result, PromptResult):
        return sum(len(getattr(message.content, "text", "")) for message in result.messages)
    if isinstance(result, ResourceResult):
        return sum(len(part.content) for part in result.contents)
    return sum(len(getattr(part, "text", "")) for part in result.content) if result else 0
