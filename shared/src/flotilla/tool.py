"""The one kind of tool: lenient at the door, strict inside, one shape and one voice on the way out."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fastmcp.tools.base import Tool, ToolResult
from pydantic import ValidationError
from pydantic.json_schema import SkipJsonSchema

from . import errors
from .call import Rehearsed, current
from .confirm import Unanswered
from .results import failed, fitted, packed
from .schema import decoded, without_nulls

if TYPE_CHECKING:
    from .server import Server

HIDDEN = ("dry_run", "idempotency_key", "confirm_token")  # arguments that the library handles, not the tool


class FleetTool(Tool):
    """A registered function. Only `Server` makes these."""

    fn: SkipJsonSchema[Callable[..., Awaitable[Any]]]
    takes: SkipJsonSchema[Any]  # TypeAdapter: arguments to keyword arguments
    gives: SkipJsonSchema[Any]  # TypeAdapter of the result
    server: SkipJsonSchema[Any]
    effect: str
    tier: str
    group: str
    deadline: float | None
    question: str = ""

    def get_meta(self) -> dict[str, Any] | None:
        """Keep FastMCP's own marks off the wire."""
        return None

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Run one call and return its result; every failure is a result too."""
        call, server = current(), self.server
        try:
            given = self._validated(arguments)
            hidden = {name: given.pop(name, None) for name in HIDDEN}
            call.dry_run = self.effect != "reads" and bool(hidden["dry_run"] or server.fleet.dry_run)
            call.idempotency_key = hidden["idempotency_key"] or ""
            server.settings  # noqa: B018 - what is not configured is told before anything is asked or sent
            async with asyncio.timeout(self.deadline or server.fleet.deadline) as call.timer:
                if self.effect == "destroys" and not call.dry_run:
                    await server.confirm(self._question(given), given, hidden["confirm_token"] or "", self.name)
                if call.idempotency_key and not call.dry_run:
                    return await server.once(self.name, call.idempotency_key, given, lambda: self._done(given))
                return await self._done(given)
        except Rehearsed as end:
            call.outcome = "dry_run"
            return packed({"dry_run": server.masked(end.request)})
        except Unanswered as end:
            call.outcome = end.outcome
            return end.result
        except errors.Problem as problem:
            return failed(problem)
        except TimeoutError:
            return failed(self._too_late())
        except Exception as bug:  # one voice: never a traceback to the client
            server.log_bug(self.name, bug)
            what = f"{self.name} failed inside Flotilla ({type(bug).__name__})."
            return failed(errors.Upstream(what + self._maybe_done(), "Tell the user; the server's log has the details."))

    def _validated(self, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return dict(self.takes.validate_python(decoded(arguments, self.parameters)))
        except ValidationError as problem:
            raise self._input_problem(problem) from None

    def _input_problem(self, problem: ValidationError) -> errors.Input:
        found = problem.errors(include_url=False, include_input=False)
        order = ("unexpected_keyword_argument", "missing_argument", "missing_keyword_only_argument", "missing")
        found.sort(key=lambda e: order.index(e["type"]) if e["type"] in order else len(order))
        first = found[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "unexpected_keyword_argument":
            known = list(self.parameters.get("properties", {}))
            near = difflib.get_close_matches(name, known, n=1)
            return errors.Input(
                f"Unknown argument `{name}`" + (f"; did you mean `{near[0]}`?" if near else "."),
                f"{self.name} takes: {', '.join(known) or 'no arguments'}.",
            )
        if first["type"].startswith("missing"):
            return errors.Input(f"Argument `{name}` is missing.", f"Call {self.name} again with it.")
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        return errors.Input(f"Argument `{name}` does not fit: {errors.excerpt(message)}.", "Correct it and call again.")

    async def _done(self, given: dict[str, Any]) -> ToolResult:
        raw = await self.fn(**given)
        if isinstance(raw, ToolResult):
            return raw
        data = self.gives.dump_python(self.gives.validate_python(raw), mode="json")
        return packed(fitted(without_nulls(data, self.output_schema or {})))

    def _question(self, given: dict[str, Any]) -> str:
        if self.question:
            return self.question.format_map(given)
        told = ", ".join(f"{k}={errors.excerpt(v, 80)}" for k, v in given.items() if v is not None)
        return f"{self.title or self.name}: {told}?"

    def _maybe_done(self) -> str:
        return " It may or may not have been done: look before you repeat it." if current().acted else ""

    def _too_late(self) -> errors.Problem:
        seconds = self.deadline or self.server.fleet.deadline
        what = f"{self.name} took longer than {seconds:g} seconds and was stopped."
        return errors.Upstream(what + self._maybe_done(), "Ask for less at a time, or try again later.")
