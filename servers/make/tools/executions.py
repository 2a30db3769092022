"""Executions: what ran, what failed and why, and once more.

https://developers.make.com/api-documentation/api-reference/scenarios-greater-than-logs
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, errors, progress, readable, segment, sliced
from flotilla.parsing import period, to_milliseconds

from ..client import api, paging
from ..lookup import ScenarioRef, account_zone, scenario_id, scenario_of
from ..models import Execution, ExecutionDetails, IncompleteExecution
from ..runs import latest, result_of, with_result

tools = Toolset("executions")
NUMBERS = {"success": 1, "warning": 2, "error": 3}
IncompleteId = Annotated[
    str,
    Field(
        description="Id of the incomplete execution, from make_list_incomplete_executions.",
        examples=["ada87173334b44d1907270064edbd7dd"],
    ),
]


@tools.reads(
    scopes=["scenarios:read"],
    search="exécutions historique échecs erreurs derniers lancements runs failed log history",
    examples=["Le scénario des relances a-t-il tourné cette nuit ?", "Show the failed runs of the invoice scenario."],
)
async def list_executions(
    scenario: ScenarioRef,
    status: Annotated[
        Literal["success", "warning", "error"] | None, Field(description="Only runs with this end; error for failed.")
    ] = None,
    after: Annotated[
        When | None, Field(description="Only runs that began on this day or time, or later.", examples=["2026-09-01"])
    ] = None,
    before: Annotated[
        When | None,
        Field(description="Only runs that began before this time; a day is included.", examples=["2026-09-30"]),
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Execution]:
    """List the executions (runs) of one scenario, newest first, with status, start, duration and credits.

    To see why one failed, use make_get_execution. To see which scenarios fail at all, use make_list_scenarios with
    failing=true; to retry failed runs, make_list_incomplete_executions.
    """
    zone = await account_zone()
    begin, end = period(after, before, zone, "after", "before")
    params: dict[str, Any] = {
        "status": NUMBERS[status] if status else None,
        "from": to_milliseconds(begin) if begin else None,
        "to": to_milliseconds(end) if end else None,
    }
    path = f"/scenarios/{await scenario_id(scenario)}/logs"
    style = paging["scenarioLogs"]
    page = await api.page(path, Execution, params=params, paging=style, limit=limit, cursor=cursor)
    return page.model_copy(update={"items": [one.within(zone) for one in page.items]})


@tools.reads(
    scopes=["scenarios:read"],
    search="pourquoi échec erreur détail exécution résultat sortie why failed reason output",
    examples=["Pourquoi le dernier lancement a échoué ?", "Why did that run fail?"],
)
async def get_execution(
    scenario: ScenarioRef,
    execution: Annotated[
        str | None,
        Field(description="Id of the execution, from make_list_executions; the last failed one without it."),
    ] = None,
) -> ExecutionDetails:
    """Get one execution of a scenario: why it failed and in which module, how long it took, and what came out.

    Without an execution it is the last one that failed. To retry a failed one, take it from
    make_list_incomplete_executions; one that is not kept there is run again with make_run_scenario.
    """
    raw = await scenario_of(scenario)
    key = str(raw["id"])
    if execution is None:
        failed = [one for one in await latest(key) if one.status in ("error", "warning")]
        if not failed:
            raise errors.NotFoundError(
                "None of the last executions of this scenario failed.", "See them with make_list_executions."
            )
        execution = failed[0].id
    log = (await api.get(f"/scenarios/{key}/logs/{segment(execution)}"))["scenarioLog"]
    result = await result_of(key, execution)
    note = None if result else "Make keeps no result of it."
    about = {"scenario": raw.get("name"), "scenario_id": key, "note": note}
    base = Execution.model_validate(log).model_dump()
    shown = ExecutionDetails.model_validate({**base, **about, **(with_result(result) if result else {})})
    seconds = {"seconds": base["seconds"], "credits": base["credits"]}
    return shown.model_copy(update=seconds).within(await account_zone())


@tools.reads(
    scopes=["dlqs:read"],
    search="exécutions incomplètes échouées en attente à relancer file dead letter queue failed retry",
)
async def list_incomplete_executions(
    scenario: ScenarioRef,
    unresolved: Annotated[bool, Field(description="True leaves out those that were resolved already.")] = True,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[IncompleteExecution]:
    """List the failed runs of a scenario that Make kept, each with its reason, so that they can be retried.

    Retry one with make_retry_execution. Make keeps them only where the scenario's settings say so; runs that are not
    kept stand in make_list_executions.
    """
    zone = await account_zone()
    rows = await api.rows("/dlqs", "dlqs", params={"scenarioId": await scenario_id(scenario)}, missing=True)
    items = [one.within(zone) for one in readable(IncompleteExecution, rows)]
    return sliced([one for one in items if not (unresolved and one.resolved)], limit, cursor)


@tools.writes(
    creates=True,
    additive=False,
    deadline=55,
    scopes=["dlqs:read dlqs:write"],
    search="relancer réessayer rejouer exécution échouée incomplète again rerun replay",
    examples=["Relance les exécutions qui ont échoué.", "Retry that failed run."],
)
async def retry_execution(
    execution: IncompleteId,
    wait: Annotated[int, Field(ge=0, le=45, description="Seconds to wait until it is resolved; 0 does not wait.")] = 20,
) -> IncompleteExecution:
    """Retry a failed run that Make kept, from the module that failed, with the data that it had. It may act outside.

    One that is resolved already is refused. Correct the cause first (a connection, a value). Returns it with
    resolved=true where the retry succeeded, else with its reason. Take the id from make_list_incomplete_executions.
    """
    path = f"/dlqs/{segment(execution)}"
    row = await _incomplete(path)
    if row.resolved:
        raise errors.InvalidInputError(
            "This execution is resolved already; nothing was done.",
            "See what is left with make_list_incomplete_executions.",
        )
    await api.send("POST", f"{path}/retry")
    now = row
    for turn in range(0, wait, 2):
        now = await _incomplete(path)
        if now.resolved or (now.attempts or 0) > (row.attempts or 0):
            break
        await progress(turn + 2, wait)
        await api.connection.network.retry.sleep(2)
    return now.within(await account_zone())


async def _incomplete(path: str) -> IncompleteExecution:
    return IncompleteExecution.model_validate((await api.get(path))["dlq"])
