"""Log in to an own server with OAuth, in a browser, by FastMCP's client: only when a person asks for it.

What it gives is kept as `saved_login` reads it. Not in the images, which have neither a browser nor FastMCP's client.
"""

from __future__ import annotations

import logging
import ssl
import warnings
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
from fastmcp.client.auth import OAuth
from mcp.client.auth import OAuthFlowError

from .backend import NotStartedError
from .foreign_remote import http_client
from .own_servers import OwnServer, write_private
from .saved_login import LOGIN

PATIENCE = 300.0  # seconds that the person has
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}


class LoginError(Exception):
    """The login failed. The message is a sentence; without a `reason` the server asked for none."""

    def __init__(self, name: str, reason: str = "") -> None:
        self.reason = reason
        without = f"{name} did not ask for a login. Remove `auth: oauth`, if it needs none."
        super().__init__(f"{name}: the login failed: {reason}" if reason else without)


class BrowserOAuth(OAuth):
    """FastMCP's login, which says where it goes: a browser that cannot be opened is opened by the person."""

    show: Callable[[str], object]

    async def redirect_handler(self, authorization_url: str) -> None:
        """Show the address, and open it."""
        self.show(authorization_url)
        webbrowser.open(authorization_url)


async def log_in(
    server: OwnServer, state: Path, show: Callable[[str], object], client_id: str = "", client_secret: str = ""
) -> None:
    """Log in, and keep the login. `show` gets the address that the browser opens; without a client id the server's
    registration gives one. Raises LoginError.
    """
    verify = ssl.create_default_context()

    def client(**more: Any) -> httpx2.AsyncClient:
        return http_client(server.local, verify, **more)

    logging.getLogger("mcp.client.auth").setLevel(logging.CRITICAL)  # it would print every failure with its traceback
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tokens in memory: they are kept below
        oauth = BrowserOAuth(
            server.url,
            client_name="Flotilla",
            callback_timeout=PATIENCE,
            httpx_client_factory=client,  # type: ignore[arg-type]
            client_id=client_id or None,
            client_secret=client_secret or None,
        )
    oauth.show = show
    try:
        async with client(auth=oauth, timeout=httpx2.Timeout(PATIENCE)) as http:
            if server.transport == "sse":
                async with http.stream("GET", server.url, headers={"Accept": "text/event-stream"}):
                    pass
            else:
                await http.post(server.url, json=HELLO, headers=HEADERS)
    except (OAuthFlowError, NotStartedError, httpx2.HTTPError, TimeoutError, RuntimeError, OSError) as error:
        raise LoginError(server.name, f"{str(error) or type(error).__name__}.") from None
    context = oauth.context
    if not context.current_tokens or not context.client_info:
        raise LoginError(server.name)
    write_private(
        state,
        server,
        LOGIN,
        {
            **context.current_tokens.model_dump(mode="json", include={"access_token", "refresh_token", "scope"}),
            "expires_at": context.token_expiry_time,
            "token_url": oauth._get_token_endpoint(),
            "client_id": context.client_info.client_id,
            "client_secret": context.client_info.client_secret or "",
            "auth_method": context.client_info.token_endpoint_auth_method or "",
            "resource": context.get_resource_url() if context.protected_resource_metadata else "",
        },
    )
