"""Settings from the environment, and the secrets among them.

A field `token` of the server `calendly` is read from `CALENDLY_TOKEN`, or from the file that `CALENDLY_TOKEN_FILE`
names, and stands in the catalog as the secret `flotilla-calendly.token`. What counts as "not configured" is in
`environment`. Lists are names with commas between them: `Annotated[list[str], CommaSeparated]`.

Every setting is the operator's: an endpoint, an account and a guard stand among the catalog's secrets, where no model
can change them. Only what is marked as harmless, `Annotated[str, Preference]`, is part of a gateway's configuration,
which Docker's dynamic tools let a model write.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AnyUrl,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from flotilla import errors
from flotilla.http.loopback import is_loopback
from flotilla.parsing.times import known_zone
from flotilla_launcher.environment import listed, name_set, setting, yes_or_no
from flotilla_launcher.filters import CONFIRM
from flotilla_launcher.naming import catalog_name


class Preference:
    """Marks a settings field that protects and steers nothing, such as a time zone or a language."""


class OfAccount:
    """Marks a settings field that an account may need: a page that asks a customer for keys asks for it too."""


def _listed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    names = listed(value)
    if not names:
        raise ValueError("it is set, but names nothing")
    return names


def _switch(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if (answer := yes_or_no(value)) is None:
        raise ValueError("it must be yes or no (true, 1, on, false, 0, off)")
    return answer


def _confirm(value: Any) -> Any:
    word = value.strip().lower() if isinstance(value, str) else value
    if word not in CONFIRM and isinstance(word, str) and yes_or_no(word) is None:
        raise ValueError(f"it must be on, off, {' or '.join(CONFIRM)}")
    return word if word in CONFIRM else _switch(word)


def _country(value: Any) -> Any:
    code = value.strip().upper() if isinstance(value, str) else value
    if not (isinstance(code, str) and len(code) == 2 and code.isascii() and code.isalpha()):
        raise ValueError("it must be a country's two letters, such as FR")
    return code


CommaSeparated = BeforeValidator(_listed)
Switch = Annotated[bool, BeforeValidator(_switch)]
Confirm = Annotated[bool | Literal["new-recipients", "strict"], BeforeValidator(_confirm)]

_secrets: ContextVar[set[str]] = ContextVar("flotilla_secrets", default=set())  # noqa: B039 - of the process
_environ: ContextVar[Mapping[str, str]] = ContextVar("flotilla_environ", default=os.environ)  # that `load` reads


def remember_secret(value: str) -> None:
    """Have `scrub` mask this value in every text that leaves the process."""
    if len(value) >= 4:  # shorter ones would blank out ordinary words
        _secrets.get().add(value)


def scrub(text: str) -> str:
    """Return the text with every known secret masked."""
    for value in sorted(_secrets.get(), key=len, reverse=True):
        text = text.replace(value, "***")
    return text


@contextmanager
def own_secrets(values: set[str]) -> Iterator[None]:
    """Know these secrets and the process's within the block, and remember more there: those of one account of many."""
    values |= _secrets.get()
    token = _secrets.set(values)
    try:
        yield
    finally:
        _secrets.reset(token)


