"""Attachments: by the number of their part, since the API's own id is another one in every answer."""

from __future__ import annotations

import re

from flotilla import errors, segment
from flotilla.http.responses import decoded_json

from .client import ME, api
from .reading import attachments, data

LARGEST = 60_000_000  # bytes of an answer: 36 MB of mail in base64, and some


async def content_of(message: str, part: str) -> tuple[str, bytes]:
    """Return an attachment's name, fit for a path, and its bytes; raises errors.NotFoundError."""
    raw = await api.get(f"{ME}/messages/{segment(message)}", params={"format": "full"})
    files = {str(one.get("partId") or "0"): one for one in attachments(raw)}
    found = files.get(part)
    if found is None:
        there = f"It has: {', '.join(files)}." if files else "It has none."
        raise errors.NotFoundError(f"The message has no attachment `{errors.excerpt(part, 40)}`.", there)
    name = re.sub(r"[^\w.,()+ -]+", "_", found.get("filename") or f"part-{part}").strip(". ")[-120:] or f"part-{part}"
    if sum(one.get("filename") == found.get("filename") for one in files.values()) > 1:
        name = f"{part}-{name}"  # each in a file of its own
    body = found.get("body") or {}
    if "attachmentId" not in body:
        return name, data(str(body.get("data", "")))
    received = bytearray()
    path = f"{ME}/messages/{segment(message)}/attachments/{segment(body['attachmentId'])}"
    async with api.stream("GET", path) as response:
        async for chunk in response.aiter_bytes():
            received += chunk
            if len(received) > LARGEST:
                raise errors.UpstreamError("The attachment is larger than a mail can be.", "Open it in Gmail.")
    try:
        return name, data(decoded_json(bytes(received))["data"])
    except (ValueError, TypeError):
        raise errors.UpstreamError(
            "Gmail answered with something else than an attachment.", "Try again later."
        ) from None
