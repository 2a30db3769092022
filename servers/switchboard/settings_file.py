"""The switchboard's settings: one JSON file that a person and the console write, read again whenever it changes.

`settings.schema.json` describes it for editors; it is made from the classes here. An option of the command line or the
environment wins over the file. Standard library only: the launcher reads it too.
"""

from __future__ import annotations

import argparse
import json
import os
import types
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from .catalog import CatalogError
from .options import IN_FILE
from .reporting import report

Decision = Literal["allow", "ask", "deny"]


class SettingsError(CatalogError):
    """The settings file cannot be used as it is."""


@dataclass(frozen=True)
class Rule:
    """A decision about all tools that two patterns match; `*` stands for any characters."""

    tool: Annotated[str, "Pattern of tool names: crm_delete_*."] = "*"
    server: Annotated[str, "Pattern of server names: hubspot, or * for all."] = "*"
    decision: Annotated[Decision, "allow, ask (a person is asked each time) or deny (not listed, not callable)."] = (
        "ask"
    )


@dataclass(frozen=True)
class Defaults:
    """What counts where no rule matches, by what a tool's hints say that it does."""

    read: Annotated[Decision, "For tools that only read."] = "allow"
    write: Annotated[Decision, "For tools that create or change something; ask: once for each tool."] = "ask"
    destroy: Annotated[Decision, "For tools that delete, overwrite or cannot be taken back; ask: each time."] = "ask"


@dataclass(frozen=True)
class Approvals:
    """How a person is asked."""

    ask: Annotated[Literal["client", "console"], "Whom a call asks: the client that can be asked, or the console."] = (
        "client"
    )
    by_token: Annotated[bool, "Whether a client that cannot ask may pass a yes on with `approve_call`."] = True
    wait_seconds: Annotated[float, "Seconds that a call waits for a yes in a console that is open."] = 25.0


@dataclass(frozen=True)
class Time:
    """How long calls may take, in seconds."""

    limit_seconds: Annotated[float, "Limit of a call."] = 30.0
    tools: Annotated[Mapping[str, float], "Limits of single tools: pattern of tool names to seconds."] = field(
        default_factory=dict
    )
    say_after_seconds: Annotated[
        float, "A client that wants progress gets a sentence after that time, 0: never; from the next start."
    ] = 1.5


@dataclass(frozen=True)
class Search:
    """Four tools that search and call all others, in place of all of them."""

    mode: Annotated[Literal["auto", "on", "off"], "auto: where there are more than 40 tools. From the next start."] = (
        "auto"
    )
    embeddings_url: Annotated[str, "Address of an embeddings API in OpenAI's form; empty: words alone."] = ""
    embeddings_model: Annotated[str, "Model of that API."] = ""


@dataclass(frozen=True)
class Log:
    """The log of calls."""

    mode: Annotated[Literal["on", "results", "off"], "results: results are kept too. From the next start."] = "on"
    days: Annotated[int, "Days that a row is kept, from the next start."] = 90
    rows: Annotated[int, "Rows that are kept, from the next start."] = 100_000


@dataclass(frozen=True)
class Notes:
    """What was to be done while a server could not be reached."""

    on: Annotated[bool, "Whether the tool `note_save` is offered."] = True


@dataclass(frozen=True)
class Settings:
    """All settings, each with its default."""

    permissions: Annotated[tuple[Rule, ...], "Rules; deny counts before ask, ask before allow."] = ()
    defaults: Annotated[Defaults, "What counts where no rule matches."] = field(default_factory=Defaults)
    approvals: Annotated[Approvals, "How a person is asked."] = field(default_factory=Approvals)
    servers: Annotated[Mapping[str, Any], "Servers of your own, by name: see `scripts/flotilla servers`."] = field(
        default_factory=dict
    )
    time: Annotated[Time, "How long calls may take."] = field(default_factory=Time)
    language: Annotated[Literal["auto", "en", "fr"], "Language of sentences for a person, from the next start."] = (
        "auto"
    )
    search: Annotated[Search, "Tool search."] = field(default_factory=Search)
    log: Annotated[Log, "The log of calls."] = field(default_factory=Log)
    notes: Annotated[Notes, "Notes."] = field(default_factory=Notes)


ALLOWED = {
    "permissions": [],
    **{f"defaults.{kind}": "allow" for kind in ("read", "write", "destroy")},
}  # --permissions off
PLAIN = {  # by --plain
    **ALLOWED,
    "log.mode": "off",
    "notes.on": False,
    "search.mode": "off",
    "servers": {},
    "time.limit_seconds": 0,
    "time.say_after_seconds": 0,
}


def of(options: argparse.Namespace) -> SettingsFile:
    """Return the settings file of the switchboard's options, which win over it."""
    chosen = {dotted: getattr(options, name.replace("-", "_")) for name, dotted in IN_FILE.items()}
    overrides = {dotted: value for dotted, value in chosen.items() if value is not None}
    if options.notes:
        overrides["notes.on"] = options.notes == "on"
    overrides = {**(ALLOWED if options.permissions == "off" else {}), **overrides}
    return SettingsFile(Path(options.settings), {**PLAIN, **overrides} if options.plain == "on" else overrides)


