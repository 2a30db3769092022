"""The settings file as a form: made from its JSON schema, and read back into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..settings_file import SettingsError, SettingsFile, schema
from .formats import plain_number, read_number, scalar
from .texts import Texts

ELSEWHERE = ("$schema", "permissions", "servers")  # they have pages of their own
GENERAL = "general"  # the group of options that stand in no section


@dataclass(frozen=True)
class Option:
    """One option: its dotted name, what the schema says of it, and its value as the form shows it."""

    name: str
    type: str
    description: str
    choices: list[dict[str, str]]
    text: str
    default: str
    fixed: bool

    @property
    def id(self) -> str:
        """The id of its field."""
        return "option-" + self.name.replace(".", "-")


@dataclass(frozen=True)
class Group:
    """The options of one section."""

    name: str
    description: str
    options: list[Option]


def groups(file: SettingsFile, text: Texts, form: Mapping[str, str]) -> list[Group]:
    """Return all options with their values, those of a refused form where there is one."""
    made: dict[str, Group] = {}
    for name, about in _leaves():
        section = name.rpartition(".")[0] or GENERAL
        description = schema()["properties"][section].get("description", "") if section != GENERAL else ""
        group = made.setdefault(section, Group(section, text.option(section, description), []))
        value = _shown(_current(file, name), text.language)
        group.options.append(
            Option(
                name=name,
                type=about.get("type", "string"),
                description=text.option(name, about["description"]),
                choices=[{"value": item, "label": text.named("choice", item)} for item in _choices(about)],
                text=form.get(name, value),
                default=_shown(about.get("default", ""), text.language),
                fixed=name in file.overrides,
            )
        )
    return list(made.values())


def change(file: SettingsFile, text: Texts, form: Mapping[str, str]) -> Callable[[dict[str, Any]], None]:
    """Return what writes a form into the file's document: an option at its default is not written.

    Raises SettingsError for a value that cannot be read.
    """
    values = {
        name: (_value(name, about, form[name], text), about.get("default"))
        for name, about in _leaves()
        if name in form and name not in file.overrides
    }

    def write(document: dict[str, Any]) -> None:
        for name, (value, default) in values.items():
            section, _, key = name.rpartition(".")
            part = document.setdefault(section, {}) if section else document
            if value == default or (default is None and not value):
                part.pop(key, None)
            else:
                part[key] = value
            if section and not part:
                del document[section]

    return write


def _leaves() -> list[tuple[str, dict[str, Any]]]:
    """Return each option with its schema, by its dotted name."""
    leaves: list[tuple[str, dict[str, Any]]] = []
    for name, about in schema()["properties"].items():
        if name not in ELSEWHERE:
            parts = about.get("properties")
            leaves += [(f"{name}.{key}", part) for key, part in parts.items()] if parts else [(name, about)]
    return sorted(leaves, key=lambda leaf: "." in leaf[0])


def _choices(about: Mapping[str, Any]) -> list[str]:
    return ["true", "false"] if about.get("type") == "boolean" else list(about.get("enum", ()))


def _current(file: SettingsFile, name: str) -> Any:
    value: Any = file.current()
    for key in name.split("."):
        value = getattr(value, key)
    return value


def _shown(value: Any, language: str) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{key} = {_shown(part, language)}" for key, part in value.items())
    return plain_number(value, language) if type(value) in (int, float) else scalar(value)


def _value(name: str, about: Mapping[str, Any], written: str, text: Texts) -> Any:
    kind = about.get("type", "string")
    if kind == "boolean":
        return written == "true"
    if kind in ("number", "integer"):
        return _number(name, written, kind, text)
    if kind == "object":
        pairs = [line.rpartition("=") for line in written.splitlines() if line.strip()]
        if wrong := next((line for key, _, line in pairs if not key.strip()), None):
            raise SettingsError(text("not_a_pair", name=name, value=wrong.strip()))
        return {key.strip(): _number(name, number, "number", text) for key, _, number in pairs}
    return written.strip()


def _number(name: str, written: str, kind: str, text: Texts) -> float | int:
    number = read_number(written, text.language, whole=kind == "integer")
    if number is None:
        raise SettingsError(text("not_a_number", name=name, value=written.strip()))
    return int(number) if number.is_integer() else number
