"""One test for each private name of FastMCP and mcp that the library uses: it fails when the name moves."""

import ast
import inspect
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from fastmcp import FastMCP
from fastmcp.server import http
from fastmcp.tools.base import Tool

import flotilla
from flotilla.compat import (
    NoSessionState,
    accept_arguments_as_text,
    keep_no_session_state,
    limit_sessions,
    low_level,
)

LIBRARY = Path(flotilla.__file__).parent


def test_the_sdks_middleware_list() -> None:
    mcp: FastMCP[Any] = FastMCP("x")
    before = list(mcp._mcp_server.middleware)
    accept_arguments_as_text(mcp)
    added, *rest = mcp._mcp_server.middleware
    assert rest == before
    assert list(inspect.signature(added).parameters) == ["ctx", "call_next"]


def test_keep_no_session_state_replaces_the_store() -> None:
    mcp: FastMCP[Any] = FastMCP("x")
    keep_no_session_state(mcp)
    assert isinstance(mcp._state_store, NoSessionState)


async def test_visibility_rules_are_asked_from_the_store() -> None:
    """What the replacement saves: FastMCP's rules come from `get`, which says that there are none."""
    from fastmcp.server.transforms import visibility

    source = inspect.getsource(visibility.get_visibility_rules)
    assert "_state_store.get(key=key)" in source
    assert await NoSessionState().get(key="x") is None


async def test_low_level_is_the_sdks_server() -> None:
    low, lifespan = low_level(FastMCP("x"))
    assert low.create_initialization_options().server_name == "x"
    async with lifespan:
        pass


async def test_limit_sessions_one_more_gets_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FastMCPStreamableHTTPSessionManager", http.FastMCPStreamableHTTPSessionManager)
    limit_sessions(2, 77.0)
    app = FastMCP("x").http_app(stateless_http=False)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    headers = {"Accept": "application/json, text/event-stream"}
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            codes = [(await client.post("/mcp", json=body, headers=headers)).status_code for _ in range(3)]
        manager: Any = next(route.endpoint for route in app.routes if route.path == "/mcp")  # type: ignore[attr-defined]
        while not hasattr(manager, "session_manager"):
            manager = getattr(manager, "app", None) or manager.__wrapped__
        assert manager.session_manager.session_idle_timeout == 77.0
    assert codes == [200, 200, 503]


def test_private_names_stand_in_one_module() -> None:
    """Our own private names are used on `self`, `cls`, `server` and the like; a foreign object's are not."""
    ours = {"self", "cls", "server", "os", "api", "settings"}
    found = []
    for path in LIBRARY.rglob("*.py"):
        if path.name == "private.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")):
                continue
            if node.attr in ("_mcp", "_auth", "_replace"):  # ours, on what holds a Server or Api; a named tuple's
                continue
            root: ast.AST = node.value
            while isinstance(root, ast.Attribute):
                if root.attr.startswith("_"):
                    break
                root = root.value
            if isinstance(root, ast.Attribute) or not (isinstance(root, ast.Name) and root.id in ours):
                found.append(f"{path.name}:{node.lineno} {ast.unparse(node)}")
    assert found == []


def test_what_is_overridden_is_still_there() -> None:
    """Public, but nothing would be said if they were renamed: tools would run FastMCP's own versions."""
    assert list(inspect.signature(Tool.run).parameters) == ["self", "arguments"]
    assert list(inspect.signature(Tool.get_meta).parameters) == ["self"]
