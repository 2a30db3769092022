"""What a vendor's answer means: its JSON, its own words, and the problem that a failure is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http.client import responses
from typing import Any

import httpx2 as httpx

from . import errors
from .call import current
from .settings import scrub

Reason = Callable[[int, Any], str]
Classify = Callable[[int, Any], errors.Problem | None]
UNIX = 1e9  # a bigger number is no duration but a time
_WORDS = ("message", "error_description", "detail", "details", "error", "errors", "title", "reason")


def json_of(response: httpx.Response, title: str) -> Any:
    """Return the decoded JSON of a success, None for an empty one; raises errors.Upstream for anything else."""
    if not response.content.strip():
        return None
    try:
        return response.json()
    except ValueError:
        kind = errors.excerpt(response.headers.get("content-type", "no content type").split(";")[0], 60)
        raise errors.Upstream(
            f"{title} answered with {kind} that is no JSON.{current().doubt()}",
            "Try again; if it stays, tell the user.",
        ) from None


def said(status: int, body: Any) -> str:
    """Return a vendor's own words from the usual places of an error answer."""
    if isinstance(body, Mapping):
        return next((said(status, body[key]) for key in _WORDS if body.get(key)), "")
    if isinstance(body, list):
        return "; ".join(said(status, part) for part in body[:5])
    return str(body or "")


async def body_of(response: httpx.Response) -> Any:
    """Return the start of an error answer, decoded where it is JSON, and close it."""
    body = bytearray()
    with suppress(httpx.HTTPError):
        async for part in response.aiter_bytes():
            body += part
            if len(body) > 65_536:
                break
    await response.aclose()
    with suppress(ValueError):
        return httpx.Response(200, content=bytes(body)).json()
    text = bytes(body).decode("utf-8", "replace").strip()
    return "" if text.startswith("<") else text  # a page of HTML helps nobody


def problem_of(response: httpx.Response, words: str, title: str, wait: float | None) -> errors.Problem:
    """Return the problem that an unsuccessful answer is; `words` are the vendor's, `wait` what it asks for."""
    status = response.status_code
    words = errors.excerpt(scrub(words or phrase(response)))
    told = f": {words}".rstrip(".") if words else ""
    if status == 401:
        return errors.Auth(f"{title} does not accept the credentials{told}.", "Ask the user to renew them.")
    if status == 403:
        return errors.Scope(f"{title} does not allow this{told}.", "The user must grant the right, or use another.")
    if status in (404, 410):
        return errors.NotFound(f"{title} does not have this{told}.", "Check the id, or list or search first.")
    if status == 429:
        then = f"Wait {60 if wait is None else wait:.0f} seconds, then retry."
        return errors.Rate(f"{title} refuses more requests for now{told}.", then)
    if 400 <= status < 500 and status != 408:
        return errors.Input(f"{title} refuses the request ({status}){told}.", "Correct the arguments and try again.")
    return errors.Upstream(f"{title} failed ({status}){told}.{current().doubt()}", "Try again later.")


def phrase(response: httpx.Response) -> str:
    """Return the reason phrase where it is more than the name of the status: the only words of some vendors."""
    usual = (httpx.codes.get_reason_phrase(response.status_code), responses.get(response.status_code))
    return "" if response.reason_phrase in usual else response.reason_phrase


def unreachable(cut: Exception, title: str) -> errors.Problem:
    """Return the problem of a request that never left."""
    return errors.Upstream(
        f"{title} cannot be reached ({type(cut).__name__}); nothing was sent.",
        "Try again later, or check the network and the address.",
    )


def broken(cut: Exception, title: str) -> errors.Problem:
    """Return the problem of an answer that did not come, or not to its end."""
    how = "cut the connection"
    if isinstance(cut, httpx.TimeoutException):
        how = "did not answer in time"
    elif not isinstance(cut, httpx.TransportError):
        how = f"answered in a way that cannot be read ({type(cut).__name__})"
    return errors.Upstream(f"{title} {how}.{current().doubt()}", "Try again later.")


def retry_after(response: httpx.Response, header: str = "") -> float | None:
    """Return the seconds that the vendor asks to wait: a number, a date (RFC 9110 §10.2.3), or a Unix time.

    `header` is where else than in Retry-After it says so. None when it does not.
    """
    value = response.headers.get("retry-after") or response.headers.get(header) or ""
    with suppress(ValueError):
        seconds = float(value)
        return max(0.0, seconds - time.time() if seconds > UNIX else seconds)
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    return None
