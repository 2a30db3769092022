"""What Gmail keeps apart from a message: attachments, and texts that are big.

Attachments are named by the number of their part, since the API's own id is another one in every answer.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from flotilla import choose, errors, segment

from . import reading
from .client import COST, LARGEST, ME, api
from .models import File


async def whole_message(message: str) -> dict[str, Any]:
    """Return a message of the API with all of its text, also what stands behind an attachmentId."""
    path = f"{ME}/messages/{segment(message)}"
    raw = await api.get(path, params={"format": "full"}, cost=COST["messages.get"], largest=LARGEST)
    await complete(raw)
    return raw


async def complete(raw: dict[str, Any]) -> None:
    """Fetch the text of a message that stands behind an attachmentId."""
    apart = [part for part in reading.text_parts(raw) if not reading.body(part).get("data")]
    await asyncio.gather(*(_complete(raw["id"], part) for part in apart if reading.body(part).get("attachmentId")))


async def _complete(message: str, part: Any) -> None:
    part["body"]["data"] = await _data(message, str(part["body"]["attachmentId"]))


async def _data(message: str, attachment: str) -> str:
    """Return an attachment in base64url."""
    path = f"{ME}/messages/{segment(message)}/attachments/{segment(attachment)}"
    return str((await api.get(path, cost=COST["attachments.get"], largest=LARGEST))["data"])


async def attachment(message: str, wanted: str) -> tuple[str, bytes]:
    """Return an attachment's name, fit for a path, and its bytes. `wanted` is its id or its name.

    Raises errors.NotFoundError, and errors.InvalidInputError where several are meant.
    """
    path = f"{ME}/messages/{segment(message)}"
    raw = await api.get(path, params={"format": "full"}, cost=COST["messages.get"], largest=LARGEST)
    parts = {file.id: (file, part) for part in reading.attachments(raw) for file in [File.of(part)]}
    chosen = choose(wanted, [file for file, _ in parts.values()], kind="attachment", listed_by="gmail_get_message")
    part = parts[chosen.id][1]
    name = _file_name(chosen, [file for file, _ in parts.values()], str(part.get("filename") or ""))
    return name, await bytes_of(message, part)


async def bytes_of(message: str, part: reading.Part) -> bytes:
    """Return what an attachment of a message holds; raises errors.NotFoundError where Gmail does not give it."""
    body = reading.body(part)
    if "attachmentId" in body:
        return reading.decoded(await _data(message, str(body["attachmentId"])))
    if body.get("data") or not part.get("parts"):
        return reading.decoded(str(body.get("data") or ""))
    raise errors.NotFoundError(
        "Gmail does not give the content of this attached mail.", "Read its text with gmail_get_message."
    )


def _file_name(chosen: File, all_files: list[File], name: str) -> str:
    plain = re.sub(r"[^\w.,()+ -]+", "_", name or f"part-{chosen.id}").strip(". ")[-120:] or f"part-{chosen.id}"
    alike = sum(file.name == chosen.name for file in all_files)
    return f"{chosen.id}-{plain}" if alike > 1 else plain  # each in a file of its own
