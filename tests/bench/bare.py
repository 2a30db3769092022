"""The yardstick: a FastMCP server with one tool and nothing else."""

import os
import sys

if os.path.isdir("/app/lib"):
    sys.path.append("/app/lib")

from fastmcp import FastMCP

mcp = FastMCP("bare")
if os.path.isdir("/app/lib"):  # an image has no session store: there the yardstick is quicker than elsewhere

    class NoSessionState:
        async def get(self, key: str) -> None:
            return None

    mcp._FastMCP__state_store = NoSessionState()  # type: ignore[attr-defined]


@mcp.tool(description="Response.")  # a docstring would be read by griffe, which images lack
async def ping() -> str:
    return "pong"


if __name__ == "__main__":
    mcp.run(show_banner=False)
