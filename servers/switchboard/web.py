"""What the pages of the console and of the links have in common: how they are rendered, and how forms are read."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request

from flotilla_launcher.text import visible


def templates_in(folder: Path) -> Environment:
    """Return what renders a folder's templates: values are escaped, and show characters that hide or turn text."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )


async def form_values(request: Request, largest: int) -> dict[str, str]:
    """Return the fields of a form; nothing for one of more bytes. `request.form` would need another package."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
