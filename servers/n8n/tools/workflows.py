"""Workflows: what they do, when they are active, and changes to them. https://docs.n8n.io/api/api-reference/"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm, errors, readable, segment, settings_of
from flotilla.parsing import listed

from ..client import api, integration
from ..definition import check_settings, connections_of, nodes_for, sendable, settings_for
from ..lookup import LIGHT, ProjectRef, WorkflowRef, named, project_of, tags_of, workflow_link, workflow_of
from ..models import (
    Done,
    NodeRow,
    Webhook,
    Workflow,
    WorkflowDetails,
    flow_of,
    methods_of,
    nodes_of,
    path_of,
    webhook_nodes,
)

tools = Toolset("workflows")
Nodes = Annotated[
    list[dict[str, Any]] | None,
    Field(
        description="Nodes as n8n exports them, each with name, type, typeVersion, position and parameters.",
        examples=[
            [
                {
                    "name": "Webhook",
                    "type": "n8n-nodes-base.webhook",
                    "typeVersion": 2,
                    "position": [0, 0],
                    "parameters": {"path": "commande", "httpMethod": "POST"},
                }
            ]
        ],
    ),
]
Connections = Annotated[
    dict[str, Any] | None,
    Field(
        description="Connections as n8n exports them: by the name of the source node.",
        examples=[{"Webhook": {"main": [[{"node": "Mail", "type": "main", "index": 0}]]}}],
    ),
]
Settings = Annotated[
    dict[str, Any] | None,
    Field(description="Settings of the workflow as n8n names them.", examples=[{"timezone": "Europe/Paris"}]),
]
NewName = Annotated[str | None, Field(min_length=1, max_length=128, description="New name of the workflow.")]


def row(raw: dict[str, Any]) -> Workflow:
    """Return a workflow as a row, with its link and local times."""
    return Workflow.model_validate({**raw, "link": workflow_link(raw["id"])}).within(api.zone)


def details(raw: dict[str, Any], definition: bool = False) -> WorkflowDetails:
    """Return a workflow with its nodes, and with what n8n stores of them where that is wanted."""
    hooks = settings_of(integration).hooks_url
    webhooks = [
        Webhook(
            node=str(node.get("name") or ""),
            method=listed(methods_of(node)),
            url=f"{hooks}/webhook/{path_of(node)}",
            test_url=f"{hooks}/webhook-test/{path_of(node)}",
            authentication=(node.get("parameters") or {}).get("authentication") or "none",
            answers=(node.get("parameters") or {}).get("responseMode") or "onReceived",
        )
        for node in webhook_nodes(raw)
    ]
    more = {
        "nodes": readable(NodeRow, nodes_of(raw)),
        "flow": flow_of(raw),
        "webhooks": webhooks,
        "settings": raw.get("settings") or {},
        "link": workflow_link(raw["id"]),
        "definition": {"nodes": nodes_of(raw), "connections": connections_of(raw)} if definition else None,
    }
    return WorkflowDetails.model_validate({**raw, **more}).within(api.zone)


@tools.reads(
    search="workflows scénarios automatisations actifs liste quels automations",
    examples=["Quels workflows sont actifs ?", "Which automations do we have?"],
)
async def list_workflows(
    name: Annotated[str | None, Field(description="Only workflows whose name has this text.")] = None,
    active: Annotated[bool | None, Field(description="True for active ones only, false for the others.")] = None,
    tags: Annotated[list[str] | None, Field(description="Only workflows that have all of these tags.")] = None,
    project: ProjectRef = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Workflow]:
    """List workflows with what starts them, whether they are active, and their tags.

    To see the nodes and webhooks of one, use n8n_get_workflow; to see how their runs ended, n8n_list_executions.
    """
    params: dict[str, Any] = {
        "name": name,
        "active": active,
        "tags": ",".join(tags) if tags else None,
        "projectId": await project_of(project) if project else None,
        **LIGHT,
    }
    page = await api.page("/workflows", Workflow, params=params, limit=limit, cursor=cursor)
    items = [one.model_copy(update={"link": workflow_link(one.id)}).within(api.zone) for one in page.items]
    return page.model_copy(update={"items": items})


@tools.reads(search="détail workflow nœuds étapes webhook adresse nodes steps")
async def get_workflow(
    workflow: WorkflowRef,
    definition: Annotated[
        bool, Field(description="True adds nodes and connections as n8n stores them, to change or copy them.")
    ] = False,
) -> WorkflowDetails:
    """Get one workflow: its nodes, how they are connected, its settings, and the addresses of its webhooks.

    Nothing is run. To start it, use n8n_trigger_webhook, which needs a Webhook node.
    """
    return details(await workflow_of(workflow), definition)


@tools.writes(idempotent=True, search="activer allumer mettre en service publier enable switch on publish")
async def activate_workflow(workflow: WorkflowRef) -> Workflow:
    """Activate a workflow, so that its triggers and webhooks start it from now on. It needs a trigger node.

    Nothing is run at once: to start it, use n8n_trigger_webhook. To switch it off, use n8n_deactivate_workflow.
    """
    raw = await workflow_of(workflow)
    return row(await api.post(f"/workflows/{segment(str(raw['id']))}/activate"))


@tools.writes(additive=False, idempotent=True, search="désactiver couper arrêter pause disable switch off stop")
async def deactivate_workflow(workflow: WorkflowRef) -> Workflow:
    """Deactivate a workflow: its triggers and webhooks start it no more. What runs already goes on.

    To switch it on again, use n8n_activate_workflow.
    """
    raw = await workflow_of(workflow)
    return row(await api.post(f"/workflows/{segment(str(raw['id']))}/deactivate"))


@tools.writes(core=False, creates=True, search="créer dupliquer copier nouveau workflow clone")
async def create_workflow(
    name: Annotated[
        str, Field(min_length=1, max_length=128, description="Name of the workflow.", examples=["Relance"])
    ],
    nodes: Nodes = None,
    connections: Connections = None,
    settings: Settings = None,
    copy_of: Annotated[
        str | None,
        Field(description="Name or id of a workflow to copy, from n8n_list_workflows, in place of nodes."),
    ] = None,
) -> WorkflowDetails:
    """Create a workflow from nodes and connections, or as a copy of another one. It is not active at first.

    A name that is taken is refused. Credentials are named by id in the nodes (n8n_list_credentials); a copy of a
    webhook needs a path of its own before both can be active. Activate it with n8n_activate_workflow.
    """
    if (copy_of is None) == (nodes is None):
        raise errors.InvalidInputError("The workflow's nodes are not clear.", "Pass either nodes or copy_of.")
    check_settings(settings or {})
    if existing := await named(name):
        raise errors.InvalidInputError(
            f"A workflow «{errors.excerpt(name, 60)}» exists already; nothing was done.",
            f"Choose another name, or change that one: {existing[0].get('id')}.",
        )
    if copy_of:
        body = sendable(await workflow_of(copy_of))
        body |= {"name": name, "settings": {**body["settings"], **(settings or {})}}
    else:
        rows = nodes_for(nodes or [], connections or {})
        body = {"name": name, "nodes": rows, "connections": connections or {}, "settings": settings or {}}
    return details(await api.post("/workflows", json=body))


@tools.writes(
    core=False, replaces=True, idempotent=True, search="modifier changer renommer workflow nœuds edit rename nodes"
)
async def update_workflow(
    workflow: WorkflowRef,
    name: NewName = None,
    nodes: Nodes = None,
    connections: Connections = None,
    settings: Settings = None,
) -> WorkflowDetails:
    """Change a workflow's name, nodes, connections or settings. Only what is passed changes; settings are merged.

    Nodes and connections replace all that are there, so the user is asked: take them from n8n_get_workflow with
    definition=true and change those. An active workflow runs in its new form from then on.
    """
    changes = {"name": name, "nodes": nodes, "connections": connections, "settings": settings}
    if all(value is None for value in changes.values()):
        raise errors.InvalidInputError("No change is named.", "Pass name, nodes, connections or settings.")
    check_settings(settings or {})
    raw = await workflow_of(workflow)
    body = sendable(raw)
    links = body["connections"] if connections is None else connections
    if name:
        body["name"] = name
    if nodes is not None or connections is not None:
        rows = nodes_for(body["nodes"] if nodes is None else nodes, links)
        count, title = len(nodes_of(raw)), errors.excerpt(raw.get("name"), 60)
        await confirm(
            f"Replace the nodes and connections of «{title}» ({count} nodes now, {len(rows)} then)? "
            "What they are now is lost.",
            str(raw.get("versionId") or raw.get("updatedAt")),
        )
        body |= {"nodes": rows, "connections": links}
    path, own = f"/workflows/{segment(str(raw['id']))}", settings_for(raw.get("settings"), new=True)
    if own != body["settings"]:  # older versions refuse what they gave themselves
        answer = await api.request("PUT", path, json={**body, "settings": {**own, **(settings or {})}}, expected=(400,))
        if isinstance(answer, dict) and answer.get("id"):
            return details(answer)
    return details(await api.put(path, json={**body, "settings": {**body["settings"], **(settings or {})}}))


@tools.destroys(core=False, asks=True, search="supprimer effacer workflow remove")
async def delete_workflow(workflow: WorkflowRef) -> Done:
    """Delete a workflow for good, with its executions. The user is asked first.

    To only stop it from running, use n8n_deactivate_workflow.
    """
    raw = await workflow_of(workflow)
    state = "active" if raw.get("active") else "not active"
    title = errors.excerpt(raw.get("name"), 60)
    await confirm(f"Delete the workflow «{title}» ({state}, {len(nodes_of(raw))} nodes) for good?")
    await api.delete(f"/workflows/{segment(str(raw['id']))}")
    return Done(done=f"The workflow «{title}» is deleted.", id=str(raw["id"]))


@tools.writes(core=False, additive=False, idempotent=True, search="étiquettes tags workflow classer label")
async def set_workflow_tags(
    workflow: WorkflowRef,
    tags: Annotated[
        list[str],
        Field(
            description="Names of all tags that it is to have, from n8n_list_tags; none takes all away.",
            examples=[["Ventes"]],
        ),
    ],
) -> Workflow:
    """Set the tags of a workflow: those that are passed, in place of those that it has.

    Tags must exist: n8n_list_tags lists them, n8n_create_tag makes one.
    """
    raw = await workflow_of(workflow)
    wanted = await tags_of(tags) if tags else []
    body = [{"id": tag.id} for tag in wanted]
    now = await api.request("PUT", f"/workflows/{segment(str(raw['id']))}/tags", json=body, idempotent=True)
    return row({**raw, "tags": now if isinstance(now, list) else []})
