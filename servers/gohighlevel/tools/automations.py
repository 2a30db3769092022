"""Workflows, which the API lets contacts into and out of: https://marketplace.gohighlevel.com/docs/ghl/workflows"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, errors, segment, sliced

from .client import ContactId, api, folded, location
from .contacts import WRITE, path_of
from .models import Done, Workflow

tools = Toolset("automations")

WorkflowId = Annotated[
    str, Field(description="From ghl_list_workflows", examples=["78559bb3-b920-461e-b010-7b2a2816d2a9"])
]


async def workflows() -> list[Workflow]:
    """Return all workflows, drafts too."""
    rows = await api.rows("/workflows/", "workflows", params={"locationId": await location()})
    return [Workflow.model_validate(row) for row in rows]


@tools.reads(scopes=["workflows.readonly"])
async def list_workflows(
    query: Annotated[str | None, Field(description="Part of the name")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Workflow]:
    """List workflows (quels, automations) with the id that ghl_trigger_automation needs."""
    named = sorted(await workflows(), key=lambda one: folded(one.name))
    return sliced([one for one in named if folded(query or "") in folded(one.name)], limit, cursor)


@tools.writes(creates=True, additive=False, scopes=["contacts.write workflows.readonly"])
async def trigger_automation(contact_id: ContactId, workflow_id: WorkflowId) -> Done:
    """Put a contact into a workflow (mets, nurturing): it starts at once, and again if repeated."""
    wanted = next((one for one in await workflows() if one.id == workflow_id), None)
    if wanted and wanted.status == "draft":  # the API takes it and says that it was done, but nothing runs
        raise errors.InvalidInputError(
            f"The workflow «{errors.excerpt(wanted.name, 60)}» is a draft, so it would not run.",
            "Ask the user to publish it in GoHighLevel, or choose another one from ghl_list_workflows.",
        )
    path = path_of(contact_id, "workflow", segment(workflow_id))
    return Done.model_validate(await api.request("POST", path, json={}) or {})


@tools.writes(core=False, additive=False, idempotent=True, scopes=WRITE)
async def remove_from_automation(contact_id: ContactId, workflow_id: WorkflowId) -> Done:
    """Take a contact out of a workflow (retire): what it has not sent yet is not sent."""
    path = path_of(contact_id, "workflow", segment(workflow_id))
    return Done.model_validate(await api.delete(path, json={}) or {})
