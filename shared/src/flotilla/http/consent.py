"""How an account is connected, as data: where consent is given, for which scopes, and whose account it is.

The flow itself runs outside of the servers, on a machine with a browser: scripts/login. Which scopes are asked for is
decided in `scopes`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Scopes:
    """The OAuth scopes of one tool, as alternatives, the narrowest first, each a set with spaces between its scopes.

    With any of the sufficient ones the tool does all of its work. A tolerated one is better than nothing, such as a
    scope that opens only what the app itself made: it never stands in for a sufficient one, unless the user chose it
    (`AccessLevels`).
    """

    sufficient: tuple[str, ...] = ()
    tolerated: tuple[str, ...] = ()

    def coverage(self, granted: Collection[str]) -> Literal["full", "part", "none"]:
        """Return how much of the tool's work the granted scopes allow."""
        if not self.sufficient + self.tolerated or _holds(granted, self.sufficient):
            return "full"
        return "part" if _holds(granted, self.tolerated) else "none"


def origin(address: str) -> tuple[str, str]:
    """Return the scheme and the host with its port of an address."""
    parts = urlsplit(address)
    return parts.scheme, parts.netloc


def _holds(granted: Collection[str], alternatives: Collection[str]) -> bool:
    return any(set(granted).issuperset(one.split()) for one in alternatives)


@dataclass(frozen=True)
class AccessLevels:
    """How much of an account the user opens to a server: an option of scripts/login, stored as a settings field.

    `scopes` are by level the scopes that may be asked for, with spaces between them. The first level is the default.
    `consents`: by level, the fields of `Consent` that differ there, such as the addresses for a bot, not a person.
    """

    option: str
    field: str
    scopes: Mapping[str, str]
    consents: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Regions:
    """Data centres of one vendor that know only their own accounts.

    `field` is the settings field that says which one an account is in. `parameter` of the redirect holds the address of
    its token endpoint's server. `addresses`: by the field's value, the fields of `Consent` that differ there.
    """

    field: str
    parameter: str
    addresses: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Consent:
    """An OAuth 2 authorization server, seen from a program on the user's machine.

    `who_url` answers a GET with an access token and `who_headers`; `who` is the dotted path of the account's name in
    it. The address may hold fields of the token's answer, such as {locationId}. Servers with the same `account` may
    share one consent. `scopes` are asked for beside those of the tools. `device_url` is set where the vendor has the
    device flow (RFC 8628); `ports`: loopback ports that its redirect must have, if any. `stored_token`: access_token
    for a vendor whose access tokens do not expire and that has no refresh tokens; the settings field is `token` then.
    `rotation_optional`: the vendor gives a refresh token only where the app's owner asked for it, else an access token
    that lasts. `tokens_in`: the field of the token's answer that may hold the tokens. `redirect_scheme`: https where
    the vendor takes no other; nothing on this machine answers there, so that the user pastes the address. `issuer`: who
    the vendor says that it is in its redirects (RFC 9207), where it says so. `ended`: the codes of the token endpoint
    that mean that a refresh token has ended.
    """

    account: str
    authorize_url: str
    token_url: str
    who_url: str
    who: str
    who_headers: Mapping[str, str] = field(default_factory=dict)
    revoke_url: str = ""
    device_url: str = ""
    scopes: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)  # further parameters of the authorization request
    separator: str = " "  # between scopes
    client_auth: str = "client_secret_post"  # see `token_endpoint.auth_method`
    pkce: bool = True
    stored_token: Literal["refresh_token", "access_token"] = "refresh_token"
    rotation_optional: bool = False
    tokens_in: str = ""
    rotates: bool = False  # each renewal gives a new refresh token and ends the old one
    redirect_host: str = "127.0.0.1"
    redirect_scheme: str = "http"
    ports: tuple[int, ...] = ()
    parameter: str = ""  # of the query that may carry an access token, where a vendor refuses it as a header
    header: str = "Authorization"  # that takes an access token
    scheme: str = "Bearer"  # of that header, "" for none
    issuer: str = ""
    ended: tuple[str, ...] = ("invalid_grant",)
    regions: Regions | None = None
    register: str = ""  # where and how a user gets client_id and client_secret

    @property
    def token_field(self) -> str:
        """The settings field that the token of a consent is stored in."""
        return "token" if self.stored_token == "access_token" else "refresh_token"

    def storing(self, token: Mapping[str, Any]) -> Consent:
        """Return it for what is stored: of a vendor whose rotation is optional, the token that there is."""
        if self.rotation_optional and not token.get("refresh_token") and token.get("access_token"):
            return replace(self, stored_token="access_token", rotates=False)
        return self

    def is_issuer(self, issuer: str | None) -> bool:
        """Tell whether a redirect comes from this vendor: `issuer` is what it says, None where it says nothing."""
        if issuer is None:
            return not self.issuer
        return issuer == self.issuer or (not self.issuer and origin(issuer) == origin(self.authorize_url))

    def in_region(self, name: str) -> Consent:
        """Return it with the addresses of a region; unchanged for "" or an unknown one."""
        return replace(self, **(self.regions.addresses.get(name, {}) if self.regions else {}))  # type: ignore[arg-type]

    def region_at(self, server: str) -> str:
        """Return the region whose token endpoint is at this server, such as https://accounts.example.eu; "" if none."""
        for name, addresses in self.regions.addresses.items() if self.regions else ():
            if server and addresses["token_url"].startswith(f"{server.rstrip('/')}/"):
                return name
        return ""
