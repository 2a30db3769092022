"""What several servers answer to discovery, asked in this process: a start of each would cost a second a server.

The image's build asks the real process, and compares the tools with the tools.json that was made from these answers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
from fastmcp.server.context import reset_transport, set_transport
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCMessage
from pydantic import TypeAdapter

from flotilla import Server
from flotilla.compat import low_level
from flotilla_cli.generator.discovery import Messages, environment

_MESSAGE: TypeAdapter[Any] = TypeAdapter(JSONRPCMessage)


async def _converse(server: Server[Any], messages: Messages) -> Messages:
    """Speak to a server over streams in memory, as over stdio; return its results in order."""
    low, _ = low_level(server._mcp)
    to_server, server_reads = anyio.create_memory_object_stream[Any](16)
    server_writes, from_server = anyio.create_memory_object_stream[Any](16)
    token = set_transport("stdio")
    results = []
    try:
        async with anyio.create_task_group() as group, to_server, from_server, server_reads, server_writes:
            group.start_soon(low.run, server_reads, server_writes, low.create_initialization_options())
            for message in messages:
                await to_server.send(SessionMessage(_MESSAGE.validate_python({"jsonrpc": "2.0", **message})))
                if "id" in message:
                    answer = (await from_server.receive()).message.model_dump(
                        by_alias=True, mode="json", exclude_none=True
                    )
                    if "result" not in answer:
                        raise RuntimeError(f"{server.slug}: {message['method']}: {answer}")
                    results.append(answer["result"])
            group.cancel_scope.cancel()
    finally:
        reset_transport(token)
    return results


def conversation(server: Server[Any]) -> Callable[[Messages], Messages]:
    """Return what sends messages to a new session of a server."""
    return lambda messages: anyio.run(_converse, server, messages)


@contextmanager
def clean_environment() -> Iterator[None]:
    """Leave out every setting of this machine, and list all that a server has."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment(before))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
