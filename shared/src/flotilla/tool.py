"""The one kind of tool: lenient at the door, strict inside, one shape and one voice on the way out."""

from __future__ import annotations

import asyncio
import difflib
import inspect
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypedDict, get_type_hints

from fastmcp.tools.base import Tool, ToolResult
from mcp.shared.exceptions import MCPError
from mcp_types import ToolAnnotations
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.json_schema import SkipJsonSchema

from . import errors
from .call import Rehearsed, current
from .confirm import Unanswered
from .results import failed, fitted, linked, packed
from .schema import arguments_of, decoded, portable, without_nulls

if TYPE_CHECKING:
    from .server import Server

NAME = re.compile(r"^[a-z][a-z0-9_]{0,44}$")
HIDDEN: dict[str, tuple[Any, Any]] = {  # arguments that the library handles, not the function: type and default
    "idempotency_key": (
        Annotated[str | None, Field(max_length=255, description="Repeat-safe: same key, done once a day")],
        None,
    ),
    "dry_run": (Annotated[bool, Field(description="Only show the request")], False),
    "confirm_token": (Annotated[str | None, Field(description="Only from this tool's own preview")], None),
}


class ReadOptions(TypedDict, total=False):
    """Options of every tool. `deadline` is in seconds; `scopes` are OAuth scopes, see `consent.scopes`."""

    core: bool
    group: str
    title: str
    deadline: float
    scopes: Sequence[str]


class ChangeOptions(ReadOptions, total=False):
    """`creates`: takes an idempotency_key; `idempotent`: repeating it changes nothing more.

    `confirm`: the question, which may name arguments: "Delete {path} for good?"; `asks`: the tool asks by itself.
    """

    creates: bool
    idempotent: bool
    asks: bool
    confirm: str


class WriteOptions(ChangeOptions, total=False):
    """`additive=False`: changes or removes part of a record; `replaces`: overwrites, or cannot be taken back."""

    additive: bool
    replaces: bool


