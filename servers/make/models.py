"""What Make's objects look like here: short rows, ids kept, numbers of states as words."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, Field, model_validator

from flotilla import Model, Timed, UntrustedText, readable

STATES = {0: "running", 1: "success", 2: "warning", 3: "error"}


def state_of(value: Any) -> str | None:
    """Return the state of an execution as a word, from Make's numbers or words."""
    return STATES.get(value, str(value)) if isinstance(value, int) else str(value).lower() if value else None


class Team(Model):
    """A team, and the organization that it belongs to."""

    id: str
    name: UntrustedText
    organization: UntrustedText | None = None
    organization_id: str | None = Field(None, alias="organizationId")


class Organization(Model):
    """An organization."""

    id: str
    name: UntrustedText


class Scenario(Timed):
    """A scenario in a list."""

    id: str
    name: UntrustedText
    team_id: str | None = Field(None, alias="teamId")
    active: bool = Field(False, alias="isActive")
    stopped_by_error: bool = Field(False, alias="isinvalid", description="Make stopped it because of errors")
    paused: bool = Field(False, alias="isPaused", description="Paused because of the subscription")
    starts: str | None = Field(None, description="What starts it: immediately (webhook), on-demand, indefinitely")
    every_seconds: int | None = None
    next_run: AwareDatetime | None = Field(None, alias="nextExec")
    incomplete_executions: int = Field(0, alias="dlqCount", description="Failed runs that can be retried")
    hook_id: str | None = Field(None, alias="hookId")
    last_edit: AwareDatetime | None = Field(None, alias="lastEdit")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        """Take the scheduling apart, and read null as no."""
        if not isinstance(raw, dict):
            return raw
        scheduling = raw.get("scheduling")
        scheduling = scheduling if isinstance(scheduling, dict) else {}
        flags = {name: bool(raw.get(name)) for name in ("isActive", "isinvalid", "isPaused") if name in raw}
        interval = scheduling.get("interval")
        more = {"starts": scheduling.get("type"), "every_seconds": interval if isinstance(interval, int) else None}
        return {**raw, **flags, **more, "dlqCount": raw.get("dlqCount") or 0}


class Parameter(Model):
    """One input or output of a scenario."""

    name: str
    type: str | None = None
    label: UntrustedText | None = None
    required: bool = False
    default: str | None = None
    choices: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        options, default = raw.get("options"), raw.get("default")
        values = [str(one.get("value")) for one in options or [] if isinstance(one, dict)]
        more = {"choices": values, "default": None if default is None else str(default)}
        return {**raw, **more, "required": bool(raw.get("required"))}


class ScenarioDetails(Scenario):
    """A scenario with its inputs and its modules."""

    description: UntrustedText | None = None
    inputs: list[Parameter] = Field(default_factory=list, description="What make_run_scenario takes as inputs")
    outputs: list[Parameter] = Field(default_factory=list)
    modules: list[str] = Field(default_factory=list, description="Its modules in order, as app:Module")
    webhook: str | None = Field(None, description="Address that starts it")
    blueprint: dict[str, Any] | None = Field(None, description="The scenario as Make exports it, untrusted")


def parameters(rows: Any) -> list[Parameter]:
    """Return inputs or outputs, of which Make gives null where there are none."""
    return readable(Parameter, rows if isinstance(rows, list) else [])


def modules_of(flow: Any, depth: int = 0) -> list[str]:
    """Return the modules of a blueprint's flow, those of its routes after their router."""
    modules: list[str] = []
    for node in flow if isinstance(flow, list) and depth < 10 else []:
        if isinstance(node, dict):
            modules += [str(node["module"])] if node.get("module") else []
            for route in node.get("routes") or []:
                modules += modules_of(route.get("flow"), depth + 1) if isinstance(route, dict) else []
    return modules


class Execution(Timed):
    """One run of a scenario, in a list."""

    id: str
    status: str | None = Field(None, description="running, success, warning or error")
    started_at: AwareDatetime | None = Field(None, alias="timestamp")
    seconds: float | None = None
    operations: int | None = None
    credits: float | None = None
    type: str | None = Field(None, description="auto for scheduled and webhook runs, manual for others")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        duration, cents = raw.get("duration"), raw.get("centicredits")
        return {
            **raw,
            "status": state_of(raw.get("status")),
            "seconds": duration / 1000 if isinstance(duration, int | float) else None,
            "credits": cents / 100 if isinstance(cents, int | float) else None,
        }


