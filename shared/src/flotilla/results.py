"""What goes out: compact JSON whose text equals its structure, cut where it is too big, and errors in one voice."""

from __future__ import annotations

from typing import Any

import pydantic_core
from fastmcp.tools.base import ToolResult
from mcp_types import TextContent

from . import errors
from .call import current
from .settings import scrub

BIGGEST = 256_000  # bytes of one result; more drowns a model and slows the gateway


def packed(data: dict[str, Any]) -> ToolResult:
    """Return a result whose text is the compact JSON of its structured content."""
    text = pydantic_core.to_json(data).decode()
    return ToolResult(content=[TextContent(type="text", text=text)], structured_content=data)


def failed(problem: errors.Problem) -> ToolResult:
    """Return the error result of a problem, and note its class for the audit."""
    current().outcome = problem.kind
    text = "Error: " + errors.excerpt(scrub(str(problem)), 3 * errors.LONGEST)
    return ToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def fitted(data: dict[str, Any]) -> dict[str, Any]:
    """Cut a result that is too big for one answer, and say how to go on."""
    size = len(pydantic_core.to_json(data))
    if size <= BIGGEST:
        return data
    items = data.get("items")
    if isinstance(items, list) and len(items) > 1:
        room, kept = BIGGEST - 1000, 0
        for item in items:
            room -= len(pydantic_core.to_json(item)) + 1
            if room < 0:
                break
            kept += 1
        if kept:
            way = f"Only the first {kept} of {len(items)} items fit. Ask again with limit={kept} and the same cursor."
            return {**{k: v for k, v in data.items() if k != "next_cursor"}, "items": items[:kept], "cut": way}
    name = max(data, key=lambda k: len(pydantic_core.to_json(data[k])))
    if isinstance(data[name], str):
        spare = size - len(pydantic_core.to_json(data[name]))
        short = data[name][: max(0, (BIGGEST - spare - 1000) // 2)]  # an escaped character takes more than one
        return {**data, name: short, "cut": f"`{name}` is cut after {len(short)} characters. Ask for a smaller part."}
    raise errors.Input(f"The result has {size} characters, more than fits one answer.", "Ask for less at a time.")
