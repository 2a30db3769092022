"""Starting a workflow: n8n's API has no call for it, its webhooks do.

https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import Field

from flotilla import Toolset, errors, settings_of
from flotilla.http.client import RequestOptions
from flotilla.parsing import folded, listed

from ..client import FailedWorkflowError, integration, webhooks
from ..lookup import LIGHT, everything, workflow_of
from ..models import Triggered, methods_of, path_of, webhook_nodes
from ..runs import newest, since, why

tools = Toolset("webhooks")
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
MOST_TEXT = 20_000  # characters of an answer


@tools.writes(
    creates=True,
    additive=False,
    deadline=55,
    search="lancer exécuter démarrer déclencher workflow automatisation webhook run start execute",
    examples=["Lance le workflow « Relance des factures ».", "Start the onboarding workflow for Marie."],
)
async def trigger_webhook(
    workflow: Annotated[
        str,
        Field(
            description="Name or id of the workflow, from n8n_list_workflows, or the path or address of its webhook.",
            examples=["2tUt1wbLX592XDdX"],
        ),
    ],
    data: Annotated[
        dict[str, Any] | None, Field(description="What the workflow is given: JSON body, or query with GET and HEAD.")
    ] = None,
    path: Annotated[
        str | None, Field(description="Path of the webhook where the workflow has several, from n8n_get_workflow.")
    ] = None,
    method: Annotated[Method | None, Field(description="HTTP method; what the Webhook node says without it.")] = None,
    test: Annotated[
        bool, Field(description="True calls the test address: only while somebody listens in the editor.")
    ] = False,
    wait: Annotated[
        int, Field(ge=0, le=45, description="Seconds to wait for the execution to end; 0 does not look for it.")
    ] = 15,
) -> Triggered:
    """Start a workflow by calling its webhook, and say how its execution ended. It may act on the outside world.

    n8n's API has no call that runs a workflow: one without a Webhook node can only be started in n8n itself, or by a
    Webhook node that is added to it. The workflow must be active (n8n_activate_workflow). Where the execution has not
    ended in time, look with n8n_get_execution.
    """
    target, node = await _target(workflow, path)
    hook = path_of(node) if node else _path(path or workflow)
    if target and not (target.get("active") or test):
        raise errors.InvalidInputError(
            f"The workflow «{errors.excerpt(target.get('name'), 60)}» is not active; nothing was started.",
            "Activate it with n8n_activate_workflow, or pass test=true while somebody listens in the editor.",
        )
    verb = _method(node, method)
    before = await newest(str(target["id"])) if target and wait else None
    address = f"/webhook{'-test' if test else ''}/{quote(hook, safe='/')}"
    body: RequestOptions = {"params": data} if verb in ("GET", "HEAD") else {"json": data or {}, "nulls": True}
    body["reads"] = False
    request = webhooks.send(verb, address, **body)
    outcome = (await asyncio.gather(request, return_exceptions=True))[0]
    failed = isinstance(outcome, FailedWorkflowError)  # it ran, and its executions say why
    if isinstance(outcome, BaseException) and not (failed and target and before is not None):
        raise outcome
    result = Triggered(
        webhook=settings_of(integration).hooks_url + address,
        workflow=target.get("name") if target else None,
        workflow_id=str(target["id"]) if target else None,
        status=500 if isinstance(outcome, BaseException) else outcome.status_code,
        answer=None if isinstance(outcome, BaseException) else outcome.text[:MOST_TEXT] or None,
        failure=None,
    )
    if not target or before is None:
        result.note = None if target else "The workflow is not known, so its execution was not looked for."
        return result
    result.executions = await since(str(target["id"]), before, wait)
    if not result.executions:
        result.note = "No execution is listed yet: it may still run, or the workflow keeps none that succeed."
    elif len(result.executions) == 1 and result.executions[0].status in ("error", "crashed"):
        result.failure = await why(result.executions[0].id)
    return result


def _path(text: str) -> str:
    """Return the path of a webhook from its path or address; raises errors.InvalidInputError for another address."""
    home, path = settings_of(integration).hooks_url, text.strip()
    if "://" in path:
        if not path.startswith(f"{home}/"):
            raise errors.InvalidInputError(
                f"The webhook `{errors.excerpt(path, 120)}` is not at this n8n's address ({home}).",
                "Pass the path of a webhook of this n8n.",
            )
        path = path.removeprefix(home)
    path = path.partition("?")[0].strip("/")
    for start in ("webhook-test/", "webhook/"):
        path = path.removeprefix(start)
    if not path or any(part in ("", ".", "..") for part in path.split("/")):
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 60)}` is not the path of a webhook.", "Take it from n8n_get_workflow."
        )
    return path


async def _target(workflow: str, path: str | None) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the workflow that is meant, and its Webhook node; of an address that no workflow has, neither."""
    if "://" in workflow or "/" in workflow:
        return await _of_path(_path(workflow))
    target = await workflow_of(workflow)
    nodes = webhook_nodes(target)
    if path:
        wanted = _path(path)
        nodes = [node for node in nodes if wanted in (path_of(node), node.get("webhookId"))] or [
            node for node in nodes if folded(str(node.get("name") or "")) == folded(path)
        ]
    if len(nodes) == 1:
        return target, nodes[0]
    name = errors.excerpt(target.get("name"), 60)
    if not webhook_nodes(target):
        raise errors.InvalidInputError(
            f"The workflow «{name}» has no Webhook node, and n8n's API has no call that runs a workflow.",
            "Ask the user to start it in n8n, or to add a Webhook node to it.",
        )
    raise errors.InvalidInputError(
        f"The workflow «{name}» has {'no such webhook' if path else 'several webhooks'}.",
        f"Pass one as path: {listed(path_of(node) for node in webhook_nodes(target))}.",
    )


async def _of_path(path: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    for one in await everything("/workflows", **LIGHT):
        for node in webhook_nodes(one):
            if path in (path_of(node), node.get("webhookId")):
                return one, node
    return None, None


def _method(node: dict[str, Any] | None, method: Method | None) -> str:
    """Return the method to call with; raises errors.InvalidInputError where the node does not take it."""
    taken = methods_of(node) if node else []
    if method and taken and method not in taken:
        raise errors.InvalidInputError(
            f"This webhook does not take {method}.", f"Leave method out, or pass {listed(taken)}."
        )
    if method:
        return method
    return "POST" if "POST" in taken or not taken else taken[0]
