"""COQL, Zoho's query language, written from typed conditions: a search by it finds also what was saved just now.

https://www.zoho.com/crm/developer/docs/api/v8/Get-Records-through-COQL-Query.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flotilla import When, errors
from flotilla.parsing import start_of_day

from .client import api
from .metadata import Field, find
from .values import NUMBERS, converted, stamp

MOST = 25  # conditions
DEEPEST = 100_000  # records that Zoho shows of any query
_CONDITION = re.compile(r"\s*(.+?)\s*(!=|<=|>=|=|<|>|~)\s*(.*?)\s*", re.DOTALL)


def quoted(text: object) -> str:
    """Return a text as a literal; a quotation mark in it is doubled."""
    return "'" + str(text).replace("'", "''") + "'"


def literal(value: Any) -> str:
    """Return a value as a literal."""
    if isinstance(value, bool):
        return "'true'" if value else "'false'"
    return str(value) if isinstance(value, int | float) else quoted(value)


def within(field: str, values: Sequence[str]) -> str:
    """Return the condition that a field has one of some texts."""
    return f"{field} in ({', '.join(map(quoted, values))})"


def either(conditions: Sequence[str]) -> str:
    """Return the condition that one of some holds; COQL wants them in pairs."""
    return _paired(conditions, "or")


def both(conditions: Sequence[str]) -> str:
    """Return the condition that all of some hold; without one, one that always does, since COQL needs one."""
    return _paired(conditions, "and") if conditions else "id is not null"


def _paired(conditions: Sequence[str], word: str) -> str:
    result = conditions[0]
    for condition in conditions[1:]:
        result = f"({result} {word} {condition})"
    return result


async def select(
    module: str, names: Sequence[str], where: str, *, order: str = "", offset: int = 0, limit: int = 200
) -> tuple[list[dict[str, Any]], bool]:
    """Return rows of a query, and whether there are more."""
    columns = ", ".join(dict.fromkeys(["id", *names]))
    query = f"select {columns} from {module} where {where}"
    query += f" order by {order}" if order else ""
    query += f" limit {offset}, {limit}"
    answer = await api.request("POST", "/coql", json={"select_query": query}, reads=True)
    if answer is None:  # 204: nothing
        return [], False
    info = answer.get("info") if isinstance(answer, dict) else None
    return api.rows_in(answer, "data"), bool(isinstance(info, dict) and info.get("more_records"))


def parsed(known: dict[str, Field], module: str, text: str) -> tuple[Field, str, str]:
    """Return field, sign and value of "Amount>=1000"; raises errors.InvalidInputError."""
    parts = _CONDITION.fullmatch(text)
    if not parts or not parts[3]:
        raise errors.InvalidInputError(
            f"The condition `{errors.excerpt(text, 80)}` cannot be read.",
            "Write a field, one of = != < <= > >= ~ and a value; =* means that it has one.",
        )
    return find(known, parts[1], module), parts[2], parts[3]


def condition(field: Field, sign: str, value: str, zone: ZoneInfo) -> str:
    """Return the condition on a field that is no lookup. Raises errors.InvalidInputError."""
    if value == "*" and sign in ("=", "!="):
        return f"{field.name} is {'not ' if sign == '=' else ''}null"
    if sign == "~":
        return f"{field.name} like {quoted('%' + value.replace('%', '') + '%')}"
    if field.type != "datetime":
        wanted = converted(field, value, zone)
        if isinstance(wanted, list):
            wanted = ";".join(wanted)
        written = str(wanted) if field.type in NUMBERS else literal(wanted)
        return f"{field.name} {sign} {written}"
    when = When.read(value)
    first = when.at(zone)
    if not when.is_day:
        return f"{field.name} {sign} {quoted(stamp(first))}"
    last = start_of_day(when.day(zone) + timedelta(days=1), zone) - timedelta(seconds=1)
    if sign in ("=", "!="):
        inside = f"{field.name} between {quoted(stamp(first))} and {quoted(stamp(last))}"
        return inside if sign == "=" else f"{field.name} not between {quoted(stamp(first))} and {quoted(stamp(last))}"
    return f"{field.name} {sign} {quoted(stamp(last if sign in ('<=', '>') else first))}"
