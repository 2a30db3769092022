"""Add this meeting note to my Notion database 'Clients' and create a task to send the quote tomorrow."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_testing import faults

from .conftest import Agency, Agent

pytestmark = pytest.mark.timeout(180)
NOTE, TASK = "note in Clients", "task Envoyer le devis"
TITLE, DUE = "Réunion Boulangerie Lefèvre", "2030-06-04"
TEXT = "## Décisions\n\n- Budget : **12 500 €**\n- Refonte du site pour l’été\n\nElle attend le devis."


async def after_the_meeting(agent: Agent) -> None:
    """Look at both databases, so that the properties fit; then write, with a key a step."""
    clients, _ = await agent.call("notion_get_database", database="Clients")
    tasks, _ = await agent.call("notion_get_database", database="Tâches")
    assert {"Nom", "Statut", "Budget"} <= {one["name"] for one in clients["properties"]}
    assert {"Tâche", "Échéance", "État", "Client"} <= {one["name"] for one in tasks["properties"]}
    note = await agent.does(
        NOTE, "notion_create_database_item", database=clients["id"], markdown=TEXT,
        properties={"Nom": TITLE, "Statut": "Lead chaud", "Budget": 12500, "Téléphone": "+33 6 12 34 56 78"},
        idempotency_key=f"{agent.key}-note",
    )  # fmt: skip
    if not note:
        agent.undone.append(TASK)
        return
    await agent.does(
        TASK, "notion_create_database_item", database=tasks["id"],
        properties={"Tâche": "Envoyer le devis", "Échéance": DUE, "État": "À faire", "Client": TITLE},
        idempotency_key=f"{agent.key}-task",
    )  # fmt: skip


def all_there(agency: Agency) -> None:
    """Check each field, and that nothing is there twice."""
    notion, workspace = agency.notion, agency.workspace
    assert notion.titles(workspace.clients).count(TITLE) == 1
    assert len(notion.rows(workspace.clients)) == 3  # with the two that were there before
    page = notion.rows(workspace.clients)[-1]
    properties = {name: value[value["type"]] for name, value in page["properties"].items()}
    assert properties["Statut"]["name"] == "Lead chaud"
    assert properties["Budget"] == 12500
    assert properties["Téléphone"] == "+33 6 12 34 56 78"
    assert [block[:2] for block in notion.tree(page["id"])] == [
        ["heading_2", "Décisions"],
        ["bulleted_list_item", "Budget : 12 500 €"],
        ["bulleted_list_item", "Refonte du site pour l’été"],
        ["paragraph", "Elle attend le devis."],
    ]
    (task,) = notion.rows(workspace.tasks)
    fields = {name: value[value["type"]] for name, value in task["properties"].items()}
    assert fields["Tâche"][0]["plain_text"] == "Envoyer le devis"
    assert fields["Échéance"]["start"] == DUE
    assert fields["État"]["name"] == "À faire"
    assert [one["id"] for one in fields["Client"]] == [page["id"]]


async def test_meeting_scenario_takes_four_calls(agency: Agency) -> None:
    async with agency.agent() as agent:
        await after_the_meeting(agent)
        assert len(agent.calls) == 4
        assert agent.report == f"Done: {NOTE}; {TASK}."
    all_there(agency)


async def test_meeting_scenario_repeated_is_done_once(agency: Agency) -> None:
    for key in ("call-7", "call-7", "somebody-else"):  # with the same keys, and without knowing of the first time
        async with agency.agent(key) as agent:
            await after_the_meeting(agent)
            assert agent.report == f"Done: {NOTE}; {TASK}."
    all_there(agency)


async def test_meeting_scenario_rate_limit_waited_for(agency: Agency) -> None:
    agency.notion.call_error(429, after=1, method="write")
    async with agency.agent() as agent:
        await after_the_meeting(agent)
        assert len(agent.calls) == 4
        assert agent.report == f"Done: {NOTE}; {TASK}."
    all_there(agency)


@pytest.mark.parametrize("step", [0, 1], ids=["note", "task"])
async def test_meeting_scenario_server_error(agency: Agency, step: int) -> None:
    agency.notion.call_error(500, after=step, method="write")
    async with agency.agent() as agent:
        await after_the_meeting(agent)
        late = TASK if step else NOTE
        assert f"In doubt: {late} (Error: Notion failed (500)" in agent.report
        assert (f"Done: {NOTE}." in agent.report) == bool(step)
        assert (f"Not done: {TASK}." in agent.report) == (not step)
        assert len(agency.notion.rows(agency.workspace.tasks)) == 0
        again: Any = Agent(agent.client, "looked-it-was-not-done")
        await after_the_meeting(again)
        assert again.report == f"Done: {NOTE}; {TASK}."
    all_there(agency)


@pytest.mark.parametrize("step", [0, 1], ids=["note", "task"])
async def test_meeting_scenario_connection_lost_after_the_work(agency: Agency, step: int) -> None:
    """The server looks for what it wrote before it reports an error."""
    agency.notion.vendor.fails(faults.cut(), after=step, times=1, method="write")
    async with agency.agent() as agent:
        await after_the_meeting(agent)
        assert len(agent.calls) == 4
        assert agent.report == f"Done: {NOTE}; {TASK}."
        all_there(agency)
        again = Agent(agent.client, agent.key)
        await after_the_meeting(again)
    all_there(agency)
