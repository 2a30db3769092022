"""Health routes of the HTTP transport."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastmcp import FastMCP

from flotilla import errors
from flotilla.connection import Connection

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import JSONResponse


def add_health_routes(mcp: FastMCP[Any], connection: Connection[Any]) -> None:
    """Add /health, whether the process lives, and /ready, whether it is configured."""
    from starlette.responses import JSONResponse

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "server": connection.integration.slug})

    async def ready(_: Request) -> JSONResponse:
        try:
            connection.check_guards()
            if not connection.fleet.call_credentials:  # else each call brings its settings
                connection.settings  # noqa: B018 - reading it is the check
        except errors.ConfigurationError as problem:
            return JSONResponse({"status": "not configured", "reason": str(problem)}, status_code=503)
        return JSONResponse({"status": "ready", "server": connection.integration.slug})

    mcp.custom_route("/health", methods=["GET"])(health)
    mcp.custom_route("/ready", methods=["GET"])(ready)
