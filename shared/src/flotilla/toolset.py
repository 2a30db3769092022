"""A set of tools: registered here, listed by the server that takes the set.

    tools = Toolset("events")

    @tools.reads(search="rendez-vous réservations")
    async def list_events(limit: Limit = 20, cursor: Cursor = None) -> Page[Event]: …

`reads`, `writes` and `destroys` are the only ways to register a tool: they decide hints, schemas, tier and audit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, Unpack, overload

from flotilla.tool import ChangeOptions, ReadOptions, WriteOptions

Kind = Literal["reads", "writes", "destroys"]
Function = TypeVar("Function", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True)
class Registered:
    """A function, and how it is to be offered."""

    fn: Callable[..., Awaitable[Any]]
    kind: Kind = "reads"
    options: WriteOptions = field(default_factory=WriteOptions)
    uri: str = ""  # of a resource
    mime: str = "text/plain"


class Toolset:
    """Tools, prompts and resources about one noun.

    `name` is their group in FLOTILLA_GROUPS, unless a tool names one.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.tools: list[Registered] = []
        self.prompts: list[Registered] = []
        self.resources: list[Registered] = []

    @overload
    def reads(self, fn: Function, /) -> Function: ...
    @overload
    def reads(self, /, **options: Unpack[ReadOptions]) -> Callable[[Function], Function]: ...
    def reads(self, fn: Any = None, /, **options: Any) -> Any:
        """Register a tool that changes nothing. Options: see `tool.ReadOptions`."""
        return self._register("reads", fn, options)

    @overload
    def writes(self, fn: Function, /) -> Function: ...
    @overload
    def writes(self, /, **options: Unpack[WriteOptions]) -> Callable[[Function], Function]: ...
    def writes(self, fn: Any = None, /, **options: Any) -> Any:
        """Register a tool that adds or changes. It gets `dry_run`, and `idempotency_key` with `creates=True`.

        Options: as `reads`; `idempotent` (repeating it changes nothing more); `asks` (it may call `confirm`);
        `additive=False` for a tool that changes or removes part of what is there (an update, a move, a message that
        cannot be called back): clients learn that it is destructive, nobody is asked; `replaces=True` for a tool
        that overwrites or cannot be taken back: clients learn so, and it asks, either every time by
        `confirm="Replace {path}?"`, or by `await confirm(question)` exactly when something would be lost.
        """
        return self._register("writes", fn, options)

    @overload
    def destroys(self, fn: Function, /) -> Function: ...
    @overload
    def destroys(self, /, **options: Unpack[ChangeOptions]) -> Callable[[Function], Function]: ...
    def destroys(self, fn: Any = None, /, **options: Any) -> Any:
        """Register a tool that takes something away: it gets `dry_run` and runs only after a yes.

        Options: as `writes`, and `confirm`, the question, which may name arguments: "Delete {path} for good?". Where
        these are ids, which tell a person nothing, the tool looks first and asks itself (`asks=True`); what it does
        before it has asked is refused.
        """
        return self._register("destroys", fn, options)

    def _register(self, kind: Kind, fn: Any, options: Any) -> Any:
        if fn is None:
            return lambda real: self._register(kind, real, options)
        self.tools.append(Registered(fn, kind, options))
        return fn

    def prompt(self, fn: Function) -> Function:
        """Register a prompt: an async function that returns the text a user would otherwise type."""
        self.prompts.append(Registered(fn))
        return fn

    def resource(self, uri: str, *, mime: str = "text/plain") -> Callable[[Function], Function]:
        """Register a resource, or a template with `{names}`: an async function that returns text or bytes."""

        def register(fn: Function) -> Function:
            self.resources.append(Registered(fn, uri=uri, mime=mime))
            return fn

        return register
