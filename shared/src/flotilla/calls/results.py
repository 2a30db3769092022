"""Results: compact JSON whose text equals its structure, cut where it is too big, and errors in one format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

import pydantic_core
from fastmcp.server.dependencies import get_context
from fastmcp.tools.base import InputRequiredToolResult, ToolResult
from mcp_types import ResourceLink, TextContent

from flotilla import errors
from flotilla.calls.context import current
from flotilla.files import FileRef, parts_of
from flotilla.settings import scrub
from flotilla.text import cleaned, visible
from flotilla_launcher.protocol import ACCESS_KEY, TIMINGS_KEY

LINKED_SINCE = "2025-06-18"  # the protocol revision that brought resource links
BIGGEST = 256_000  # bytes of one result; more does not fit a model's context and slows the gateway


def packed(data: Any) -> ToolResult:
    """Return a result whose text is the compact JSON of its structured content."""
    text = pydantic_core.to_json(data, fallback=str).decode()
    return ToolResult(content=[TextContent(type="text", text=text)], structured_content=pydantic_core.from_json(text))


def link_to(file: FileRef) -> ResourceLink:
    """Return a resource link to a file of the data folder, by its address inside a container of the fleet."""
    name = file.path.rsplit("/", 1)[-1]
    uri = "file:///data/" + quote("/".join(parts_of(file.path)))
    return ResourceLink(type="resource_link", uri=uri, name=name, mime_type=file.content_type, size=file.bytes)


def link(file: FileRef) -> None:
    """Add a link to a file of the data folder to the running call's result, after its text."""
    current().links.append(link_to(file))


def linked(result: ToolResult) -> ToolResult:
    """Add the running call's resource links, where the client knows what that is."""
    links = current().links
    if links and str(get_context().session.protocol_version or "") >= LINKED_SINCE:
        result.content += links
    return result


def warned(result: ToolResult, warnings: Iterable[str]) -> ToolResult:
    """Add warnings for the user, each sentence as text of its own after the JSON."""
    if not isinstance(result, InputRequiredToolResult):
        result.content += [TextContent(type="text", text=f"Warning: {scrub(text)}") for text in warnings]
    return result


def timed(result: ToolResult) -> ToolResult:
    """Add what the switchboard asked for, which no other client sees.

    How long the vendor had the running call, and that it did not accept the access token that came with it.
    """
    request, call = get_context().request_context, current()
    meta: dict[str, Any] = {ACCESS_KEY: "refused"} if call.access_refused else {}
    if request and (request.meta or {}).get(TIMINGS_KEY):
        meta[TIMINGS_KEY] = {"vendor_ms": round(call.vendor_seconds * 1000, 1)}
    if meta:
        shown = result.input_required if isinstance(result, InputRequiredToolResult) else result
        shown.meta = {**(shown.meta or {}), **meta}
    return result


def given_access() -> dict[str, Any]:
    """Return the tokens that came with the running request; nothing where none did."""
    request = get_context().request_context
    access = (request.meta or {}).get(ACCESS_KEY) if request else None
    return access if isinstance(access, dict) else {}


def failed(problem: errors.FlotillaError) -> ToolResult:
    """Return the error result of a problem, and note its class for the audit."""
    current().outcome = problem.kind
    return ToolResult(content=[TextContent(type="text", text=sentence(problem))], is_error=True)


def sentence(problem: errors.FlotillaError) -> str:
    """Return what a client reads of a problem: one line that begins with `Error:`, without secrets."""
    return "Error: " + errors.excerpt(scrub(str(problem)), 3 * errors.LONGEST)


def safe(data: dict[str, Any], exact: Sequence[str] = ()) -> dict[str, Any]:
    """Drop hidden characters from every text and name of a result, and say in `removed` how many there were."""
    parts = {name: (value, 0) if name in exact else _without_hidden(value) for name, value in data.items()}
    removed = sum(number for _, number in parts.values())
    shown = {cleaned(name)[0]: value for name, (value, _) in parts.items()}
    if number := current().unreadable:
        shown["left_out"] = f"{number} item{'' if number == 1 else 's'} that cannot be read"
    return {**shown, "removed": f"{removed} hidden character{'' if removed == 1 else 's'}"} if removed else shown


def visible_in(value: Any) -> Any:
    """Return a dry run's request with its hidden characters made visible: they would be sent."""
    if isinstance(value, dict):
        return {visible(str(k)): visible_in(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [visible_in(v) for v in value]
    return visible(value) if isinstance(value, str) else value


def _without_hidden(value: Any) -> tuple[Any, int]:
    """Clean JSON-like data; return it, and how many characters were dropped."""
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, dict):
        pairs = [(cleaned(k), _without_hidden(v)) for k, v in value.items()]
        return {k[0]: v[0] for k, v in pairs}, sum(k[1] + v[1] for k, v in pairs)
    if isinstance(value, list):
        items = [_without_hidden(v) for v in value]
        return [v for v, _ in items], sum(n for _, n in items)
    return value, 0


def fitted(data: dict[str, Any], pages: bool) -> dict[str, Any]:
    """Cut a result that is too big for one answer, and say how to go on; `pages` tells whether the tool takes limit."""
    if _size(data) <= BIGGEST:
        return data
    room = BIGGEST - 1000  # the rest is for the sentence about it
    name = max(data, key=lambda key: _size(data[key]))
    spare, value = room - _size({**data, name: None}), data[name]
    length = len(value) if isinstance(value, str | list) else 0
    while length and _size(value[:length]) > spare:
        length = min(length - 1, int(length * spare / _size(value[:length]))) if spare > 0 else 0
    if not length:
        raise errors.InvalidInputError(
            f"The result has {_size(data)} bytes, more than fits one answer.", "Ask for less at a time."
        )
    note = f"`{name}` is cut after {length} of {len(value)} {'items' if isinstance(value, list) else 'characters'}. "
    if pages and name == "items":  # the next page would leave out what was cut here
        data = {k: v for k, v in data.items() if k != "next_cursor"}
        note += f"Ask with limit={length}, same cursor."
    else:
        note += "Ask for a smaller part."
    return {**data, name: value[:length], "cut": note}


def _size(data: Any) -> int:
    return len(pydantic_core.to_json(data))
