"""Uploads from the data folder, in parts that continue after a broken connection."""

from __future__ import annotations

import io
from pathlib import PurePosixPath
from typing import Any

from flotilla import files, segment
from flotilla_servers._google import EVERYWHERE, resumable

from .client import api
from .formats import converted
from .models import FIELDS


async def upload(path: str, folder: str, name: str | None, convert: bool, replaces: str | None) -> Any:
    """Upload a file and return the API's File. `replaces`: the id of the file whose content it becomes."""
    metadata: dict[str, Any] = {"name": name or (None if replaces else PurePosixPath(files.shown(path)).name)}
    if not replaces:
        metadata["parents"] = [folder]
    if convert:
        metadata["mimeType"] = converted(path)
    metadata = {key: value for key, value in metadata.items() if value is not None}
    url, method = (f"/files/{segment(replaces)}", "PATCH") if replaces else ("/files", "POST")
    params = {"fields": FIELDS, **EVERYWHERE}
    with files.reader(path) as content:
        size = content.seek(0, io.SEEK_END)
        if not size and not replaces:  # a file that is created without content is empty
            return await api.post("/files", params=params, json=metadata)
        return await resumable(
            api,
            url,
            prefix="/upload",
            metadata=metadata,
            content=content,
            size=size,
            content_type=files.content_type(path),
            params=params,
            method=method,
            source=files.shown(path),
        )
