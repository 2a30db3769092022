"""Compare what a dry run showed with what was then sent: all requests, each whole.

What is masked in the one is masked in the other, and then they must be equal. A dry run that shows an `action=`
instead of a request must hold the value of every argument, and show nothing that is not sent.
"""

from __future__ import annotations

import json
import re
import sys
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping, Sequence
from email import message_from_bytes, policy
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx2 as httpx

from flotilla.calls.results import visible_in
from flotilla.http.transport import HARMLESS, HOP_HEADERS
from flotilla.server import Server
from flotilla_testing.responses import Request
from flotilla_testing.subject import apis_of

REMARKS = ("action", "method", "bytes", "size_bytes", "rows", "characters", "then", "type", "files", "source")


def problems(
    shown: Mapping[str, Any],
    arguments: Mapping[str, Any],
    requests: Sequence[Request],
    server: Server[Any],
    broke_off: bool = False,
) -> list[str]:
    """Return what differs between the dry run of a call and `requests`, what the call sent, reads included.

    `broke_off`: the call failed, so it may have sent less than was shown.
    """
    shown, arguments = dict(shown), dict(server.connection.audit.masked(arguments))
    if "action" in shown:
        return [*_lacking(shown, arguments), *_invented(shown, requests)]
    steps, sent = [shown, *shown.pop("then", ())], [request for request in requests if request.writes]
    for number, step in enumerate(steps):
        if "action" in step:  # the rest, in as many requests as it takes
            return [] if broke_off else _unannounced(step, sent[number:])
        if number >= len(sent):
            if broke_off:
                return []
            return [f"shows {len(steps)} requests in a dry run, and sends {len(sent)} without."]
        if result := _differs(step, sent[number], server, first=not number):
            return [result]
    if len(sent) > len(steps):
        more = sent[len(steps)]
        return [f"sends {more.method} {more.url} too, which no dry run shows: say so with `follows`."]
    return []


# -- a request that is shown ------------------------------------------------------------------------------------------


def _differs(step: Mapping[str, Any], sent: Request, server: Server[Any], first: bool) -> str:
    if (step.get("method"), True) != (sent.method, _is_at(step["url"], server.connection.audit.masked(sent.url))):
        return f"shows {step.get('method')} {step['url']}, and sends {sent.method} {sent.url}."
    body = step.get("body")
    masked = server.connection.audit.masked
    if visible_in(masked(body)) != visible_in(masked(_body(sent, body))):  # hidden characters are shown as ⟨U+000B⟩
        return f"shows the body {body}, and sends {sent.body[:300]!r}."
    if first and step.get("headers", {}) != (headers := _headers(sent, server)):
        return f"shows the headers {step.get('headers', {})}, and sends {headers}."
    return ""


def _is_at(shown: str, sent: str) -> bool:
    """Tell whether an address is the one that was shown, which may hold {placeholders}."""
    return re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/:?]+", re.escape(shown)), sent) is not None


def _headers(sent: Request, server: Server[Any]) -> dict[str, Any]:
    known = {name: value for name, value in sent.headers.items() if name not in HARMLESS | HOP_HEADERS}
    credentials = _credentials(server, len(sys.modules))
    known |= dict.fromkeys(credentials & sent.headers.keys(), "***")  # one server may have an Api without any
    if known.get("content-type", "").startswith("multipart/form-data"):
        known["content-type"] = "multipart/form-data"
    return dict(server.connection.audit.masked(known))


@cache
def _credentials(server: Server[Any], modules: int) -> frozenset[str]:
    """Return the headers of a server's credentials, from so many imported modules: all of them are looked through."""
    return frozenset(api.auth.header.lower() for api in apis_of(server) if api.auth)


