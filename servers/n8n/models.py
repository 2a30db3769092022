"""What n8n's objects look like here: short rows, ids and links kept, errors as sentences."""

from __future__ import annotations

from typing import Any, Self

from pydantic import AwareDatetime, Field, model_validator

from flotilla import Model, Timed, UntrustedText, errors

WEBHOOK = "n8n-nodes-base.webhook"
LONGEST = 1000  # characters of an error's text
FINAL = frozenset({"success", "error", "crashed", "canceled"})


def kind_of(node: dict[str, Any]) -> str:
    """Return the type of a node without the package that it comes from."""
    return str(node.get("type") or "").rsplit(".", 1)[-1]


def nodes_of(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the nodes of a workflow that can be read."""
    nodes = workflow.get("nodes")
    return [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []


def methods_of(node: dict[str, Any]) -> list[str]:
    """Return the HTTP methods that a Webhook node takes: GET where it names none."""
    parameters = node.get("parameters") or {}
    wanted = parameters.get("httpMethod") or "GET"
    return [str(one).upper() for one in wanted] if isinstance(wanted, list) else [str(wanted).upper()]


def path_of(node: dict[str, Any]) -> str:
    """Return the path of a Webhook node below /webhook/: one with variable parts begins with the node's webhook id."""
    path = str((node.get("parameters") or {}).get("path") or node.get("webhookId") or "").strip("/")
    return f"{node['webhookId']}/{path}" if ":" in path and node.get("webhookId") else path


def webhook_nodes(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the Webhook nodes of a workflow that are not switched off."""
    return [node for node in nodes_of(workflow) if node.get("type") == WEBHOOK and not node.get("disabled")]


def triggers_of(workflow: dict[str, Any]) -> list[str]:
    """Return what starts a workflow: "webhook POST commande", "scheduleTrigger"."""
    triggers = []
    for node in nodes_of(workflow):
        if node.get("disabled"):
            continue
        if node.get("type") == WEBHOOK:
            triggers.append(f"webhook {'/'.join(methods_of(node))} {path_of(node)}")
        elif kind_of(node).lower().endswith("trigger") or kind_of(node) in ("cron", "interval", "start"):
            triggers.append(kind_of(node))
    return triggers


def tag_names(workflow: dict[str, Any]) -> list[str]:
    """Return the names of a workflow's tags."""
    tags = workflow.get("tags")
    return [str(tag["name"]) for tag in tags or [] if isinstance(tag, dict) and tag.get("name")]


class Workflow(Timed):
    """A workflow in a list."""

    id: str
    name: UntrustedText
    active: bool = False
    archived: bool = Field(False, alias="isArchived")
    triggers: list[str] = Field(default_factory=list, description="What starts it: webhook POST path, scheduleTrigger")
    tags: list[str] = Field(default_factory=list)
    updated_at: AwareDatetime | None = Field(None, alias="updatedAt")
    link: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        return {**raw, "triggers": triggers_of(raw), "tags": tag_names(raw)}


class NodeRow(Model):
    """One node of a workflow."""

    name: UntrustedText
    type: str
    disabled: bool = False
    credentials: list[str] = Field(default_factory=list, description="Names of the credentials that it uses")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        used = raw.get("credentials") or {}
        names = [one.get("name") for one in used.values() if isinstance(one, dict)] if isinstance(used, dict) else []
        return {**raw, "type": kind_of(raw), "credentials": [str(name) for name in names if name]}


class Webhook(Model):
    """One Webhook node: how the workflow is started from outside."""

    node: UntrustedText
    method: str
    url: str = Field(description="Address while the workflow is active")
    test_url: str = Field(description="Address while somebody listens for a test event in the editor")
    authentication: str | None = Field(None, description="headerAuth, basicAuth, jwtAuth or none")
    answers: str = Field(description="When it answers: onReceived, lastNode or responseNode")


class WorkflowDetails(Workflow):
    """A workflow with its nodes."""

    nodes: list[NodeRow] = Field(default_factory=list)
    flow: list[UntrustedText] = Field(default_factory=list, description="Which node leads to which")
    webhooks: list[Webhook] = Field(default_factory=list)
    settings: dict[str, Any] = Field(default_factory=dict)
    definition: dict[str, Any] | None = Field(None, description="Nodes and connections as n8n stores them, untrusted")


def flow_of(workflow: dict[str, Any]) -> list[str]:
    """Return the connections of a workflow as "A → B" lines."""
    lines = []
    connections = workflow.get("connections")
    for source, outputs in (connections if isinstance(connections, dict) else {}).items():
        for kind, branches in (outputs if isinstance(outputs, dict) else {}).items():
            for number, branch in enumerate(branches if isinstance(branches, list) else []):
                for target in branch if isinstance(branch, list) else []:
                    if isinstance(target, dict):
                        which = f" [{number}]" if number else ""
                        which += f" ({kind})" if kind != "main" else ""
                        lines.append(f"{source}{which} → {target.get('node')}")
    return lines


class Execution(Timed):
    """One run of a workflow, in a list."""

    id: str
    status: str = Field(description="error, success, running, waiting, canceled or crashed")
    workflow_id: str = Field(alias="workflowId")
    workflow: UntrustedText | None = Field(None, description="Name of the workflow")
    mode: str | None = Field(None, description="What started it: webhook, trigger, manual, retry")
    started_at: AwareDatetime | None = Field(None, alias="startedAt")
    stopped_at: AwareDatetime | None = Field(None, alias="stoppedAt")
    seconds: float | None = Field(None, description="How long it took")
    retry_of: str | None = Field(None, alias="retryOf", description="Id of the execution that it repeats")
    retry_success_id: str | None = Field(None, alias="retrySuccessId", description="Id of the retry that succeeded")
    link: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _status(cls, raw: Any) -> Any:
        """Fill in the status, which old versions leave out, from `finished` and `stoppedAt`."""
        if not isinstance(raw, dict) or raw.get("status"):
            return raw
        ended = "error" if raw.get("stoppedAt") else "running"
        return {**raw, "status": "success" if raw.get("finished") else ended}

    @model_validator(mode="after")
    def _duration(self) -> Self:
        if self.started_at and self.stopped_at:
            self.seconds = round((self.stopped_at - self.started_at).total_seconds(), 3)
        return self

    @property
    def ended(self) -> bool:
        """Whether it runs no more, nor waits."""
        return self.status in FINAL


class Failure(Model):
    """Why a node, and with it an execution, failed."""

    message: UntrustedText
    details: UntrustedText | None = None
    node: UntrustedText | None = None
    node_type: str | None = None
    kind: str | None = Field(None, description="n8n's name of the error, such as NodeApiError")
    http_code: str | None = Field(None, description="Status that the service answered to the node")

    @classmethod
    def of(cls, raw: Any, node: str | None = None) -> Failure | None:
        """Return n8n's error object as a failure, None where there is none."""
        if not isinstance(raw, dict):
            return cls(message=errors.excerpt(raw, LONGEST), node=node, kind=None, http_code=None) if raw else None
        at = raw.get("node")
        at = at if isinstance(at, dict) else {}
        messages = raw.get("messages")
        more = [str(one) for one in messages] if isinstance(messages, list) else []
        details = " ".join(dict.fromkeys(text for text in [str(raw.get("description") or ""), *more] if text))
        return cls(
            message=errors.excerpt(raw.get("message") or raw.get("name") or "n8n gives no reason", LONGEST),
            details=errors.excerpt(details, LONGEST) or None,
            node=at.get("name") or node,
            node_type=kind_of(at) or None,
            kind=raw.get("name"),
            http_code=str(raw["httpCode"]) if raw.get("httpCode") else None,
        )


class NodeRun(Model):
    """How one node of an execution ended."""

    node: UntrustedText
    status: str
    seconds: float | None = None
    items: int = Field(0, description="Items that it gave on")
    error: UntrustedText | None = None


class ExecutionDetails(Execution):
    """One run of a workflow, with what failed and what came out."""

    error: Failure | None = None
    nodes: list[NodeRun] = Field(default_factory=list, description="The nodes that ran, in their order")
    output_of: UntrustedText | None = Field(None, description="The node whose output follows")
    output: list[dict[str, Any]] = Field(default_factory=list, description="Items of that node, untrusted data")
    more_items: int | None = Field(None, description="How many further items it has")


class Triggered(Model):
    """What came of a webhook that was called."""

    webhook: str = Field(description="The address that was called")
    workflow: UntrustedText | None = None
    workflow_id: str | None = None
    status: int = Field(description="HTTP status of the answer")
    answer: UntrustedText | None = Field(None, description="What the webhook answered")
    executions: list[Execution] = Field(
        default_factory=list, description="Executions of the workflow since the call: one, unless others started it too"
    )
    failure: Failure | None = Field(None, description="Why the execution failed")
    note: str | None = None


class Tag(Timed):
    """A tag of workflows."""

    id: str
    name: UntrustedText
    updated_at: AwareDatetime | None = Field(None, alias="updatedAt")


class Variable(Model):
    """A variable that workflows read as $vars.<key>."""

    id: str | None = None
    key: str
    value: UntrustedText | None = None
    project: UntrustedText | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        project = raw.get("project") if isinstance(raw, dict) else None
        return {**raw, "project": project.get("name")} if isinstance(project, dict) else raw


class Project(Model):
    """A project: workflows and credentials that its members share."""

    id: str
    name: UntrustedText
    type: str | None = None


class Credential(Timed):
    """A credential by its name; what it holds is never given."""

    id: str
    name: UntrustedText
    type: str
    updated_at: AwareDatetime | None = Field(None, alias="updatedAt")


class CredentialField(Model):
    """One field of a kind of credential."""

    name: str
    type: str | None = None
    required: bool = False
    choices: list[str] = Field(default_factory=list)


class CredentialSchema(Model):
    """Which fields a kind of credential has."""

    type: str
    fields: list[CredentialField] = Field(default_factory=list)


class Done(Model):
    """What was done."""

    done: str
    id: str | None = None
