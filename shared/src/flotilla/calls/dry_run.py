"""Dry runs: a call announces its first side effect, and a dry run ends there with the request as its result."""

from __future__ import annotations

from typing import Any

from flotilla.calls.context import current


class DryRunResult(Exception):  # noqa: N818 - not an error: the result of a dry run
    """Ends a dry run at the first side effect, and carries what would have been done."""

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__("dry run")
        self.request = request


def announce(**request: Any) -> None:
    """Announce the first side effect, right before it; under dry run the call ends here.

    `request` is the exact request: `action=` and its details, or `method=`, `url=`, `headers=`, `body=`.
    """
    call = current()
    if call.dry_run:
        raise DryRunResult({**request, "then": call.planned_requests} if call.planned_requests else request)
    if call.confirmation_pending:
        raise RuntimeError(f"{call.tool} must call confirm before it does anything")
    call.may_have_side_effects, call.outcome_known = True, False
    call.newer_effect = call.side_effect_confirmed


def follows(**request: Any) -> None:
    """Announce what comes after the first side effect: a dry run, which ends at the first, shows it under `then`.

    Call it before the first side effect, once for each request, in their order. `request` is as for `announce`; what
    only a response will contain stands in braces in the address, such as `/documents/{documentId}`.
    """
    current().planned_requests.append(request)
