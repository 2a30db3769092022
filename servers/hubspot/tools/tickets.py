"""Tickets. API: https://developers.hubspot.com/docs/api-reference/crm-tickets-v3/guide"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Toolset

from .. import pipelines, records
from ..models import Placed
from ..records import LinkedTo, Properties, StageRef

tools = Toolset("tickets")


@tools.writes(creates=True, core=False, scopes=["tickets"], search="ouvre crée ticket réclamation support incident")
async def create_ticket(
    subject: Annotated[str, Field(description="Subject of the ticket.", examples=["Accès refusé"])],
    text: Annotated[str | None, Field(description="What the customer reports.")] = None,
    stage: StageRef = None,
    priority: Annotated[str | None, Field(description="Priority by its name, such as LOW, MEDIUM or HIGH.")] = None,
    linked_to: LinkedTo = None,
    properties: Properties = None,
) -> Placed:
    """Create a support ticket, linked to contacts, companies or deals in the same step.

    Returns its record (ticket:5) and its stage; without a stage it begins at the first one of the first pipeline, see
    hubspot_list_pipelines. The customer is not notified by this tool.
    """
    place = await pipelines.position("tickets", stage)
    arguments = {
        "subject": subject,
        "content": text,
        "hs_pipeline": place.pipeline,
        "hs_pipeline_stage": place.stage,
        "hs_ticket_priority": priority,
    }
    made = await records.create("tickets", await records.prepared("tickets", arguments, properties), linked_to)
    known = await pipelines.fetch("tickets")
    _, name = pipelines.names(known, made.properties.get("hs_pipeline"), made.properties.get("hs_pipeline_stage"))
    return Placed(record=f"ticket:{made.id}", stage=name)
