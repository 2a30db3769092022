"""Notion failing on the way: what is repeated, what never is, and what the error says was done."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.notion.client import api
from flotilla_servers.notion.server import server
from flotilla_servers.notion.tests.fake import FakeNotion
from flotilla_servers.notion.tests.workspace import Workspace
from flotilla_testing import call, faults, text_of
from flotilla_testing.dry_runs import problems

pytestmark = pytest.mark.slow
LONG = "\n\n".join(f"ligne {n}" for n in range(250))
ITEM = {"database": "Clients", "properties": {"Nom": "Durand"}}


async def test_upstream_conflict_and_overload_retried(
    tool: Any, problem: Any, notion: FakeNotion, space: Workspace
) -> None:
    for status in (409, 529, 429):
        notion.call_error(status, times=2, method="write")
        await tool("append_block", page=space.dupont, markdown=f"après {status}")
    assert [terms for _, terms, _ in notion.tree(space.dupont)] == ["après 409", "après 529", "après 429"]
    notion.call_error(409, times=3, method="write")
    assert "another change" in await problem("append_block", page=space.dupont, markdown="jamais")
    assert len(notion.tree(space.dupont)) == 3


async def test_append_block_interrupted_reports_progress(problem: Any, notion: FakeNotion, space: Workspace) -> None:
    """A write that breaks off says how far it came."""
    notion.call_error(500, after=1, method="write")
    message = await problem("append_block", page=space.dupont, markdown=LONG)
    assert "100 of 250 blocks are written, up to `ligne 99`; the rest is not" in message
    assert f"notion_get_page at {space.dupont}" in message
    assert len(notion.tree(space.dupont)) == 100
    assert len([r for r in notion.vendor.requests if r.writes]) == 2


async def test_append_block_lost_response_not_sent_again(problem: Any, notion: FakeNotion, space: Workspace) -> None:
    notion.vendor.fails(faults.cut(), after=1, times=1, method="write")
    message = await problem("append_block", page=space.dupont, markdown=LONG)
    assert "may or may not" in message
    assert "100 of 250 blocks" in message
    assert len(notion.tree(space.dupont)) == 200  # done, though nobody heard of it


async def test_create_page_interrupted_content_reported(problem: Any, notion: FakeNotion, space: Workspace) -> None:
    """The error names the new page and how much of it was written."""
    notion.call_error(400, after=1, method="write")
    message = await problem("create_page", parent=space.home, title="Long", markdown=LONG)
    page = next(one for one in notion.pages.values() if one["parent"].get("page_id") == space.home)
    assert f"The page was created ({page['id']}). 100 of 250 blocks" in message
    assert len(notion.tree(page["id"])) == 100


async def test_append_block_first_failure_reports_no_progress(
    problem: Any, notion: FakeNotion, space: Workspace
) -> None:
    """Nothing was written, so the error does not speak of blocks."""
    notion.call_error(400, method="write")
    assert "blocks are written" not in await problem("append_block", page=space.dupont, markdown=LONG)
    assert notion.tree(space.dupont) == []


async def test_create_lost_response_searched_for(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    """What was created although the response was lost is found."""
    notion.vendor.fails(faults.cut(), times=1, method="write")
    made = await tool("create_database_item", **ITEM, markdown=LONG)
    assert made["created"]
    assert notion.titles(space.clients).count("Durand") == 1
    assert len(notion.tree(made["id"])) == 250
    notion.vendor.fails(faults.cut(), times=1, method="write")
    page = await tool("create_page", parent=space.home, title="Perdue", markdown="x")
    assert [terms for _, terms, _ in notion.tree(space.home)] == ["Perdue"]
    assert page["created"]


async def test_create_not_found_again_is_uncertain(
    problem: Any, tool: Any, notion: FakeNotion, space: Workspace
) -> None:
    notion.call_error(500, method="write")
    assert "may or may not" in await problem("create_database_item", **ITEM, idempotency_key="k1")
    assert "with a new key" in await problem("create_database_item", **ITEM, idempotency_key="k1")
    assert (await tool("create_database_item", **ITEM))["created"]
    again = await tool("create_database_item", **ITEM, idempotency_key="k2")
    assert not again["created"]
    assert notion.titles(space.clients).count("Durand") == 1
    notion.call_error(500, method="write")
    message = await problem("create_database_item", **ITEM, allow_duplicate=True)  # two of a name: nothing to look for
    assert "may or may not" in message


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("append_block", {"markdown": LONG}),
        ("create_page", {"title": "Longue", "markdown": LONG}),
        ("create_database_item", {**ITEM, "markdown": LONG}),
    ],
)
async def test_dry_run_shows_further_requests(
    notion: FakeNotion, space: Workspace, tool: str, arguments: dict[str, Any]
) -> None:
    """More than one request can carry: the dry run shows the rest too, and nothing else is sent."""
    page = {"append_block": {"page": space.dupont}, "create_page": {"parent": space.dupont}}.get(tool, {})
    result = await call(server, f"notion_{tool}", **page, **arguments, dry_run=True)
    shown = (result.structured_content or {})["dry_run"]
    begun = len(notion.vendor.requests)
    assert not (await call(server, f"notion_{tool}", **page, **arguments)).is_error
    sent = notion.vendor.requests[begun:]
    assert len([request for request in sent if request.writes]) > 1
    assert problems(shown, {}, sent, server) == []
    assert "ligne 249" in str(shown["then"])


async def test_dry_run_writes_nothing(notion: FakeNotion, space: Workspace) -> None:
    result = await call(server, "notion_create_database_item", **ITEM, markdown="# Bonjour", dry_run=True)
    shown = result.structured_content["dry_run"]
    assert shown["url"] == f"{notion.url}/pages"
    assert shown["headers"] == {
        "notion-version": "2026-03-11",
        "authorization": "***",
        "content-type": "application/json",
    }
    assert shown["body"]["properties"] == {"Nom": {"title": [{"type": "text", "text": {"content": "Durand"}}]}}
    assert shown["body"]["children"][0]["type"] == "heading_1"
    assert not any(request.writes for request in notion.vendor.requests)


@pytest.mark.parametrize(("status", "reported"), [(401, "credentials"), (403, "capability"), (404, "Connections")])
async def test_upstream_refusals_say_what_to_do(
    problem: Any, notion: FakeNotion, space: Workspace, status: int, reported: str
) -> None:
    notion.call_error(status)
    assert reported in await problem("get_page", page=space.dupont)


def test_rate_limit_three_requests_a_second() -> None:
    assert api.transport.limits == ((3, 1),)


async def test_get_page_many_nested_blocks_cut_with_note(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    await tool("append_block", page=space.dupont, markdown="\n".join(f"- {n}\n  - {n} bis" for n in range(80)))
    read = await tool("get_page", page=space.dupont)
    assert "too much for one result" in read["note"]
    assert "- 79" in read["markdown"]


async def test_scenario_meeting_note_and_task(tool: Any, notion: FakeNotion, space: Workspace) -> None:
    """Add this meeting note to my Notion database 'Clients' and create a task to send the quote tomorrow."""
    note = "## Appel du 2 juin\n\n- Budget : **4 500 €**\n- [ ] Devis demain"
    asked = [
        ("create_database_item", {"database": "Clients", "properties": {"Nom": "Dupont — appel"}, "markdown": note}),
        ("create_database_item", {
            "database": "Tâches",
            "properties": {"Tâche": "Envoyer le devis", "Échéance": "2030-06-03", "Client": "Dupont — appel"},
        }),
    ]  # fmt: skip
    notion.call_error(429, after=1)
    notion.call_error(409, method="write")
    notion.vendor.fails(faults.cut(), after=2, times=1, method="write")
    for name, arguments in asked:
        assert (await tool(name, **arguments))["created"]
    row = notion.rows(space.clients)[-1]
    assert notion.titles(space.clients).count("Dupont — appel") == 1
    assert [kind for kind, _, _ in notion.tree(row["id"])] == ["heading_2", "bulleted_list_item", "to_do"]
    (task,) = notion.rows(space.tasks)
    assert task["properties"]["Client"]["relation"] == [{"id": row["id"]}]
    assert task["properties"]["Échéance"]["date"]["start"] == "2030-06-03"
    repeated = await call(server, f"notion_{asked[1][0]}", **asked[1][1])
    assert "nothing was created" in text_of(repeated)
    assert notion.titles(space.tasks) == ["Envoyer le devis"]
