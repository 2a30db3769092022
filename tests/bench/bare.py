"""The yardstick: a FastMCP server with one tool and nothing else."""

import os
import sys

if os.path.isdir("/app/lib"):
    sys.path.append("/app/lib")

from fastmcp import FastMCP

mcp = FastMCP("bare")


@mcp.tool
async def ping() -> str:
    """Response."""
    return "pong"


if __name__ == "__main__":
    mcp.run(show_banner=False)
