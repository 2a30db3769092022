"""A FastMCP server that wants an OAuth login and grants it at once: `oauth_server.py <port> <seconds of a token>`."""

import sys
from typing import Any

from fastmcp import FastMCP
from fastmcp.server.auth.providers import in_memory
from mcp.server.auth.settings import ClientRegistrationOptions

port, seconds = map(int, sys.argv[1:])
in_memory.DEFAULT_ACCESS_TOKEN_EXPIRY_SECONDS = seconds
auth = in_memory.InMemoryOAuthProvider(
    base_url=f"http://127.0.0.1:{port}", client_registration_options=ClientRegistrationOptions(enabled=True)
)
mcp: FastMCP[Any] = FastMCP("crm", auth=auth)


@mcp.tool(annotations={"readOnlyHint": True})
async def hello() -> str:
    """Say hello."""
    return "hello"


mcp.run("http", host="127.0.0.1", port=port, show_banner=False, log_level="error")
