"""A FastMCP client that goes through a door."""

from __future__ import annotations

import json
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport


def over_http(url: str, token: str, **options: Any) -> Client[Any]:
    """Return a client of a door that runs."""
    return Client(StreamableHttpTransport(url, auth=token), **options)


def over_stdio(command: list[str], env: dict[str, str], **options: Any) -> Client[Any]:
    """Return a client that starts a door of its own and ends it with the session."""
    return Client(StdioTransport(command[0], command[1:], env=env, keep_alive=False), **options)


async def call(client: Client[Any], tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool; return its structured result. Raises RuntimeError with the fleet's own sentence."""
    got = await client.call_tool_mcp(tool, arguments)
    text = "".join(getattr(part, "text", "") for part in got.content)
    if got.is_error:
        raise RuntimeError(f"{tool}: {text}")
    found: dict[str, Any] = got.structured_content if got.structured_content is not None else json.loads(text)
    return found
