"""Links to files behind the text of a result, for clients that know what that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from flotilla import Model, ServerSettings, files, link
from flotilla_testing import ScratchServer, client, environment, raw, text_of

server: ScratchServer = ScratchServer(
    "links", title="Links", description="For tests.", category="test", files=True, settings=ServerSettings
)


class Written(Model):
    path: str


@server.reads
async def get_file(name: str) -> Written:
    """Write a file."""
    ref = files.write(name, b"%PDF-1.4")
    link(ref)
    return Written(path=ref.path)


async def test_link_follows_the_text(tmp_path: Path) -> None:
    with environment(server, FLOTILLA_DATA=str(tmp_path)):
        async with client(server) as connected:
            result = await connected.call_tool_mcp("links_get_file", {"name": "a b/été #1.pdf"})
            again = await connected.call_tool_mcp("links_get_file", {"name": "a b/deux.pdf"})
    text, link = result.content
    assert text_of(result) == text.text == '{"path":"a b/été #1.pdf"}'  # type: ignore[union-attr]
    message = link.model_dump(by_alias=True, exclude_none=True, mode="json")
    assert message == {
        "type": "resource_link",
        "uri": "file:///data/a%20b/%C3%A9t%C3%A9%20%231.pdf",
        "name": "été #1.pdf",
        "mimeType": "application/pdf",
        "size": 8,
    }
    assert len(again.content) == 2  # the links of one call are not those of the next


@pytest.mark.parametrize(("revision", "parts"), [("2024-11-05", 1), ("2025-03-26", 1), ("2025-06-18", 2)])
async def test_link_left_out_for_older_clients(tmp_path: Path, revision: str, parts: int) -> None:
    with environment(server, FLOTILLA_DATA=str(tmp_path)):
        async with raw(server, revision) as session:
            answer = await session.request("tools/call", name="links_get_file", arguments={"name": "a.pdf"})
    assert len(answer["result"]["content"]) == parts
