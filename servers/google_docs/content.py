"""Documents of the API: getting one, and writing blocks into it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flotilla import errors, segment

from .client import api
from .models import WrittenDocument
from .parsing import Block
from .places import in_tab, place_for
from .writing import requests_of


def url(document: str) -> str:
    """Return the address of a document in the browser."""
    return f"https://docs.google.com/document/d/{document}/edit"


async def get(document: str, *, suggestions: bool) -> dict[str, Any]:
    """Return a document with all its tabs.

    With `suggestions`, pending ones stand in its text, as they do in the indexes that writing takes; without, the
    text is what it was before them.
    """
    view = "SUGGESTIONS_INLINE" if suggestions else "PREVIEW_WITHOUT_SUGGESTIONS"
    params = {"includeTabsContent": "true", "suggestionsViewMode": view}
    return await api.get(f"/documents/{segment(document)}", params=params)


def announce_fill(blocks: Sequence[Block]) -> None:
    """Add what `fill` will send to a dry run, whose document has no id yet."""
    if blocks:
        api.follows("POST", "/documents/{documentId}:batchUpdate", json={"requests": requests_of(blocks, 1)})


async def fill(document: str, blocks: Sequence[Block]) -> None:
    """Write into a document that was just created; an error says that the document exists."""
    if blocks:
        with errors.hint(f"The document {document} exists, without text: write it with gdocs_append_text."):
            body = {"requests": requests_of(blocks, 1)}
            await api.send("POST", f"/documents/{segment(document)}:batchUpdate", json=body)


async def write(
    document: str,
    blocks: Sequence[Block],
    lost: Iterable[str] = (),
    *,
    heading: str | None = None,
    after: str | None = None,
    image: dict[str, Any] | None = None,
) -> WrittenDocument:
    """Write blocks at a place, see `places.place_for`, and a picture in the last of them.

    Google refuses it when the document was changed meanwhile, so that a repeated request never writes twice.
    """
    if not blocks:
        raise errors.InvalidInputError("There is nothing to write.", "Pass some text.")
    raw = await get(document, suggestions=True)
    place = place_for(raw, heading, after)
    requests: list[dict[str, Any]] = []
    if place.newline is not None:
        requests.append({"insertText": {"location": {"index": place.newline}, "text": "\n"}})
    requests += requests_of(blocks, place.index)
    if image:
        requests.append({"insertInlineImage": {"location": {"index": place.index}, **image}})
    await send(raw, document, in_tab(requests, place.tab))
    return WrittenDocument(id=document, url=url(document), lost=sorted(lost))


async def send(raw: dict[str, Any], document: str, requests: list[dict[str, Any]]) -> None:
    """Carry out requests for a document as it was read; Google refuses them when it was changed meanwhile."""
    body: dict[str, Any] = {"requests": requests}
    if raw.get("revisionId"):
        body["writeControl"] = {"requiredRevisionId": raw["revisionId"]}
    await api.send("POST", f"/documents/{segment(document)}:batchUpdate", json=body)
