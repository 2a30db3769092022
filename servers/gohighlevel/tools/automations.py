"""Workflows, which the API lets contacts into and out of: https://marketplace.gohighlevel.com/docs/ghl/workflows"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, errors, readable, segment, sliced
from flotilla.parsing import folded

from ..client import ContactId, api, location
from ..models import Done, Workflow
from .contacts import WRITE, path_of

tools = Toolset("automations")

WorkflowId = Annotated[
    str,
    Field(
        description="Id of the workflow, from ghl_list_workflows.", examples=["78559bb3-b920-461e-b010-7b2a2816d2a9"]
    ),
]


async def all_workflows() -> list[Workflow]:
    """Return all workflows, drafts too."""
    return readable(Workflow, await api.rows("/workflows/", "workflows", params={"locationId": await location()}))


@tools.reads(scopes=["workflows.readonly"], search="automatisations workflows automations scénarios nurturing")
async def list_workflows(
    query: Annotated[str | None, Field(description="Part of the workflow's name.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Workflow]:
    """List the workflows (automations) of the sub-account by name, drafts too, each with its id and status.

    Use it to find the id that ghl_trigger_automation takes. Only published workflows run.
    """
    rows = sorted(await all_workflows(), key=lambda one: folded(one.name))
    return sliced([one for one in rows if folded(query or "") in folded(one.name)], limit, cursor)


@tools.writes(
    creates=True,
    additive=False,
    scopes=["contacts.write workflows.readonly"],
    search="mets workflow nurturing automatisation lance put into start",
)
async def trigger_automation(contact_id: ContactId, workflow_id: WorkflowId) -> Done:
    """Put a contact into a workflow, which starts at once: it may send messages that cannot be called back.

    Repeated, the workflow starts again. A draft is refused, since it would not run. Find the workflow with
    ghl_list_workflows.
    """
    workflow = next((one for one in await all_workflows() if one.id == workflow_id), None)
    if workflow and workflow.status == "draft":  # the API takes it and says that it was done, but nothing runs
        raise errors.InvalidInputError(
            f"The workflow «{errors.excerpt(workflow.name, 60)}» is a draft, so it would not run.",
            "Ask the user to publish it in GoHighLevel, or choose another one from ghl_list_workflows.",
        )
    path = path_of(contact_id, "workflow", segment(workflow_id))
    return Done.model_validate(await api.request("POST", path, json={}) or {})


@tools.writes(core=False, additive=False, idempotent=True, scopes=WRITE, search="retire sors workflow")
async def remove_from_automation(contact_id: ContactId, workflow_id: WorkflowId) -> Done:
    """Take a contact out of a workflow, so that what the workflow has not sent yet is not sent.

    What was sent already stays sent. Find the workflow with ghl_list_workflows.
    """
    path = path_of(contact_id, "workflow", segment(workflow_id))
    return Done.model_validate(await api.delete(path, json={}) or {})
