"""A server of somebody's own, by plain FastMCP: contacts and a deploy script.

--calls is the file in which its calls stand, --about the description of `read_contacts`, --pause the seconds
that a call takes; --port serves it over HTTP.
"""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from fastmcp import FastMCP

READS = {"readOnlyHint": True}
DESTROYS = {"readOnlyHint": False, "destructiveHint": True}


def append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def server(options: argparse.Namespace) -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP("atelier")

    async def record(tool: str, **arguments: Any) -> None:
        await asyncio.sleep(options.pause)
        line = json.dumps([tool, arguments], ensure_ascii=False)
        await asyncio.to_thread(append, Path(options.calls), line)

    @mcp.tool(annotations=READS, description=options.about)
    async def read_contacts(query: str = "") -> str:
        await record("read_contacts", query=query)
        return "Zoé Lefèvre, inactive depuis 2021"

    @mcp.tool(annotations=DESTROYS, description="Delete all contacts that a filter matches.")
    async def delete_contacts(filter: str) -> str:  # noqa: A002 - the argument's name
        await record("delete_contacts", filter=filter)
        return "12 contacts deleted"

    @mcp.tool(annotations=DESTROYS, description="Launch the deploy script for the production site.")
    async def deploy_prod(branch: str) -> str:
        await record("deploy_prod", branch=branch)
        return f"{branch} is deployed"

    return mcp


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", required=True)
    parser.add_argument("--about", default="Read the contacts.")
    parser.add_argument("--pause", type=float, default=0)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    if options.port:
        server(options).run("http", port=options.port, show_banner=False, log_level="critical")
    else:
        server(options).run("stdio", show_banner=False)
