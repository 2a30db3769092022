"""Reading a vendor's responses: JSON that is never assumed to be complete, messages, and errors from failures."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import responses
from typing import Any

import httpx2 as httpx

from flotilla import errors
from flotilla.calls.context import current
from flotilla.pagination import dig
from flotilla.settings import scrub

ErrorMessage = Callable[[int, Any], str]
MapError = Callable[[int, Any], errors.FlotillaError | None]
UNIX = 1e9  # a bigger number is not a duration but a time
UNCLEAR = frozenset({408, 444, 460, 499})  # of 4xx: what a proxy says of a request that may have got through
YEAR = 366 * 86_400  # seconds
LONGEST_WORD = 200  # characters: a longer text without a space says nothing to a reader
_MESSAGES = ("message", "error_description", "detail", "details", "error", "errors", "title", "reason")


class MissingFieldError(errors.UpstreamError, KeyError):
    """A vendor's object lacks what its documentation promises."""

    __str__ = errors.FlotillaError.__str__


class Record(dict[str, Any]):
    """A vendor's JSON object, which is never assumed to be complete: a missing key raises errors.UpstreamError.

    `record["name"]` is for what must be there, `record.get("name")` for what may be missing.
    """

    def __missing__(self, key: str) -> Any:
        error = unreadable(current().last_vendor or "The vendor", f"answered without `{errors.excerpt(key, 60)}`")
        raise MissingFieldError(error.message, error.hint)


def decoded_json(data: bytes | str) -> Any:
    """Return decoded JSON, its objects as `Record`; raises ValueError, also for JSON that is nested too deeply."""
    try:
        return json.loads(data, object_hook=Record)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def json_of(response: httpx.Response, title: str) -> Any:
    """Return the decoded JSON of a success, None for an empty one; raises errors.UpstreamError for anything else."""
    if not response.content.strip():
        return None
    try:
        return decoded_json(response.content)
    except ValueError as error:
        kind = errors.excerpt(response.headers.get("content-type", "no content type").split(";")[0], 60)
        body = "JSON that cannot be read" if "deeply" in str(error) else f"{kind} that is not JSON"
        raise unreadable(title, f"answered with {body}") from None


def unreadable(title: str, problem: str, hint: str = "Try again; if it stays, tell the user.") -> errors.UpstreamError:
    """Return the error of a success that cannot be read; `problem` completes "Acme …"."""
    return errors.UpstreamError(f"{title} {problem}.{current().uncertainty_note()}", _unless_done(hint))


def _unless_done(hint: str) -> str:
    """Return the hint, but "" where something was done: the warning in the message then says what to do."""
    call = current()
    return "" if call.may_have_side_effects and call.outcome_known else hint


def object_of(data: Any, title: str) -> dict[str, Any]:
    """Return a response's JSON object; raises errors.UpstreamError for anything else."""
    if isinstance(data, dict):
        return data
    raise unreadable(title, f"answered with {_kind(data)} in place of an object")


def rows_of(data: Any, title: str, at: str = "", *, missing: bool = False) -> list[Any]:
    """Return the objects of the list at a dotted path of an answer; raises errors.UpstreamError where there is no list.

    `missing`: the vendor leaves an empty list out.
    """
    rows = dig(object_of(data, title), at) if at else data
    if rows is None and missing and at:
        return []
    if not isinstance(rows, list):
        where = f" at `{at}`" if at else ""
        raise unreadable(title, f"answered with {_kind(rows)} in place of a list{where}")
    return [row for row in rows if isinstance(row, dict)]


def _kind(data: Any) -> str:
    names = {type(None): "nothing", list: "a list", dict: "an object", str: "a text"}
    return names.get(type(data), "an object" if isinstance(data, dict) else "a number")


def usual_message(status: int, body: Any, deepest: int = 10) -> str:
    """Return a vendor's message from the usual fields of an error response, "" without one."""
    if isinstance(body, Mapping):
        return (
            next((usual_message(status, body[key], deepest - 1) for key in _MESSAGES if body.get(key)), "")
            if deepest
            else ""
        )
    if isinstance(body, list):
        return "; ".join(usual_message(status, part, deepest - 1) for part in body[:5]) if deepest else ""
    return str(body or "")


async def body_of(response: httpx.Response) -> Any:
    """Return the start of an error response, decoded where it is JSON, and close it."""
    body = bytearray()
    with suppress(httpx.HTTPError):
        async for part in response.aiter_bytes():
            body += part
            if len(body) > 65_536:
                break
    await response.aclose()
    with suppress(ValueError):
        return decoded_json(bytes(body))
    text = bytes(body).decode("utf-8", "replace").strip()
    return "" if text.startswith(("<", "{", "[")) else text  # an HTML page or a fragment of JSON is not a message