def _body(sent: Request, shown: Any) -> Any:
    """Return the body that was sent in the form in which it is shown."""
    kind = sent.headers.get("content-type", "")
    if not sent.body:
        return None
    if kind.startswith("multipart/form-data"):
        return _form(sent)
    if shown == f"{len(sent.body)} bytes":
        return shown
    if "json" in kind:
        return sent.json()
    text = sent.body.decode(errors="replace")
    if "form-urlencoded" in kind and isinstance(shown, Mapping):
        pairs = parse_qsl(text, keep_blank_values=True)
        meant = httpx.Request("POST", "https://form.example", data=dict(shown)).read().decode()
        return shown if parse_qsl(meant, keep_blank_values=True) == pairs else dict(pairs)
    return text


def _form(sent: Request) -> dict[str, Any]:
    boundary = sent.headers["content-type"].partition("boundary=")[2].encode()
    fields: dict[str, Any] = {}
    files = []
    for part in sent.body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.removesuffix(b"\r\n").partition(b"\r\n\r\n")
        names = dict(re.findall(r'\b(name|filename)="([^"]*)"', head.decode()))
        if "filename" not in names:
            fields[names["name"]] = content.decode()
            continue
        file = {"field": names["name"], "name": names["filename"], "bytes": len(content)}
        kind = re.search(r"(?i)content-type: *(\S+)", head.decode())
        files.append({**file, **({"type": kind[1]} if kind else {})})
    return {"fields": fields, "files": files}


# -- an action that is shown ------------------------------------------------------------------------------------------


def _lacking(shown: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[str]:
    """Every value of every argument stands in what is shown: as it is, in a longer text, or the beginning of it.

    But for switches: what they do shows, not that they are on.
    """
    texts = [_plain(value) for value in _leaves(shown)]
    lacking = {
        name: value
        for name, params in arguments.items()
        for value in _leaves(params, names=False)
        if not isinstance(value, bool)
        and not any(_plain(value) in text or (len(text) >= 500 and _plain(value).startswith(text)) for text in texts)
    }
    return [f"shows {dict(shown)} in a dry run, where {n}={v!r} is missing." for n, v in lacking.items()]


def _invented(shown: Mapping[str, Any], requests: Sequence[Request]) -> list[str]:
    """Every text that is shown is sent; nothing is shown of what does not go to an HTTP vendor."""
    if not any(request.writes for request in requests):
        return []
    details = {name: value for name, value in shown.items() if name not in REMARKS}
    texts = [text for request in requests for text in map(_plain, (unquote(request.url), *_contents(request)))]
    texts_shown = [value for value in _leaves(details, names=False) if isinstance(value, str)]
    odd = [value for value in texts_shown if not any(_plain(value) in text for text in texts)]
    return [f"shows {value!r} in a dry run, and does not send it." for value in odd]


def _unannounced(step: Mapping[str, Any], sent: Sequence[Request]) -> list[str]:
    texts = [_plain(value) for value in _leaves(step)]
    hidden = [v for request in sent for v in _contents(request) if isinstance(v, str) and _plain(v) not in texts]
    if not sent:
        return [f"shows {step['action']!r} in a dry run, and does not do it."]
    return [f"sends {value!r} too, which no dry run shows." for value in hidden]


def _contents(request: Request) -> Iterator[Any]:
    """Yield every value of a request's body; of a mail in it its headers and texts."""
    if "json" not in request.headers.get("content-type", ""):
        yield request.body.decode(errors="replace")
        return
    for value in _leaves(request.json(), names=False):
        yield value
        if isinstance(value, str) and len(value) > 60 and re.fullmatch(r"[\w-]+={0,2}", value):
            mail = message_from_bytes(urlsafe_b64decode(value + "=="), policy=policy.default)
            for part in mail.walk():
                yield from (str(text) for text in part.values())
                yield part.get_filename() or ""
                yield part.get_content() if part.get_content_maintype() == "text" else ""


def _leaves(value: Any, names: bool = True) -> Iterator[Any]:
    """Yield the values of nested lists and objects, and the names in the latter; nothing for None."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from (name,) if names else ()
            yield from _leaves(inner, names)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, names)
    elif value is not None:
        yield value


def _plain(value: Any) -> str:
    """Return a value as text, without differences that only its form makes."""
    text = value if isinstance(value, str) else json.dumps(value)
    return " ".join(text.split())
