"""The yardstick over HTTP: a bare FastMCP server that does what a call of the filesystem server does, and no more.

The same file work in a thread, a bearer token, and the check of Host and Origin. Prints its port.
"""

import os
import socket
import sys
from hmac import compare_digest

import anyio.to_thread
from fastmcp import FastMCP
from fastmcp.server.auth import AccessToken, TokenVerifier

FOLDER, TOKEN = os.environ["FLOTILLA_DATA"], os.environ["FLOTILLA_HTTP_TOKEN"]


class Fixed(TokenVerifier):
    async def verify_token(self, token: str) -> AccessToken | None:
        if not compare_digest(token.encode(), TOKEN.encode()):
            return None
        return AccessToken(token="", client_id="bench", scopes=[])


mcp = FastMCP("bare", auth=Fixed())


def listed(path: str) -> list[dict[str, str | int]]:
    return [{"path": e.name, "bytes": e.stat().st_size} for e in os.scandir(os.path.join(FOLDER, path))]


@mcp.tool
async def list_directory(path: str = "") -> dict[str, list[dict[str, str | int]]]:
    """List a folder."""
    return {"items": await anyio.to_thread.run_sync(listed, path)}


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(listener.getsockname()[1], file=sys.stderr, flush=True)
    mcp.run(
        "http",
        show_banner=False,
        stateless_http=True,
        sockets=[listener],
        host_origin_protection=True,
        allowed_hosts=["127.0.0.1", "localhost"],
        uvicorn_config={"log_config": None, "access_log": False, "ws": "none"},
    )
