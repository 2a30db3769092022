"""The middleware of every server: filters, audit, and a consistent format of errors."""

from __future__ import annotations

import asyncio
import difflib
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import mcp_types as mt
from fastmcp.exceptions import FastMCPError, NotFoundError, PromptError, ResourceError
from fastmcp.prompts.base import PromptResult
from fastmcp.resources.base import ResourceResult
from fastmcp.server.dependencies import get_access_token
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import ToolResult
from mcp.shared.exceptions import MCPError

from flotilla import errors
from flotilla.calls.context import Call, current, entered
from flotilla.calls.results import failed, given_access, sentence, timed, warned
from flotilla.compat import quiet_error
from flotilla.connection import Connection
from flotilla.serving import telemetry
from flotilla_launcher.warm import note_call

Context = MiddlewareContext
R = TypeVar("R")
HOUR = 3_600.0  # seconds


class CallMiddleware(Middleware):
    """Stands around every list and call of one server."""

    def __init__(self, connect: Callable[[], Connection[Any]]) -> None:
        self._connect = connect
        self.running = 0  # calls in flight, so that an end can wait for them
        self._noted = -math.inf  # when the launcher was last told of a call, see `flotilla_launcher.warm`

    @property
    def connection(self) -> Connection[Any]:
        """The running call's account, which is chosen once; outside of a call, as for lists, the one it would get."""
        return current().connection or self._connect()

    def check(self) -> None:
        """Raise a protocol error where a guard is unclear."""
        try:
            self.connection.check_guards()
        except errors.ConfigurationError as problem:
            raise MCPError(code=mt.INTERNAL_ERROR, message=f"Error: {problem}") from None

    async def _shown(self, context: Context[Any], call_next: CallNext[Any, Sequence[Any]]) -> Sequence[Any]:
        """Leave out what the operator hides."""
        self.check()
        return [item for item in await call_next(context) if self.connection.shows(item.name)]

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
            if not self.connection.shows(name):
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
        """Raise errors.ConfigurationError where a setting of the library is wrong or a guard is unclear.

        Nothing is done then.
        """
        connection = self.connection
        if connection.fleet and connection.fleet_error:
            raise connection.fleet_error
        connection.check_guards()

    def _check_settings(self, call: Call, failure: type[FastMCPError]) -> None:
        try:
            self._refuse_wrong_settings()
        except errors.ConfigurationError as problem:
            call.outcome = problem.kind
            raise quiet_error(failure, sentence(problem), is_input=False) from None

    async def on_call_tool(
        self, context: Context[mt.CallToolRequestParams], call_next: CallNext[mt.CallToolRequestParams, ToolResult]
    ) -> ToolResult:
        """Run one call, and write its audit line."""
        name = context.message.name
        if time.monotonic() > self._noted + HOUR:
            self._noted = time.monotonic()
            note_call(self.connection.fleet.state, self.connection.integration.slug)

        async def run(call: Call) -> ToolResult:
            return timed(warned(await self._answer(context, call_next, name), self.connection.warnings.values()))

        return await self._audited(run, name, dict(context.message.arguments or {}), tool_name=name)

    async def _audited(
        self, work: Callable[[Call], Awaitable[R]], called: str, arguments: dict[str, Any], **named: str
    ) -> R:
        """Run the work of one request as the current call, and write its audit line."""
        connection, started, result = self._connect(), time.perf_counter(), None
        self.running += 1
        with entered(Call(called, connection, access=given_access())) as call:
            try:
                result = await work(call)
                return result
            except asyncio.CancelledError:
                call.outcome = "cancelled"
                raise
            except NotFoundError:
                call.outcome = errors.NotFoundError.kind
                raise
            except Exception:
                call.outcome = errors.UpstreamError.kind if call.outcome == "ok" else call.outcome
                raise
            finally:
                self.running -= 1
                seconds = time.perf_counter() - started
                telemetry.measure(
                    telemetry.SERVER_CALL,
                    seconds,
                    server=connection.integration.slug,
                    tool=called if called in connection.integration.attributes else "other",  # a client may name any
                    outcome=call.outcome,
                )
                token = get_access_token()
                connection.audit.call(
                    trace_id=call.trace_id,
                    user_id=connection.fleet.user or (token.client_id if token else ""),
                    **named,
                    arguments=arguments,
                    outcome=call.outcome,
                    figures={
                        "mcp_response": _size(result),
                        "latency_ms": round(seconds * 1000, 1),
                        "vendor_ms": round(call.vendor_seconds * 1000, 1),
                    },
                )

    async def _answer(
        self,
        context: Context[mt.CallToolRequestParams],
        call_next: CallNext[mt.CallToolRequestParams, ToolResult],
        name: str,
    ) -> ToolResult:
        attributes = self.connection.integration.attributes
        try:
            self._refuse_wrong_settings()
            if name not in attributes or not self.connection.shows(name):
                raise NotFoundError(name)
            return await call_next(context)
        except errors.FlotillaError as problem:
            return failed(problem)
        except NotFoundError:
            known = [n for n in attributes if self.connection.shows(n)]
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Available tools: {', '.join(known)}."
            return failed(errors.NotFoundError(f"There is no tool {errors.excerpt(name, 60)}.", hint))
        except MCPError:
            raise
        except Exception as bug:  # what FastMCP raises must not become a protocol error with a trace
            self.connection.audit.bug(name, bug)
            return failed(
                errors.UpstreamError(f"{name} failed inside Flotilla ({type(bug).__name__}).", "Tell the user.")
            )


def _size(result: Any) -> int:
    """Return how many characters of text, or bytes, a client gets."""
    if isinstance(result, PromptResult):
        return sum(len(getattr(message.content, "text", "")) for message in result.messages)
    if isinstance(result, ResourceResult):
        return sum(len(part.content) for part in result.contents)
    return sum(len(getattr(part, "text", "")) for part in result.content) if result else 0
