"""Webhooks: listed, and called to start their scenarios. https://help.make.com/webhooks"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, errors, segment, settings_of, sliced
from flotilla.parsing import choose, folded

from ..client import integration, webhooks
from ..lookup import TeamRef, hooks, scenario_of, scenarios, team_of, teams
from ..models import Hook, Triggered
from ..runs import latest, since

tools = Toolset("webhooks")
MOST_TEXT = 20_000  # characters of an answer


@tools.reads(scopes=["hooks:read"], search="webhooks adresses mailhooks files d'attente urls queues")
async def list_hooks(
    team: TeamRef = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Hook]:
    """List the webhooks and mailhooks of a team, with their addresses, their scenarios and what waits in their queues.

    An address starts its scenario: give it to nobody who may not do that. To call one, use make_trigger_webhook.
    """
    return sliced(await hooks(await team_of(team)), limit, cursor)


@tools.writes(
    creates=True,
    additive=False,
    deadline=55,
    scopes=["hooks:read scenarios:read"],
    search="déclencher appeler webhook lancer scénario envoyer données call post start",
    examples=["Déclenche le webhook des nouvelles commandes.", "Send this order to the Make webhook."],
)
async def trigger_webhook(
    webhook: Annotated[
        str,
        Field(
            description="Name or id of the webhook, from make_list_hooks, its address, or the name of its scenario.",
            examples=["11"],
        ),
    ],
    data: Annotated[dict[str, Any] | None, Field(description="What the scenario is given, as a JSON body.")] = None,
    team: TeamRef = None,
    wait: Annotated[
        int, Field(ge=0, le=45, description="Seconds to wait for the run to end; 0 does not look for it.")
    ] = 15,
) -> Triggered:
    """Call a custom webhook of Make, which starts its scenario, and say how the run ended. It may act outside.

    An answer of 200 only says that Make took the call: a scenario that is not active leaves it in the queue. To run a
    scenario without a webhook, use make_run_scenario. Where the run has not ended, look with make_list_executions.
    """
    hook = await _hook(webhook, team)
    name = errors.excerpt(hook.name, 60)
    if hook.kind == "mail" or not hook.udid:
        raise errors.InvalidInputError(f"«{name}» takes mails, not calls.", "Write to its address by e-mail.")
    if not hook.enabled or hook.gone:
        raise errors.InvalidInputError(
            f"The webhook «{name}» is switched off; nothing was sent.", "Ask the user to switch it on in Make."
        )
    scenario = await scenario_of(hook.scenario_id) if hook.scenario_id else {}
    starts = scenario.get("scheduling")
    instant = bool(scenario.get("isActive")) and isinstance(starts, dict) and starts.get("type") == "immediately"
    before = {one.id for one in await latest(str(scenario["id"]))} if instant and wait else None
    answer = await webhooks.send("POST", f"/{segment(hook.udid)}", json=data or {}, nulls=True)
    result = Triggered(
        webhook=f"{settings_of(integration).webhooks_url}/{hook.udid}",
        name=hook.name,
        status=answer.status_code,
        answer=answer.text[:MOST_TEXT] or None,
        scenario_id=hook.scenario_id,
    )
    if before is not None:
        result.executions = await since(str(scenario["id"]), before, wait)
        if not result.executions:
            result.note = "No run is listed yet: look with make_list_executions."
    elif not scenario:
        result.note = "No scenario uses this webhook: the call waits in its queue."
    elif not scenario.get("isActive"):
        result.note = "The scenario is not active, so the call waits in the queue: see make_start_scenario."
    elif not instant:
        result.note = "The scenario takes the call from the queue at its next scheduled run."
    return result


async def _hook(ref: str, team: str | None) -> Hook:
    """Return the webhook that is meant, by its id, name or address, or by the name of its scenario."""
    ids = [await team_of(team)] if team or settings_of(integration).team else [one.id for one in await teams()]
    known = [hook for one in ids for hook in await hooks(one)]
    text = ref.strip()
    if "://" in text:
        matches = [one for one in known if one.udid and text.partition("?")[0].rstrip("/").endswith(f"/{one.udid}")]
        if not matches:
            raise errors.NotFoundError(
                "No webhook of these teams has this address.", "Take a webhook of make_list_hooks."
            )
        return matches[0]
    if not any(text == one.id or folded(text) == folded(one.name) for one in known):
        by_id = {one.id: one for one in known}
        for scenario in await scenarios(team):
            if folded(str(scenario.get("name") or "")) == folded(text) and str(scenario.get("hookId")) in by_id:
                return by_id[str(scenario["hookId"])]
    return choose(text, known, kind="webhook", listed_by="make_list_hooks")