class ExecutionDetails(Execution):
    """One run of a scenario, with what failed and what came out."""

    scenario: UntrustedText | None = None
    scenario_id: str | None = None
    error: UntrustedText | None = Field(None, description="Why it failed, or what it warns of")
    error_kind: str | None = Field(None, description="Make's name of the error, such as DataError")
    module: UntrustedText | None = Field(None, description="The module that failed, with its app")
    outputs: dict[str, Any] | None = Field(None, description="Outputs of the scenario, untrusted data")
    note: str | None = None


class IncompleteExecution(Timed):
    """A failed run that Make kept, so that it can be retried from the module that failed."""

    id: str
    reason: UntrustedText | None = None
    created: AwareDatetime | None = None
    execution: str | None = Field(None, alias="executionId", description="Id of the run that failed")
    resolved: bool = False
    attempts: int | None = None
    retried_by_make: bool = Field(False, alias="retry", description="Whether Make itself tries it again")
    scenario_id: str | None = Field(None, alias="scenarioId")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return {**raw, **{n: bool(raw.get(n)) for n in ("resolved", "retry")}} if isinstance(raw, dict) else raw


class Hook(Model):
    """A webhook or mailhook."""

    id: str
    name: UntrustedText
    kind: str | None = Field(None, alias="type", description="web, web-shared or mail")
    app: str | None = Field(None, alias="typeName", description="gateway-webhook for custom webhooks")
    url: str | None = Field(None, description="Address that takes the calls; of a mailhook its mail address")
    enabled: bool = True
    gone: bool = False
    waiting: int = Field(0, alias="queueCount", description="Calls that wait in its queue")
    scenario_id: str | None = Field(None, alias="scenarioId")
    udid: str | None = Field(None, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        return {**raw, "queueCount": raw.get("queueCount") or 0, "enabled": raw.get("enabled") is not False}


class Triggered(Model):
    """What came of a webhook that was called."""

    webhook: str = Field(description="The address that was called")
    name: UntrustedText | None = None
    status: int = Field(description="HTTP status of the answer")
    answer: UntrustedText | None = Field(None, description="What the webhook answered; Accepted means: taken")
    scenario_id: str | None = None
    executions: list[Execution] = Field(
        default_factory=list, description="Runs of the scenario since the call: one, unless others started it too"
    )
    note: str | None = None


class DataStore(Model):
    """A data store."""

    id: str
    name: UntrustedText
    records: int | None = None
    size: str | None = Field(None, description="Bytes in use")
    max_size: str | None = Field(None, alias="maxSize", description="Bytes at most")
    team_id: str | None = Field(None, alias="teamId")


class Record(Model):
    """One record of a data store."""

    key: str
    data: dict[str, Any] = Field(default_factory=dict, description="Untrusted data")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return {**raw, "data": raw.get("data") or {}} if isinstance(raw, dict) else raw


class Connection(Model):
    """A connection to another service; what it holds is never given."""

    id: str
    name: UntrustedText
    app: str | None = Field(None, alias="accountLabel")
    type: str | None = Field(None, alias="accountType", description="oauth or basic")
    expires: str | None = Field(None, alias="expire")
    account: UntrustedText | None = Field(None, description="Whose account it is")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        about = raw.get("metadata") if isinstance(raw, dict) else None
        return {**raw, "account": about.get("value")} if isinstance(about, dict) else raw


class DayOfUsage(Model):
    """What one day took."""

    date: str
    operations: int = 0
    credits: float = 0
    bytes: int = 0

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        cents = raw.get("centicredits")
        return {
            **raw,
            "operations": raw.get("operations") or 0,
            "credits": cents / 100 if isinstance(cents, int | float) else 0,
            "bytes": raw.get("dataTransfer") or 0,
        }


class Usage(Model):
    """What a team or an organization took in the last 30 days."""

    of: UntrustedText
    operations: int
    credits: float
    bytes: int
    operations_limit: int | None = Field(None, description="Operations a month that the plan has")
    days: list[DayOfUsage] = Field(default_factory=list)


class Done(Model):
    """What was done."""

    done: str
    id: str | None = None
