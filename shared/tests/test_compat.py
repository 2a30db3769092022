"""One test for each private name of FastMCP and mcp that the library uses: it fails when the name moves."""

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from fastmcp import Client, Context, FastMCP
from fastmcp.server import http
from fastmcp.tools.base import Tool

import flotilla
from flotilla.compat import (
    NoSessionState,
    accept_arguments_as_text,
    connection_of,
    keep_no_session_state,
    limit_sessions,
    low_level,
    take_no_arguments_from_headers,
)

SOURCES = Path(flotilla.__file__).parents[1]


def test_accept_arguments_as_text_adds_sdk_middleware() -> None:
    mcp: FastMCP[Any] = FastMCP("x")
    before = list(mcp._mcp_server.middleware)
    accept_arguments_as_text(mcp)
    added, *rest = mcp._mcp_server.middleware
    assert rest == before
    assert list(inspect.signature(added).parameters) == ["ctx", "call_next"]


async def test_connection_of_a_request_outlives_it() -> None:
    mcp: FastMCP[Any] = FastMCP("x")
    seen = []

    @mcp.tool
    async def look(ctx: Context) -> None:
        seen.append(connection_of(ctx.session))

    async with Client(mcp, mode="legacy") as client:
        await client.call_tool("look")
        await client.call_tool("look")
    assert seen[0] is seen[1]
    assert callable(seen[0].notify)


def test_keep_no_session_state_replaces_the_store() -> None:
    mcp: FastMCP[Any] = FastMCP("x")
    keep_no_session_state(mcp)
    assert isinstance(mcp._state_store, NoSessionState)


async def test_no_session_state_answers_visibility_rules() -> None:
    """What the replacement saves: FastMCP's rules come from `get`, which says that there are none."""
    from fastmcp.server.transforms import visibility

    source = inspect.getsource(visibility.get_visibility_rules)
    assert "_state_store.get(key=key)" in source
    assert await NoSessionState().get(key="x") is None


def test_take_no_arguments_from_headers() -> None:
    server = FastMCP("x")
    low, _ = low_level(server)
    assert low.get_tool_input_schema is None
    take_no_arguments_from_headers(server)
    assert low.get_tool_input_schema("anything") is None


async def test_low_level_returns_the_sdk_server() -> None:
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


def test_private_names_only_in_one_module() -> None:
    """Only compat.py uses private attributes that shared/src itself does not define: those of somebody else."""
    known = {
        "_exit",  # of os, documented
        "_replace",  # of named tuples, documented
        "_data",  # of authlib's requests: the fake OAuth server of the test kit
        "_defer_build",  # of pydantic's adapters: the launcher sets it before the library is imported
    }
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES.rglob("*.py")}
    assert SOURCES / "flotilla" / "compat.py" in trees
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                known.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                known.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
                known.add(node.attr)
    result = [
        f"{path.relative_to(SOURCES)}:{node.lineno} {ast.unparse(node)}"
        for path, tree in trees.items()
        if path.name != "compat.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr) and node.attr not in known
    ]
    assert result == []


def is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def test_tool_overridden_methods_exist() -> None:
    """Public, but nothing would be said if they were renamed: tools would run FastMCP's own versions."""
    assert list(inspect.signature(Tool.run).parameters) == ["self", "arguments"]
    assert list(inspect.signature(Tool.get_meta).parameters) == ["self"]
