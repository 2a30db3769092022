"""GraphQL requests: errors that come with HTTP 200, query costs, paging, ids.

https://shopify.dev/docs/api/usage/response-codes, https://shopify.dev/docs/api/usage/limits
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from flotilla import Page, Record, errors, readable
from flotilla.calls.context import Call, current

from .client import api

M = TypeVar("M", bound=BaseModel)
ATTEMPTS = 3  # of a request for which the shop has too few points left
OPERATION = re.compile(r"\s*(query|mutation)\s+(\w+)")
SHOP = "query Shop { shop { ianaTimezone currencyCode } }"


@dataclass
class Budget:
    """How many points of query cost a shop has left, as its last answer said, and what each operation asks for."""

    available: float = 0
    maximum: float = 0  # 0: nothing is known yet
    rate: float = 0  # points that come back in a second
    at: float = 0  # when, in the event loop's time
    costs: dict[str, float] = field(default_factory=dict)

    def note(self, operation: str, cost: Any) -> None:
        """Keep what `extensions.cost` of an answer says; anything else is left out."""
        status = cost.get("throttleStatus") if isinstance(cost, dict) else None
        if not isinstance(status, dict) or not all(
            isinstance(status.get(name), int | float)
            for name in ("currentlyAvailable", "maximumAvailable", "restoreRate")
        ):
            return
        self.available, self.maximum = status["currentlyAvailable"], status["maximumAvailable"]
        self.rate, self.at = status["restoreRate"], asyncio.get_running_loop().time()
        if isinstance(requested := cost.get("requestedQueryCost"), int | float):
            self.costs[operation] = requested

    def wait(self, operation: str) -> float:
        """Return the seconds until the shop has the points that an operation asks for, 0 where nothing is known."""
        if not self.maximum or self.rate <= 0:
            return 0
        passed = asyncio.get_running_loop().time() - self.at
        there = min(self.maximum, self.available + passed * self.rate)
        return max(0.0, (min(self.costs.get(operation, 0), self.maximum) - there) / self.rate)


def budget() -> Budget:
    """Return the budget of the running call's shop."""
    return api.connection.resource(Budget, Budget)


async def query(document: str, variables: Mapping[str, Any] | None = None) -> Record:
    """Ask, and return `data`. Variables that are None are left out. Raises the errors' classes."""
    await shop()
    return await _run(document, variables or {}, asks=True)


async def shop() -> Record:
    """Return the shop's time zone and currency, which are asked for once in a process."""
    metadata = api.connection.metadata
    if "shop" not in metadata:
        metadata["shop"] = _record((await _run(SHOP, {}, asks=True))["shop"])
    known: Record = metadata["shop"]
    return known


async def mutate(document: str, variables: Mapping[str, Any]) -> Record:
    """Change something, and return `data`; its user errors are raised as errors.InvalidInputError.

    Of several mutations in one document each is looked at: where one was refused and another one was not, the error
    says that a part was done.
    """
    await shop()
    call, before = current(), current().side_effect_confirmed
    answered = await _run(document, variables, asks=False)
    data = Record({name: _record(payload) for name, payload in answered.items()})
    refused: list[str] = []
    done = False
    for payload in data.values():
        problems = _user_errors(payload)
        refused += problems
        done = done or not problems
    if refused:
        if done:
            call.newer_effect = True  # the refused one, after one that was carried out
        else:
            _not_done(call, before)
        raise errors.InvalidInputError(f"Shopify refuses: {'; '.join(refused)}.", "Correct this and try again.")
    return data


async def page(document: str, name: str, item: type[M], *, limit: int, cursor: str | None, **variables: Any) -> Page[M]:
    """Return one page of the connection at a dotted path of the answer, as models."""
    data = await query(document, {"first": limit, "after": cursor, **variables})
    rows = api.rows_in(data, f"{name}.nodes")
    target: Any = data
    for part in name.split("."):
        target = target[part]
    info = target.get("pageInfo")
    more = info["endCursor"] if isinstance(info, dict) and info.get("hasNextPage") else None
    return Page(items=readable(item, rows), next_cursor=more)


async def _run(document: str, variables: Mapping[str, Any], *, asks: bool) -> Record:
    match = OPERATION.match(document)
    assert match, "a document begins with its operation and that one's name"
    operation = match[2]
    body = {
        "query": document,
        "operationName": operation,
        "variables": {name: value for name, value in variables.items() if value is not None},
    }
    call, sleep = current(), api.connection.network.retry.sleep
    for attempt in range(1, ATTEMPTS + 1):
        if wait := budget().wait(operation):
            await _pause(wait, sleep)
        before = call.side_effect_confirmed
        answer = await api.post("/graphql.json", json=body, reads=asks)
        extensions = answer.get("extensions")
        budget().note(operation, extensions.get("cost") if isinstance(extensions, dict) else None)
        problems = [one for one in _listed(answer.get("errors")) if isinstance(one, dict)]
        if not answer.get("errors"):
            return _record(answer["data"])
        if not any(_code(one) == "THROTTLED" for one in problems):
            break
        if not asks:
            _not_done(call, before)
        if attempt == ATTEMPTS:
            raise errors.RateLimitError(
                "Shopify refuses more requests for now: the shop's query points are used up.",
                f"Wait {max(1, round(budget().wait(operation)))} seconds, then retry.",
            )
        await _pause(max(1.0, budget().wait(operation)), sleep)
    if _is_partial(answer.get("data"), problems):
        fields = sorted({".".join(str(part) for part in one["path"] if isinstance(part, str)) for one in problems})
        api.connection.warnings["access"] = (
            f"Shopify keeps back what this app may not read: {errors.excerpt(', '.join(fields), 200)}."
        )
        return _record(answer["data"])
    problem = _problem(answer.get("errors"), problems)
    if isinstance(problem, errors.UpstreamError):
        problem.noted(call.uncertainty_note())
    elif not asks:
        _not_done(call, before)
    raise problem