class _Environment(PydanticBaseSettingsSource):
    """The only source: a variable or a file a field, placeholders left out.

    Raises errors.ConfigurationError, see `environment`.
    """

    def __init__(self, cls: type[BaseSettings], prefix: str) -> None:
        super().__init__(cls)
        self.prefix, self.environ = prefix, _environ.get()

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str | None, str, bool]:
        strict = self.settings_cls.strict and not is_preference(field)  # type: ignore[attr-defined]
        guard = strict or is_guard(field)
        return setting(self.prefix + field_name.upper(), self.environ, guard=guard), field_name, False

    def __call__(self) -> dict[str, str]:
        values = {n: self.get_field_value(f, n)[0] for n, f in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


class ServerSettings(BaseSettings):
    """Base of every server's settings. Required fields may be unset until a call needs them.

    `auth_options`: where there are several ways to authenticate, the fields of each, such as
    `(("token",), ("refresh_token", "client_id"))`. All of these are required fields; one complete option is enough, and
    leaves the others empty.
    """

    auth_options: ClassVar[Sequence[Sequence[str]]] = ()
    strict: ClassVar[bool] = False  # every field but a preference is a guard, secrets too
    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _one_option_is_enough(cls, values: Any) -> Any:
        """Require nothing where an option is complete, else the rest of the one that was begun, else the first one."""
        if not cls.auth_options or not isinstance(values, dict):
            return values
        present = [[bool(values.get(name)) for name in option] for option in cls.auth_options]
        begun = cls.auth_options[max(range(len(present)), key=lambda n: (all(present[n]), sum(present[n])))]
        return {**{name: "" for option in cls.auth_options for name in option if name not in begun}, **values}

    @field_validator("*", mode="after")
    @classmethod
    def _no_credential_in_clear(cls, value: Any) -> Any:
        """Refuse an address to which a credential would travel in clear, unless FLOTILLA_PLAIN_HTTP names its host."""
        if not isinstance(value, AnyUrl) or value.scheme == "https" or is_loopback(value.host or ""):
            return value
        plain = {value.host, f"{value.host}:{value.port}"} & name_set("FLOTILLA_PLAIN_HTTP", _environ.get())
        if not plain and any(map(is_secret, cls.model_fields.values())):
            raise ValueError(
                "it must begin with https://, since credentials go there (http:// only on this machine, or "
                "for a host that FLOTILLA_PLAIN_HTTP names)"
            )
        return value

    @classmethod
    def required(cls) -> list[list[str]]:
        """Return the fields that calls need, a list for each option: the first one is what a newcomer is asked for."""
        choice = {name for option in cls.auth_options for name in option}
        always = [name for name, field in cls.model_fields.items() if field.is_required() and name not in choice]
        return [[*option, *always] for option in cls.auth_options or [()]]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing but the variables and the files that they name."""
        return init_settings, _Environment(settings_cls, getattr(env_settings, "env_prefix", ""))


Loaded = TypeVar("Loaded", bound=ServerSettings)


def is_secret(field: FieldInfo) -> bool:
    """Tell whether a settings field holds a secret."""
    return "SecretStr" in str(field.annotation)


def is_of_account(field: FieldInfo) -> bool:
    """Tell whether a customer may be asked for a settings field beside those that calls need."""
    return OfAccount in field.metadata


def is_preference(field: FieldInfo) -> bool:
    """Tell whether a settings field is harmless, so that a gateway's configuration may hold it."""
    return Preference in field.metadata


def is_guard(field: FieldInfo) -> bool:
    """Tell whether a settings field protects or steers: all that is neither a credential nor a preference."""
    return not is_secret(field) and not is_preference(field)


def variable(slug: str, field: str) -> str:
    """Return the environment variable of a settings field."""
    return f"{slug}_{field}".upper().replace("-", "_")


def guards(cls: type[ServerSettings], slug: str, files: bool) -> list[str]:
    """Return the variables of a server's own guards; see `filters.check`."""
    own = [variable(slug, name) for name, field in cls.model_fields.items() if is_guard(field)]
    return [*own, *(["FLOTILLA_DATA_QUOTA"] if files else [])]


def load(cls: type[Loaded], slug: str, environ: Mapping[str, str] = os.environ) -> Loaded:
    """Read the settings of a server.

    Raises errors.ConfigurationError that names the variable, the catalog secret and where to get it.
    """
    prefix, token = variable(slug, ""), _environ.set(environ)
    try:
        with errors.setting_errors():
            loaded = cls(_env_prefix=prefix)  # type: ignore[call-arg]
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        raise _setup_problem(cls, slug, prefix, name, first["msg"] if first["type"] != "missing" else "") from None
    finally:
        _environ.reset(token)
    for name, field in cls.model_fields.items():
        value = getattr(loaded, name)
        if is_secret(field) and isinstance(value, SecretStr):
            remember_secret(value.get_secret_value())
    return loaded


def missing(cls: type[ServerSettings], slug: str, name: str) -> errors.ConfigurationError:
    """Return the error of a settings field that is empty, though a call needs it."""
    return _setup_problem(cls, slug, variable(slug, ""), name, "")


def _setup_problem(
    cls: type[ServerSettings], slug: str, prefix: str, name: str, problem: str
) -> errors.ConfigurationError:
    field, problem = cls.model_fields.get(name), problem.removeprefix("Value error, ")
    if field is None:
        return errors.ConfigurationError(
            f"The settings of {slug} do not fit together: {problem}.", "Ask the operator to correct them."
        )
    kind = f"{'setting' if is_preference(field) else 'secret'} `{catalog_name(slug)}.{name}`"
    env = prefix + name.upper()
    about = (field.description or "").rstrip(".")
    if problem:
        message = f"{env} is wrong: {errors.excerpt(problem.rstrip('.'))}."
    else:
        message = f"{env} is not set ({kind} in the Docker catalog)."
    return errors.ConfigurationError(
        message, f"Ask the user to set it: {about}." if about else "Ask the user to set it."
    )


class FleetSettings(ServerSettings):
    """What every server understands, from `FLOTILLA_…`. Which tools show is in `filters`."""

    strict = True

    data: str = Field("/data", description="Folder for the user's files")
    state: str = Field("/state", description="Folder for the servers' own state: tokens, records, keys")
    deadline: float = Field(45, gt=0, le=3600, description="Seconds that a call may take, without a person's answer")
    confirm: Confirm = Field(
        True,
        description="off: nothing is asked; new-recipients: writing to strangers is asked too; "
        "strict: nothing is destroyed where nobody can be asked",
    )
    dry_run: Switch = Field(False, description="on: writing calls only show what they would send")
    state_key: SecretStr | None = Field(
        None, min_length=32, description="32 or more characters that seal the state; else a key is made in its folder"
    )
    user: str = Field("", description="Who is served, for the audit line")
    transport: str = Field("stdio", pattern="^(stdio|http)$", description="stdio or http")
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on")
    http_token: SecretStr | None = Field(None, description="Bearer token of the HTTP transport; needed off loopback")
    drain: float = Field(1, ge=0, le=600, description="Seconds that calls in flight get when an HTTP server is to end")
    metrics: Switch = Field(False, description="on: over HTTP, /metrics tells a Prometheus of calls and requests")
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token of /metrics; without one it answers programs of this machine only"
    )
    plain_http: Annotated[list[str], CommaSeparated] = Field(
        [],
        description="Hosts (host or host:port, comma-separated) contacted without encryption, such as a test vendor",
    )
    timezone: Annotated[str, Preference, AfterValidator(known_zone)] = Field(
        "UTC", description="IANA time zone of times without an offset, where an account names none"
    )
    country: Annotated[str, Preference, BeforeValidator(_country)] = Field(
        "FR", description="Country of phone numbers without a calling code, two letters"
    )
    stateful: Switch = Field(False, description="on: HTTP sessions, so that clients before 2026-07-28 can be asked")
    call_credentials: Switch = Field(
        False, description="on: over HTTP, each call brings its tenant's settings, sealed by the switchboard"
    )
