"""Whose account it is, and who can own records: users, and queues of leads and cases."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from zoneinfo import ZoneInfo

from flotilla import choose, errors, readable
from flotilla.parsing import folded, zone_or

from . import queries
from .client import ROOT, api
from .models import Person

HOUR = 3_600
FIELDS = "Id, Name, Email, Username, Title"
T = TypeVar("T")


@dataclass(frozen=True)
class Account:
    """The user whose token it is: "" and the fleet's time zone where Salesforce does not say who that is."""

    user: str
    zone: ZoneInfo


async def cached(key: str, fetch: Callable[[], Awaitable[T]], renew: bool = False) -> tuple[T, bool]:
    """Return what was fetched within the last hour for this connection, and whether that was just now."""
    metadata = api.connection.metadata
    at, value = metadata.get(key, (0.0, None))
    if not renew and at > time.monotonic() - HOUR:
        return value, False
    value = await fetch()
    metadata[key] = (time.monotonic(), value)
    return value, True


async def account() -> Account:
    """Return whose account it is."""
    return (await cached("account", _account))[0]


async def _account() -> Account:
    identity = str((await api.get(ROOT)).get("identity") or "")  # …/id/<org>/<user>
    user = identity.rstrip("/").rpartition("/")[2]
    rows = []
    if user.isalnum():
        soql = f"SELECT Id, TimeZoneSidKey FROM User WHERE Id = {queries.text(user)} LIMIT 1"
        rows = [row for row in await queries.select(soql) if row.get("Id")]
    return Account(user, zone_or(str(rows[0].get("TimeZoneSidKey") or ""), api.zone) if rows else api.zone)


async def zone() -> ZoneInfo:
    """Return the user's time zone, in which local times are read and all times come back."""
    return (await account()).zone


async def me() -> str:
    """Return the id of the user whose token it is; raises errors.NotFoundError where that is not known."""
    if user := (await account()).user:
        return user
    raise errors.NotFoundError("Salesforce does not say whose account this is.", "Pass the e-mail address of a user.")


def is_me(text: str) -> bool:
    """Tell whether the user of the token is meant."""
    return folded(text) in ("me", "moi", "myself")


async def owner_id(text: str, queues: bool = False) -> str:
    """Return the id of an active user by name, e-mail address or "me"; with `queues`, of a queue by its name too.

    Raises errors.InvalidInputError with the candidates where several fit, errors.NotFoundError where nobody does.
    """
    if is_me(text):
        return await me()
    people = await named(text, 21)
    if "@" in text and len(people) == 1:
        return people[0].id
    if queues and not people:
        soql = f"SELECT Id, Name FROM Group WHERE Type = 'Queue' AND Name LIKE {queries.holding(text)} LIMIT 20"
        people = readable(Person, [_lower(row) for row in await queries.select(soql)])
    if not people:
        people = await named("", 20)
    return choose(_one_of(text, people), people, kind="user").id


def _one_of(text: str, people: list[Person]) -> str:
    """Return the whole name of the only person whose name has all words of a text; else the text."""
    wanted = set(folded(text).split())
    fitting = [one for one in people if wanted and wanted <= set(folded(one.name).split())]
    exact = [one for one in fitting if folded(one.name) == folded(text)]
    return fitting[0].name if len(fitting) == 1 and not exact else text


async def named(text: str, most: int) -> list[Person]:
    """Return the active users whose name or mail address holds a text, by name."""
    pattern, loose = queries.holding(text), queries.holding(text, loose=True)
    where = f" AND (Name LIKE {pattern} OR Email LIKE {pattern} OR Name LIKE {loose})" if text.strip() else ""
    if "@" in text:
        where = f" AND (Email = {queries.text(text.strip())} OR Username = {queries.text(text.strip())})"
    active = "IsActive = true AND UserType = 'Standard'"
    soql = f"SELECT {FIELDS} FROM User WHERE {active}{where} ORDER BY Name LIMIT {most}"
    people = readable(Person, [_lower(row) for row in await queries.select(soql)])
    wanted = folded(text)
    return [one for one in people if "@" in text or wanted in folded(f"{one.name} {one.email}")] or people


def _lower(row: dict[str, object]) -> dict[str, object]:
    return {name.lower(): value for name, value in row.items() if value is not None}
