"""How an account is connected, as data: where consent is given, for which scopes, and how to see whose it is.

The flow itself runs outside of the servers, on a machine with a browser: scripts/login.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .filters import visible

if TYPE_CHECKING:
    from .server import Server


@dataclass(frozen=True)
class Consent:
    """An OAuth 2 authorization server, seen from a program on the user's machine.

    `who_url` answers a GET with an access token; `who` is the dotted path of the account's name in it. Servers with
    the same `account` may share one consent. `scopes` are asked for beside those of the tools. `device_url` is there
    where the vendor has the device flow (RFC 8628); `ports`: loopback ports that its redirect must have, if any.
    """

    account: str
    authorize_url: str
    token_url: str
    who_url: str
    who: str
    revoke_url: str = ""
    device_url: str = ""
    scopes: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)  # further parameters of the authorization request
    separator: str = " "  # between scopes
    client_auth: str = "client_secret_post"
    pkce: bool = True
    rotates: bool = False  # each renewal gives a new refresh token and ends the old one
    redirect_host: str = "127.0.0.1"
    ports: tuple[int, ...] = ()
    parameter: str = ""  # of the query that may carry an access token, where a vendor refuses it as a header
    register: str = ""  # where and how a user gets client_id and client_secret


def scopes(server: Server[Any], environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the fewest scopes that the tools on show need: tier, groups, allow, deny and read-only count.

    A tool declares alternatives, the narrowest first, each a set of scopes with spaces between them.
    """
    shown = [s for name, s in server.scopes.items() if visible(environ, server.attributes[name], name)]
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
