"""One test for each private name that `compat.py` uses: they say which one moved."""

from typing import Any

from fastmcp import Client, Context, FastMCP
from mcp.client import stdio

from flotilla_servers.switchboard.compat import extend_kill_timeout, log_level


def test_let_servers_finish_names_what_the_sdk_reads() -> None:
    extend_kill_timeout()
    assert "FORCE_KILL_TIMEOUT" in stdio._terminate_process_tree.__code__.co_names
    assert stdio.FORCE_KILL_TIMEOUT == 8.0


async def test_log_level_is_what_the_client_set() -> None:
    mcp: FastMCP[Any] = FastMCP("x")
    seen: list[Any] = []

    @mcp.tool
    async def look(ctx: Context) -> None:
        seen.append(log_level(ctx))

    async with Client(mcp, mode="legacy") as client:
        await client.call_tool("look", {})
        await client.set_logging_level("warning")
        await client.call_tool("look", {})
    assert seen == [None, "warning"]
