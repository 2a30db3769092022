"""The one kind of tool: lenient about how arguments are written, strict about what they mean, one format of results."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypedDict, get_type_hints

from fastmcp.tools.base import Tool, ToolResult
from mcp.shared.exceptions import MCPError
from mcp_types import ToolAnnotations
from pydantic import Field, TypeAdapter
from pydantic.json_schema import SkipJsonSchema

from flotilla.calls.confirmation import ConfirmationRequired, confirm
from flotilla.calls.context import current
from flotilla.calls.dry_run import DryRunResult
from flotilla.calls.execution import deadline, error_of, validated
from flotilla.calls.idempotency import Idempotency
from flotilla.calls.results import failed, fitted, linked, packed, safe, visible_in
from flotilla.calls.schema import arguments_of, portable, without_nulls
from flotilla.connection import Connection
from flotilla.integration import Integration
from flotilla.text import named

NAME = re.compile(r"^[a-z][a-z0-9_]{0,44}$")
_KEY = Field(max_length=255, description="Key for safe retries: within a day, the same key returns the first result.")
# Arguments that the library handles, not the function: type and default.
RESERVED_ARGUMENTS: dict[str, tuple[Any, Any]] = {
    "idempotency_key": (Annotated[str | None, _KEY], None),
    "dry_run": (Annotated[bool, Field(description="Only show what would be sent.")], False),
    "confirm_token": (Annotated[str | None, Field(description="Token from this tool's own preview.")], None),
}


class ReadOptions(TypedDict, total=False):
    """Options of every tool. `deadline` is in seconds; `scopes` and `tolerated` are OAuth scopes: alternatives
    that are enough, and such as are better than nothing, see `consent.Scopes`.

    `search` are further words, and `examples` sentences of people, by which the switchboard finds the tool; they are
    not part of what a model reads.
    `exact`: fields of the result that go out as they are, because the tool itself escapes what is hidden in them.
    `credential`: the settings field of a credential that opens this tool and no other, such as a webhook's address:
    where it is the only one that is set, only its tools are offered.
    """

    core: bool
    group: str
    title: str
    deadline: float
    scopes: Sequence[str]
    tolerated: Sequence[str]
    exact: Sequence[str]
    credential: str
    search: str
    examples: Sequence[str]


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
    input_adapter: SkipJsonSchema[Any]  # TypeAdapter: arguments to keyword arguments
    output_adapter: SkipJsonSchema[Any]  # TypeAdapter of the result
    kind: str
    deadline: float | None
    question: str = ""
    asks: bool = False
    exact: Sequence[str] = ()
    replaces: bool = False
    must_ask: bool = False  # nothing may be done before a person agreed

    @classmethod
    def made_of(
        cls, integration: Integration[Any], kind: str, fn: Callable[..., Awaitable[Any]], options: WriteOptions
    ) -> FleetTool:
        """Make the tool of a function; raises TypeError for what breaks the rules of the fleet."""
        name, question = f"{integration.prefix}_{fn.__name__}", options.get("confirm", "")
        hints = get_type_hints(fn, include_extras=True)
        replaces = options.get("replaces", False)
        must_ask = kind == "destroys" or bool(question)
        hidden = {
            "idempotency_key": options.get("creates", False),
            "dry_run": kind != "reads",
            "confirm_token": must_ask or replaces or options.get("asks", False),
        }
        _refuse(name, fn, hints, question)
        if question and not (kind == "destroys" or replaces):
            raise TypeError(f"{name} asks every time, so it must say replaces=True")
        input_adapter = arguments_of(fn, {n: RESERVED_ARGUMENTS[n] for n, wanted in hidden.items() if wanted})
        output_adapter = TypeAdapter(hints["return"])
        output = portable(output_adapter, "serialization")
        if output.get("type") != "object":
            raise TypeError(f"{name} must return an object, not {output.get('type')}: the gateway aborts on others")
        if kind != "reads":
            output.pop("required", None)  # previews and dry runs must fit it too
        return cls(
            name=name,
            title=options.get("title") or fn.__name__.replace("_", " ").capitalize(),
            description=prose(fn),
            parameters={"type": "object", "properties": {}, **portable(input_adapter)},
            output_schema=output,
            annotations=ToolAnnotations(
                read_only_hint=kind == "reads",
                destructive_hint=kind == "destroys" or replaces or not options.get("additive", True),
                idempotent_hint=options.get("idempotent", kind == "reads"),
                open_world_hint=integration.network,
            ),
            fn=fn,
            input_adapter=input_adapter,
            output_adapter=output_adapter,
            kind=kind,
            deadline=options.get("deadline"),
            question=question,
            asks=options.get("asks", False),
            exact=options.get("exact", ()),
            replaces=replaces,
            must_ask=must_ask,
        )

    def get_meta(self) -> dict[str, Any]:
        """Keep FastMCP's own marks off the wire."""
        return None  # type: ignore[return-value]

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Run one call and return its result; every failure is a result too."""
        call = current()
        connection = call.connection
        assert connection, "a tool runs within a call"
        try:
            values = self._validated(arguments)
            hidden = {name: values.pop(name, None) for name in RESERVED_ARGUMENTS}
            call.arguments = values
            call.dry_run = self.kind != "reads" and bool(hidden["dry_run"] or connection.fleet.dry_run)
            call.idempotency_key = hidden["idempotency_key"] or ""
            call.confirm_token = hidden["confirm_token"] or ""
            connection.settings  # noqa: B018 - fails before anything is asked or sent where a setting is missing
            async with deadline(self.deadline or connection.fleet.deadline):
                if self.must_ask:
                    call.confirmation_pending = connection.fleet.confirm and not call.dry_run
                if call.idempotency_key and not call.dry_run:
                    return await _idempotency(connection).once(self._confirm_and_run)
                return await self._confirm_and_run()
        except DryRunResult as end:
            call.outcome = "dry_run"
            return packed({"dry_run": visible_in(connection.audit.masked(end.request))})
        except ConfirmationRequired as end:
            call.outcome = end.outcome
            return end.result
        except MCPError:  # the protocol's own, such as a capability that the client lacks
            raise
        except Exception as bug:  # never a traceback to the client
            return failed(error_of(self.name, bug))

    def _validated(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return validated(self.name, self.input_adapter, self.parameters, arguments)

    async def _confirm_and_run(self) -> ToolResult:
        """Ask inside of the idempotency: a repeat with the same key gets its result, though its yes was used up."""
        if self.must_ask and not self.asks:
            await confirm(self._question(current().arguments))
        return await self._run_function()

    async def _run_function(self) -> ToolResult:
        raw = await self.fn(**current().arguments)
        if isinstance(raw, ToolResult):
            return raw
        data = safe(self.output_adapter.dump_python(self.output_adapter.validate_python(raw), mode="json"), self.exact)
        shown = fitted(without_nulls(data, self.output_schema or {}), "limit" in self.parameters["properties"])
        return linked(packed(shown))

    def _question(self, arguments: dict[str, Any]) -> str:
        shown = {name: named(value) for name, value in arguments.items()}
        if self.question:
            return self.question.format_map(shown)
        return f"{self.title}: {', '.join(f'{n}={shown[n]}' for n, v in arguments.items() if v is not None)}?"


def _idempotency(connection: Connection[Any]) -> Idempotency:
    return connection.resource(Idempotency, lambda: Idempotency(connection.state, connection.audit))


def prose(fn: Callable[..., Any]) -> str:
    """Return a docstring as paragraphs: the line breaks of the source are not the reader's."""
    return "\n\n".join(" ".join(part.split()) for part in (inspect.getdoc(fn) or "").split("\n\n"))


def _refuse(name: str, fn: Callable[..., Any], hints: dict[str, Any], question: str) -> None:
    parameters = set(inspect.signature(fn).parameters)
    for broken, rule in (
        (not NAME.match(name), "must match [a-z][a-z0-9_]* and have at most 45 characters"),
        (not inspect.iscoroutinefunction(fn), "must be an async function"),
        (not inspect.getdoc(fn), "needs a docstring: it is what the model reads"),
        ("return" not in hints, "needs a return type: it is the output schema"),
        (parameters & set(RESERVED_ARGUMENTS), f"must leave {', '.join(RESERVED_ARGUMENTS)} to the library"),
        (set(re.findall(r"{(\w+)}", question)) - parameters, "asks about an argument that it does not have"),
    ):
        if broken:
            raise TypeError(f"{name} {rule}")
