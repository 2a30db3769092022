"""How a request is authenticated: small objects that name settings fields and read them when a call needs them.

api = Api(integration, auth=Bearer("token"))
api = Api(integration, auth=Basic("account", "key"))
api = Api(integration, auth=HeaderKey("api_key", header="X-Api-Key"))
api = Api(integration, auth=FirstOf(Bearer("access_token"), OAuth2("https://vendor.example/oauth/token")))

OAuth 2 is in `oauth`.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import httpx2 as httpx

from flotilla.calls.context import connection_of
from flotilla.connection import Connection
from flotilla.integration import Integration
from flotilla.settings import missing, remember_secret


class Auth(httpx.Auth):
    """Base: adds one header to each request."""

    integration: Integration[Any]
    header = "Authorization"

    def __init__(self) -> None:
        self.base_fields: set[str] = set()  # settings fields with the addresses of the Apis that it is for

    def bind(self, integration: Integration[Any], base_field: str) -> Auth:
        """Tie this object to the integration whose settings it reads, and to the settings field of an Api's address.

        Raises TypeError for a field that the settings do not have.
        """
        settings = integration.settings_class
        for field in self.fields():
            if not hasattr(settings, field) and field not in settings.model_fields:
                raise TypeError(f"{type(self).__name__}: {settings.__qualname__} has no field {field!r}")
        self.integration = integration
        self.base_fields.add(base_field)
        return self

    @property
    def connection(self) -> Connection[Any]:
        """The account whose credentials are meant: the running call's, or that of the process."""
        return connection_of(self.integration)

    def fields(self) -> Sequence[str]:
        """Return the names of the settings fields that it reads."""
        return ()

    def configured(self) -> bool:
        """Tell whether its settings are there; for `FirstOf`."""
        return True

    def value(self, field: str) -> str:
        """Return a settings field as text, "" where it is unset.

        Raises errors.ConfigurationError where a required one is.
        """
        value = getattr(self.connection.settings, field, "")
        return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value or "")

    def needed(self, field: str) -> str:
        """Return a settings field as text; raises errors.ConfigurationError that names it where it is empty."""
        if not (value := self.value(field)):
            raise missing(self.integration.settings_class, self.integration.slug, field)
        return value

    def header_value(self) -> str:
        """Return the header's value."""
        raise NotImplementedError

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the header and send the request."""
        request.headers[self.header] = self.header_value()
        yield request


class Bearer(Auth):
    """`Authorization: Bearer <field>`."""

    def __init__(self, field: str) -> None:
        super().__init__()
        self.field = field

    def configured(self) -> bool:
        """Tell whether there is a token."""
        return bool(self.value(self.field))

    def fields(self) -> Sequence[str]:
        """Return the token's field."""
        return (self.field,)

    def header_value(self) -> str:
        """Return the scheme and the token."""
        return f"Bearer {self.needed(self.field)}"


class HeaderKey(Auth):
    """`<header>: <scheme><field>`."""

    def __init__(self, field: str, header: str, scheme: str = "") -> None:
        super().__init__()
        self.field, self.header, self.scheme = field, header, scheme

    def configured(self) -> bool:
        """Tell whether there is a key."""
        return bool(self.value(self.field))

    def fields(self) -> Sequence[str]:
        """Return the key's field."""
        return (self.field,)

    def header_value(self) -> str:
        """Return the scheme and the key."""
        return self.scheme + self.needed(self.field)


class Basic(Auth):
    """HTTP Basic with two settings fields; `suffix` is what some vendors want after the user name.

    Where the vendor wants no password, its field is "".
    """

    def __init__(self, user: str, password: str, suffix: str = "") -> None:
        super().__init__()
        self.user, self.password, self.suffix = user, password, suffix

    def configured(self) -> bool:
        """Tell whether user name and password are there."""
        return all(map(self.value, self.fields()))

    def fields(self) -> Sequence[str]:
        """Return both fields."""
        return (self.user, self.password) if self.password else (self.user,)

    def header_value(self) -> str:
        """Return the scheme and both fields, base64."""
        pair = f"{self.needed(self.user)}{self.suffix}:{self.needed(self.password) if self.password else ''}"
        encoded = base64.b64encode(pair.encode()).decode()
        remember_secret(encoded)
        return f"Basic {encoded}"


class FirstOf(Auth):
    """The first of several whose settings are there; the last one where none is, which then says what to set."""

    def __init__(self, *options: Auth) -> None:
        super().__init__()
        self.options = options

    def bind(self, integration: Integration[Any], base_field: str) -> Auth:
        """Tie all of them to the integration."""
        for option in self.options:
            option.bind(integration, base_field)
        return super().bind(integration, base_field)

    def configured(self) -> bool:
        """Tell whether there is one."""
        return any(option.configured() for option in self.options)

    @property
    def header(self) -> str:  # type: ignore[override]
        """The header of the one that is used."""
        return self.chosen.header

    @property
    def chosen(self) -> Auth:
        """The one that is used."""
        return next((option for option in self.options if option.configured()), self.options[-1])

    def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Leave it to the one that is configured."""
        return self.chosen.async_auth_flow(request)
