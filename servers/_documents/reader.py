"""Read documents of the data folder as Markdown text. A process of its own parses them: see `worker`."""

from __future__ import annotations

import re
import threading
from typing import Any

from pydantic import Field

from flotilla import Model, UntrustedText, errors, files
from flotilla_launcher import sandbox

WORKER = f"{__package__}.worker"
SECONDS = 25.0  # for one part of a document
MEMORY = 384 * 2**20  # bytes of address space
_turn = threading.Semaphore(1)  # a container has room for one such process beside its server
_DAMAGED = "The file may be damaged: ask the user to open it, or for a copy saved as PDF."


class Part(Model):
    """A page, sheet or slide, or a part of one."""

    number: int
    name: UntrustedText | None = None
    text: UntrustedText


class AttachedFile(Model):
    """A file within a mail."""

    name: UntrustedText
    content_type: str
    bytes: int


class DocumentText(Model):
    """A document as Markdown, or one stretch of it."""

    path: str
    format: str
    title: UntrustedText | None = None
    author: UntrustedText | None = None
    unit: str = Field(description="What a part is: page, sheet, slide or text.")
    count: int = Field(description="Number of them in the whole document.")
    names: list[UntrustedText] | None = Field(None, description="Names of all sheets.")
    parts: list[Part]
    attachments: list[AttachedFile] | None = None
    notes: list[UntrustedText] | None = Field(None, description="What could not be read, and why.")
    next_cursor: str | None = None


def read_document(path: str, pages: str, attachment: str, limit: int, cursor: str | None) -> DocumentText:
    """Return up to `limit` bytes of a document's text, from a cursor on. Blocks.

    Raises errors.InvalidInputError for what cannot be read, as `files.reader` does, and for a wrong cursor.
    """
    position = re.fullmatch(r"(\d{1,9}):(\d{1,12})", cursor or "1:0")
    if not position:
        raise errors.InvalidInputError("The cursor is not valid.", "Leave it out to start at the beginning.")
    start = int(position[1])
    job = {
        "ending": path.rpartition(".")[2].lower(),
        "pages": pages,
        "attachment": attachment,
        "start": start,
        "position": int(position[2]),
        "room": limit,
    }
    with files.reader(path) as document:
        if not _turn.acquire(timeout=SECONDS / 2):
            raise errors.UpstreamError("Other documents are being read right now.", "Try again in a few seconds.")
        try:
            outcome = sandbox.run(WORKER, job, seconds=SECONDS, memory=MEMORY, document=document)
        finally:
            _turn.release()
    return _result(files.shown(path), outcome, start)


def _result(path: str, outcome: sandbox.Outcome, start: int) -> DocumentText:
    known: dict[str, Any] = {}
    parts = []
    following = None
    for result in outcome.results:
        if "problem" in result:
            raise errors.InvalidInputError(f"{path}: {result['problem']}", result["hint"])
        if "number" in result:
            parts.append(result)
            following = result["next"]
        else:
            known |= result
    notes = list(known.get("notes", []))
    if outcome.ended != "done":
        late = parts[-1]["number"] + 1 if parts else start
        reason = {"time": f"takes more than {SECONDS:g} seconds", "memory": "takes too much memory"}
        trouble = reason.get(outcome.ended, "cannot be read")
        unit = known.get("unit", "document")
        stuck = f"{unit} {late}" if known.get("count", 1) > 1 else "the document"
        if not parts:
            hint = f"Leave it out: read on with cursor {late + 1}:0." if late < known.get("count", 1) else _DAMAGED
            raise errors.InvalidInputError(f"{path}: {stuck} {trouble}.", hint)
        following = [late, 0]
        notes.append(f"{stuck} {trouble}: to leave it out, read on with cursor {late + 1}:0.".capitalize())
    names = known["names"]
    return DocumentText(
        path=path,
        format=known["format"],
        **known["facts"],
        unit=known["unit"],
        count=known["count"],
        names=names or None,
        parts=[
            Part(number=one["number"], name=names[one["number"] - 1] if names else None, text=one["text"])
            for one in parts
        ],
        attachments=known["attachments"] or None,
        notes=notes or None,
        next_cursor=f"{following[0]}:{following[1]}" if following else None,
    )