def problem_of(response: httpx.Response, message: str, title: str, wait: float | None) -> errors.FlotillaError:
    """Return the error of an unsuccessful response; `message` is the vendor's, `wait` the seconds it asks for."""
    status = response.status_code
    message = scrub(message or phrase(response))
    legible = len(message) <= LONGEST_WORD or re.search(r"\s", message[:1000].strip())
    reason = f": {line}" if legible and (line := errors.quoted(message)) else ""
    note = current().uncertainty_note()
    if status == 429:
        return errors.RateLimitError(
            f"{title} refuses more requests for now{reason}.", patience(60 if wait is None else wait)
        )
    if status in _REFUSALS:
        kind, problem, hint = _REFUSALS[status]
        return kind(f"{title} {problem}{reason}.", hint)
    if 300 <= status < 400 and (to := _pointed(response)):
        message = f"{title} answered with a redirect ({status}) to {to}, which is not followed.{note}"
        return errors.UpstreamError(message, "If it stays, ask the user to check the address of the API.")
    if 400 <= status < 500 and status not in UNCLEAR:
        return errors.InvalidInputError(
            f"{title} refuses the request ({status}){reason}.", "Correct the arguments and try again."
        )
    return errors.UpstreamError(f"{title} failed ({status}){reason}.{note}", _unless_done("Try again later."))


_REFUSALS: dict[int, tuple[type[errors.FlotillaError], str, str]] = {
    401: (errors.AuthenticationError, "does not accept the credentials", "Ask the user to renew them."),
    402: (errors.PermissionDeniedError, "wants a payment or another plan for this (402)", "Tell the user."),
    403: (
        errors.PermissionDeniedError,
        "does not allow this",
        "Tell the user: the reason may be a missing permission, a limit, or the state that the thing is in.",
    ),
    404: (errors.NotFoundError, "does not have this", "Check the id, or list or search first."),
    405: (errors.UpstreamError, "does not offer this (405)", "Tell the user: other arguments will not help."),
    410: (errors.NotFoundError, "does not have this", "Check the id, or list or search first."),
    413: (
        errors.InvalidInputError,
        "does not take so much at a time (413)",
        "Send less: a smaller file, or fewer items.",
    ),
    425: (errors.RateLimitError, "is not ready for this yet (425)", "Wait a few seconds, then retry."),
    451: (
        errors.PermissionDeniedError,
        "may not give this for legal reasons (451)",
        "Tell the user: other arguments will not help.",
    ),
}


def _pointed(response: httpx.Response) -> str:
    """Return host and path of the address that a redirect points to, "" where there is none."""
    with suppress(httpx.InvalidURL, KeyError, ValueError):
        url = response.request.url.join(response.headers["location"])
        return errors.excerpt(scrub(f"{url.netloc.decode('ascii')}{url.path}"), 120)
    return ""


def patience(seconds: float) -> str:
    """Return a hint how long to wait: seconds up to five minutes, then a time in UTC."""
    if seconds <= 300:
        return f"Wait {seconds:.0f} seconds, then retry."
    if seconds > YEAR:
        return "Do not try again now: tell the user."
    return f"Try again after {datetime.fromtimestamp(time.time() + seconds, UTC):%Y-%m-%d %H:%M} UTC."


def phrase(response: httpx.Response) -> str:
    """Return the reason phrase unless it is the status's own name: some vendors send no other message."""
    usual = (httpx.codes.get_reason_phrase(response.status_code), responses.get(response.status_code))
    return "" if response.reason_phrase in usual else response.reason_phrase


def unreachable(cut: Exception, title: str) -> errors.FlotillaError:
    """Return the error of a request that was never sent."""
    return errors.UpstreamError(
        f"{title} cannot be reached ({type(cut).__name__}); nothing was sent.",
        "Try again later, or check the network and the address.",
    )


def broken(cut: Exception, title: str) -> errors.FlotillaError:
    """Return the error of a response that did not come, or not to its end."""
    problem = "cut the connection"
    if isinstance(cut, httpx.TimeoutException):
        problem = "did not answer in time"
    elif not isinstance(cut, httpx.TransportError):
        problem = f"answered in a way that cannot be read ({type(cut).__name__})"
    return errors.UpstreamError(f"{title} {problem}.{current().uncertainty_note()}", _unless_done("Try again later."))


def retry_after(response: httpx.Response, header: str = "") -> float | None:
    """Return the seconds that the vendor asks to wait: a number, a date (RFC 9110 §10.2.3), or a Unix time.

    `header` is where else than in Retry-After it says so. None when it does not.
    """
    value = response.headers.get("retry-after") or response.headers.get(header) or ""
    with suppress(ValueError):
        seconds = float(value)
        return max(0.0, seconds - time.time() if seconds > UNIX else seconds)
    with suppress(ValueError, OverflowError):
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    return None
