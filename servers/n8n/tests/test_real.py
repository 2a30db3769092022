"""The same tests against the fake n8n and, where one is installed (see tests/real), against a real n8n 2.8.4."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.n8n.server import server
from flotilla_servers.n8n.tests.fake import KEY, FakeN8n
from flotilla_servers.n8n.tests.real import started, why_not
from flotilla_testing import Tool, environment, errors_of, impatient, results_of


def webhook(path: str, **parameters: Any) -> dict[str, Any]:
    kind = {"type": "n8n-nodes-base.webhook", "typeVersion": 2, "webhookId": f"hook-{path}"}
    return {"name": "Webhook", **kind, "parameters": {"path": path, "httpMethod": "POST", **parameters}}


STOP = {
    "name": "Stock",
    "type": "n8n-nodes-base.stopAndError",
    "parameters": {"errorMessage": "Le stock est épuisé"},
}
PASS = {"name": "Stock", "type": "n8n-nodes-base.noOp"}
TO_STOCK = {"Webhook": {"main": [[{"node": "Stock", "type": "main", "index": 0}]]}}


REAL = pytest.param(
    "real", marks=[pytest.mark.node, pytest.mark.skipif(bool(why_not()), reason=why_not()), pytest.mark.timeout(300)]
)


@pytest.fixture(scope="module", params=["fake", REAL])
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of a fake n8n, then of a real one."""
    if request.param == "real":
        with started(tmp_path_factory.mktemp("n8n")) as running:
            yield running
        return
    with FakeN8n() as fake:
        fake.secret = ("X-Cle", "sesame-ouvre-toi")
        yield fake.settings


@pytest.fixture
def n8n(settings: dict[str, str], tmp_path: Path) -> Iterator[None]:
    patience = impatient(server) if settings["N8N_API_KEY"] == KEY else nullcontext()
    with environment(server, **settings, FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path)), patience:
        yield


@pytest.fixture
def tool(n8n: None, asked: list[str]) -> Tool:
    return results_of(server, "n8n", asked)


@pytest.fixture
def problem(n8n: None) -> Tool:
    return errors_of(server, "n8n")


async def test_failed_execution_is_found_explained_and_retried(tool: Tool, problem: Tool) -> None:
    """The story: a workflow is started, fails, is corrected, and its failed execution succeeds at the retry."""
    made = await tool("create_workflow", name="Commande été", nodes=[webhook("commande"), STOP], connections=TO_STOCK)
    assert made["active"] is False
    assert made["flow"] == ["Webhook → Stock"]
    assert made["webhooks"][0]["url"].endswith("/webhook/commande")
    assert "is not active; nothing was started" in await problem("trigger_webhook", workflow="commande ete")
    assert (await tool("activate_workflow", workflow="commande ete"))["active"] is True
    ran = await tool("trigger_webhook", workflow="commande ete", data={"article": "vélo"})
    assert json.loads(ran["answer"]) == {"message": "Workflow was started"}
    assert ran["failure"]["message"] == "Le stock est épuisé"
    (execution,) = ran["executions"]
    assert (execution["status"], execution["mode"], execution["workflow"]) == ("error", "webhook", "Commande été")

    failed = await tool("list_executions", status="error", workflow="commande ete")
    assert [row["id"] for row in failed["items"]] == [execution["id"]]
    why = await tool("get_execution", execution=execution["id"])
    assert why["error"]["message"] == "Le stock est épuisé"
    assert why["error"]["node"] == "Stock"
    assert [(row["node"], row["status"]) for row in why["nodes"]] == [("Webhook", "success"), ("Stock", "error")]
    shown = await tool("get_execution", execution=execution["id"], node="webhook")
    assert shown["output"][0]["body"] == {"article": "vélo"}
    assert "headers" not in shown["output"][0]

    again = await tool("retry_execution", execution=execution["id"], saved_workflow=False)
    assert (again["status"], again["retry_of"]) == ("error", execution["id"])
    assert again["error"]["message"] == "Le stock est épuisé"
    await tool("update_workflow", workflow="commande ete", nodes=[webhook("commande"), PASS], connections=TO_STOCK)
    better = await tool("retry_execution", execution=execution["id"])
    assert better["status"] == "success"
    message = await problem("retry_execution", execution=execution["id"])
    assert "was retried with success already; nothing was done" in message
    assert better["id"] in message
    assert "only a failed one can be retried" in await problem("retry_execution", execution=better["id"])


async def test_trigger_webhook_that_answers_at_its_end(tool: Tool, problem: Tool) -> None:
    last = webhook("fin", responseMode="lastNode")
    await tool("create_workflow", name="À la fin", nodes=[last, STOP], connections=TO_STOCK)
    await tool("activate_workflow", workflow="À la fin")
    ran = await tool("trigger_webhook", workflow="/webhook/fin")
    assert (ran["status"], ran["failure"]["message"]) == (500, "Le stock est épuisé")
    message = await problem("trigger_webhook", workflow="À la fin", wait=0)
    assert "The workflow was started, and failed." in message
    assert "takes" not in message
    assert "does not take GET" in await problem("trigger_webhook", workflow="À la fin", method="GET")
    assert "not registered" in await problem("trigger_webhook", workflow="À la fin", test=True)


