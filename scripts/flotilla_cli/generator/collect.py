"""What several servers answer to discovery, asked in one process: a start of each would cost a second a server.

python scripts/flotilla_cli generator.collect <slug>…    print {slug: answers} as JSON

The image's build keeps the proof by a real process: it compares what was generated with the image's own answers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import anyio
from fastmcp.server.context import reset_transport, set_transport
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCMessage
from pydantic import TypeAdapter

from flotilla.compat import low_level
from flotilla_cli.generator.discovery import answers
from flotilla_cli.generator.servers import server_of

_MESSAGE: TypeAdapter[Any] = TypeAdapter(JSONRPCMessage)


async def _converse(slug: str, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Speak to a server over streams in memory, as over stdio; return its results in order."""
    server = server_of(slug)
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
                        raise RuntimeError(f"{slug}: {message['method']}: {answer}")
                    results.append(answer["result"])
            group.cancel_scope.cancel()
    finally:
        reset_transport(token)
    return results


def _asking(slug: str) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    return lambda messages: anyio.run(_converse, slug, messages)


def main(slugs: list[str]) -> None:
    """Print the answers of these servers."""
    json.dump({slug: answers(_asking(slug)) for slug in slugs}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
