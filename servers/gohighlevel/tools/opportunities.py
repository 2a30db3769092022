"""Opportunities and pipelines: https://marketplace.gohighlevel.com/docs/ghl/opportunities/opportunities"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from flotilla import Amount, Cursor, Limit, Page, Toolset, errors, segment, sliced

from .client import ContactId, api, chosen, location
from .models import Opportunity, Pipeline

tools = Toolset("opportunities")

READ, WRITE = ["opportunities.readonly"], ["opportunities.write"]
Status = Literal["open", "won", "lost", "abandoned"]
Value = Annotated[Amount | None, Field(description="Amount, in the sub-account's own currency", examples=["1250.50"])]
PipelineName = Annotated[str | None, Field(description="Name or id; if several")]
StageName = Annotated[str | None, Field(description="Name or id")]


def sent(amount: Decimal | None) -> float | None:
    """Return an amount as the JSON number that the API takes; raises errors.InvalidInputError for a negative one."""
    if amount is not None and amount < 0:
        raise errors.InvalidInputError("The amount is negative.", "Write the value of the opportunity, 0 or more.")
    return None if amount is None else float(amount)


async def pipelines() -> list[Pipeline]:
    """Return all pipelines."""
    rows = await api.rows("/opportunities/pipelines", "pipelines", params={"locationId": await location()})
    return [Pipeline.model_validate(row) for row in rows]


@tools.reads(core=False, scopes=READ)
async def list_pipelines(limit: Limit = 20, cursor: Cursor = None) -> Page[Pipeline]:
    """List sales pipelines and stages."""
    return sliced(await pipelines(), limit, cursor)


@tools.writes(creates=True, scopes=WRITE)
async def create_opportunity(
    contact_id: ContactId,
    name: Annotated[str, Field(min_length=1, description="Name", examples=["Refonte du site"])],
    amount: Value = None,
    pipeline: PipelineName = None,
    stage: StageName = None,
) -> Opportunity:
    """Create an opportunity (opportunité, deal) for a contact in a sales pipeline."""
    line = chosen(await pipelines(), pipeline, "pipeline")
    body = {
        "pipelineId": line.id,
        "locationId": await location(),
        "name": name,
        "pipelineStageId": chosen(line.stages, stage, "stage").id if stage else None,
        "status": "open",
        "contactId": contact_id,
        "monetaryValue": sent(amount),
    }
    return Opportunity.model_validate((await api.post("/opportunities/", json=body))["opportunity"])


@tools.writes(core=False, additive=False, idempotent=True, scopes=WRITE)
async def update_opportunity(
    opportunity_id: Annotated[str, Field(description="Its id", examples=["yWQobCRIhRguQtD2llvk"])],
    name: Annotated[str | None, Field(min_length=1, description="Name")] = None,
    amount: Value = None,
    pipeline: PipelineName = None,
    stage: StageName = None,
    status: Annotated[Status | None, Field(description="won, lost …")] = None,
) -> Opportunity:
    """Change an opportunity (opportunité): move it to another stage, mark it won or lost."""
    body = {"name": name, "monetaryValue": sent(amount), "status": status}
    path = f"/opportunities/{segment(opportunity_id)}"
    if stage or pipeline:
        if not pipeline:
            pipeline = str((await api.get(path))["opportunity"]["pipelineId"])
        line = chosen(await pipelines(), pipeline, "pipeline")
        body |= {"pipelineId": line.id, "pipelineStageId": chosen(line.stages, stage, "stage").id if stage else None}
    if all(value is None for value in body.values()):
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one field.")
    return Opportunity.model_validate((await api.put(path, json=body))["opportunity"])
