"""What an account of Zoho CRM is made of: modules, fields, users, time zone. Read once a day.

https://www.zoho.com/crm/developer/docs/api/v8/field-meta.html
"""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field as Setting
from pydantic import model_validator

from flotilla import Model, choose, connection_of, errors, readable, settings_of
from flotilla.parsing import folded, listed, zone_or
from flotilla.state import digest

from .client import AUTH, api, integration

DAY = 86_400
M = TypeVar("M", bound=Model)
T = TypeVar("T")
OPTIONS = 25  # allowed values that an error lists
UNWRITABLE = frozenset(
    ("formula", "autonumber", "rollup_summary", "profileimage", "fileupload", "imageupload", "event_reminder", "RRULE")
)


class Option(Model):
    """A choice of a pick list: `actual` is what the API takes, `display` what people see."""

    actual: str = Setting(alias="actual_value")
    display: str = Setting("", alias="display_value")


class Field(Model):
    """One field of a module."""

    name: str = Setting(alias="api_name")
    label: str = Setting("", alias="field_label")
    type: str = Setting(alias="data_type")
    read_only: bool = False
    required: bool = False
    module: str = ""  # of a lookup: where its records are
    options: list[Option] = Setting(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, raw: Any) -> Any:
        """Keep what is used of Zoho's object."""
        if not isinstance(raw, Mapping) or "options" in raw:  # the latter: one that was kept
            return raw
        lookup = raw.get("lookup")
        target = lookup.get("module") if isinstance(lookup, Mapping) else None
        name = target.get("api_name") if isinstance(target, Mapping) else target
        label = raw.get("display_label") or raw.get("field_label") or raw.get("api_name") or ""
        values = raw.get("pick_list_values") or []
        return {
            "name": raw.get("api_name"),
            "label": label,
            "type": raw.get("data_type"),
            "read_only": bool(raw.get("read_only") or raw.get("field_read_only")) or raw.get("data_type") in UNWRITABLE,
            "required": bool(raw.get("system_mandatory")),
            "module": str(name or ""),
            "options": readable(Option, [v for v in values if isinstance(v, Mapping) and v.get("actual_value")]),
        }


class Module(Model):
    """A module, such as Leads: its name in the API, and what people call it."""

    name: str = Setting(alias="api_name")
    singular: str = Setting("", alias="singular_label")
    plural: str = Setting("", alias="plural_label")
    can_create: bool = Setting(True, alias="creatable")
    supported: bool = Setting(True, alias="api_supported", exclude=True)


class User(Model):
    """A user of Zoho CRM, who can own records."""

    id: str
    name: str = Setting("", alias="full_name")
    email: str = ""
    zone: str = Setting("", alias="time_zone")
    active: bool = True

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or "active" in raw:
            return raw
        texts = {k: v for k, v in raw.items() if v is not None}
        return {**texts, "active": raw.get("status") != "inactive"}


async def cached(name: str, path: str, at: str, model: type[M], renew: bool = False, **params: str) -> list[M]:
    """Return a list of the account's setup as it was read in the last day. It belongs to the credentials."""
    rows, _ = await read(name, path, at, model, renew, **params)
    return rows


async def read(
    name: str, path: str, at: str, model: type[M], renew: bool = False, **params: str
) -> tuple[list[M], bool]:
    """Return what `cached` does, and whether it was read just now."""
    option, settings = AUTH.chosen, settings_of(integration)
    token = option.value("access_token") or option.value("refresh_token")
    owner = digest(settings.base_url, settings.data_center, token)
    state = connection_of(integration).state
    async with _lock(name):
        saved = state.cached(name) or {}
        if not renew and saved.get("of") == owner and saved.get("at", 0) > time.time() - DAY:
            return [model.model_validate(row) for row in saved["rows"]], False
        answer = await api.request("GET", path, params=params)
        rows = readable(model, api.rows_in(answer, at) if answer is not None else [])  # 204: there is nothing
        state.cache(name, {"of": owner, "at": time.time(), "rows": [row.model_dump(mode="json") for row in rows]})
        return rows, True


class _Locks:
    """One lock a list, so that parallel requests of a call read it once."""

    def __init__(self) -> None:
        self.by_name: dict[str, asyncio.Lock] = {}


def _lock(name: str) -> asyncio.Lock:
    locks: _Locks = connection_of(integration).resource(_Locks, _Locks)
    return locks.by_name.setdefault(name, asyncio.Lock())


# -- fields


