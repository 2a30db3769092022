"""What tools, prompts and resources share while they run: validated arguments, a deadline, errors from exceptions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from fastmcp.exceptions import FastMCPError
from fastmcp.prompts.base import Message, Prompt, PromptResult
from mcp.shared.exceptions import MCPError
from pydantic import TypeAdapter, ValidationError
from pydantic.json_schema import SkipJsonSchema

from flotilla import errors
from flotilla.calls.context import current
from flotilla.calls.results import sentence
from flotilla.calls.schema import DEEPEST, Schema, arguments_of, decoded, is_deep, portable
from flotilla.calls.validation import input_problem, unknown_key
from flotilla.compat import quiet_error
from flotilla.http.responses import unreadable
from flotilla.settings import scrub
from flotilla.text import plain

Run = Callable[[Mapping[str, Any]], Awaitable[Any]]


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Raise TimeoutError in the block after so many seconds."""
    call = current()
    call.seconds = seconds
    async with asyncio.timeout(seconds) as call.timer:
        yield


@contextmanager
def in_doubt(hint: str, sentence: str = "") -> Iterator[None]:
    """Give an error that leaves open whether something was done a hint of its own: where to look before it is repeated.

    `sentence` says what may have been done ("The call may have been made.").
    """
    try:
        yield
    except errors.UpstreamError as error:
        if current().may_have_side_effects and not current().outcome_known:
            error.noted(f" {sentence}".rstrip())
            error.hint = hint
        raise


def error_of(name: str, bug: Exception) -> errors.FlotillaError:
    """Return the error that a client reads in place of an exception of the running call."""
    call = current()
    note, known = call.uncertainty_note(), call.may_have_side_effects and call.outcome_known
    if isinstance(bug, errors.FlotillaError):
        return bug.noted(note) if known and call.newer_effect else bug  # else the tool has said so
    if isinstance(bug, TimeoutError) and call.timer and call.timer.expired():
        message = f"{name} took longer than {call.seconds:g} seconds and was stopped."
        hint = "Ask for less at a time, or try again later."
        if title := call.stalled_vendor():
            message, hint = (
                f"{title} did not answer, so {name} was stopped after {call.seconds:g} seconds.",
                "Try again later.",
            )
        return errors.UpstreamError(message + note, "" if known else hint)
    if call.connection:
        call.connection.audit.bug(name, bug)
    if isinstance(bug, ValidationError) and call.last_vendor:
        path = ".".join(str(part) for part in bug.errors(include_url=False, include_input=False)[0]["loc"])
        return unreadable(
            call.last_vendor, f"answered without what is expected at `{errors.excerpt(path, 60) or 'the top'}`"
        )
    if isinstance(bug, RecursionError) and call.last_vendor:
        return unreadable(call.last_vendor, "answered with something that is nested too deeply")
    message = f"{name} failed inside Flotilla ({type(bug).__name__})."
    return errors.UpstreamError(message + note, "Tell the user; the server's log has the details.")


def validated(name: str, adapter: TypeAdapter[Any], schema: Schema, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments as the function takes them.

    Raises errors.InvalidInputError for the first wrong one.
    """
    if is_deep(arguments):
        raise errors.InvalidInputError(
            f"The arguments are nested more than {DEEPEST} levels deep.", "Send flatter ones."
        )
    read = decoded(dict(arguments), schema)
    if problem := unknown_key(name, read, schema):
        raise problem
    try:
        return dict(adapter.validate_python(read))
    except ValidationError as refusal:
        raise input_problem(name, schema, refusal) from None


def guarded(name: str, fn: Callable[..., Awaitable[Any]], failure: type[FastMCPError]) -> Run:
    """Return the function of a prompt or resource, to be called with its arguments; it fails with `Error: …` alone."""
    adapter = arguments_of(fn, {})
    schema = {"type": "object", "properties": {}, **portable(adapter)}

    async def run(arguments: Mapping[str, Any]) -> Any:
        call = current()
        call.tool = name
        try:
            call.arguments = validated(name, adapter, schema, arguments)
            connection = call.connection
            assert connection, "a prompt or resource runs within a call"
            connection.settings  # noqa: B018 - fails before anything is sent where a setting is missing
            async with deadline(connection.fleet.deadline):
                result = await fn(**call.arguments)
            return scrub(plain(result)) if isinstance(result, str) else result
        except (MCPError, FastMCPError):
            raise
        except Exception as bug:
            error = error_of(name, bug)
        call.outcome = error.kind
        raise quiet_error(failure, sentence(error), is_input=isinstance(error, errors.InvalidInputError))

    return run


class FleetPrompt(Prompt):
    """A registered prompt. Only `Server` makes these."""

    run: SkipJsonSchema[Run]

    async def render(self, arguments: dict[str, Any] | None = None) -> str | list[Message | str] | PromptResult:
        """Return what the function returns."""
        result: str | list[Message | str] | PromptResult = await self.run(arguments or {})
        return result
