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


class NoSessionState:
    """A session store that holds nothing.

    FastMCP asks its store on every call for visibility rules of the session, which no server of the fleet has; its own
    store costs an import of 370 modules at the first call (a ninth of its time) and 3 MB.
    """

    async def get(self, key: str) -> None:
        """Return None: nothing is stored."""

    async def put(self, **_: Any) -> None:
        """Raise RuntimeError: state belongs into `Server.state`."""
        raise RuntimeError("This server keeps no session state.")

    delete = put


def keep_no_session_state(mcp: FastMCP[Any]) -> None:
    """Spare a server FastMCP's session store."""
    mcp._FastMCP__state_store = NoSessionState()  # type: ignore[attr-defined]
