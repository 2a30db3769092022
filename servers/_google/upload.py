"""Resumable uploads: in parts, continued after a broken connection, with progress for clients that ask for it.

https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from flotilla import Api, announce, errors, in_thread, progress
from flotilla.calls.context import current
from flotilla.http.responses import json_of

CHUNK = 8 * 2**20  # bytes; a multiple of 256 KiB, as the protocol wants
BREAKS = 5  # in a row, without a byte more that arrived
MORE = 308  # "Resume Incomplete": go on


async def resumable(
    api: Api,
    path: str,
    *,
    prefix: str,
    metadata: Mapping[str, Any],
    content: BinaryIO,
    size: int,
    content_type: str,
    params: Mapping[str, Any] | None = None,
    method: str = "POST",
    chunk: int = CHUNK,
    source: str = "",
    cost: float = 1,  # units of the Api's limits that the whole upload takes
) -> Any:
    """Upload `size` bytes of a seekable file and return the decoded response.

    `prefix` is what stands in front of the API's path for uploads, "/upload" or "/resumable/upload". Raises the
    classes of `errors`; after a broken connection the upload continues from what has arrived. A dry run shows
    `source`, where the content comes from.
    """
    base = urlsplit(api.base.rstrip("/"))
    url = f"{base.scheme}://{base.netloc}{prefix}{base.path}{path}"
    shown = {"source": source} if source else {}
    announce(action="upload in parts", method=method, to=url, **shown, body=dict(metadata), bytes=size)
    current().mark_not_sent()  # an open session has no effect yet, so the request may be repeated
    opened = await api.send(
        method,
        url,
        params={"uploadType": "resumable", **(params or {})},
        json=dict(metadata),
        headers={"X-Upload-Content-Type": content_type, "X-Upload-Content-Length": str(size)},
        reads=True,
        cost=cost,
    )
    session, done, breaks = opened.headers.get("location", ""), 0, 0
    while session and breaks <= BREAKS:
        part = await in_thread(_part, content, done, chunk)
        span = f"bytes {done}-{done + len(part) - 1}/{size}" if part else f"bytes */{size}"
        headers = {"Content-Type": content_type, "Content-Range": span}
        try:
            answer = await api.send("PUT", session, content=part, headers=headers, expected=(MORE,))
        except errors.UpstreamError:
            headers = {"Content-Range": f"bytes */{size}"}  # how much has arrived?
            answer = await api.send("PUT", session, content=b"", headers=headers, expected=(MORE,), idempotent=True)
        if answer.status_code != MORE:
            await progress(size, size)
            return json_of(answer, api.integration.title)
        arrived = _arrived(answer.headers.get("range", ""))
        done, breaks = arrived, breaks + 1 if arrived <= done else 0
        await progress(done, size)
    raise errors.UpstreamError(
        f"{api.integration.title} did not take the upload; nothing was done.", "Try again later."
    )


def _part(content: BinaryIO, start: int, size: int) -> bytes:
    content.seek(start)
    return content.read(size)


def _arrived(header: str) -> int:
    """Return how many bytes have arrived, from a Range header: "bytes=0-524287"."""
    last = re.fullmatch(r"bytes=0-(\d+)", header)
    return int(last[1]) + 1 if last else 0
