"""How an account is connected, as data: where consent is given, for which scopes, and whose account it is.

The flow itself runs outside of the servers, on a machine with a browser: scripts/login.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Consent:
    """An OAuth 2 authorization server, seen from a program on the user's machine.

    `who_url` answers a GET with an access token; `who` is the dotted path of the account's name in it. Servers with
    the same `account` may share one consent. `scopes` are asked for beside those of the tools. `device_url` is set
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
