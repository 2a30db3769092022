"""Getting a document, and writing blocks at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flotilla import errors, segment

from .client import api
from .models import Written
from .parsing import Block
from .reading import tabs
from .writing import requests_of

PAGE = 50_000  # characters


def url(document: str) -> str:
    """Return the address of a document in the browser."""
    return f"https://docs.google.com/document/d/{document}/edit"


async def whole(document: str) -> dict[str, Any]:
    """Return a document with all its tabs."""
    found: dict[str, Any] = await api.get(f"/documents/{segment(document)}", params={"includeTabsContent": "true"})
    return found


def part(text: str, cursor: str | None) -> tuple[str, str | None]:
    """Return one page of a text, cut at the end of a line where there is one, and where the next one begins."""
    if cursor and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 12):
        raise errors.InvalidInputError("The cursor is not one of ours.", "Leave it out to start at the beginning.")
    start = int(cursor or 0)
    end = min(start + PAGE, len(text))
    if end < len(text):
        end = max(text.rfind("\n", start, end) + 1, start) or end
        end = end if end > start else start + PAGE
    return text[start:end], str(end) if end < len(text) else None


def announced(blocks: Sequence[Block]) -> None:
    """Say for a dry run what `filled` will send once the document has an id."""
    if blocks:
        api.follows("POST", "/documents/{documentId}:batchUpdate", json={"requests": requests_of(blocks, 1)})


async def filled(document: str, blocks: Sequence[Block]) -> None:
    """Write into a document that was just made; a failure says that it is there."""
    if not blocks:
        return
    try:
        body = {"requests": requests_of(blocks, 1)}
        await api.send("POST", f"/documents/{segment(document)}:batchUpdate", json=body)
    except errors.FlotillaError as problem:
        then = f"The document {document} is there, without text: write it with gdocs_append_text."
        raise type(problem)(problem.message, then) from None


async def appended(document: str, blocks: Sequence[Block], lost: set[str]) -> Written:
    """Write at the end of a document's first tab; it is refused when somebody else changed it meanwhile."""
    raw = await whole(document)
    tab: dict[str, Any] = next((dict(one) for one in tabs(raw)), {})
    content = (tab.get("documentTab", {}).get("body") or {}).get("content") or [{"endIndex": 2}]
    end = int(content[-1].get("endIndex", 2))
    told: list[dict[str, Any]] = []
    if _text(content[-1]):
        told, end = [{"insertText": {"location": {"index": end - 1}, "text": "\n"}}], end + 1
    body: dict[str, Any] = {"requests": [*told, *requests_of(blocks, end - 1)]}
    if raw.get("revisionId"):
        body["writeControl"] = {"requiredRevisionId": raw["revisionId"]}
    if not blocks:
        raise errors.InvalidInputError("There is nothing to write.", "Pass some text.")
    await api.send("POST", f"/documents/{segment(document)}:batchUpdate", json=body)
    return Written(id=document, url=url(document), lost=sorted(lost))


def _text(element: dict[str, Any]) -> bool:
    """Tell whether the last paragraph of a document holds anything."""
    found = (element.get("paragraph") or {}).get("elements", ())
    return any("textRun" not in one or one["textRun"].get("content", "") != "\n" for one in found)
