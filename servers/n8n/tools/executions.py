"""Executions: what ran, what failed and why, and once more. https://docs.n8n.io/api/api-reference/#tag/execution"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, confirm, errors
from flotilla.parsing import folded, listed, period, shown

from ..client import api
from ..lookup import ExecutionId, ProjectRef, described, project_of, workflow_of
from ..models import Done, Execution, ExecutionDetails
from ..runs import (
    LARGEST,
    failed_states,
    failure_of,
    items_of,
    last_node,
    node_runs,
    raw_execution,
    runs_of,
)

tools = Toolset("executions")
Status = Literal["error", "success", "running", "waiting", "canceled"]
SHOWN = 5  # items of the last node's output
PAGES = 10  # of a list, among which executions of a period are looked for


async def execution_of(raw: dict[str, Any]) -> Execution:
    """Return an execution with the name of its workflow."""
    (described_one,) = await described([Execution.model_validate(raw)])
    return described_one


@tools.reads(
    search="exécutions échouées erreurs pannes historique derniers lancements failed runs errors today",
    examples=["Quels workflows ont échoué aujourd'hui ?", "Did the invoice workflow fail last night?"],
)
async def list_executions(
    workflow: Annotated[
        str | None, Field(description="Only runs of this workflow: its name or id, from n8n_list_workflows.")
    ] = None,
    status: Annotated[
        Status | None, Field(description="Only executions with this status; error for failed ones.")
    ] = None,
    after: Annotated[
        When | None, Field(description="Only executions that began on this day or time, or later.")
    ] = None,
    before: Annotated[
        When | None, Field(description="Only executions that began before this time; a day is included.")
    ] = None,
    project: ProjectRef = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Execution]:
    """List executions (runs of workflows), newest first, with workflow, status, start and duration.

    For failed ones pass status=error. To see why one failed, use n8n_get_execution; to run it again,
    n8n_retry_execution. Executions that n8n was told not to keep are not listed.
    """
    begin, end = period(after, before, api.zone, "after", "before")
    params: dict[str, Any] = {
        "workflowId": str((await workflow_of(workflow))["id"]) if workflow else None,
        "status": status,
        "projectId": await project_of(project) if project else None,
    }
    items: list[Execution] = []
    for _ in range(PAGES):
        page = await api.page("/executions", Execution, params=params, limit=limit, cursor=cursor)
        items += [one for one in page.items if not (begin and one.started_at and one.started_at < begin)]
        items = [one for one in items if not (end and one.started_at and one.started_at >= end)]
        cursor = page.next_cursor
        oldest = page.items[-1].started_at if page.items else None
        if begin and oldest and oldest < begin:
            cursor = None  # the rest is older still
        if not cursor or items or not (begin or end):
            break
    return Page(items=await described(items), next_cursor=cursor)


@tools.reads(
    search="pourquoi échec erreur détail exécution résultat sortie why failed reason output",
    examples=["Pourquoi la dernière exécution a échoué ?", "Why did execution 1042 fail?"],
)
async def get_execution(
    execution: ExecutionId,
    node: Annotated[
        str | None, Field(description="Node whose output is shown; the one that ran last without it.")
    ] = None,
    items: Annotated[int, Field(ge=0, le=100, description="Number of output items that are shown.")] = SHOWN,
) -> ExecutionDetails:
    """Get one execution: why it failed and in which node, how each node ended, and what the last one gave.

    The output is data of other services. To run a failed one again, use n8n_retry_execution.
    """
    raw = await raw_execution(execution)
    ran = runs_of(raw)
    name = last_node(raw)
    if node:
        name = next((one for one in ran if folded(one) == folded(node)), None)
        if name is None:
            raise errors.NotFoundError(f"No node `{errors.excerpt(node, 60)}` ran.", f"These ran: {listed(ran)}.")
    output = items_of(raw, name) if name else []
    row = await execution_of(raw)
    return ExecutionDetails(
        **row.model_dump(),
        error=failure_of(raw),
        nodes=node_runs(raw),
        output_of=name,
        output=output[:items],
        more_items=max(0, len(output) - items) or None,
    )


@tools.writes(
    creates=True,
    additive=False,
    deadline=55,
    search="relancer réessayer rejouer exécution échouée again rerun replay",
    examples=["Relance l'exécution qui a échoué.", "Retry execution 1042 with the corrected workflow."],
)
async def retry_execution(
    execution: ExecutionId,
    saved_workflow: Annotated[
        bool, Field(description="True runs it with the workflow as it is now, false as it was then.")
    ] = True,
) -> ExecutionDetails:
    """Run a failed execution again, from the node that failed, with the data that it had. It may act on the world.

    One that succeeded, runs, or was retried with success already is refused. Returns the new execution, and why it
    failed where it did. Take the id from n8n_list_executions with status=error.
    """
    failed_states(Execution.model_validate(await api.get(f"/executions/{execution}")))
    answer = await api.post(f"/executions/{execution}/retry", json={"loadWorkflow": saved_workflow}, largest=LARGEST)
    result = await execution_of(answer)
    return ExecutionDetails(**result.model_dump(), error=failure_of(answer), nodes=node_runs(answer))


@tools.writes(core=False, additive=False, idempotent=True, search="arrêter interrompre exécution en cours stop kill")
async def stop_execution(execution: ExecutionId) -> Execution:
    """Stop an execution that runs or waits; what it has done so far stays done. It can be retried afterwards.

    Take the id from n8n_list_executions with status=running. Older versions of n8n have no call for it.
    """
    row = Execution.model_validate(await api.get(f"/executions/{execution}"))
    if row.ended:
        raise errors.InvalidInputError(
            f"Execution {execution} has ended already ({row.status}); nothing was done.",
            "Look at what runs with n8n_list_executions.",
        )
    return await execution_of(await api.post(f"/executions/{execution}/stop"))


@tools.destroys(core=False, asks=True, search="supprimer exécution effacer historique remove")
async def delete_execution(execution: ExecutionId) -> Done:
    """Delete the record of an execution, with its data. What the workflow did stays done. The user is asked first.

    Take the id from n8n_list_executions. A deleted execution can neither be looked at nor retried.
    """
    row = await execution_of(await api.get(f"/executions/{execution}"))
    when = f", {shown(row.started_at, api.zone)}" if row.started_at else ""
    await confirm(
        f"Delete execution {execution} of «{row.workflow or row.workflow_id}» ({row.status}{when}) and its data?"
    )
    await api.delete(f"/executions/{execution}")
    return Done(done=f"Execution {execution} is deleted.", id=execution)
