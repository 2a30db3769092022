"""Opportunities and pipelines: https://marketplace.gohighlevel.com/docs/ghl/opportunities/opportunities"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from flotilla import Amount, Cursor, Limit, Page, Toolset, choose, errors, readable, segment, sliced
from flotilla.parsing import listed

from ..client import ContactId, api, location
from ..models import Opportunity, Pipeline, Stage

tools = Toolset("opportunities")

READ, WRITE = ["opportunities.readonly"], ["opportunities.write"]
Value = Annotated[Amount | None, Field(description="Amount in the sub-account's own currency.", examples=["1250.50"])]
PipelineRef = Annotated[
    str | None,
    Field(description="Name or id of the pipeline, from ghl_list_pipelines; needed where there are several."),
]
StageRef = Annotated[str | None, Field(description="Name or id of the stage, from ghl_list_pipelines.")]
Item = TypeVar("Item", Pipeline, Stage)


def json_amount(amount: Decimal | None) -> float | None:
    """Return an amount as the JSON number that the API takes; raises errors.InvalidInputError for a negative one."""
    if amount is not None and amount < 0:
        raise errors.InvalidInputError("The amount is negative.", "Write the value of the opportunity, 0 or more.")
    return None if amount is None else float(amount)


async def all_pipelines() -> list[Pipeline]:
    """Return all pipelines, in order."""
    rows = await api.rows("/opportunities/pipelines", "pipelines", params={"locationId": await location()})
    return readable(Pipeline, rows)


def chosen(items: Sequence[Item], wanted: str | None, kind: str) -> Item:
    """Return the item that is meant, or the only one; raises errors.InvalidInputError that names them."""
    if wanted is None and len(items) != 1:
        raise errors.InvalidInputError(f"There are several {kind}s.", f"Pass one of: {listed(i.name for i in items)}.")
    return items[0] if wanted is None else choose(wanted, items, kind=kind, listed_by="ghl_list_pipelines")


@tools.reads(scopes=READ, search="pipelines étapes ventes entonnoir stages")
async def list_pipelines(limit: Limit = 20, cursor: Cursor = None) -> Page[Pipeline]:
    """List the sales pipelines, each with its stages in order.

    Use it to find the pipeline and the stage that ghl_create_opportunity takes.
    """
    return sliced(await all_pipelines(), limit, cursor)


@tools.writes(creates=True, scopes=WRITE, search="crée opportunité affaire deal vente")
async def create_opportunity(
    contact_id: ContactId,
    name: Annotated[str, Field(min_length=1, description="Name of the opportunity.", examples=["Refonte du site"])],
    amount: Value = None,
    pipeline: PipelineRef = None,
    stage: StageRef = None,
) -> Opportunity:
    """Create an open opportunity (a deal) for a contact in a sales pipeline, at its first stage unless one is named.

    Nothing checks whether there is such an opportunity already. Find the contact with ghl_search_contacts.
    """
    line = chosen(await all_pipelines(), pipeline, "pipeline")
    body = {
        "pipelineId": line.id,
        "locationId": await location(),
        "name": name,
        "pipelineStageId": chosen(line.stages, stage, "stage").id if stage else None,
        "status": "open",
        "contactId": contact_id,
        "monetaryValue": json_amount(amount),
    }
    return Opportunity.model_validate((await api.post("/opportunities/", json=body))["opportunity"])


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search="passe opportunité affaire étape gagnée perdue won lost move stage mark",
)
async def update_opportunity(
    opportunity_id: Annotated[
        str, Field(description="Id of the opportunity, from ghl_create_opportunity.", examples=["yWQobCRIhRguQtD2llvk"])
    ],
    name: Annotated[str | None, Field(min_length=1, description="New name of the opportunity.")] = None,
    amount: Value = None,
    pipeline: PipelineRef = None,
    stage: StageRef = None,
    status: Annotated[
        Literal["open", "won", "lost", "abandoned"] | None, Field(description="New status of the opportunity.")
    ] = None,
) -> Opportunity:
    """Change an opportunity: move it to another stage, mark it won or lost, change its name or amount.

    What is left out stays as it is. A stage is one of the opportunity's own pipeline, unless another pipeline is named.
    """
    body = {"name": name, "monetaryValue": json_amount(amount), "status": status}
    path = f"/opportunities/{segment(opportunity_id)}"
    if stage or pipeline:
        if not pipeline:
            pipeline = str((await api.get(path))["opportunity"]["pipelineId"])
        line = chosen(await all_pipelines(), pipeline, "pipeline")
        body |= {"pipelineId": line.id, "pipelineStageId": chosen(line.stages, stage, "stage").id if stage else None}
    if all(value is None for value in body.values()):
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one field.")
    return Opportunity.model_validate((await api.put(path, json=body))["opportunity"])
