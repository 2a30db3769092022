"""Scenarios: listed, run, started, stopped, created. https://developers.make.com/api-documentation/api-reference"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic_core
from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, errors, readable, sliced
from flotilla.parsing import folded, listed

from ..client import api
from ..lookup import ScenarioRef, TeamRef, account_zone, hooks, scenario_of, scenarios, team_of
from ..models import ExecutionDetails, Parameter, Scenario, ScenarioDetails, modules_of, parameters
from ..runs import details, ended

tools = Toolset("scenarios")
Wait = Annotated[int, Field(ge=0, le=45, description="Seconds to wait for the end; 0 returns at once with the id.")]


@tools.reads(
    scopes=["scenarios:read"],
    search="scénarios automatisations actifs liste pannes erreurs arrêtés automations failing broken",
    examples=["Quels scénarios Make sont en panne ?", "Which automations are active?"],
)
async def list_scenarios(
    name: Annotated[str | None, Field(description="Only scenarios whose name has this text.")] = None,
    team: TeamRef = None,
    active: Annotated[bool | None, Field(description="True for active ones only, false for the others.")] = None,
    failing: Annotated[
        bool, Field(description="True for those only that errors stopped, or that have runs to be retried.")
    ] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Scenario]:
    """List scenarios with what starts them, whether they are active, and how many failed runs wait to be retried.

    To see how their runs ended, use make_list_executions; to see inputs and modules of one, make_get_scenario.
    """
    zone = await account_zone()
    rows = readable(Scenario, await scenarios(team))
    wanted = [
        one.within(zone)
        for one in rows
        if (not name or folded(name) in folded(one.name))
        and (active is None or one.active is active)
        and (not failing or one.stopped_by_error or one.incomplete_executions)
    ]
    return sliced(wanted, limit, cursor)


async def interface(scenario: str) -> tuple[list[Parameter], list[Parameter]]:
    """Return the inputs and the outputs of a scenario."""
    both = (await api.get(f"/scenarios/{scenario}/interface")).get("interface")
    both = both if isinstance(both, dict) else {}
    return parameters(both.get("input")), parameters(both.get("output"))


async def blueprint_of(scenario: str) -> dict[str, Any]:
    """Return the answer with the blueprint of a scenario and its scheduling."""
    answer = (await api.get(f"/scenarios/{scenario}/blueprint"))["response"]
    return dict(answer) if isinstance(answer, dict) else {}


@tools.reads(scopes=["scenarios:read"], search="détail scénario entrées modules planification inputs schedule")
async def get_scenario(
    scenario: ScenarioRef,
    blueprint: Annotated[bool, Field(description="True adds the blueprint, to copy or change it.")] = False,
) -> ScenarioDetails:
    """Get one scenario: its inputs and outputs, its modules in order, what starts it, and the address of its webhook.

    Nothing is run. To run it, use make_run_scenario, or make_trigger_webhook where a webhook starts it.
    """
    raw = await scenario_of(scenario)
    key = str(raw["id"])
    inputs, outputs = await interface(key)
    plan = (await blueprint_of(key)).get("blueprint")
    plan = plan if isinstance(plan, dict) else {}
    hook = None
    if raw.get("hookId") and raw.get("teamId"):
        known = await hooks(str(raw["teamId"]))
        hook = next((one.url for one in known if one.id == str(raw["hookId"])), None)
    more = {"inputs": inputs, "outputs": outputs, "modules": modules_of(plan.get("flow")), "webhook": hook}
    shown = ScenarioDetails.model_validate({**raw, **more, "blueprint": plan if blueprint else None})
    return shown.within(await account_zone())


@tools.writes(
    creates=True,
    additive=False,
    deadline=55,
    scopes=["scenarios:read scenarios:run"],
    search="lancer exécuter démarrer scénario automatisation maintenant run execute trigger",
    examples=["Lance le scénario « Relance des factures » pour Dupont.", "Run the onboarding scenario."],
)
async def run_scenario(
    scenario: ScenarioRef,
    inputs: Annotated[
        dict[str, Any] | None, Field(description="Values of its inputs by name; make_get_scenario lists them.")
    ] = None,
    wait: Wait = 30,
) -> ExecutionDetails:
    """Run an active scenario once, and say how it ended and what came out. It may act on the outside world.

    One that is not active is started with make_start_scenario first; one that starts by a webhook runs by
    make_trigger_webhook. Where it has not ended in time, its id comes back: look with make_get_execution.
    """
    raw = await scenario_of(scenario)
    key, title = str(raw["id"]), errors.excerpt(raw.get("name"), 60)
    if raw.get("isActive") is False:
        raise errors.InvalidInputError(
            f"The scenario «{title}» is not active; nothing was run.", "Start it with make_start_scenario."
        )
    if raw.get("hookId"):
        raise errors.InvalidInputError(
            f"The scenario «{title}» starts by a webhook, so that a run without a call has nothing to do.",
            "Call its webhook with make_trigger_webhook.",
        )
    known, _ = await interface(key)
    data = inputs or {}
    names = {one.name for one in known}
    if unknown := sorted(set(data) - names):
        raise errors.InvalidInputError(
            f"The scenario «{title}» has no input {listed(unknown)}.",
            f"Its inputs are: {listed(sorted(names))}." if names else "It takes no inputs: leave them out.",
        )
    lacking = [one.name for one in known if one.required and one.default is None and data.get(one.name) is None]
    if lacking:
        raise errors.InvalidInputError(
            f"The scenario «{title}» needs further inputs; nothing was run.", f"Pass: {listed(lacking)}."
        )
    answer = await api.post(f"/scenarios/{key}/run", json={"data": data, "responsive": False})
    execution = str(answer["executionId"])
    result = await ended(key, execution, wait) if wait else None
    note = None if result else "It has not ended yet: look at it with make_get_execution."
    return details(raw, execution, result or {"status": "RUNNING"}, note)


async def _switched(scenario: str, action: str) -> Scenario:
    raw = await scenario_of(scenario)
    answer = await api.post(f"/scenarios/{raw['id']}/{action}")
    changed = answer.get("scenario")
    changed = changed if isinstance(changed, dict) else {}
    return Scenario.model_validate({**raw, **changed}).within(await account_zone())


@tools.writes(idempotent=True, scopes=["scenarios:read scenarios:write"], search="activer allumer remettre enable on")
async def start_scenario(scenario: ScenarioRef) -> Scenario:
    """Activate a scenario: from now on it runs by its schedule or webhook. Make runs a scheduled one at once.

    To run one that is active, use make_run_scenario; to switch it off, make_stop_scenario.
    """
    return await _switched(scenario, "start")


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=["scenarios:read scenarios:write"],
    search="désactiver couper arrêter pause disable off",
)
async def stop_scenario(scenario: ScenarioRef) -> Scenario:
    """Deactivate a scenario: it runs no more, calls of its webhook wait in a queue. A run that has begun goes on.

    To switch it on again, use make_start_scenario.
    """
    return await _switched(scenario, "stop")


@tools.writes(
    core=False,
    creates=True,
    scopes=["scenarios:read scenarios:write"],
    search="créer dupliquer copier cloner nouveau scénario blueprint clone copy",
)
async def create_scenario(
    name: Annotated[
        str, Field(min_length=1, max_length=120, description="Name of the scenario.", examples=["Relance"])
    ],
    blueprint: Annotated[
        dict[str, Any] | None,
        Field(
            description="The scenario as Make exports it, with flow and metadata.",
            examples=[{"flow": [{"id": 1, "module": "util:SetVariables", "version": 1}], "metadata": {"version": 1}}],
        ),
    ] = None,
    copy_of: Annotated[
        str | None, Field(description="Name or id of a scenario to copy, from make_list_scenarios.")
    ] = None,
    team: TeamRef = None,
    schedule: Annotated[
        Literal["on-demand", "immediately", "indefinitely"],
        Field(description="on-demand: only when run; immediately: by webhook; indefinitely: every `minutes`."),
    ] = "on-demand",
    minutes: Annotated[int, Field(ge=1, le=44_640, description="Minutes between runs with indefinitely.")] = 15,
) -> Scenario:
    """Create a scenario from a blueprint, or as a copy of another one. It is not active at first.

    A name that is taken is refused. Connections and webhooks in the blueprint belong to its team; a webhook starts one
    scenario only. Activate it with make_start_scenario.
    """
    if (blueprint is None) == (copy_of is None):
        raise errors.InvalidInputError("The scenario's modules are not clear.", "Pass either blueprint or copy_of.")
    wanted = await team_of(team) if team or blueprint is not None else None
    if copy_of:
        source = await scenario_of(copy_of)
        wanted = wanted or str(source["teamId"])
        blueprint = (await blueprint_of(str(source["id"]))).get("blueprint")
    if not isinstance(blueprint, dict) or not isinstance(blueprint.get("flow"), list):
        raise errors.InvalidInputError("The blueprint has no flow.", "Pass one as Make exports it, with flow.")
    for one in await scenarios(wanted):
        if folded(str(one.get("name") or "")) == folded(name):
            raise errors.InvalidInputError(
                f"A scenario «{errors.excerpt(one.get('name'), 60)}» exists already; nothing was done.",
                f"Choose another name, or use that one: {one.get('id')}.",
            )
    scheduling = {"type": schedule, **({"interval": minutes * 60} if schedule == "indefinitely" else {})}
    body = {
        "teamId": int(wanted or 0),
        "blueprint": _text({**blueprint, "name": name}),
        "scheduling": _text(scheduling),
    }
    answer = await api.post("/scenarios", params={"confirmed": "true"}, json=body)
    return Scenario.model_validate(answer["scenario"]).within(await account_zone())


def _text(value: Any) -> str:
    """Return JSON as text, which is how Make takes blueprints and schedules."""
    return pydantic_core.to_json(value).decode()
