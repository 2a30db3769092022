"""A message of the API as people read it: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages

A mail is a tree of parts. What is text and has no file name is read, in order; of a multipart/alternative, one part
alone, since the others are twins of it. Everything else is an attachment.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from flotilla.parsing import from_milliseconds, html_to_text

from .client import api

Part = Mapping[str, Any]

SHOWN = ("From", "To", "Cc", "Reply-To", "Subject", "Message-ID", "References")
TEXTS = ("text/plain", "text/html", "text/calendar")
INVITATION = ("SUMMARY", "DTSTART", "DTEND", "LOCATION", "ORGANIZER", "RRULE", "STATUS")
_ESCAPED = re.compile(r"\\([\\,;nN])")  # in values of iCalendar: RFC 5545 §3.3.11


def headers(message: Part) -> dict[str, str]:
    """Return a message's headers by their usual names; of one that comes twice, the first."""
    return _headers(message.get("payload") or {})


def _headers(part: Part) -> dict[str, str]:
    result: dict[str, str] = {}
    usual = {name.lower(): name for name in SHOWN}
    for header in part.get("headers") or ():
        if isinstance(header, Mapping) and header.get("name"):
            name = str(header["name"])
            result.setdefault(usual.get(name.lower(), name), str(header.get("value") or ""))
    return result


def received_at(message: Part) -> datetime:
    """Return when Gmail got a message: the header's own date is whatever the sender wrote.

    Gmail names no time zone of the account: it is shown in that of FLOTILLA_TIMEZONE.
    """
    return from_milliseconds(message.get("internalDate") or 0, api.zone)


def text(message: Part) -> str:
    """Return the text of a mail: plain, or HTML reduced to text. See `text_parts` for what is fetched before."""
    return "\n\n".join(_texts(message.get("payload") or {}))


def html(message: Part) -> str:
    """Return a mail's HTML where it says all of it: alone, or as the alternative of a plain text; "" elsewhere."""
    parts = text_parts(message)
    part = {_kind(one): one for one in parts}.get("text/html")
    alone = len(parts) == 1 or (len(parts) == 2 and _has_alternatives(message.get("payload") or {}))
    return decoded(str(body(part).get("data") or "")).decode("utf-8", "replace") if part and alone else ""


def _has_alternatives(part: Part) -> bool:
    return _kind(part) == "multipart/alternative" or any(map(_has_alternatives, _children(part)))


def attachments(message: Part) -> list[Part]:
    """Return the parts that are files; their `partId` is the same in every answer, their attachmentId is not."""
    return list(_files(message.get("payload") or {}))


def text_parts(message: Part) -> list[Part]:
    """Return the parts that are text of the mail. Gmail keeps big ones apart, behind an attachmentId."""
    return list(_text_leaves(message.get("payload") or {}))


def body(part: Part) -> dict[str, Any]:
    """Return a part's body: {size, data} or {size, attachmentId}."""
    return part.get("body") or {}


def decoded(encoded: str) -> bytes:
    """Return what base64url text stands for, with or without padding; other characters are left out."""
    known = re.sub(r"[^A-Za-z0-9_-]", "", encoded.replace("+", "-").replace("/", "_"))
    whole = known[:-1] if len(known) % 4 == 1 else known  # one character alone stands for no byte
    return base64.urlsafe_b64decode(whole + "=" * (-len(whole) % 4))


def name_of(part: Part) -> str:
    """Return how an attachment is called: its file name, else its content type."""
    return str(part.get("filename") or part.get("mimeType") or "")


def _kind(part: Part) -> str:
    return str(part.get("mimeType") or "").lower()


def _children(part: Part) -> list[Part]:
    return [child for child in part.get("parts") or () if isinstance(child, Mapping)]


def _has_content(part: Part) -> bool:
    return bool(body(part).get("data") or body(part).get("attachmentId"))


def _is_file(part: Part, twin: bool = False) -> bool:
    """Tell whether a part is an attachment. `twin`: it is one of a multipart/alternative."""
    kind = _kind(part)
    if (_children(part) and not _has_content(part)) or kind.startswith("multipart/"):
        return False  # also an attached mail that Gmail gives in parts alone
    if part.get("filename"):
        return True
    return bool(kind) and kind not in TEXTS and not (twin and kind.startswith("text/"))


def _texts(part: Part, twin: bool = False) -> list[str]:
    children = _children(part)
    if _is_file(part, twin):
        return []
    if not children:
        read = _text_of(part)
        return [read] if read else []
    if _kind(part) != "multipart/alternative":
        heading = _heading(part) if _kind(part) == "message/rfc822" else []
        return [*heading, *(read for child in children for read in _texts(child))]
    twins = [(_kind(child), _texts(child, twin=True)) for child in children]
    invitations = [read for kind, reads in twins if kind == "text/calendar" for read in reads]
    others = [(kind, reads) for kind, reads in twins if reads and kind != "text/calendar"]
    plain = [reads for kind, reads in others if kind == "text/plain"]
    best = plain[0] if plain else others[-1][1] if others else []  # RFC 2046 §5.1.4: the last one is the best
    return [*best, *invitations]


def _text_leaves(part: Part) -> Iterator[Part]:
    children = _children(part)
    if not children and not _is_file(part) and _kind(part) in TEXTS:
        yield part
    elif not _is_file(part):
        for child in children:
            yield from _text_leaves(child)


def _files(part: Part, twin: bool = False) -> Iterator[Part]:
    if _is_file(part, twin):
        yield part
    for child in _children(part):  # of an attached mail too: its files can be fetched by themselves
        yield from _files(child, twin=_kind(part) == "multipart/alternative")


def _text_of(part: Part) -> str:
    """Return a part as text; Gmail gives all text as UTF-8."""
    if _kind(part) not in TEXTS:
        return ""
    read = decoded(str(body(part).get("data") or "")).decode("utf-8", "replace").replace("\r\n", "\n")
    if _kind(part) == "text/html":
        return html_to_text(read)
    return invitation(read) if _kind(part) == "text/calendar" else read.strip()


def _heading(part: Part) -> list[str]:
    """Return the lines above the text of an attached mail."""
    known = {name: value for child in (part, *_children(part)) for name, value in _headers(child).items()}
    lines = [f"{name}: {known[name]}" for name in ("From", "Date", "Subject") if known.get(name)]
    return ["\n".join(["---------- Attached message ----------", *lines])]


def invitation(calendar: str) -> str:
    """Return what the first event of an iCalendar text says: title, times, place; "" for none. RFC 5545."""
    lines = re.sub(r"\n[ \t]", "", calendar).split("\n")
    start = next((n for n, line in enumerate(lines) if line.strip().upper() == "BEGIN:VEVENT"), len(lines))
    end = next((n for n, line in enumerate(lines) if n > start and line.strip().upper() == "END:VEVENT"), len(lines))
    shown = [line.strip() for line in lines[start:end] if re.split("[:;]", line)[0].upper() in INVITATION]
    unescaped = [_ESCAPED.sub(lambda result: " " if result[1] in "nN" else result[1], line) for line in shown]
    return "\n".join(["Calendar invitation:", *unescaped]) if unescaped else ""
