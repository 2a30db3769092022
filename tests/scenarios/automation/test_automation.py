"""A Make scenario and an n8n workflow run and fail; what failed is explained and retried, and a Zap triggered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flotilla_servers.make.tests.fake import FakeMake
from flotilla_servers.n8n.tests.fake import HOOK, FakeN8n
from flotilla_servers.zapier.tests.fake import FakeHooks
from tests.scenarios.harness import KINDS, Gateway, call_error, call_ok
from tests.scenarios.vendors import connected

pytestmark = pytest.mark.timeout(180)
REASON = "Le serveur de mail refuse le mot de passe."
RELAUNCHED = {"client": "Dupont", "montant": 1250.5, "message": "Facture relancée, accueil envoyé."}
TO_MAIL = {"Webhook": {"main": [[{"node": "Mail", "type": "main", "index": 0}]]}}


@dataclass
class Automations:
    """A gateway to Make, whose scenario fails, to n8n, whose workflow does, and to the webhooks of two Zaps."""

    gateway: Gateway
    make: FakeMake
    n8n: FakeN8n
    zapier: FakeHooks


@pytest.fixture(params=KINDS)
def automations(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Automations]:
    """All three, and a gateway to them with the core tools alone."""
    make, n8n, zapier = FakeMake(), FakeN8n(), FakeHooks()
    make.ends[next(iter(make.scenarios))] = "ERROR"
    mail = {"name": "Mail", "type": "n8n-nodes-base.stopAndError", "parameters": {"errorMessage": REASON}}
    webhook = {"name": "Webhook", "type": HOOK, "parameters": {"path": "accueil", "httpMethod": "POST"}}
    n8n.workflows["n8nAccueil000001"] = {
        "id": "n8nAccueil000001",
        "name": "Accueil d'un client",
        "active": True,
        "nodes": [webhook, mail],
        "connections": TO_MAIL,
        "settings": {},
        "tags": [],
    }
    fakes = {"make": make, "n8n": n8n, "zapier": zapier}
    with connected(request.param, tmp_path, "automation", fakes) as gateway:
        yield Automations(gateway, make, n8n, zapier)


async def test_automation_scenario(automations: Automations) -> None:
    """What failed says why, and succeeds at the retry after the correction; nothing runs twice, and a Zap gets it."""
    make, n8n, zapier = automations.make, automations.n8n, automations.zapier
    async with automations.gateway.client() as client:
        ran = await call_ok(client, "make_run_scenario", scenario="relance des factures", inputs={"client": "Dupont"})
        assert (ran["status"], ran["error"]) == ("error", REASON)
        failing = (await call_ok(client, "make_list_scenarios", failing=True, team="Atelier"))["items"]
        assert [row["name"] for row in failing] == ["Relance des factures"]
        why = await call_ok(client, "make_get_execution", scenario="Relance des factures")
        assert (why["id"], why["error"]) == (ran["id"], REASON)
        (stored,) = (await call_ok(client, "make_list_incomplete_executions", scenario="Relance des factures"))["items"]
        make.ends.clear()
        assert (await call_ok(client, "make_retry_execution", execution=stored["id"]))["resolved"] is True
        assert "nothing was done" in await call_error(client, "make_retry_execution", execution=stored["id"])

        started = await call_ok(client, "n8n_trigger_webhook", workflow="accueil d’un client", data={"nom": "Dupont"})
        assert started["failure"]["message"] == REASON
        (failed,) = (await call_ok(client, "n8n_list_executions", status="error"))["items"]
        assert failed["workflow"] == "Accueil d'un client"
        why = await call_ok(client, "n8n_get_execution", execution=failed["id"])
        assert (why["error"]["message"], why["error"]["node"]) == (REASON, "Mail")
        n8n.workflows["n8nAccueil000001"]["nodes"][1]["type"] = "n8n-nodes-base.noOp"
        assert (await call_ok(client, "n8n_retry_execution", execution=failed["id"]))["status"] == "success"
        assert "nothing was done" in await call_error(client, "n8n_retry_execution", execution=failed["id"])
        (old,) = (await call_ok(client, "n8n_list_executions", status="error"))["items"]
        assert old["retry_success_id"] == "2"  # so that nothing is left to retry

        hooks = (await call_ok(client, "zapier_list_hooks"))["items"]
        assert [row["name"] for row in hooks] == ["Relance clients", "devis"]
        sent = await call_ok(client, "zapier_trigger_hook", hook="relance clients", fields=RELAUNCHED)
        assert "does not prove that a Zap ran" in sent["note"]
    assert make.ran == [{"client": "Dupont"}]
    assert len(n8n.called) == 1
    assert [one["status"] for one in n8n.executions.values()] == ["error", "success"]
    assert zapier.received == [("c8d3abc", RELAUNCHED)]


async def test_automation_scenario_what_cannot_run_says_what_can(automations: Automations) -> None:
    """A stopped scenario, an inactive workflow, one without a webhook, a webhook without a name: nothing is done."""
    make, n8n, zapier = automations.make, automations.n8n, automations.zapier
    workflow = n8n.workflows["n8nAccueil000001"]
    async with automations.gateway.client() as client:
        stopped = await call_error(client, "make_run_scenario", scenario="Sauvegarde")
        assert "Start it with make_start_scenario" in stopped
        assert "client" in await call_error(client, "make_run_scenario", scenario="relance des factures")
        workflow["active"] = False
        inactive = await call_error(client, "n8n_trigger_webhook", workflow="accueil d'un client")
        assert "n8n_activate_workflow" in inactive
        activated = await call_ok(client, "n8n_activate_workflow", workflow="accueil d'un client")
        assert activated["active"] is True
        workflow["nodes"] = workflow["nodes"][1:]
        assert "add a Webhook node" in await call_error(client, "n8n_trigger_webhook", workflow="accueil d'un client")
        unknown = await call_error(client, "zapier_trigger_hook", hook="factures", fields=RELAUNCHED)
        assert "Relance clients" in unknown
    assert (make.ran, n8n.called, zapier.received) == ([], [], [])
