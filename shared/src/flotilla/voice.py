"""The middleware of every server: filters, audit, and no exception that leaves without being put into words."""

from __future__ import annotations

import asyncio
import difflib
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import mcp_types as mt
from fastmcp.exceptions import NotFoundError
from fastmcp.prompts.base import PromptResult
from fastmcp.server.dependencies import get_access_token
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import ToolResult
from mcp.shared.exceptions import MCPError

from . import errors
from .call import Call, entered
from .filters import visible
from .results import failed

if TYPE_CHECKING:
    from .server import Server

Context = MiddlewareContext


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
        """Refuse what the operator hides."""
        self.check()
        if not self.visible(context.message.name):
            raise NotFoundError(f"Unknown prompt: {context.message.name!r}")
        return await call_next(context)

    async def on_read_resource(self, context: Context[Any], call_next: CallNext[Any, Any]) -> Any:
        """Read nothing where a guard is unclear."""
        self.check()
        return await call_next(context)

    async def on_call_tool(
        self, context: Context[mt.CallToolRequestParams], call_next: CallNext[mt.CallToolRequestParams, ToolResult]
    ) -> ToolResult:
        """Run one call, and write its audit line."""
        name, server, started, result = context.message.name, self._server, time.perf_counter(), None
        self.running += 1
        with entered(Call(name)) as call:
            try:
                result = await self._answer(context, call_next, name)
                return result
            except asyncio.CancelledError:
                call.outcome = "cancelled"
                raise
            finally:
                self.running -= 1
                token = get_access_token()
                server.audit.call(
                    trace_id=call.trace_id,
                    user_id=server.fleet.user or (token.client_id if token else ""),
                    tool_name=name,
                    arguments=dict(context.message.arguments or {}),
                    outcome=call.outcome,
                    mcp_response=sum(len(getattr(part, "text", "")) for part in result.content) if result else 0,
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
            if server.fleet and server.fleet_problem:
                raise server.fleet_problem
            server.check_guards()
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