async def fields_of(module: str, renew: bool = False) -> dict[str, Field]:
    """Return the fields of a module by their names in the API."""
    return (await _fields(module, renew))[0]


async def _fields(module: str, renew: bool = False) -> tuple[dict[str, Field], bool]:
    # `include` is for the contract, which requires it
    params = {"module": module, "include": "allowed_permissions_to_update"}
    rows, fresh = await read(f"fields-{module}", "/settings/fields", "fields", Field, renew, **params)
    return {row.name: row for row in rows}, fresh


async def with_fields(module: str, use: Callable[[dict[str, Field]], T]) -> T:
    """Return what `use` makes of the fields; what does not fit is looked up once more, in case it is new.

    Raises errors.InvalidInputError as `use` does.
    """
    known, fresh = await _fields(module)
    if not fresh:
        with suppress(errors.InvalidInputError, errors.NotFoundError):
            return use(known)
        known, _ = await _fields(module, renew=True)
    return use(known)


def find(known: Mapping[str, Field], name: str, module: str) -> Field:
    """Return the field of this API name or label; raises errors.InvalidInputError that names similar ones."""
    if name in known:
        return known[name]
    wanted = folded(name).replace("_", " ")
    fitting = [f for f in known.values() if wanted in (folded(f.name).replace("_", " "), folded(f.label))]
    if len(fitting) == 1:
        return fitting[0]
    shown = errors.excerpt(name, 60)
    if fitting:
        raise errors.InvalidInputError(
            f"More than one field of {module} is called `{shown}`.", f"Use one of: {listed(f.name for f in fitting)}."
        )
    by_name = {folded(text): f.name for f in known.values() for text in (f.label, f.name)}
    near = list(dict.fromkeys(by_name[text] for text in difflib.get_close_matches(wanted, by_name, 5, 0.6)))
    raise errors.InvalidInputError(
        f"{module} have no field `{shown}`.",
        f"Similar ones: {', '.join(near)}." if near else "Use the label of a field as it stands in Zoho CRM.",
    )


def option_of(field: Field, text: str) -> str:
    """Return the value that a value or label of a pick list means; raises errors.InvalidInputError."""
    if not field.options:
        return text
    exact = [one.actual for one in field.options if text in (one.actual, one.display)]
    fitting = exact[:1] or [
        one.actual for one in field.options if folded(text) in (folded(one.actual), folded(one.display))
    ]
    if len(set(fitting)) == 1:
        return fitting[0]
    raise errors.InvalidInputError(
        f"`{errors.excerpt(text, 60)}` is not a value of `{field.name}` ({field.label}).",
        f"Allowed: {listed((one.display or one.actual for one in field.options), OPTIONS)}.",
    )


def label_of(field: Field | None, value: str) -> str:
    """Return what people see of a pick list's value."""
    options = field.options if field else []
    return next((one.display for one in options if one.actual == value and one.display), value)


# -- modules and users


async def modules(renew: bool = False) -> list[Module]:
    """Return the modules that the API offers."""
    rows = await cached("modules", "/settings/modules", "modules", Module, renew, status="visible")
    return [row for row in rows if row.supported]


async def users() -> list[User]:
    """Return the users of the account, up to 200."""
    return await cached("users", "/users", "users", User, type="AllUsers", per_page="200")


async def me() -> User:
    """Return the user whose login it is; raises errors.NotFoundError where Zoho names nobody."""
    rows = await cached("me", "/users", "users", User, type="CurrentUser")
    if not rows:
        raise errors.NotFoundError("Zoho CRM does not say whose login it is.", "Pass the name of a user.")
    return rows[0]


class _Organization(Model):
    """The account itself."""

    currency: str = Setting("", alias="iso_code")


async def currency() -> str:
    """Return the currency of the account, such as EUR; "" where Zoho does not say."""
    rows = await cached("organization", "/org", "org", _Organization)
    return rows[0].currency if rows else ""


async def account_zone() -> ZoneInfo:
    """Return the time zone of times without an offset: that of the user whose login it is."""
    return zone_or((await me()).zone, api.zone)


async def user_of(text: str) -> User:
    """Return the user of an id, an e-mail address, a name or a first name; "me" is whose login it is.

    Raises errors.InvalidInputError with the candidates where several fit, errors.NotFoundError where none does.
    """
    if folded(text) in ("me", "moi", "myself"):
        return await me()
    people = await users()
    by_mail = [one for one in people if one.email and one.email.casefold() == text.strip().casefold()]
    return by_mail[0] if len(by_mail) == 1 else choose(text, people, kind="user", parts=True)
