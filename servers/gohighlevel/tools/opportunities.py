"""Opportunities and pipelines: https://marketplace.gohighlevel.com/docs/ghl/opportunities/opportunities"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from flotilla import (
    Amount,
    Cursor,
    Limit,
    Page,
    Toolset,
    choose,
    cursor_number,
    errors,
    readable,
    segment,
    sliced,
)
from flotilla.parsing import folded, listed

from ..client import ContactId, api, location
from ..models import MadeOpportunity, Opportunity, Pipeline, Stage

tools = Toolset("opportunities")

ID = re.compile("[A-Za-z0-9]{20}")

READ, WRITE = ["opportunities.readonly"], ["opportunities.readonly opportunities.write"]
Status = Literal["open", "won", "lost", "abandoned"]
Value = Annotated[Amount | None, Field(description="Amount in the account's currency.", examples=["1250.50"])]
PipelineRef = Annotated[str | None, Field(description="Name of the pipeline; needed where there are several.")]
StageRef = Annotated[str | None, Field(description="Name of a stage of the pipeline.")]
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
    return items[0] if wanted is None else choose(wanted, items, kind=kind)


def named(row: Any, pipelines: Sequence[Pipeline]) -> Any:
    """Return an opportunity of the API with its pipeline and stage by name; without them where they are gone."""
    if not isinstance(row, dict):
        return row
    line = next((one for one in pipelines if one.id == row.get("pipelineId")), None)
    stages = line.stages if line else []
    stage = next((one.name for one in stages if one.id == row.get("pipelineStageId")), None)
    return {**row, "pipeline": line and line.name, "stage": stage}


async def opportunity_page(params: dict[str, Any], limit: int, cursor: str | None) -> Page[Opportunity]:
    """Return a page of the opportunities that a search finds, newest first.

    https://marketplace.gohighlevel.com/docs/ghl/opportunities/search-opportunity
    """
    page = cursor_number(cursor, 1)
    query = {"location_id": await location(), "status": "all", "order": "added_desc", **params}
    rows = await api.rows("/opportunities/search", "opportunities", params={**query, "limit": limit, "page": page})
    pipelines = await all_pipelines() if rows else []
    items = readable(Opportunity, [named(row, pipelines) for row in rows])
    return Page(items=items, next_cursor=str(page + 1) if len(rows) >= limit else None)


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "pipelines étapes ventes entonnoir stages pipeline étape phases tunnel vente processus commercial "
        "colonnes sales funnel stage steps process which"
    ),
    examples=[
        "quelles sont les étapes de vente",
        "c'est quoi notre tunnel commercial",
        "liste les pipelines",
        "quelles colonnes dans le suivi commercial",
        "par quelles phases passe une affaire",
        "what are our sales stages",
        "which pipelines do we have",
        "describe our funnel",
        "what steps does a deal go through",
        "list the stages in order",
    ],
)
async def list_pipelines(limit: Limit = 20, cursor: Cursor = None) -> Page[Pipeline]:
    """List the sales pipelines, each with its stages in order.

    Use it to find the pipeline and the stage that ghl_create_opportunity and ghl_update_opportunity take.
    """
    return sliced(await all_pipelines(), limit, cursor)


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "cherche trouve liste opportunités affaires deals ventes en cours gagnées perdues pipeline étape "
        "montant affaire deal vente ouvertes signées chaud négociation combien chiffre potentiel quelles où "
        "find search list show sales open closed won lost worth negotiation how much perdu lose gagné which"
    ),
    examples=[
        "Quelles opportunités sont ouvertes ?",
        "Où en est l'affaire Dupont ?",
        "List the deals we won",
        "quelles affaires sont en négociation",
        "combien de ventes gagnées ce mois-ci",
        "montre les deals en cours",
        "lesquelles a-t-on perdues",
        "quelles affaires valent plus de 5 000",
        "which deals are in negotiation",
        "how many sales did we close",
        "show me what is still open",
        "which ones did we lose",
        "find the opportunity for the new website",
    ],
)
async def search_opportunities(
    query: Annotated[
        str | None, Field(description="Words from the opportunity's name, or the contact's name or e-mail address.")
    ] = None,
    status: Annotated[Status | None, Field(description="Only those with this status.")] = None,
    pipeline: PipelineRef = None,
    stage: StageRef = None,
    contact_id: Annotated[
        str | None, Field(description="Only those of this contact, from ghl_search_contacts.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Opportunity]:
    """Search opportunities (deals) by their name or their contact's, by status, pipeline or stage, newest first.

    Returns the id that ghl_update_opportunity takes, with amount, status, stage and contact.
    """
    line = chosen(await all_pipelines(), pipeline, "pipeline") if pipeline or stage else None
    params = {
        "q": query,
        "status": status or "all",
        "pipeline_id": line.id if line else None,
        "pipeline_stage_id": chosen(line.stages, stage, "stage").id if line and stage else None,
        "contact_id": contact_id,
    }
    return await opportunity_page(params, limit, cursor)


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "crée ajoute opportunité affaire deal vente nouvelle ouvre enregistre potentielle piste nouveau "
        "contrat entre pipeline créer ajouter create open new add sale opportunity potential log enter"
    ),
    examples=[
        "Crée une opportunité de 2 500 € pour Dupont",
        "Log a deal of 4,000 for this client",
        "ouvre une nouvelle affaire pour ce client",
        "ajoute-la au pipeline avec 3 000 euros",
        "elle est intéressée par un site, crée le deal",
        "nouvelle vente potentielle à enregistrer",
        "mets cette piste dans le suivi commercial",
        "open a new deal for this client",
        "add her to the pipeline at 3,000",
        "he wants a website, create the opportunity",
        "new potential sale to enter",
        "put this lead's project in the sales pipeline",
    ],
)
async def create_opportunity(
    contact_id: ContactId,
    name: Annotated[str, Field(min_length=1, description="Name of the opportunity.", examples=["Refonte du site"])],
    amount: Value = None,
    pipeline: PipelineRef = None,
    stage: StageRef = None,
    same_name: Annotated[bool, Field(description="True for another one of the same name.")] = False,
) -> MadeOpportunity:
    """Create an open opportunity (a deal) for a contact in a sales pipeline, at its first stage unless one is named.

    Where the contact has an open one of this name, that is returned unchanged with `created` false; to change it, use
    ghl_update_opportunity.
    """
    pipelines = await all_pipelines()
    line = chosen(pipelines, pipeline, "pipeline")
    value, step = json_amount(amount), chosen(line.stages, stage, "stage").id if stage else None
    if not same_name:
        there = await opportunity_page({"contact_id": contact_id, "status": "open", "pipeline_id": line.id}, 100, None)
        if known := next((one for one in there.items if folded(one.name or "") == folded(name)), None):
            note = "Not created and not changed: the contact has an open opportunity of this name. To change it, call "
            note += "ghl_update_opportunity with its id; for another one pass same_name=true."
            return MadeOpportunity.model_validate({**known.model_dump(), "created": False, "note": note})
    body = {
        "pipelineId": line.id,
        "locationId": await location(),
        "name": name,
        "pipelineStageId": step,
        "status": "open",
        "contactId": contact_id,
        "monetaryValue": value,
    }
    made = (await api.post("/opportunities/", json=body))["opportunity"]
    return MadeOpportunity.model_validate({**named(made, pipelines), "created": True})


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "passe opportunité affaire étape gagnée perdue abandonnée won lost move stage mark montant signé "
        "signée avance bouge remporté remportée perdu abandonne suivante change valeur closed signed dead "
        "advance next bump update value amount"
    ),
    examples=[
        "Passe l'affaire Dupont en gagné",
        "L'opportunité Martin est gagnée",
        "Move her deal to Proposal sent",
        "c'est signé, on a gagné le contrat",
        "l'affaire est perdue, ils ont pris un concurrent",
        "fais-la avancer à l'étape suivante",
        "change le montant à 4 000 euros",
        "laisse tomber cette vente, abandonne",
        "we won the contract",
        "that deal is dead, they chose somebody else",
        "move it to the next stage",
        "raise the amount to 4,000",
        "mark it as abandoned",
    ],
)
async def update_opportunity(
    opportunity: Annotated[
        str,
        Field(
            min_length=1,
            description="Id from ghl_get_contact, or the name of the opportunity or of its contact.",
            examples=["yWQobCRIhRguQtD2llvk"],
        ),
    ],
    name: Annotated[str | None, Field(min_length=1, description="Its new name.")] = None,
    amount: Value = None,
    pipeline: PipelineRef = None,
    stage: StageRef = None,
    status: Annotated[Status | None, Field(description="New status of the opportunity.")] = None,
) -> Opportunity:
    """Change an opportunity (a deal): mark it won or lost, move it to another stage, change its name or amount.

    What is left out stays as it is. Where several have the name, they are listed and nothing is done. A stage is one
    of the opportunity's own pipeline, unless another one is named.
    """
    body = {"name": name, "monetaryValue": json_amount(amount), "status": status}
    if all(value is None for value in (*body.values(), stage, pipeline)):
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one field.")
    one = await _meant(opportunity)
    pipelines = await all_pipelines()
    if stage or pipeline:
        line = chosen(pipelines, pipeline or str(one["pipelineId"]), "pipeline")
        body |= {"pipelineId": line.id, "pipelineStageId": chosen(line.stages, stage, "stage").id if stage else None}
    answer = (await api.put(f"/opportunities/{segment(one['id'])}", json=body))["opportunity"]
    return Opportunity.model_validate(named({**one, **answer}, pipelines))


async def _meant(wanted: str) -> dict[str, Any]:
    """Return the opportunity of this id, else the only one that is named so or whose contact is.

    Open ones come first: where one open opportunity fits, closed ones of the same name do not count. Raises
    errors.InvalidInputError with the candidates, or errors.NotFoundError.
    """
    if ID.fullmatch(wanted.strip()):
        with suppress(errors.NotFoundError):
            return dict((await api.get(f"/opportunities/{segment(wanted.strip())}"))["opportunity"])
    params = {"location_id": await location(), "status": "all", "q": wanted.strip(), "limit": 100, "page": 1}
    rows = [row for row in await api.rows("/opportunities/search", "opportunities", params=params) if row.get("id")]
    fitting = [row for row in rows if _is_named(row, wanted)] or [row for row in rows if _mentions(row, wanted)]
    fitting = [row for row in fitting if row.get("status") == "open"] or fitting
    if not fitting:
        raise errors.NotFoundError(
            f"No opportunity is called `{errors.excerpt(wanted, 60)}`, and no contact with one.",
            "Find the contact with ghl_search_contacts; ghl_get_contact shows its opportunities.",
        )
    if len(fitting) > 1:
        names = listed(
            f"{row.get('name')} of {(row.get('contact') or {}).get('name')} ({row['id']})" for row in fitting
        )
        raise errors.InvalidInputError(
            f"More than one opportunity fits `{errors.excerpt(wanted, 60)}`: {names}.", "Pass the id of one."
        )
    return dict(fitting[0])


def _names(row: dict[str, Any]) -> list[str]:
    return [folded(str(one or "")) for one in (row.get("name"), (row.get("contact") or {}).get("name"))]


def _is_named(row: dict[str, Any], wanted: str) -> bool:
    return folded(wanted) in _names(row)


def _mentions(row: dict[str, Any], wanted: str) -> bool:
    """Tell whether all words of a text stand in the opportunity's name or its contact's: Dupont finds Jean Dupont."""
    terms = set(" ".join(_names(row)).split())
    return terms.issuperset(folded(wanted).split())