async def test_trigger_webhook_with_header(tool: Tool, problem: Tool, settings: dict[str, str]) -> None:
    """A GET webhook that wants a header: the server's settings have it, and no execution shows it."""
    node = webhook("prive", httpMethod="GET", responseMode="lastNode")
    await tool("create_workflow", name="Privé", nodes=[node, PASS], connections=TO_STOCK)
    await tool("activate_workflow", workflow="Privé")
    own = {"N8N_WEBHOOK_HEADER": "X-Cle", "N8N_WEBHOOK_SECRET": "sesame-ouvre-toi"}
    patience = impatient(server) if settings["N8N_API_KEY"] == KEY else nullcontext()
    with environment(server, **settings, **own), patience:
        ran = await tool("trigger_webhook", workflow="Privé", data={"ville": "Orléans"})
        shown = await tool("get_execution", execution=ran["executions"][0]["id"])
    assert ran["executions"][0]["status"] == "success"
    assert shown["output"][0]["query"] == {"ville": "Orléans"}
    assert "sesame" not in str(shown)


async def test_running_execution_is_given_when_time_is_over(tool: Tool, problem: Tool) -> None:
    wait = {"name": "Stock", "type": "n8n-nodes-base.wait", "typeVersion": 1.1, "parameters": {"amount": 4}}
    await tool("create_workflow", name="Lent", nodes=[webhook("lent"), wait], connections=TO_STOCK)
    await tool("activate_workflow", workflow="Lent")
    ran = await tool("trigger_webhook", workflow="Lent", wait=1)
    (execution,) = ran["executions"]
    assert execution["status"] == "running"
    assert "does not offer this" in await problem("stop_execution", execution=execution["id"])
    listed = await tool("list_executions", status="running")
    assert execution["id"] in [row["id"] for row in listed["items"]]


async def test_workflows_are_listed_tagged_copied_and_deleted(tool: Tool, problem: Tool, asked: list[str]) -> None:
    await tool("create_workflow", name="Devis", nodes=[webhook("devis"), PASS], connections=TO_STOCK)
    assert "exists already; nothing was done" in await problem("create_workflow", name="devis", nodes=[PASS])
    await tool("create_tag", name="Ventes")
    assert "exists already" in await problem("create_tag", name="ventes")
    tagged = await tool("set_workflow_tags", workflow="Devis", tags=["ventes"])
    assert tagged["tags"] == ["Ventes"]
    listed = await tool("list_workflows", tags=["Ventes"], active=False)
    assert [(row["name"], row["triggers"]) for row in listed["items"]] == [("Devis", ["webhook POST devis"])]
    await tool("create_workflow", name="Devis bis", copy_of="Devis", settings={"timezone": "Europe/Paris"})
    whole = await tool("get_workflow", workflow="Devis bis", definition=True)
    assert whole["settings"]["timezone"] == "Europe/Paris"
    renamed = await tool("update_workflow", workflow="Devis bis", name="Devis ter")
    assert renamed["name"] == "Devis ter"
    assert renamed["settings"]["timezone"] == "Europe/Paris"
    assert asked == []
    nodes = [*whole["definition"]["nodes"], {"name": "Fin", "type": "n8n-nodes-base.noOp"}]
    changed = await tool("update_workflow", workflow="Devis ter", nodes=nodes)
    assert [node["name"] for node in changed["nodes"]] == ["Webhook", "Stock", "Fin"]
    assert asked == [
        "Replace the nodes and connections of «Devis ter» (2 nodes now, 3 then)? What they are now is lost."
    ]
    await tool("delete_workflow", workflow="Devis ter")
    assert "There is no workflow `Devis ter`" in await problem("get_workflow", workflow="Devis ter")
    page = await tool("list_workflows", limit=1)
    assert len((await tool("list_workflows", limit=1, cursor=page["next_cursor"]))["items"]) == 1


async def test_execution_is_deleted(tool: Tool, problem: Tool) -> None:
    await tool("create_workflow", name="Bref", nodes=[webhook("bref"), PASS], connections=TO_STOCK)
    await tool("activate_workflow", workflow="Bref")
    assert (await tool("deactivate_workflow", workflow="Bref"))["active"] is False
    await tool("activate_workflow", workflow="Bref")
    execution = (await tool("trigger_webhook", workflow="Bref"))["executions"][0]["id"]
    await tool("delete_execution", execution=execution)
    assert "Check the id" in await problem("get_execution", execution=execution)


@pytest.mark.parametrize("name", ["list_variables", "list_projects"])
async def test_licence_is_named(problem: Tool, name: str) -> None:
    assert "This n8n's licence does not include this" in await problem(name)


async def test_credential_schema(tool: Tool, problem: Tool) -> None:
    schema = await tool("get_credential_schema", type="githubApi")
    assert "accessToken" in [field["name"] for field in schema["fields"]]
    assert (await tool("list_credentials"))["items"] == []
    assert "does not have this" in await problem("get_credential_schema", type="nope")


async def test_wrong_key(settings: dict[str, str]) -> None:
    with environment(server, **{**settings, "N8N_API_KEY": "not-a-key"}):
        assert "does not accept the credentials" in await errors_of(server, "n8n")("list_workflows")
