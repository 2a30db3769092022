"""A FastMCP client that speaks to the servers through a gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from mcp import MCPError

from flotilla_servers.switchboard.note_save import NOTE_SAVE
from flotilla_servers.switchboard.own_tools import APPROVE
from flotilla_servers.switchboard.tool_search import SEARCH


async def _agree(*_: Any) -> dict[str, bool]:
    """Say yes for the person who started the command, to this call alone."""
    return {"confirm": True, "remember": False}


def over_http(url: str, token: str, **options: Any) -> Client[Any]:
    """Return a client of a running gateway."""
    return Client(StreamableHttpTransport(url, auth=token), **{"elicitation_handler": _agree, **options})


def over_stdio(command: list[str], env: dict[str, str], log: Path, **options: Any) -> Client[Any]:
    """Return a client that starts a gateway of its own and ends it with the session; its stderr goes to `log`."""
    transport = StdioTransport(command[0], command[1:], env=env, keep_alive=False, log_file=log)
    return Client(transport, **{"elicitation_handler": _agree, **options})


async def tool_names(client: Client[Any]) -> list[str]:
    """Return the names of all tools of the servers, also where the gateway lists a search in place of them."""
    names = [tool.name for tool in await client.list_tools() if tool.name not in (APPROVE, NOTE_SAVE)]
    return list((await call(client, SEARCH))["names"]) if SEARCH in names else names


async def call(client: Client[Any], tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool; return its structured result. Raises RuntimeError with the server's own message."""
    try:
        result = await client.call_tool_mcp(tool, arguments)
    except MCPError as problem:
        raise RuntimeError(f"{tool}: {problem}") from None
    text = "".join(getattr(part, "text", "") for part in result.content)
    if result.is_error:
        raise RuntimeError(f"{tool}: {text}")
    payload: dict[str, Any] = result.structured_content if result.structured_content is not None else json.loads(text)
    return payload
