"""Questions to the org: SOQL with its literals, SOSL, several at once, and rows as flat texts.

https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql.htm
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from flotilla import cursor_number, errors
from flotilla.http.responses import unreadable

from .client import ROOT, api, error_message, map_error
from .models import Row, Rows

DEEPEST = 2_000  # rows that pages show of one query: further ones need a narrower condition, or an export
DAYS = ("StartDateTime", "EndDateTime", "ActivityDateTime")
LONGEST = 12_000  # characters of a query, which travels in the address
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)")
_RESERVED = re.compile(r"""([?&|!{}\[\]()^~*:\\"'+-])""")
_LOOSE = re.compile(r"[aeiouycnœæ\W_]", re.IGNORECASE)  # letters that may have an accent, and separators


def text(value: str) -> str:
    """Return a text as a literal of SOQL: nothing in it can end the literal."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + escaped.replace("\n", "\\n").replace("\r", "\\r") + "'"


def holding(value: str, loose: bool = False) -> str:
    """Return a LIKE pattern of texts that hold this one; `loose`: with other accents, or none, and other separators."""
    bare = unicodedata.normalize("NFKC", value).strip()
    if loose:
        plain = "".join(c for c in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(c))
        return "'%" + _LOOSE.sub("_", plain) + "%'"
    return "'%" + text(bare)[1:-1].replace("%", "\\%").replace("_", "\\_") + "%'"


def listing(values: Sequence[str]) -> str:
    """Return texts as a list literal: ('a', 'b')."""
    return "(" + ", ".join(text(value) for value in values) + ")"


def terms(query: str) -> str:
    """Return words as a SOSL search for all of them, the last one perhaps the beginning of a word."""
    parts = query.split()
    quoted = [f'"{one}"' if one.lower() in ("and", "or", "not") else _RESERVED.sub(r"\\\1", one) for one in parts]
    return " ".join(quoted) + ("*" if quoted and quoted[-1][-1].isalnum() else "")


def phrases(texts: Sequence[str]) -> str:
    """Return texts as a SOSL search for any of them."""
    return " OR ".join('"' + _RESERVED.sub(r"\\\1", one) + '"' for one in texts)


async def select(soql: str) -> list[dict[str, Any]]:
    """Return the rows of a query that ends with its own LIMIT."""
    answer = await api.get(f"{ROOT}/query", params={"q": _short(soql)})
    rows: list[dict[str, Any]] = api.rows_in(answer, "records")
    while not answer.get("done", True) and (following := str(answer.get("nextRecordsUrl") or "")):
        answer = await api.get(following if following.startswith("/services/data/") else ROOT)
        rows += api.rows_in(answer, "records")
    return rows


async def page(soql: str, limit: int, cursor: str | None, zone: ZoneInfo) -> Rows:
    """Return one page of a query without LIMIT, as flat rows. Raises errors.InvalidInputError past the last row."""
    start = checked_start(cursor)
    rows = await select(f"{soql} LIMIT {start + limit + 1}")
    return cut(flat_rows(rows, zone), start, limit)


def checked_start(cursor: str | None) -> int:
    """Return the position that a cursor is; raises errors.InvalidInputError for one that pages do not reach."""
    start = cursor_number(cursor, 0)
    if start >= DEEPEST:
        raise errors.InvalidInputError(f"Pages show the first {DEEPEST:,} rows only.", "Narrow the conditions.")
    return start


def cut(rows: Sequence[Row], start: int, limit: int) -> Rows:
    """Return the page that begins at a position of rows that came from the start."""
    end = min(start + limit, DEEPEST)
    more = len(rows) > end
    return Rows(
        items=list(rows[start:end]),
        next_cursor=str(end) if more and end < DEEPEST else None,
        note=f"There are more than {DEEPEST:,} rows." if more and end == DEEPEST else None,
    )


async def find(search: str, group: str, returning: Mapping[str, str], most: int) -> list[dict[str, Any]]:
    """Return what a SOSL search finds. `returning` are the fields by object, with an optional WHERE behind them."""
    wanted = ", ".join(f"{name}({fields})" for name, fields in returning.items())
    sosl = f"FIND {{{search}}} IN {group} FIELDS RETURNING {wanted} LIMIT {most}"
    answer = await api.get(f"{ROOT}/search", params={"q": _short(sosl)})
    return api.rows_in(answer, "searchRecords", missing=True)


async def together(queries: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Return the rows of several queries that have a LIMIT, in one request; none of one that cannot be answered.

    Raises what the first one failed with where all did.
    """
    steps = [{"method": "GET", "url": f"v{_version()}/query?q={quote(_short(one), safe='')}"} for one in queries]
    results = await batch(steps)
    failed = [problem for problem, _ in results if problem]
    if results and len(failed) == len(results):
        raise failed[0]
    return [
        api.rows_in(result, "records", missing=True) if not problem and isinstance(result, dict) else []
        for problem, result in results
    ]


async def batch(steps: Sequence[Mapping[str, Any]]) -> list[tuple[errors.FlotillaError | None, Any]]:
    """Return the error or the answer of each reading request, in one request: at most 25.

    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_batch.htm
    """
    body = {"batchRequests": [dict(step) for step in steps]}
    answer = await api.post(f"{ROOT}/composite/batch", json=body, reads=True)
    rows = [row for row in api.rows_in(answer, "results") if "statusCode" in row]
    if len(rows) != len(steps):
        raise unreadable("Salesforce", f"answered {len(rows)} of {len(steps)} questions")
    return [(_problem(int(row["statusCode"] or 0), row.get("result")), row.get("result")) for row in rows]


def _problem(status: int, body: Any) -> errors.FlotillaError | None:
    if 200 <= status < 300:
        return None
    if own := map_error(status, body):
        return own
    if status == 404:
        return errors.NotFoundError("Salesforce does not have this record.", "Search for it first.")
    return errors.InvalidInputError(f"Salesforce refuses a part of the question ({status}).", "Correct the arguments.")


def _version() -> str:
    return ROOT.rpartition("/v")[2]


def _short(query: str) -> str:
    if len(query) > LONGEST:
        raise errors.InvalidInputError(
            f"The query is longer than {LONGEST:,} characters.", "Shorten it, or ask in two steps."
        )
    return query


# -- rows -------------------------------------------------------------------------------------------------------------


def flat_rows(rows: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> list[Row]:
    """Return records as flat rows."""
    return [flat(row, zone) for row in rows]


def flat(record: Mapping[str, Any], zone: ZoneInfo, prefix: str = "") -> Row:
    """Return a record as texts by field, a parent's behind its name (Owner.Name), times in a zone; no empty ones."""
    row: Row = {}
    days = DAYS if record.get("IsAllDayEvent") is True else ()  # an all-day event stands at midnight UTC
    for name, value in record.items():
        if name == "attributes" or value is None or value == "":
            continue
        if isinstance(value, Mapping) and "records" in value:
            row[prefix + name] = _children(value.get("records"), zone)
        elif isinstance(value, Mapping):
            row |= flat(value, zone, f"{prefix}{name}.")
        else:
            row[prefix + name] = str(value)[:10] if name in days else shown(value, zone)
    return {name: value for name, value in row.items() if value}


def _children(rows: Any, zone: ZoneInfo) -> str:
    """Return the records of a query within a query, in one text."""
    known = [flat(row, zone) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return " | ".join(", ".join(f"{name}: {value}" for name, value in row.items()) for row in known)


def shown(value: Any, zone: ZoneInfo) -> str:
    """Return a value as a text: a time with the offset of the zone, true or false, a number without a spare .0."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str) and _TIME.fullmatch(value):
        with suppress(ValueError, OverflowError):
            return datetime.fromisoformat(value).astimezone(zone).isoformat(timespec="seconds")
    return str(value)


async def total(soql: str) -> int:
    """Return the number that a SELECT COUNT() query counts."""
    answer = await api.get(f"{ROOT}/query", params={"q": _short(soql)})
    return int(answer["totalSize"])


def refusal_of(rows: Sequence[Mapping[str, Any]]) -> errors.FlotillaError:
    """Return the error of a composite request that was rolled back: of the part that failed by itself."""
    halted = "PROCESSING_HALTED"
    own = [row for row in rows if halted not in str(row.get("body"))] or list(rows)
    status, body = int(own[0].get("httpStatusCode") or 400), own[0].get("body")
    return map_error(status, body) or errors.InvalidInputError(
        f"Salesforce refuses the records, and made none: {errors.quoted(error_message(status, body))}.",
        "Correct the arguments and try again.",
    )
