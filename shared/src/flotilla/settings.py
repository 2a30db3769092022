"""Settings from the environment, and the secrets among them.

A field `token` of the server `calendly` is read from `CALENDLY_TOKEN`, or from the file that `CALENDLY_TOKEN_FILE`
names, and stands in the catalog as the secret `flotilla-calendly.token`. What counts as "not configured" is in
`environment`.
Lists are comma-separated words: `Annotated[list[str], Words]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from . import errors
from .environment import setting
from .naming import catalog_name

Secret = SecretStr
Words = BeforeValidator(lambda v: [w.strip() for w in v.split(",") if w.strip()] if isinstance(v, str) else v)

_secrets: set[str] = set()


def remember_secret(value: str) -> None:
    """Never let this value out again: `scrub` takes it from every text that leaves the process."""
    if len(value) >= 4:  # shorter ones would blank out ordinary words
        _secrets.add(value)


def scrub(text: str) -> str:
    """Return the text with every known secret masked."""
    for value in sorted(_secrets, key=len, reverse=True):
        text = text.replace(value, "***")
    return text


class _Environment(PydanticBaseSettingsSource):
    """The only source: a variable or a file a field, placeholders left out."""

    def __init__(self, cls: type[BaseSettings], prefix: str) -> None:
        super().__init__(cls)
        self.prefix = prefix

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str | None, str, bool]:
        return setting(self.prefix + field_name.upper()), field_name, False

    def __call__(self) -> dict[str, str]:
        found = {n: self.get_field_value(f, n)[0] for n, f in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


class ServerSettings(BaseSettings):
    """Base of every server's settings. Required fields may be unset until a call needs them.

    `ways`: where there are several ways in, the fields of each, such as `(("token",), ("refresh_token", "client_id"))`.
    All of these are required fields; one complete way is enough, and leaves the others empty.
    """

    ways: ClassVar[Sequence[Sequence[str]]] = ()
    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _one_way_is_enough(cls, given: Any) -> Any:
        """Ask for nothing where a way is complete, else for the rest of the one that was begun, else for the first."""
        if not cls.ways or not isinstance(given, dict):
            return given
        there = [[bool(given.get(name)) for name in way] for way in cls.ways]
        begun = cls.ways[max(range(len(there)), key=lambda n: (all(there[n]), sum(there[n])))]
        return {**{name: "" for way in cls.ways for name in way if name not in begun}, **given}

    @classmethod
    def required(cls) -> list[list[str]]:
        """Return the fields that calls need, a list for each way in: the first one is what a newcomer is asked for."""
        choice = {name for way in cls.ways for name in way}
        always = [name for name, field in cls.model_fields.items() if field.is_required() and name not in choice]
        return [[*way, *always] for way in cls.ways or [()]]

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


def load(cls: type[Loaded], slug: str) -> Loaded:
    """Read the settings of a server; raises errors.Setup that names the variable, the catalog secret and the source."""
    prefix = slug.upper().replace("-", "_") + "_"
    try:
        loaded = cls(_env_prefix=prefix)  # type: ignore[call-arg]
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        raise _setup_problem(cls, slug, prefix, name, first["msg"] if first["type"] != "missing" else "") from None
    for name, field in cls.model_fields.items():
        value = getattr(loaded, name)
        if is_secret(field) and isinstance(value, SecretStr):
            remember_secret(value.get_secret_value())
    return loaded


def missing(cls: type[ServerSettings], slug: str, name: str) -> errors.Setup:
    """Return the problem of a settings field that is empty, though a call needs it."""
    return _setup_problem(cls, slug, slug.upper().replace("-", "_") + "_", name, "")


def _setup_problem(cls: type[ServerSettings], slug: str, prefix: str, name: str, wrong: str) -> errors.Setup:
    field = cls.model_fields.get(name)
    if field is None:
        return errors.Setup(f"The settings of {slug} do not fit together: {wrong}.", "Ask the operator to mend them.")
    kind = f"{'secret' if is_secret(field) else 'setting'} `{catalog_name(slug)}.{name}`"
    variable = prefix + name.upper()
    about = (field.description or "").rstrip(".")
    if wrong:
        what = f"{variable} is wrong: {errors.excerpt(wrong.rstrip('.'))}."
    elif setting(f"{variable}_FILE"):
        what = f"{variable}_FILE names a file that cannot be read, or that is empty."
    else:
        what = f"{variable} is not set ({kind} in the Docker catalog)."
    return errors.Setup(what, f"Ask the user to set it: {about}." if about else "Ask the user to set it.")


class FleetSettings(ServerSettings):
    """What every server understands, from `FLOTILLA_…`. Which tools show is in `filters`."""

    data: str = Field("/data", description="Folder for the user's files")
    state: str = Field("/state", description="Folder for the servers' own state: tokens, records, keys")
    deadline: float = Field(45, gt=0, le=3600, description="Seconds that a call may take, without a person's answer")
    confirm: bool | Literal["new-recipients"] = Field(
        True, description="off: nothing is asked; new-recipients: writing to strangers is asked too"
    )
    dry_run: bool = Field(False, description="on: writing calls only show what they would send")
    state_key: SecretStr | None = Field(
        None, min_length=32, description="32 or more characters that seal the state; else a key is made in its folder"
    )
    user: str = Field("", description="Who is served, for the audit line")
    transport: str = Field("stdio", pattern="^(stdio|http)$", description="stdio or http")
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on")
    http_token: SecretStr | None = Field(None, description="Bearer token of the HTTP transport; needed off loopback")
    plain_http: Annotated[list[str], Words] = Field(
        [], description="Hosts that may be contacted without encryption, such as a test vendor: host or host:port, ..."
    )
    stateful: bool = Field(False, description="on: HTTP sessions, so that clients before 2026-07-28 can be asked")
