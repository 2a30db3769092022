"""What tools, prompts and resources have in common while they run: checked arguments, a deadline, failures in words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastmcp.exceptions import FastMCPError
from fastmcp.prompts.base import Message, Prompt, PromptResult
from mcp.shared.exceptions import MCPError
from pydantic import TypeAdapter, ValidationError
from pydantic.json_schema import SkipJsonSchema

from . import errors
from .answers import unreadable
from .call import current
from .private import quiet_error
from .results import sentence
from .schema import DEEPEST, Schema, arguments_of, decoded, is_deep, portable
from .settings import scrub
from .text import plain
from .validation import input_problem, unknown_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .server import Server

Run = Callable[[Mapping[str, Any]], Awaitable[Any]]


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Stop what runs inside after so many seconds."""
    call = current()
    call.seconds = seconds
    async with asyncio.timeout(seconds) as call.timer:
        yield


def problem_of_bug(server: Server[Any], name: str, bug: Exception) -> errors.Problem:
    """Return the problem that an exception of a running call is: what the client reads in place of it."""
    call = current()
    doubt, settled = call.doubt(), call.acted and call.settled
    if isinstance(bug, errors.Problem):
        return bug.noted(doubt) if settled and call.later else bug  # else the tool knows what it says
    if isinstance(bug, TimeoutError) and call.timer and call.timer.expired():
        what = f"{name} took longer than {call.seconds:g} seconds and was stopped."
        then = "Ask for less at a time, or try again later."
        if title := call.hangs():
            what, then = (
                f"{title} did not answer, so {name} was stopped after {call.seconds:g} seconds.",
                "Try again later.",
            )
        return errors.Upstream(what + doubt, "" if settled else then)
    server.audit.bug(name, bug)
    if isinstance(bug, ValidationError) and call.heard:
        where = ".".join(str(part) for part in bug.errors(include_url=False, include_input=False)[0]["loc"])
        return unreadable(
            call.heard, f"answered without what is expected at `{errors.excerpt(where, 60) or 'the top'}`"
        )
    if isinstance(bug, RecursionError) and call.heard:
        return unreadable(call.heard, "answered with something that is nested too deeply")
    what = f"{name} failed inside Flotilla ({type(bug).__name__})."
    return errors.Upstream(what + doubt, "Tell the user; the server's log has the details.")


def validated(name: str, takes: TypeAdapter[Any], schema: Schema, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments as the function takes them; raises errors.Input that says what is wrong with one of them."""
    if is_deep(arguments):
        raise errors.Input(f"The arguments are nested more than {DEEPEST} levels deep.", "Send flatter ones.")
    read = decoded(dict(arguments), schema)
    if problem := unknown_key(name, read, schema):
        raise problem
    try:
        return dict(takes.validate_python(read))
    except ValidationError as refusal:
        raise input_problem(name, schema, refusal) from None


def guarded(server: Server[Any], name: str, fn: Callable[..., Awaitable[Any]], failure: type[FastMCPError]) -> Run:
    """Return the function of a prompt or resource, to be called with its arguments; it fails with `Error: …` alone."""
    takes = arguments_of(fn, {})
    schema = {"type": "object", "properties": {}, **portable(takes)}

    async def run(arguments: Mapping[str, Any]) -> Any:
        call = current()
        call.tool = name
        try:
            call.arguments = validated(name, takes, schema, arguments)
            server.settings  # noqa: B018 - what is not configured is told before anything is sent
            async with deadline(server.fleet.deadline):
                result = await fn(**call.arguments)
            return scrub(plain(result)) if isinstance(result, str) else result
        except (MCPError, FastMCPError):
            raise
        except Exception as bug:
            problem = problem_of_bug(server, name, bug)
        call.outcome = problem.kind
        raise quiet_error(failure, sentence(problem), is_input=isinstance(problem, errors.Input))

    return run


class FleetPrompt(Prompt):
    """A registered prompt. Only `Server` makes these."""

    run: SkipJsonSchema[Run]

    async def render(self, arguments: dict[str, Any] | None = None) -> str | list[Message | str] | PromptResult:
        """Return what the function returns."""
        result: str | list[Message | str] | PromptResult = await self.run(arguments or {})
        return result