class SettingsFile:
    """Gives the settings of a file, as they stand in it now. `overrides` are options, by dotted name: search.mode."""

    def __init__(self, path: Path, overrides: Mapping[str, Any] | None = None) -> None:
        self.path, self.problem = path, ""  # why the file cannot be used now, where it cannot
        self._overrides = dict(overrides or {})
        self._seen: tuple[int, int, int] | None = None
        self._settings = parse({}, self._overrides, str(path))

    @property
    def overrides(self) -> Mapping[str, Any]:
        """The options that win over the file, by dotted name."""
        return self._overrides

    def load(self) -> Settings:
        """Return the settings. Raises SettingsError where the file is wrong."""
        settings = self.current()
        if self.problem:
            raise SettingsError(self.problem)
        return settings

    def current(self) -> Settings:
        """Return the settings; those before, where the file is wrong now, which is reported once."""
        try:
            about = os.stat(self.path)
            seen = (about.st_mtime_ns, about.st_size, about.st_ino)
        except OSError:
            seen = (0, 0, 0)
        if seen != self._seen:
            self._seen = seen
            try:
                self._settings, self.problem = parse(_read(self.path), self._overrides, str(self.path)), ""
            except SettingsError as error:
                self.problem = str(error)
                report(f"{error} The settings before stay in force.")
        return self._settings

    def update(self, change: Callable[[dict[str, Any]], None]) -> Settings:
        """Change the file's document by a function and write it, whole or not at all. Raises SettingsError."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(self.path.with_suffix(".lock")):
            document = _read(self.path)
            change(document)
            parse(document, self._overrides, str(self.path))
            text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
            import tempfile  # not at the top: the launcher reads settings, and writes none

            fd, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            try:
                with os.fdopen(fd, "w", encoding="utf-8") as file:
                    file.write(text)
                os.replace(name, self.path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(name)
                raise
        return self.current()


@contextmanager
def _locked(path: Path) -> Any:
    """Hold a lock that other processes respect, where the platform has one."""
    with path.open("a") as file:
        with suppress(ImportError):
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from None
    try:
        document = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise SettingsError(f"{path} is not valid JSON: {error}.") from None
    if not isinstance(document, dict):
        raise SettingsError(f"{path} must hold one JSON object.")
    return document


def parse(document: Mapping[str, Any], overrides: Mapping[str, Any], name: str) -> Settings:
    """Return the settings of a document. Raises SettingsError, which names the place and what is expected there."""
    whole: dict[str, Any] = {key: value for key, value in document.items() if key != "$schema"}
    for dotted, value in overrides.items():
        section, _, key = dotted.partition(".")
        part = whole.get(section)
        whole[section] = {**(part if isinstance(part, dict) else {}), key: value} if key else value
    settings: Settings = _value(Settings, whole, name, "")
    return settings


def _value(kind: Any, value: Any, name: str, place: str) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _object(kind, value, name, place)
    if origin is Literal:
        if value in args:
            return value
        raise SettingsError(f"{name}: {place} must be {', '.join(args[:-1])} or {args[-1]}.")
    if origin is tuple:
        if isinstance(value, list):
            return tuple(_value(args[0], item, name, f"{place}[{number}]") for number, item in enumerate(value))
        raise SettingsError(f"{name}: {place} must be a list.")
    if origin is not None:  # a mapping
        if isinstance(value, dict):
            return {key: value if args[1] is Any else _value(args[1], value, name, f"{place}.{key}")
                    for key, value in value.items()}  # fmt: skip
        raise SettingsError(f"{name}: {place} must be an object.")
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind or (kind in (int, float) and value < 0):
        expected = {bool: "true or false", str: "text", int: "a whole number from 0", float: "a number from 0"}[kind]
        raise SettingsError(f"{name}: {place} must be {expected}.")
    return value


def _object(kind: Any, value: Any, name: str, place: str) -> Any:
    if not isinstance(value, dict):
        raise SettingsError(f"{name}: {place} must be an object.")
    kinds = _kinds(kind)
    for key in value:
        if key not in kinds:
            from difflib import get_close_matches  # not at the top: seldom needed

            near = get_close_matches(str(key), kinds, 1)
            hint = f"Did you mean {near[0]}?" if near else f"It may be {', '.join(kinds)}."
            raise SettingsError(f"{name}: there is no setting {_joined(place, key)}. {hint}")
    return kind(**{key: _value(kinds[key], item, name, _joined(place, key)) for key, item in value.items()})


@lru_cache
def _kinds(kind: Any) -> dict[str, Any]:
    """Return the types of a class's fields."""
    return get_type_hints(kind)


def _joined(place: str, key: str) -> str:
    return f"{place}.{key}" if place else str(key)


def schema(kind: Any = Settings) -> dict[str, Any]:
    """Return the JSON schema of the file."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind, include_extras=True)
        properties = {
            item.name: {
                "description": get_args(hints[item.name])[1],
                **schema(_kinds(kind)[item.name]),
                **_default(item),
            }
            for item in fields(kind)
        }
        root = {"$schema": {"type": "string"}} if kind is Settings else {}
        return {"type": "object", "properties": {**root, **properties}, "additionalProperties": False}
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(args)}
    if origin is tuple:
        return {"type": "array", "items": schema(args[0])}
    if origin is not None:
        return {"type": "object", "additionalProperties": {} if args[1] is Any else schema(args[1])}
    names: Mapping[Any, str] = types.MappingProxyType({bool: "boolean", str: "string", int: "integer", float: "number"})
    return {"type": names[kind], **({"minimum": 0} if kind in (int, float) else {})}


def _default(item: Any) -> dict[str, Any]:
    value = item.default
    return {} if value is MISSING or value == () else {"default": value}
