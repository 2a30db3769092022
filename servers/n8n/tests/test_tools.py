"""What only a fake n8n can be made to do: licences, rights, many executions, odd definitions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.n8n.server import server
from flotilla_servers.n8n.tests.fake import HOOK, FakeN8n
from flotilla_testing import Response, Session, Tool, connect, environment, errors_of, impatient, results_of


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeN8n]:
    """An instance with a licence for everything."""
    with (
        FakeN8n(licensed=True) as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path)),
        impatient(server),
    ):
        yield running


@pytest.fixture
def tool(fake: FakeN8n, asked: list[str]) -> Tool:
    return results_of(server, "n8n", asked)


@pytest.fixture
def problem(fake: FakeN8n) -> Tool:
    return errors_of(server, "n8n")


def hook(path: str = "commande", **parameters: Any) -> dict[str, Any]:
    return {"name": f"Webhook {path}", "type": HOOK, "parameters": {"path": path, "httpMethod": "POST", **parameters}}


async def active(fake: FakeN8n, tool: Tool, name: str, *nodes: dict[str, Any]) -> dict[str, Any]:
    """Create an active workflow; returns it."""
    made: dict[str, Any] = await tool("create_workflow", name=name, nodes=list(nodes))
    fake.workflows[made["id"]]["active"] = True
    return made


# -- starting workflows -----------------------------------------------------------------------------------------------


async def test_trigger_webhook_of_several_wants_a_path(fake: FakeN8n, tool: Tool, problem: Tool) -> None:
    await active(fake, tool, "Ventes", hook("devis"), hook("facture"))
    assert "has several webhooks. Pass one as path: devis, facture." in await problem(
        "trigger_webhook", workflow="Ventes"
    )
    assert "has no such webhook" in await problem("trigger_webhook", workflow="Ventes", path="avoir")
    ran = await tool("trigger_webhook", workflow="Ventes", path="facture")
    assert ran["webhook"] == f"{fake.vendor.url}/webhook/facture"


async def test_trigger_webhook_without_webhook_node_says_what_to_do(tool: Tool, problem: Tool, fake: FakeN8n) -> None:
    await active(fake, tool, "Nuit", {"name": "Nuit", "type": "n8n-nodes-base.scheduleTrigger"})
    message = await problem("trigger_webhook", workflow="Nuit")
    assert message == (
        "Error: The workflow «Nuit» has no Webhook node, and n8n's API has no call that runs a workflow. "
        "Ask the user to start it in n8n, or to add a Webhook node to it."
    )
    assert fake.called == []


async def test_trigger_webhook_of_another_host_is_refused(fake: FakeN8n, problem: Tool) -> None:
    message = await problem("trigger_webhook", workflow="https://evil.example/webhook/commande")
    assert "is not at this n8n's address" in message
    assert "is not the path of a webhook" in await problem("trigger_webhook", workflow="/webhook/../api/v1/workflows")
    assert fake.vendor.requests == []


async def test_trigger_webhook_is_sent_once_though_it_is_a_get(fake: FakeN8n, tool: Tool, problem: Tool) -> None:
    """A GET starts a workflow here, so it is not a read that may be repeated."""
    await active(fake, tool, "Ouvrir", hook("ouvrir", httpMethod="GET"))
    shown = await tool("trigger_webhook", workflow="Ouvrir", data={"porte": "nord"}, dry_run=True)
    assert shown["dry_run"]["method"] == "GET"
    assert shown["dry_run"]["url"] == f"{fake.vendor.url}/webhook/ouvrir?porte=nord"
    assert fake.called == []
    asked = fake.to

    def unsure(request: Any) -> Response:
        return Response.of({"message": "Bad gateway"}, 502) if "/webhook/" in request.url else asked(request)

    fake.to = unsure  # type: ignore[method-assign]
    assert "may or may not have been done" in await problem("trigger_webhook", workflow="Ouvrir")
    assert len([request for request in fake.vendor.requests if "/webhook/" in request.url]) == 1


async def test_trigger_webhook_with_wrong_header_names_the_settings(fake: FakeN8n, tool: Tool, problem: Tool) -> None:
    fake.secret = ("X-Cle", "sesame-ouvre-toi")
    await active(fake, tool, "Privé", hook(authentication="headerAuth"))
    message = await problem("trigger_webhook", workflow="Privé")
    assert "wants other credentials" in message
    assert "N8N_WEBHOOK_SECRET" in message
    assert fake.executions == {}


async def test_trigger_webhook_without_the_right_to_list_executions(fake: FakeN8n, tool: Tool) -> None:
    await active(fake, tool, "Commande", hook())
    fake.hidden = True
    ran = await tool("trigger_webhook", workflow="Commande")
    assert ran["status"] == 200
    assert ran["executions"] == []


async def test_trigger_webhook_with_idempotency_key_runs_once(fake: FakeN8n, tool: Tool) -> None:
    await active(fake, tool, "Commande", hook())
    first = await tool("trigger_webhook", workflow="Commande", idempotency_key="k1")
    assert await tool("trigger_webhook", workflow="Commande", idempotency_key="k1") == first
    assert len(fake.executions) == 1


# -- executions -------------------------------------------------------------------------------------------------------


async def test_list_executions_of_a_period(fake: FakeN8n, tool: Tool) -> None:
    await active(fake, tool, "Commande", hook())
    for _ in range(3):
        await tool("trigger_webhook", workflow="Commande", wait=0)
    for day, execution in enumerate(fake.executions.values(), 1):
        execution["startedAt"] = f"2030-06-0{day}T08:00:00.000Z"
        execution["stoppedAt"] = f"2030-06-0{day}T08:00:02.500Z"
    page = await tool("list_executions", after="2030-06-02", before="2030-06-02", limit=1)
    assert [(row["id"], row["seconds"], row["workflow"]) for row in page["items"]] == [("2", 2.5, "Commande")]
    last = await tool("list_executions", after="2030-06-03")
    assert [row["id"] for row in last["items"]] == ["3"]
    assert "next_cursor" not in last


async def test_stop_execution() -> None:
    async with connect("n8n", {"FLOTILLA_TIER": "all"}) as session:
        assert (await session.call_ok("stop_execution", execution="1043"))["status"] == "canceled"
        assert session.requests[1].url.endswith("/executions/1043/stop")
        assert "has ended already (error)" in await session.call_error("stop_execution", execution="1042")


async def test_get_execution_names_node_and_service_error() -> None:
    async with connect("n8n") as session:
        shown = await session.call_ok("get_execution", execution="1042", node="webhook")
    assert shown["error"] == {
        "message": "Authorization failed - please check your credentials",
        "details": "Le serveur refuse le mot de passe 535 5.7.8 Error: authentication failed",
        "node": "Relance par mail",
        "node_type": "emailSend",
        "kind": "NodeApiError",
        "http_code": "535",
    }
    assert shown["output"][0]["body"]["montant"] == "1 250,50 €"
    assert "geheim" not in str(shown)
    assert shown["link"] == "https://atelier.app.n8n.cloud/workflow/2tUt1wbLX592XDdX/executions/1042"


# -- workflows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "connections", "message"),
    [
        ([{"name": "A"}], {}, "Node 1 has no name or no type."),
        ([hook(), hook()], {}, "Two nodes have the name Webhook commande."),
        ([hook()], {"Webhook commande": {"main": [[{"node": "Mail"}]]}}, "name nodes that are not there: Mail."),
    ],
)
async def test_create_workflow_refuses_odd_nodes(
    fake: FakeN8n, problem: Tool, nodes: list[Any], connections: dict[str, Any], message: str
) -> None:
    assert message in await problem("create_workflow", name="Devis", nodes=nodes, connections=connections)
    assert fake.workflows == {}


async def test_create_workflow_refuses_unknown_settings(fake: FakeN8n, problem: Tool) -> None:
    message = await problem("create_workflow", name="Devis", nodes=[hook()], settings={"fuseau": "Europe/Paris"})
    assert "A workflow has no setting fuseau." in message
    assert "timezone" in message


async def test_update_workflow_keeps_settings_that_n8n_gave(fake: FakeN8n, tool: Tool) -> None:
    """n8n before 2.9 gives settings that it refuses to take back: then the others are sent alone."""
    made = await tool("create_workflow", name="Devis", nodes=[hook()])
    fake.workflows[made["id"]]["settings"] = {"timezone": "Europe/Paris", "binaryMode": "separate", "odd": 1}
    assert (await tool("update_workflow", workflow="Devis", name="Devis 2"))["name"] == "Devis 2"
    sent = [request.json()["settings"] for request in fake.writes[-2:]]
    assert sent == [{"timezone": "Europe/Paris", "binaryMode": "separate"}, {"timezone": "Europe/Paris"}]


async def test_delete_workflow_needs_the_token_of_this_one(fake: FakeN8n, tool: Tool, asked: list[str]) -> None:
    await active(fake, tool, "Vieux", hook())
    await tool("delete_workflow", workflow="vieux")
    assert asked == ["Delete the workflow «Vieux» (active, 1 nodes) for good?"]
    assert fake.workflows == {}


# -- variables, projects, tags ----------------------------------------------------------------------------------------


async def test_variables_and_projects_with_a_licence(fake: FakeN8n, tool: Tool, problem: Tool) -> None:
    assert (await tool("list_projects"))["items"] == [{"id": "VmwOO9HeTEj20kxM", "name": "Atelier"}]
    await tool("set_variable", key="TAUX_TVA", value="20")
    await tool("set_variable", key="TAUX_TVA", value="5,5", project="atelier")
    await tool("set_variable", key="TAUX_TVA", value="10")
    listed = (await tool("list_variables"))["items"]
    assert [(row["value"], row.get("project")) for row in listed] == [("10", None), ("5,5", "Atelier")]
    assert "There is no project `Ventes`" in await problem("list_workflows", project="Ventes")


async def test_list_tags(fake: FakeN8n, tool: Tool, problem: Tool) -> None:
    await tool("create_tag", name="Ventes")
    assert [row["name"] for row in (await tool("list_tags"))["items"]] == ["Ventes"]
    await tool("create_workflow", name="Devis", nodes=[hook()])
    message = await problem("set_workflow_tags", workflow="Devis", tags=["Achats"])
    assert "There is no tag `Achats`. There are: Ventes." in message


async def test_core_tier_does_a_day_of_work() -> None:
    """From the failed execution to its retry, with the core tools alone."""
    async with connect("n8n") as session:
        assert isinstance(session, Session)
        names = {tool.name for tool in await session.client.list_tools()}
    assert {"n8n_trigger_webhook", "n8n_list_executions", "n8n_get_execution", "n8n_retry_execution"} <= names
