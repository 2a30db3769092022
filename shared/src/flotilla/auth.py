"""How a request proves who sends it: small objects that name settings fields and read them at the first call.

api = Api(server, auth=Bearer("token"))
api = Api(server, auth=Basic("account", "key"))
api = Api(server, auth=HeaderKey("api_key", header="X-Api-Key"))
api = Api(server, auth=FirstOf(Bearer("access_token"), OAuth2("https://vendor.example/oauth/token")))

OAuth 2 is in `oauth`.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Any

import httpx2 as httpx

from .settings import missing, remember_secret

if TYPE_CHECKING:
    from .server import Server


class Auth(httpx.Auth):
    """Base: adds one header to each request."""

    server: Server[Any]
    header = "Authorization"

    def bind(self, server: Server[Any]) -> Auth:
        """Tie this object to the server whose settings it reads; raises TypeError for a field they do not have."""
        for field in self.fields():
            if not hasattr(server.settings_class, field) and field not in server.settings_class.model_fields:
                raise TypeError(f"{type(self).__name__}: {server.settings_class.__qualname__} has no field {field!r}")
        self.server = server
        return self

    def fields(self) -> Sequence[str]:
        """Return the names of the settings fields that it reads."""
        return ()

    def forget(self) -> None:
        """Drop what was remembered between requests: nothing, for most."""

    def configured(self) -> bool:
        """Tell whether its settings are there; for `FirstOf`."""
        return True

    def value(self, field: str) -> str:
        """Return a settings field as text, "" where it is unset; raises errors.Setup where a required one is."""
        found = getattr(self.server.settings, field, "")
        return str(found.get_secret_value() if hasattr(found, "get_secret_value") else found or "")

    def needed(self, field: str) -> str:
        """Return a settings field as text; raises errors.Setup that names it where it is empty."""
        if not (found := self.value(field)):
            raise missing(self.server.settings_class, self.server.slug, field)
        return found

    def proof(self) -> str:
        """Return the header's value."""
        raise NotImplementedError

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the header and send the request."""
        request.headers[self.header] = self.proof()
        yield request


class Bearer(Auth):
    """`Authorization: Bearer <field>`."""

    def __init__(self, field: str) -> None:
        self.field = field

    def configured(self) -> bool:
        """Tell whether there is a token."""
        return bool(self.value(self.field))

    def fields(self) -> Sequence[str]:
        """Return the token's field."""
        return (self.field,)

    def proof(self) -> str:
        """Return the scheme and the token."""
        return f"Bearer {self.needed(self.field)}"


class HeaderKey(Auth):
    """`<header>: <scheme><field>`."""

    def __init__(self, field: str, header: str, scheme: str = "") -> None:
        self.field, self.header, self.scheme = field, header, scheme

    def fields(self) -> Sequence[str]:
        """Return the key's field."""
        return (self.field,)

    def proof(self) -> str:
        """Return the scheme and the key."""
        return self.scheme + self.needed(self.field)


class Basic(Auth):
    """HTTP Basic with two settings fields; `suffix` is what some vendors want behind the user name.

    Where the vendor wants no password, its field is "".
    """

    def __init__(self, user: str, password: str, suffix: str = "") -> None:
        self.user, self.password, self.suffix = user, password, suffix

    def fields(self) -> Sequence[str]:
        """Return both fields."""
        return (self.user, self.password) if self.password else (self.user,)

    def proof(self) -> str:
        """Return the scheme and both fields, base64."""
        pair = f"{self.needed(self.user)}{self.suffix}:{self.needed(self.password) if self.password else ''}"
        encoded = base64.b64encode(pair.encode()).decode()
        remember_secret(encoded)
        return f"Basic {encoded}"


class FirstOf(Auth):
    """The first of several ways whose settings are there; the last one where none is, which then says what to set."""

    def __init__(self, *ways: Auth) -> None:
        self.ways = ways

    def bind(self, server: Server[Any]) -> Auth:
        """Tie all of them to the server."""
        for way in self.ways:
            way.bind(server)
        return super().bind(server)

    def forget(self) -> None:
        """Let all of them forget."""
        for way in self.ways:
            way.forget()

    def configured(self) -> bool:
        """Tell whether there is one."""
        return any(way.configured() for way in self.ways)

    @property
    def chosen(self) -> Auth:
        """The way that is taken."""
        return next((way for way in self.ways if way.configured()), self.ways[-1])

    def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Leave it to the one that is configured."""
        return self.chosen.async_auth_flow(request)
