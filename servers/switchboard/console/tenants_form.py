"""A tenant's settings as a form, and read back from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from flotilla_launcher.naming import slug_of

from ..tenants.tenant import Limits, Settings
from .formats import plain_number, read_number
from .pages import RefusedError
from .texts import Texts

LIMITS = tuple(asdict(Limits()))


@dataclass(frozen=True)
class Choice:
    """A server in the form: whether it is enabled, and whether all its tools are."""

    slug: str
    title: str
    enabled: bool
    all_tools: bool


def choices(servers: Mapping[str, str], settings: Settings, form: Mapping[str, str]) -> list[Choice]:
    """Return the servers of the catalog, as settings or a refused form have them, and what else is in the settings."""
    enabled = {slug_of(name) for name in settings.servers}
    all_tools = {slug for slug, tier in settings.tiers.items() if tier == "all"}
    if is_sent(form):
        enabled, all_tools = _ticked("server", form), _ticked("all", form)
    return [
        Choice(slug, servers.get(slug, slug), slug in enabled, slug in all_tools)
        for slug in dict.fromkeys([*servers, *sorted(enabled)])
    ]


def limits(settings: Settings, text: Texts, form: Mapping[str, str]) -> dict[str, str]:
    """Return the limits as the form shows them."""
    return {name: form.get(name, plain_number(value, text.language)) for name, value in asdict(settings.limits).items()}


def is_sent(form: Mapping[str, str]) -> bool:
    """Tell whether this is a form of settings that was sent."""
    return "locale" in form


def read(form: Mapping[str, str], text: Texts, known: Iterable[str]) -> dict[str, Any]:
    """Return the settings of a form. A field that was left empty is left out.

    Raises RefusedError for a number that is none, and for a server that is not among the known ones.
    """
    asked: dict[str, Any] = {name: value for name in ("locale", "timezone") if (value := form.get(name, "").strip())}
    servers, all_tools = _ticked("server", form), _ticked("all", form)
    if unknown := (servers | all_tools).difference(known):
        raise RefusedError(text("unknown_server", name=min(unknown)))
    asked["servers"], asked["tiers"] = sorted(servers), dict.fromkeys(sorted(all_tools), "all")
    asked["limits"] = {name: _number(name, form[name], text) for name in LIMITS if form.get(name, "").strip()}
    return asked


def digest(settings: Settings) -> str:
    """Return what tells these settings from others: a form must be about those that the person saw."""
    return hashlib.sha256(json.dumps(settings.document(), sort_keys=True).encode()).hexdigest()


def _ticked(group: str, form: Mapping[str, str]) -> set[str]:
    return {name.partition(".")[2] for name in form if name.startswith(f"{group}.")}


def _number(name: str, written: str, text: Texts) -> int:
    number = read_number(written, text.language, whole=True)
    if number is None:
        raise RefusedError(text("not_a_number", name=text(f"limit_{name}"), value=written.strip()))
    return int(number)
