"""What happens after a workflow was started: its executions since then, and why one failed."""

from __future__ import annotations

from typing import Any

from flotilla import errors, progress, readable
from flotilla.calls.context import current

from .client import api
from .lookup import described
from .models import Execution, Failure, NodeRun

LARGEST = 50_000_000  # bytes of an execution with its data
RESERVE = 6  # seconds of the call that are left for what follows the waiting
LOOKED_AT = 20  # executions of a workflow among which the new one is looked for


async def newest(workflow_id: str) -> int | None:
    """Return the number of a workflow's last execution, 0 without one; None where the key may not list them."""
    rows = await _rows(workflow_id, 1)
    return None if rows is None else max([_number(row) for row in rows], default=0)


async def since(workflow_id: str, before: int, seconds: int) -> list[Execution]:
    """Return the executions of a workflow after one, as soon as they have ended, after `seconds` as they are then."""
    rows: list[Any] = []
    for turn in range(seconds):
        rows = [row for row in await _rows(workflow_id, LOOKED_AT) or [] if _number(row) > before]
        if rows and not any(row.get("status") in ("running", "new") for row in rows):
            break
        if current().left() < RESERVE:
            break
        await progress(turn + 1, seconds)
        await api.connection.network.retry.sleep(1)
    return await described(readable(Execution, rows))


def _number(row: dict[str, Any]) -> int:
    text = str(row.get("id") or "")
    return int(text) if text.isdecimal() else 0


async def _rows(workflow_id: str, limit: int) -> list[dict[str, Any]] | None:
    """Return the last executions of a workflow, running ones too; None where the key may not list them."""
    params: dict[str, Any] = {"workflowId": workflow_id, "limit": limit}
    answer = await api.request("GET", "/executions", params=params, expected=(403,))
    if isinstance(answer, dict) and "data" not in answer and answer.get("message"):
        return None
    running = await api.rows("/executions", "data", missing=True, params={**params, "status": "running"})
    rows = {str(row.get("id")): row for row in [*running, *api.rows_in(answer, "data", missing=True)]}
    return list(rows.values())


async def raw_execution(execution: str) -> dict[str, Any]:
    """Return an execution with its data."""
    return await api.get(f"/executions/{execution}", params={"includeData": "true"}, largest=LARGEST)


async def why(execution: str) -> Failure | None:
    """Return why an execution failed."""
    return failure_of(await raw_execution(execution))


def _result(raw: dict[str, Any]) -> dict[str, Any]:
    data = raw.get("data")
    result = data.get("resultData") if isinstance(data, dict) else None
    return result if isinstance(result, dict) else {}


def runs_of(raw: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the runs of each node of an execution, in the order in which they began."""
    data = _result(raw).get("runData")
    nodes = {
        str(name): [one for one in runs if isinstance(one, dict)]
        for name, runs in (data if isinstance(data, dict) else {}).items()
        if isinstance(runs, list)
    }
    started = {name: min((one.get("startTime") or 0 for one in runs), default=0) for name, runs in nodes.items()}
    return {name: nodes[name] for name in sorted(nodes, key=lambda name: started[name])}


def failure_of(raw: dict[str, Any]) -> Failure | None:
    """Return why an execution failed: n8n's own error, else that of the node which failed last; None without one."""
    result = _result(raw)
    last = result.get("lastNodeExecuted")
    if failure := Failure.of(result.get("error"), str(last) if last else None):
        return failure
    failed = [(name, one["error"]) for name, runs in runs_of(raw).items() for one in runs if one.get("error")]
    return Failure.of(failed[-1][1], failed[-1][0]) if failed and raw.get("status") != "success" else None


def node_runs(raw: dict[str, Any]) -> list[NodeRun]:
    """Return how each node of an execution ended; of one that ran several times, the last run."""
    rows = []
    for name, runs in runs_of(raw).items():
        if runs:
            last = runs[-1]
            wrong = Failure.of(last.get("error"))
            ended = last.get("executionStatus") or ("error" if wrong else "success")
            seconds = sum(one.get("executionTime") or 0 for one in runs) / 1000
            message = wrong.message if wrong else None
            count = len(items_of(raw, name))
            rows.append(NodeRun(node=name, status=str(ended), seconds=seconds, items=count, error=message))
    return rows


def items_of(raw: dict[str, Any], node: str) -> list[dict[str, Any]]:
    """Return the items that a node gave on in its last run, of all its outputs."""
    runs = runs_of(raw).get(node) or [{}]
    data = runs[-1].get("data")
    branches = data.get("main") if isinstance(data, dict) else None
    items = []
    for branch in branches if isinstance(branches, list) else []:
        for item in branch if isinstance(branch, list) else []:
            if isinstance(item, dict) and isinstance(item.get("json"), dict):
                items.append(_without_headers(item["json"]))
    return items


def _without_headers(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item without the headers that a Webhook node noted: the caller's credentials are among them."""
    called = "webhookUrl" in item and isinstance(item.get("headers"), dict)
    return {name: value for name, value in item.items() if name != "headers"} if called else item


def last_node(raw: dict[str, Any]) -> str | None:
    """Return the name of the node that ran last."""
    name = _result(raw).get("lastNodeExecuted") or next(reversed(runs_of(raw)), None)
    return str(name) if name else None


def failed_states(execution: Execution) -> None:
    """Raise errors.InvalidInputError unless an execution has failed, and was not retried with success."""
    if execution.retry_success_id:
        raise errors.InvalidInputError(
            f"Execution {execution.id} was retried with success already; nothing was done.",
            f"Look at that retry with n8n_get_execution: {execution.retry_success_id}.",
        )
    if execution.status not in ("error", "crashed", "canceled"):
        raise errors.InvalidInputError(
            f"Execution {execution.id} has the status {execution.status}: only a failed one can be retried.",
            "Start the workflow anew with n8n_trigger_webhook.",
        )
