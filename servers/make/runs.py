"""The executions of a scenario, and waiting for one. https://developers.make.com/api-documentation/api-reference"""

from __future__ import annotations

from typing import Any

from flotilla import progress, readable, segment
from flotilla.calls.context import current

from .client import api
from .lookup import account_zone
from .models import Execution, ExecutionDetails, state_of

RESERVE = 6  # seconds of the call that are left for what follows the waiting
LOOKED_AT = 20  # executions of a scenario among which a new one is looked for
NOT_ENDED = ("running", "")


async def latest(scenario: str) -> list[Execution]:
    """Return the last executions of a scenario, newest first."""
    rows = await api.rows(f"/scenarios/{scenario}/logs", "scenarioLogs", params={"pg[limit]": LOOKED_AT}, missing=True)
    return readable(Execution, rows)


async def since(scenario: str, before: set[str], seconds: int) -> list[Execution]:
    """Return the executions of a scenario that are new, as soon as they have ended, or after `seconds`."""
    rows: list[Execution] = []
    for turn in range(0, seconds, 2):  # the limit of requests is a minute's, for all of the organization
        rows = [one for one in await latest(scenario) if one.id not in before]
        if rows and all(one.status != "running" for one in rows):
            break
        if current().left() < RESERVE:
            break
        await progress(turn + 2, seconds)
        await api.connection.network.retry.sleep(2)
    zone = await account_zone()
    return [one.within(zone) for one in rows]


async def ended(scenario: str, execution: str, seconds: int) -> dict[str, Any] | None:
    """Return the result of an execution as soon as it has ended, None after `seconds`."""
    for turn in range(0, max(seconds, 1), 2):
        result = await result_of(scenario, execution)
        if result and (state_of(result.get("status")) or "") not in NOT_ENDED:
            return result
        if current().left() < RESERVE:
            break
        await progress(turn + 2, seconds)
        await api.connection.network.retry.sleep(2)
    return None


async def result_of(scenario: str, execution: str) -> dict[str, Any] | None:
    """Return the result of an execution, None where Make has none yet: one that has just begun is not there."""
    path = f"/scenarios/{scenario}/executions/{segment(execution)}"
    result = await api.request("GET", path, expected=(404,))
    return result if isinstance(result, dict) and result.get("status") else None


def with_result(result: dict[str, Any]) -> dict[str, Any]:
    """Return what the result of an execution says, as fields of `ExecutionDetails`."""
    error = result.get("error")
    error = error if isinstance(error, dict) else {}
    cause = error.get("causeModule")
    cause = cause if isinstance(cause, dict) else {}
    module = " / ".join(str(cause[name]) for name in ("appName", "name") if cause.get(name))
    outputs = result.get("outputs")
    return {
        "status": state_of(result.get("status")),
        "error": error.get("message"),
        "error_kind": error.get("name"),
        "module": module or None,
        "outputs": outputs if isinstance(outputs, dict) else None,
    }


def details(
    scenario: dict[str, Any], execution: str, result: dict[str, Any], note: str | None = None
) -> ExecutionDetails:
    """Return an execution of a scenario with its result."""
    about = {"id": execution, "scenario": scenario.get("name"), "scenario_id": scenario.get("id"), "note": note}
    return ExecutionDetails.model_validate({**about, **with_result(result)})
