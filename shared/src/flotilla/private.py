"""Every private name of FastMCP and mcp that the library uses; each has a test that fails when it moves."""

from __future__ import annotations

import dataclasses
import json
from contextlib import suppress
from typing import Any

from fastmcp import FastMCP


def accept_arguments_as_text(mcp: FastMCP[Any]) -> None:
    """Read `arguments` that came as one JSON string, before the SDK refuses the call."""

    async def decode(ctx: Any, call_next: Any) -> Any:
        arguments = (ctx.params or {}).get("arguments") if isinstance(ctx.params, dict) else None
        if ctx.method == "tools/call" and isinstance(arguments, str):
            with suppress(ValueError):
                ctx = dataclasses.replace(ctx, params={**ctx.params, "arguments": json.loads(arguments)})
        return await call_next(ctx)

    mcp._mcp_server.middleware.insert(0, decode)


def limit_sessions(most: int, idle: float) -> None:
    """Set how many sessions stateful HTTP keeps and after how many idle seconds one ends: FastMCP passes neither on."""
    from fastmcp.server import http

    class Limited(http.FastMCPStreamableHTTPSessionManager):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.max_sessions, self.session_idle_timeout = most, idle

    http.FastMCPStreamableHTTPSessionManager = Limited  # type: ignore[misc]


def low_level(mcp: FastMCP[Any]) -> tuple[Any, Any]:
    """Return the SDK's server underneath, and the context in which it runs."""
    return mcp._mcp_server, mcp._lifespan_manager()
