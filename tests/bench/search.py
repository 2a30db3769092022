"""How well people's words find the right tool: FastMCP's BM25 search over the tools of the servers concerned."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from flotilla_cli.generator.servers import ROOT
from flotilla_launcher.naming import module_of

TOP = 3


def measure(rows: list[tuple[str, str, str]]) -> dict[str, Any]:
    """Count the utterances whose tool is among the first three."""
    matches = {}
    for path in sorted((ROOT / "tests/utterances").glob("*.json")):
        asked = json.loads(path.read_text(encoding="utf-8"))
        hits, missed = asyncio.run(ranked(asked["servers"], asked["utterances"]))
        matches[path.stem] = {"hits": hits, "of": len(asked["utterances"]), "missed": missed}
        rows.append((f"utterances of {path.stem} in the top {TOP}", f"{hits} of {len(asked['utterances'])}", ""))
    return matches


async def ranked(slugs: list[str], utterances: list[dict[str, str]]) -> tuple[int, list[str]]:
    """Return how many utterances find their tool, and those that do not."""
    from fastmcp import Client, FastMCP
    from fastmcp.server.transforms.search import BM25SearchTransform
    from fastmcp.tools.base import Tool

    mcp: FastMCP[Any] = FastMCP("search")
    for slug in slugs:
        matches = json.loads((ROOT / f"servers/{module_of(slug)}/discovery.json").read_text(encoding="utf-8"))
        terms = matches.get("search", {})
        for tool in matches["tools"]:
            text = f"{tool['description']} {terms.get(tool['name'], '')}"
            mcp.add_tool(Tool(name=tool["name"], description=text, parameters=tool["inputSchema"]))
    mcp.add_transform(BM25SearchTransform(max_results=TOP))
    hits, missed = 0, []
    async with Client(mcp) as client:
        for message in utterances:
            result = await client.call_tool_mcp("search_tools", {"query": message["text"]})
            names = [tool["name"] for tool in json.loads(result.content[0].text if result.content else "[]")]  # type: ignore[union-attr]
            if message["tool"] in names:
                hits += 1
            else:
                missed.append(f"{message['text']} → {message['tool']}, found {names}")
    return hits, missed
