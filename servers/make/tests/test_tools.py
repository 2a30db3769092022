"""What each tool does, against a fake Make that keeps state."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.make.server import server
from flotilla_servers.make.tests.fake import FakeMake
from flotilla_testing import Response, Tool, environment, impatient, results_of
from flotilla_testing.client import tools_of

RELANCE, COMMANDE = "relance des factures", "Nouvelle commande"


def id_of(fake: FakeMake, name: str) -> int:
    return next(n for n, one in fake.scenarios.items() if one["name"] == name)


# -- the story --------------------------------------------------------------------------------------------------------


async def test_failed_run_is_found_explained_and_retried(fake: FakeMake, tool: Tool, problem: Tool) -> None:
    """A scenario runs and fails; its failed execution is found, and succeeds at the retry after the correction."""
    number = id_of(fake, "Relance des factures")
    fake.ends[number] = "ERROR"
    ran = await tool("run_scenario", scenario=RELANCE, inputs={"client": "Dupont"})
    assert (ran["status"], ran["error"]) == ("error", "Le serveur de mail refuse le mot de passe.")
    assert (ran["module"], ran["scenario"]) == ("Email / Send an email", "Relance des factures")
    failing = await tool("list_scenarios", failing=True)
    assert [(row["name"], row["incomplete_executions"]) for row in failing["items"]] == [
        ("Relance des factures", 1),
        ("Sauvegarde", 0),
    ]
    listed = await tool("list_executions", scenario=RELANCE, status="error")
    assert [row["id"] for row in listed["items"]] == [ran["id"]]
    assert listed["items"][0]["started_at"] == "2026-09-23T06:35:44.497000+02:00"  # of Zoé, in Paris
    why = await tool("get_execution", scenario=RELANCE)
    assert (why["id"], why["error_kind"], why["seconds"], why["credits"]) == (ran["id"], "ConnectionError", 1.5, 3.0)

    rows = (await tool("list_incomplete_executions", scenario=RELANCE))["items"]
    assert rows[0]["execution"] == ran["id"]
    again = await tool("retry_execution", execution=rows[0]["id"])
    assert (again["resolved"], again["attempts"]) == (False, 1)
    fake.ends.clear()
    better = await tool("retry_execution", execution=rows[0]["id"])
    assert better["resolved"] is True
    assert "is resolved already; nothing was done" in await problem("retry_execution", execution=rows[0]["id"])
    assert fake.incomplete[rows[0]["id"]]["attempts"] == 2
    assert (await tool("list_incomplete_executions", scenario=RELANCE))["items"] == []


async def test_core_tools_are_enough(fake: FakeMake) -> None:
    with environment(server, **fake.settings, FLOTILLA_TIER="core"), impatient(server):
        names = {one["name"] for one in await tools_of(server)}
        done = await results_of(server, "make")("run_scenario", scenario=RELANCE, inputs={"client": "Dupont"})
    assert done["outputs"] == {"envoyes": 3}
    assert {"make_list_executions", "make_get_execution", "make_retry_execution", "make_trigger_webhook"} <= names


# -- running ----------------------------------------------------------------------------------------------------------


async def test_run_scenario_that_does_not_end_gives_its_id(fake: FakeMake, tool: Tool) -> None:
    fake.slow.add(id_of(fake, "Relance des factures"))
    ran = await tool("run_scenario", scenario=RELANCE, inputs={"client": "Dupont"}, wait=6)
    assert ran["status"] == "running"
    assert ran["note"] == "It has not ended yet: look at it with make_get_execution."
    assert fake.logs[id_of(fake, "Relance des factures")][0]["id"] == ran["id"]
    assert len(fake.ran) == 1


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (None, "needs further inputs; nothing was run. Pass: client."),
        ({"client": "Dupont", "jour": 3}, "has no input jour. Its inputs are: client."),
    ],
)
async def test_run_scenario_inputs_refused(
    fake: FakeMake, problem: Tool, inputs: dict[str, Any] | None, message: str
) -> None:
    assert message in await problem("run_scenario", scenario=RELANCE, inputs=inputs)
    assert fake.ran == []


async def test_run_scenario_that_cannot_run_says_what_to_do(fake: FakeMake, problem: Tool, tool: Tool) -> None:
    assert "Call its webhook with make_trigger_webhook." in await problem("run_scenario", scenario=COMMANDE)
    message = await problem("run_scenario", scenario="Sauvegarde")
    assert "is not active; nothing was run. Start it with make_start_scenario." in message
    assert (await tool("start_scenario", scenario="Sauvegarde"))["active"] is True
    assert (await tool("run_scenario", scenario="Sauvegarde"))["status"] == "success"
    assert (await tool("stop_scenario", scenario="Sauvegarde"))["active"] is False


async def test_run_scenario_cut_off_is_not_sent_again(fake: FakeMake, problem: Tool) -> None:
    answer = fake.to

    def cut(request: Any) -> Response:
        result = answer(request)
        return Response.of({"message": "Bad gateway"}, 502) if request.url.endswith("/run") else result

    fake.to = cut  # type: ignore[method-assign]
    message = await problem("run_scenario", scenario=RELANCE, inputs={"client": "Dupont"})
    assert "may or may not have been done" in message
    assert len(fake.ran) == 1


async def test_scenario_name_unclear_lists_candidates(fake: FakeMake, problem: Tool) -> None:
    fake.add("Relance des factures", team=216)
    message = await problem("get_scenario", scenario="Relance des factures")
    assert "More than one scenario is called" in message
    assert "There is no scenario `Devis`" in await problem("get_scenario", scenario="Devis")


async def test_get_scenario(tool: Tool, fake: FakeMake) -> None:
    shown = await tool("get_scenario", scenario="relance des factures", blueprint=True)
    assert shown["inputs"] == [{"name": "client", "type": "text", "required": True, "choices": []}]
    assert shown["modules"] == ["datastore:SearchRecord", "email:ActionSendEmail"]
    assert shown["blueprint"]["metadata"] == {"version": 1}
    hooked = await tool("get_scenario", scenario=COMMANDE)
    assert hooked["webhook"].startswith(fake.vendor.url)
    assert hooked["starts"] == "immediately"


# -- webhooks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["commandes du site", COMMANDE, "url"])
async def test_trigger_webhook_by_its_name_scenario_or_address(fake: FakeMake, tool: Tool, name: str) -> None:
    hook = next(iter(fake.hooks.values()))
    ran = await tool(
        "trigger_webhook",
        webhook=f"{fake.vendor.url}/{hook['udid']}" if name == "url" else name,
        data={"article": "vélo"},
    )
    assert (ran["status"], ran["answer"]) == (200, "Accepted")
    assert [row["status"] for row in ran["executions"]] == ["success"]
    assert fake.ran == [{"article": "vélo"}]


async def test_trigger_webhook_says_where_the_call_waits(fake: FakeMake, tool: Tool) -> None:
    fake.scenarios[id_of(fake, COMMANDE)]["isActive"] = False
    waiting = await tool("trigger_webhook", webhook="Commandes du site")
    assert waiting["note"] == "The scenario is not active, so the call waits in the queue: see make_start_scenario."
    fake.hook("Orphelin", None)
    assert "No scenario uses this webhook" in (await tool("trigger_webhook", webhook="Orphelin"))["note"]
    assert (await tool("list_hooks", team="Atelier"))["items"][0]["waiting"] == 1


async def test_trigger_webhook_refused(fake: FakeMake, problem: Tool) -> None:
    fake.hook("Boîte", None, type="mail")
    fake.hook("Fermé", None, enabled=False)
    assert "takes mails, not calls" in await problem("trigger_webhook", webhook="Boîte")
    assert "is switched off; nothing was sent" in await problem("trigger_webhook", webhook="Fermé")
    message = await problem("trigger_webhook", webhook="https://evil.example/00000000000000000000000000000999")
    assert "No webhook of these teams has this address." in message
    assert fake.writes == []


async def test_trigger_webhook_gone(fake: FakeMake, problem: Tool) -> None:
    number = fake.hook("Vieux", None)
    answer = fake.to
    fake.to = lambda request: (  # type: ignore[method-assign]
        Response(410, b"gone") if request.url.endswith(f"{number:032d}") else answer(request)
    )
    assert "no scenario has used it for some days" in await problem("trigger_webhook", webhook="Vieux")


# -- creating ---------------------------------------------------------------------------------------------------------


async def test_create_scenario_from_blueprint_and_as_a_copy(fake: FakeMake, tool: Tool, problem: Tool) -> None:
    flow = [{"id": 1, "module": "util:SetVariables", "version": 1}]
    made = await tool(
        "create_scenario", name="Été", blueprint={"flow": flow}, team="boutique", schedule="indefinitely", minutes=30
    )
    assert (made["active"], made["team_id"], made["every_seconds"]) == (False, "216", 1800)
    copy = await tool("create_scenario", name="Relance 2", copy_of=RELANCE)
    assert (copy["name"], copy["team_id"], copy["active"]) == ("Relance 2", "215", False)
    assert "exists already; nothing was done" in await problem("create_scenario", name="relance 2", copy_of=RELANCE)
    assert "Pass either blueprint or copy_of." in await problem("create_scenario", name="X")
    assert "has no flow" in await problem("create_scenario", name="X", blueprint={"a": 1}, team="Atelier")


# -- data stores ------------------------------------------------------------------------------------------------------


async def test_data_store_records(fake: FakeMake, tool: Tool, asked: list[str]) -> None:
    stores = await tool("list_data_stores", team="Atelier")
    assert [(row["name"], row["records"]) for row in stores["items"]] == [("Clients", 1)]
    added = await tool("add_record", data_store="clients", data={"nom": "Œuvre & Cie", "montant": 80})
    changed = await tool("update_record", data_store="clients", key="k1", data={"montant": 0})
    assert changed == {"key": "k1", "data": {"nom": "Dupont", "montant": 0}}
    listed = await tool("list_records", data_store="Clients", limit=1)
    assert listed["items"][0]["key"] == "k1"
    last = await tool("list_records", data_store="Clients", limit=1, cursor=listed["next_cursor"])
    assert last["items"] == [added]
    await tool("delete_records", data_store="Clients", keys=["k1"])
    assert asked == ["Delete 1 record of the data store «Clients» for good: k1?"]
    assert list(fake.records[137]) == [added["key"]]


# -- account ----------------------------------------------------------------------------------------------------------


async def test_teams_connections_and_usage(tool: Tool, problem: Tool) -> None:
    teams = (await tool("list_teams"))["items"]
    assert [(row["name"], row["organization"]) for row in teams] == [
        ("Atelier", "Atelier Lefèvre"),
        ("Boutique", "Atelier Lefèvre"),
    ]
    message = await problem("list_connections")
    assert message == "Error: There are 2 teams, and none is named. Pass one as team: Atelier, Boutique."
    (row,) = (await tool("list_connections", team="atelier"))["items"]
    assert (row["app"], row["account"]) == ("Google", "zoe@atelier.example")
    usage = await tool("get_usage")
    assert (usage["of"], usage["operations"], usage["credits"]) == ("Atelier Lefèvre", 200, 241.0)
    assert usage["operations_limit"] == 10_000
    assert [day["date"] for day in usage["days"]] == ["2026-09-22", "2026-09-23"]
    assert (await tool("get_usage", team="Boutique"))["operations"] == 200


async def test_team_of_the_settings_is_the_usual_one(fake: FakeMake) -> None:
    with environment(server, **fake.settings, MAKE_TEAM="boutique"), impatient(server):
        listed = await results_of(server, "make")("list_scenarios")
    assert [row["name"] for row in listed["items"]] == ["Sauvegarde"]
