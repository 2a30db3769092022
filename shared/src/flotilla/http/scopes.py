"""Which OAuth scopes are asked for: the fewest that the visible tools need, within what the user wants to open."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Protocol

from flotilla import errors
from flotilla.http.consent import AccessLevels, Scopes
from flotilla.settings import variable
from flotilla_launcher.environment import setting
from flotilla_launcher.filters import visible


class Scoped(Protocol):
    """What decides about scopes: an integration, or what its discovery data says of it.

    `attributes` and `scopes` are those of its tools, by name.
    """

    @property
    def slug(self) -> str:
        """Its name, which its variables begin with."""

    @property
    def attributes(self) -> Mapping[str, Mapping[str, str]]:
        """By which the filters go."""

    @property
    def scopes(self) -> Mapping[str, Scopes]:
        """What each tool needs."""

    @property
    def access(self) -> AccessLevels | None:
        """The levels that the user chooses from, if there are any."""


def scopes(integration: Scoped, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the fewest scopes that the visible tools need.

    Tier, groups, allow, deny, read-only mode and the access level count.
    """
    return fewest(needs(integration, environ))


def needs(integration: Scoped, environ: Mapping[str, str] = os.environ) -> list[Sequence[str]]:
    """Return for each visible tool the alternatives that are equally good for what the user wants to open."""
    with errors.setting_errors():
        shown = [s for name, s in integration.scopes.items() if visible(environ, integration.attributes[name], name)]
    allowed = _allowed(integration, environ)
    return [_alternatives(one, allowed) for one in shown]


def access_level(integration: Scoped, environ: Mapping[str, str] = os.environ) -> str:
    """Return the access level that is set, the first one where none is; "" where the integration has no levels."""
    if not (levels := integration.access):
        return ""
    with errors.setting_errors():
        value = setting(variable(integration.slug, levels.field), environ) or ""
    return value if value in levels.scopes else next(iter(levels.scopes))


def wider_levels(integration: Scoped, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the access levels behind the one that is set, which open more."""
    names = list(integration.access.scopes) if integration.access else []
    return names[names.index(access_level(integration, environ)) + 1 :] if names else []


def fewest(needs: Sequence[Sequence[str]]) -> list[str]:
    """Return scopes that hold one alternative of each need, and none that could be left out."""
    alternatives = [[frozenset(one.split()) for one in need] for need in needs if need]
    chosen = {scope: None for need in needs if need for scope in need[0].split()}
    for scope in list(chosen):
        rest = chosen.keys() - {scope}
        if all(any(one <= rest for one in need) for need in alternatives):
            del chosen[scope]
    return list(chosen)


def _allowed(integration: Scoped, environ: Mapping[str, str]) -> frozenset[str] | None:
    """Return the scopes that the access level allows; None where the integration has no levels."""
    levels = integration.access
    return frozenset(levels.scopes[access_level(integration, environ)].split()) if levels else None


def _alternatives(needed: Scopes, allowed: frozenset[str] | None) -> Sequence[str]:
    """Return the sufficient scopes that are allowed, else the tolerated ones; () where the level closes the tool."""
    if allowed is None:
        return needed.sufficient or needed.tolerated
    both = (needed.sufficient, needed.tolerated)
    inside = ([one for one in some if allowed.issuperset(one.split())] for some in both)
    return next((some for some in inside if some), ())
