"""Which OAuth scopes the visible tools need."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from flotilla import errors
from flotilla.integration import Integration
from flotilla_launcher.filters import visible


def scopes(integration: Integration[Any], environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the fewest scopes that the visible tools need: tier, groups, allow, deny and read-only count.

    A tool declares alternatives, the narrowest first, each a set of scopes with spaces between them.
    """
    with errors.setting_errors():
        shown = [s for name, s in integration.scopes.items() if visible(environ, integration.attributes[name], name)]
    return fewest(shown)


def fewest(needs: Sequence[Sequence[str]]) -> list[str]:
    """Return scopes that hold one alternative of each need, and none that could be left out."""
    alternatives = [[frozenset(one.split()) for one in need] for need in needs if need]
    chosen = {scope: None for need in needs if need for scope in need[0].split()}
    for scope in list(chosen):
        rest = chosen.keys() - {scope}
        if all(any(one <= rest for one in need) for need in alternatives):
            del chosen[scope]
    return list(chosen)
