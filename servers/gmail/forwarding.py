"""A mail that is passed on: what stands above its text, its formatting where it has one, and its files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from html import escape

from flotilla import errors

from . import reading
from .content import bytes_of
from .mime import LARGEST, cleaned
from .reading import Part

HEADS = ("From", "Date", "Subject", "To", "Cc")
ABOVE = "---------- Forwarded message ---------"  # as Gmail writes it


def subject(message: Part) -> str:
    """Return the subject of a mail that passes another one on."""
    known = cleaned(reading.headers(message).get("Subject", ""))[:800]
    return known if known.lower().startswith(("fwd:", "fw:", "tr:")) else f"Fwd: {known}".strip()


def text(message: Part, own: str) -> str:
    """Return its text: the sender's own words, then the mail."""
    return "\n\n".join(one for one in (own, "\n".join([ABOVE, *_lines(message)]), reading.text(message)) if one)


def html(message: Part, own: str) -> str:
    """Return the same as HTML, "" where the mail has none that says all of it."""
    original = reading.html(message)
    if not original:
        return ""
    above = f"<div>{_lines_of(own.splitlines())}</div><br>" if own else ""
    return f"{above}<div>{_lines_of([ABOVE, *_lines(message)])}</div><br>{original}"


async def attachments(identifier: str, message: Part) -> list[tuple[str, bytes]]:
    """Return its files; raises errors.InvalidInputError where they are more than Gmail takes."""
    parts = reading.attachments(message)
    size = sum(int(reading.body(part).get("size") or 0) for part in parts)
    if size > LARGEST:
        raise errors.InvalidInputError(
            f"The attachments of this mail have {size:,} bytes, more than Gmail sends.",
            "Save them with gmail_get_attachment, and share them in another way.",
        )
    contents: Sequence[bytes] = await asyncio.gather(*(bytes_of(identifier, part) for part in parts))
    return [(cleaned(reading.name_of(part))[-200:], one) for part, one in zip(parts, contents, strict=True)]


def _lines(message: Part) -> list[str]:
    head = reading.headers(message)
    return [f"{name}: {cleaned(head[name])}" for name in HEADS if head.get(name)]


def _lines_of(lines: Sequence[str]) -> str:
    return "<br>".join(escape(line) for line in lines)
