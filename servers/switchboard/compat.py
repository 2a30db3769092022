"""Every private name of FastMCP and mcp that the switchboard uses; tests/test_private.py has one test for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp.client import stdio

if TYPE_CHECKING:
    from fastmcp.server.context import Context


def extend_kill_timeout() -> None:
    """Kill a server eight seconds after SIGTERM, not two: it may be saving tokens (see `flotilla.calls.finishing`)."""
    stdio.FORCE_KILL_TIMEOUT = 8.0


def log_level(ctx: Context) -> str | None:
    """Return the level that a client before 2026-07-28 asked for with logging/setLevel."""
    from fastmcp.server.context import _log_level_session_key

    return ctx.fastmcp._client_log_levels.get(_log_level_session_key(ctx.session))
