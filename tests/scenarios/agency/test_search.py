"""A voice agent that knows four tools: it searches for what it heard, and calls what it gets."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Agency, Agent

pytestmark = pytest.mark.timeout(180)


async def do(agent: Agent, utterance: str, tool: str, **arguments: Any) -> dict[str, Any]:
    """Search for what somebody said, and call the tool with the one that the search names."""
    matches, _ = await agent.call("search_tools", query=utterance)
    match = next(one for one in matches["tools"] if one["name"] == tool)
    assert set(match["inputSchema"].get("required", ())) <= set(arguments)
    return await agent.does(tool, match["call_with"], name=tool, arguments=arguments)


async def test_search_scenario(agency: Agency) -> None:
    if agency.gateway.kind == "docker-gateway":
        pytest.skip("Docker's gateway lists all tools")
    agency.gateway.search = "on"
    async with agency.agent() as agent:
        assert len(await agent.client.list_tools()) == 5  # note_save too
        who = {"first_name": "Jean", "last_name": "Dupont"}
        jean = await do(agent, "crée le contact Jean Dupont dans GoHighLevel", "ghl_create_contact", **who)
        tag = {"contact_id": jean["id"], "tags": ["Lead Chaud"]}
        await do(agent, "mets-lui l’étiquette Lead Chaud", "ghl_add_tags", **tag)
        page = {"parent": agency.workspace.home, "title": "Appel de Jean", "markdown": "Il rappelle **lundi**."}
        await do(agent, "crée une page Notion pour cet appel", "notion_create_page", **page)
        assert agent.report == "Done: ghl_create_contact; ghl_add_tags; notion_create_page."
    assert [contact["tags"] for contact in agency.ghl.named("Jean Dupont")] == [["Lead Chaud"]]