async def _pause(seconds: float, sleep: Any) -> None:
    """Wait for points; raises errors.RateLimitError where the call would be over before."""
    if seconds >= current().left():
        raise errors.RateLimitError(
            "The shop's query points are used up for now.", f"Wait {max(1, round(seconds))} seconds, then retry."
        )
    await sleep(seconds)


def _record(value: Any) -> Record:
    return Record(value if isinstance(value, dict) else {})


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _code(error: Mapping[str, Any]) -> str:
    extensions = error.get("extensions")
    return str(extensions.get("code") or "") if isinstance(extensions, dict) else ""


def _is_partial(data: Any, problems: list[dict[str, Any]]) -> bool:
    """Tell whether the errors are about fields inside of what came, which the app may not read."""
    return (
        isinstance(data, dict)
        and bool(problems)
        and all(
            _code(one) == "ACCESS_DENIED" and isinstance(one.get("path"), list) and len(one["path"]) > 1
            for one in problems
        )
        and all(value is not None for value in data.values())
    )


def _problem(raw: Any, problems: list[dict[str, Any]]) -> errors.FlotillaError:
    """Return the error that the first of the top-level errors is."""
    first = problems[0] if problems else {"message": raw}
    message, code = errors.quoted(first.get("message") or "no reason"), _code(first)
    if code == "ACCESS_DENIED":
        return errors.PermissionDeniedError(
            f"The app may not do this: {message}.",
            "Ask the user to give the app this access scope, and to install its new version in the shop.",
        )
    if code == "MAX_COST_EXCEEDED":
        return errors.InvalidInputError(f"This asks for too much at once: {message}.", "Pass a smaller limit.")
    if code in ("INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"):
        return errors.UpstreamError(f"Shopify failed: {message}.", "Try again later.")
    return errors.InvalidInputError(f"Shopify refuses the request: {message}.", "Correct the arguments and try again.")


def _user_errors(payload: Mapping[str, Any]) -> list[str]:
    """Return what a mutation's payload says is wrong, each with the field that it is about."""
    result = []
    for name, rows in payload.items():
        if name.lower().endswith("usererrors"):
            for row in _listed(rows):
                path = row.get("field") if isinstance(row, dict) else None
                where = f"{path[-1]}: " if isinstance(path, list) and path else ""
                text = row.get("message") if isinstance(row, dict) else row
                result.append(errors.excerpt(f"{where}{str(text).rstrip('.')}", 200))
    return result


def _not_done(call: Call, before: bool) -> None:
    """Note that a request whose answer was a success did nothing: its body says so."""
    call.side_effect_confirmed = call.newer_effect = before
    call.mark_not_sent()


def idempotency_key() -> str:
    """Return a key for one action: Shopify carries out one request with it, however often that arrives."""
    return str(uuid.uuid4())


def last_of(data: Mapping[str, Any], kind: str) -> Record:
    """Return the object as the last mutation of a document left it; raises errors.UpstreamError without one."""
    payload = list(data.values())[-1] if data else {}
    target = payload.get(kind) or payload.get("node") if isinstance(payload, dict) else None
    return _record(target)


def quoted(text: str) -> str:
    """Return a value for Shopify's search syntax, in which quotation marks and backslashes are escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def word(text: str) -> str:
    """Return one word for Shopify's search, which then also finds what begins with it, where that needs no quotes."""
    return text if re.fullmatch(r"\w+", text) and text.upper() not in ("AND", "OR", "NOT") else quoted(text)


def every(*terms: str | None) -> str | None:
    """Return a search for all of the terms that are given, None without one."""
    return " AND ".join(term for term in terms if term) or None


def gid(kind: str, text: str, source: str) -> str:
    """Return the global id of a thing by its global id or its number.

    Raises errors.InvalidInputError that names the tool which gives ids, `source`.
    """
    tail = text.strip().removeprefix(f"gid://shopify/{kind}/")
    if not (tail.isascii() and tail.isdigit()):
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 60)}` is not an id of the kind {kind}.", f"Pass the id that {source} returned."
        )
    return f"gid://shopify/{kind}/{tail}"


def one(data: Mapping[str, Any], name: str, kind: str, hint: str) -> Record:
    """Return an object of an answer; raises errors.NotFoundError where it is null."""
    target = data[name]
    if not isinstance(target, dict):
        raise errors.NotFoundError(f"There is no such {kind}.", hint)
    return Record(target)
