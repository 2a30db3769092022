"""Connections over HTTP: answers leave at once, and what never comes whole is closed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from flotilla.serving import limits as connections
from flotilla.serving.http import listening


def test_listening_sets_nodelay_on_accepted_sockets() -> None:
    [listener] = listening("127.0.0.1", 0)["sockets"]
    with listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_listening_limits_connections() -> None:
    how = listening("127.0.0.1", 0)
    how["sockets"][0].close()
    assert how["uvicorn_config"]["limit_concurrency"] == connections.MOST_CONNECTIONS
    assert how["uvicorn_config"]["http"] is connections.PunctualProtocol


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Read the whole body, then answer; /slow takes its time."""
    while scope["method"] == "POST" and (await receive()).get("more_body"):
        pass
    await asyncio.sleep(0.5 if scope["path"] == "/slow" else 0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, lifespan="off", log_config=None, ws="none", **connections.options())
    )
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await task


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n",
    ],
    ids=["nothing", "headers", "body", "second request"],
)
async def test_punctual_protocol_closes_incomplete_requests(monkeypatch: pytest.MonkeyPatch, half: bytes) -> None:
    monkeypatch.setattr(connections, "WAIT", 0.1)
    async with connected() as (reader, writer):
        writer.write(half)
        got = await asyncio.wait_for(reader.read(), 20)  # until it is closed
        assert got.count(b"200 OK") == half.count(b"\r\n\r\nGET")


async def test_punctual_protocol_allows_a_slow_response(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "WAIT", 0.1)
    async with connected() as (reader, writer):
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 20)).endswith(b"ok")


async def test_punctual_protocol_waits_anew_for_each_part_of_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "WAIT", 0.5)
    async with connected() as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 8\r\n\r\n")
        for _ in range(8):
            await asyncio.sleep(0.1)
            writer.write(b"x")
        assert (await asyncio.wait_for(reader.read(), 20)).endswith(b"ok")