class FleetTool(Tool):
    """A registered function. Only `Server` makes these."""

    fn: SkipJsonSchema[Callable[..., Awaitable[Any]]]
    takes: SkipJsonSchema[Any]  # TypeAdapter: arguments to keyword arguments
    gives: SkipJsonSchema[Any]  # TypeAdapter of the result
    server: SkipJsonSchema[Any]
    effect: str
    deadline: float | None
    question: str = ""
    asks: bool = False
    must_ask: bool = False  # nothing may be done before a person agreed

    @classmethod
    def of(
        cls, server: Server[Any], effect: str, fn: Callable[..., Awaitable[Any]], options: WriteOptions
    ) -> FleetTool:
        """Make the tool of a function; raises TypeError for what the fleet does not take."""
        name, question = f"{server.prefix}_{fn.__name__}", options.get("confirm", "")
        hints = get_type_hints(fn, include_extras=True)
        replaces = options.get("replaces", False)
        must_ask = effect == "destroys" or bool(question)
        hidden = {
            "idempotency_key": options.get("creates", False),
            "dry_run": effect != "reads",
            "confirm_token": must_ask or replaces or options.get("asks", False),
        }
        _refuse(name, fn, hints, question)
        if question and not (effect == "destroys" or replaces):
            raise TypeError(f"{name} asks every time, so it must say replaces=True")
        takes = arguments_of(fn, {n: HIDDEN[n] for n, wanted in hidden.items() if wanted})
        gives = TypeAdapter(hints["return"])
        output = portable(gives, "serialization")
        if output.get("type") != "object":
            raise TypeError(f"{name} must return an object, not {output.get('type')}: the gateway aborts on others")
        if effect != "reads":
            output.pop("required", None)  # previews and dry runs must fit it too
        return cls(
            name=name,
            title=options.get("title") or fn.__name__.replace("_", " ").capitalize(),
            description=prose(fn),
            parameters={"type": "object", "properties": {}, **portable(takes)},
            output_schema=output,
            annotations=ToolAnnotations(
                read_only_hint=effect == "reads",
                destructive_hint=effect == "destroys" or replaces or not options.get("additive", True),
                idempotent_hint=options.get("idempotent", effect == "reads"),
                open_world_hint=server.network,
            ),
            fn=fn,
            takes=takes,
            gives=gives,
            server=server,
            effect=effect,
            deadline=options.get("deadline"),
            question=question,
            asks=options.get("asks", False),
            must_ask=must_ask,
        )

    def get_meta(self) -> dict[str, Any]:
        """Keep FastMCP's own marks off the wire."""
        return None  # type: ignore[return-value]

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Run one call and return its result; every failure is a result too."""
        call = current()
        server: Server[Any] = self.server
        seconds = self.deadline or server.fleet.deadline
        try:
            given = self._validated(arguments)
            hidden = {name: given.pop(name, None) for name in HIDDEN}
            call.arguments = given
            call.dry_run = self.effect != "reads" and bool(hidden["dry_run"] or server.fleet.dry_run)
            call.idempotency_key = hidden["idempotency_key"] or ""
            call.confirm_token = hidden["confirm_token"] or ""
            server.settings  # noqa: B018 - what is not configured is told before anything is asked or sent
            async with asyncio.timeout(seconds) as call.timer:
                if self.must_ask:
                    call.unasked = server.fleet.confirm and not call.dry_run
                    if not self.asks:
                        await server.confirm(self._question(given))
                if call.idempotency_key and not call.dry_run:
                    return await server._idempotency.once(self._done)
                return await self._done()
        except Rehearsed as end:
            call.outcome = "dry_run"
            return packed({"dry_run": server.audit.masked(end.request)})
        except Unanswered as end:
            call.outcome = end.outcome
            return end.result
        except errors.Problem as problem:
            return failed(problem)
        except MCPError:  # the protocol's own, such as a capability that the client lacks
            raise
        except Exception as bug:  # one voice: never a traceback to the client
            if isinstance(bug, TimeoutError) and call.timer and call.timer.expired():
                what = f"{self.name} took longer than {seconds:g} seconds and was stopped."
                return failed(errors.Upstream(what + call.doubt(), "Ask for less at a time, or try again later."))
            server.audit.bug(self.name, bug)
            what = f"{self.name} failed inside Flotilla ({type(bug).__name__})."
            return failed(errors.Upstream(what + call.doubt(), "Tell the user; the server's log has the details."))

    def _validated(self, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return dict(self.takes.validate_python(decoded(arguments, self.parameters)))
        except ValidationError as problem:
            raise self._input_problem(problem) from None

    def _input_problem(self, problem: ValidationError) -> errors.Input:
        """Put the most telling problem into words: an unknown name before a missing one before a wrong value."""
        found = problem.errors(include_url=False, include_input=False)
        order = ("unexpected_keyword_argument", "missing_argument", "missing_keyword_only_argument", "missing")
        first = min(found, key=lambda e: order.index(e["type"]) if e["type"] in order else len(order))
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "unexpected_keyword_argument":
            known = list(self.parameters["properties"])
            near = difflib.get_close_matches(name, known, n=1)
            return errors.Input(
                f"Unknown argument `{errors.excerpt(name, 60)}`" + (f"; did you mean `{near[0]}`?" if near else "."),
                f"{self.name} takes: {', '.join(known) or 'no arguments'}.",
            )
        if first["type"].startswith("missing"):
            return errors.Input(f"Argument `{name}` is missing.", f"Call {self.name} again with it.")
        message = errors.excerpt(first["msg"].removeprefix("Value error, ").rstrip("."))
        return errors.Input(f"Argument `{name}` does not fit: {message}.", "Correct it and call again.")

    async def _done(self) -> ToolResult:
        raw = await self.fn(**current().arguments)
        if isinstance(raw, ToolResult):
            return raw
        data = self.gives.dump_python(self.gives.validate_python(raw), mode="json")
        shown = fitted(without_nulls(data, self.output_schema or {}), "limit" in self.parameters["properties"])
        return linked(packed(shown))

    def _question(self, given: dict[str, Any]) -> str:
        told = {name: errors.excerpt(value, 200) for name, value in given.items()}
        if self.question:
            return self.question.format_map(told)
        return f"{self.title}: {', '.join(f'{n}={told[n]}' for n, v in given.items() if v is not None)}?"


def prose(fn: Callable[..., Any]) -> str:
    """Return a docstring as paragraphs: the line breaks of the source are not the reader's."""
    return "\n\n".join(" ".join(part.split()) for part in (inspect.getdoc(fn) or "").split("\n\n"))


def _refuse(name: str, fn: Callable[..., Any], hints: dict[str, Any], question: str) -> None:
    parameters = set(inspect.signature(fn).parameters)
    for wrong, why in (
        (not NAME.match(name), "must match [a-z][a-z0-9_]* and have at most 45 characters"),
        (not inspect.iscoroutinefunction(fn), "must be an async function"),
        (not inspect.getdoc(fn), "needs a docstring: it is what the model reads"),
        ("return" not in hints, "needs a return type: it is the output schema"),
        (parameters & set(HIDDEN), f"must leave {', '.join(HIDDEN)} to the library"),
        (set(re.findall(r"{(\w+)}", question)) - parameters, "asks about an argument that it does not have"),
    ):
        if wrong:
            raise TypeError(f"{name} {why}")
