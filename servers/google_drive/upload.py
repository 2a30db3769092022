"""Uploads: in parts that go on after a break, from the data folder."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import Any

from flotilla import files, segment
from flotilla_servers._google import resumable

from .client import EVERYWHERE, api
from .formats import converted
from .models import FIELDS


async def sent(path: str, folder: str, name: str | None, convert: bool, replaces: str | None) -> Any:
    """Upload a file and return what the API says about it. `replaces`: the id of a file whose content it becomes."""
    metadata: dict[str, Any] = {"name": name or (None if replaces else PurePosixPath(files.shown(path)).name)}
    if not replaces:
        metadata["parents"] = [folder]
    if convert:
        metadata["mimeType"] = converted(path)
    metadata = {key: value for key, value in metadata.items() if value is not None}
    where, method = (f"/files/{segment(replaces)}", "PATCH") if replaces else ("/files", "POST")
    params = {"fields": FIELDS, **EVERYWHERE}
    with files.reader(path) as content:
        size = content.seek(0, os.SEEK_END)
        if not size and not replaces:  # what is made without content is empty
            return await api.post("/files", params=params, json=metadata)
        return await resumable(
            api,
            where,
            prefix="/upload",
            metadata=metadata,
            content=content,
            size=size,
            content_type=files.content_type(path),
            params=params,
            method=method,
            source=files.shown(path),
        )
