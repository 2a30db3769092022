"""Deals, and the pipelines that they go through. https://developers.pipedrive.com/docs/api/v1/Deals"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from flotilla import Cursor, Limit, Money, Page, Toolset, When, errors, sliced
from flotilla.parsing import folded

from .. import account, records, values
from ..account import Place
from ..client import V1, V2, record
from ..models import DealTotals, PipelineSummary, RowPage, Saved, Thing
from ..records import Fields, OrganizationRef, OwnerRef, PersonRef, deal_checked

tools = Toolset("deals")
READ = ["deals:read contacts:read users:read", "deals:full contacts:full users:read"]
WRITE = ["search:read deals:full contacts:read users:read", "search:read deals:full contacts:full users:read"]
# What people call the end of a deal, where no stage is called so.
_OUTCOMES = {
    "won": "won", "gagne": "won", "gagnee": "won", "signe": "won", "signee": "won", "closed won": "won",
    "lost": "lost", "perdu": "lost", "perdue": "lost", "closed lost": "lost",
}  # fmt: skip
Value = Annotated[Money | None, Field(description="Amount, best with its currency.", examples=["12500.50 EUR"])]
StageRef = Annotated[str | None, Field(description="Name of the stage, or pipeline/stage.")]
Status = Literal["open", "won", "lost"]


@tools.reads(
    scopes=READ,
    search=(
        "liste affaires opportunités ventes en cours étape pipeline gagnées perdues mes affaires "
        "opportunities dossiers ouvertes négociation attente signées conclues sommeil commercial "
        "lesquelles par won lost open closing sales rep which rotting travaille signé perdu récemment "
        "working on lately sitting proposal"
    ),
    examples=[
        "Quelles affaires sont à l'étape devis envoyé ?",
        "List my open deals",
        "Quels dossiers j'ai en ce moment ?",
        "Qu'est-ce qu'on a signé récemment ?",
        "Qu'est-ce qu'on a perdu ce mois-ci ?",
        "Montre ce qui est en négociation",
        "Sur quoi travaille mon collègue ?",
        "Quelles ventes sont en cours avec cette boîte ?",
        "Which deals are still open?",
        "What did we win lately?",
        "Show everything sitting in the proposal stage",
        "What is my colleague working on?",
        "Which sales did we lose?",
    ],
)
async def list_deals(
    status: Annotated[
        Literal["open", "won", "lost", "all"], Field(description="Which deals, by their status.")
    ] = "open",
    stage: StageRef = None,
    pipeline: Annotated[str | None, Field(description="Name of the pipeline.")] = None,
    owner: OwnerRef = None,
    person: PersonRef = None,
    organization: OrganizationRef = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RowPage:
    """List deals by status, stage, pipeline, owner, person or organization, last changed first.

    Returns rows with value, stage, person and the record (deal:77) that other tools take. To find one by its title,
    use pipedrive_search_all.
    """
    place = await account.place(stage) if stage else None
    params = {
        "status": None if status == "all" else status,
        "stage_id": place.stage if place else None,
        "pipeline_id": await account.pipeline_id(pipeline) if pipeline and not place else None,
        "owner_id": await account.owner_id(owner),
        "person_id": await records.number(person),
        "org_id": await records.number(organization),
        "sort_by": "update_time",
        "sort_direction": "desc",
    }
    rows, following = await records.listed(f"{V2}/deals", limit, cursor, params)
    return RowPage(items=await records.deal_rows(rows), next_cursor=following)


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "crée ouvre affaire opportunité vente nouvelle open opportunity dossier potentielle devis "
        "projet chantier lancer ouvrir montant estimé start new sale add worth project"
    ),
    examples=[
        "Ouvre une affaire de 12 500 € pour Zoé Lefèvre",
        "Open a deal for this caller",
        "Nouvelle vente possible à 8 000 €",
        "J'ai un nouveau projet avec ce client, ouvre le dossier",
        "Il veut un devis pour une cuisine, crée l'affaire",
        "Lance une opportunité pour cette boîte",
        "Mets une affaire à 3 000 au premier stade",
        "New deal worth five thousand",
        "They want a quote, start an opportunity",
        "Add a sale for this company",
        "Put a new project in the pipeline",
        "Open one at the proposal stage",
    ],
)
async def create_deal(
    title: Annotated[str, Field(min_length=1, description="Title of the deal.", examples=["Refonte du site"])],
    person: PersonRef = None,
    organization: OrganizationRef = None,
    value: Value = None,
    stage: StageRef = None,
    owner: OwnerRef = None,
    fields: Fields = None,
    same_title: Annotated[bool, Field(description="True for a second one of this title.")] = False,
) -> Saved:
    """Open a deal for a person or an organization. Returns its record (deal:77) and its stage.

    Without a stage it begins at the first one; the person's organization is taken over. Fails with the existing record
    where they have an open deal of this title. A lead becomes a deal with pipedrive_create_deal_from_lead.
    """
    person_id, org_id = await records.number(person), await records.number(organization)
    if person_id and not org_id:
        org_id = (await records.one("person", str(person_id))).number("org_id")
    if not same_title:
        await _check_new(title, person_id, org_id)
    place = await account.place(stage) if stage else None
    body = {
        "title": title.strip(),
        "person_id": person_id,
        "org_id": org_id,
        **await values.money(value, "value"),
        "stage_id": place.stage if place else None,
        "owner_id": await account.owner_id(owner),
        **await values.fitted("deal", fields),
    }
    places = await deal_places()
    return saved_deal(Thing.model_validate(await record("POST", f"{V2}/deals", json=body)), places)


async def _check_new(title: str, person: int | None, organization: int | None) -> None:
    """Refuse an open deal whose title one of the same person or organization has; without both, of anybody."""
    filters = {"person_id": person, "organization_id": None if person else organization}
    params: dict[str, Any] = {name: key for name, key in filters.items() if key}
    if len(title.strip()) < records.ONE_TERM:
        return
    rows, _ = await records.search_for("deals", title, 20, fields="title", status="open", **params)
    same = [one for one in rows if folded(one.text("title")) == folded(title)]
    if same:
        raise errors.InvalidInputError(
            f"There is an open deal of this title already: deal:{same[0].id}.",
            "Change that one with pipedrive_update_deal, or pass same_title=true for another one.",
        )


async def deal_places() -> list[Place]:
    """Read what a result tells of a deal, before it is changed: where it stands in Pipedrive, and the stages."""
    await account.me()
    return await account.places()


def saved_deal(thing: Thing, places: list[Place]) -> Saved:
    """Return what a tool tells of a deal after a change."""
    stage = thing.number("stage_id")
    name = next((one.name for one in places if one.stage == stage), None)
    return records.saved("deal", thing, stage=name, status=thing.text("status") or None)


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "passe avance affaire étape gagnée perdue montant change clôture won lost move stage mark signé "
        "conclu vendu remporté gagné perdu abandonné motif négociation prix revoir date de signature "
        "prévue réattribue closed signed sold push forward next amount value reassign mort raté refusé "
        "partis accepté oui dead refused accepted yes"
    ),
    examples=[
        "Passe l'affaire Refonte du site à gagné",
        "Move the deal to negotiation",
        "Mark it lost: too expensive",
        "On a signé !",
        "Le client a dit oui, c'est gagné",
        "C'est mort, ils sont partis chez un concurrent",
        "Passe-la à l'étape suivante",
        "Change le montant à 15 000",
        "La signature est repoussée à fin mars",
        "They signed, we won it",
        "We lost this one to a competitor",
        "Raise the value to twenty thousand",
    ],
)
async def update_deal(
    deal: Annotated[
        Annotated[str, AfterValidator(deal_checked)],
        Field(description="Number or title of the deal, from pipedrive_list_deals.", examples=["deal:77"]),
    ],
    stage: StageRef = None,
    status: Annotated[Status | None, Field(description="won, lost, or open to reopen it.")] = None,
    lost_reason: Annotated[str | None, Field(description="Why it was lost.")] = None,
    value: Value = None,
    expected_close: Annotated[When | None, Field(description="Day when it should close, as 2030-06-30.")] = None,
    owner: OwnerRef = None,
    fields: Fields = None,
) -> Saved:
    """Change a deal: move it to a stage, mark it won or lost, set value, closing day, owner or custom fields.

    What is left out stays; null in `fields` clears one. An unknown stage is refused with the known ones. Returns stage
    and status.
    """
    _, key = await records.resolved(deal)
    body: dict[str, Any] = {}
    if stage:
        place, outcome = await _stage(stage, key)
        body |= {"stage_id": place} if place else {}
        status = status or outcome
    if lost_reason and status != "lost":
        raise errors.InvalidInputError("Only a lost deal has a reason.", "Pass status=lost with it.")
    changes = {
        "status": status,
        "lost_reason": lost_reason,
        **await values.money(value, "value"),
        "expected_close_date": expected_close.day(await account.zone()).isoformat() if expected_close else None,
        "owner_id": await account.owner_id(owner),
    }
    body |= {name: one for name, one in changes.items() if one is not None}
    body |= await values.fitted("deal", fields)
    if not body:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    places = await deal_places()
    result = await record("PATCH", f"{V2}/deals/{key}", json=body, nulls=True)
    return saved_deal(Thing.model_validate({"id": key, **result}), places)


async def _stage(name: str, deal: str) -> tuple[int | None, Status | None]:
    """Return the stage that is meant, the deal's own pipeline first; won or lost where no stage is called so."""
    own = None
    if len(await account.pipelines()) > 1 and "/" not in name:
        own = (await records.one("deal", deal)).number("pipeline_id")
    outcome = _OUTCOMES.get(folded(name))
    if outcome:
        with suppress(errors.NotFoundError):
            return (await account.place(name, own)).stage, None
        return None, "won" if outcome == "won" else "lost"
    return (await account.place(name, own)).stage, None


@tools.reads(
    core=False,
    scopes=["deals:read", "deals:full"],
    search=(
        "total valeur pipeline chiffre combien affaires prévision forecast sum worth montant global "
        "somme additionne pondéré carnet de commandes cumul prévisionnel CA how much many add up "
        "overall weighted money in the"
    ),
    examples=[
        "Combien vaut le pipeline ?",
        "How much have we won?",
        "On a pour combien d'affaires en cours ?",
        "Ça fait combien en tout, ce qu'on a gagné ?",
        "Quel chiffre on peut espérer ?",
        "Combien de ventes ouvertes et pour quel montant ?",
        "Donne-moi le montant total en négociation",
        "How much money is in the pipeline?",
        "What's the total of my open deals?",
        "How many have we got and what are they worth?",
        "Weighted forecast please",
        "What does the proposal stage add up to?",
    ],
)
async def get_deal_totals(
    status: Annotated[Status, Field(description="Which deals, by their status.")] = "open",
    stage: StageRef = None,
    pipeline: Annotated[str | None, Field(description="Name of the pipeline.")] = None,
    owner: OwnerRef = None,
) -> DealTotals:
    """Count deals and add up what they are worth, by currency, all or those of a stage, pipeline or owner.

    `weighted` counts each deal by its probability. For the deals themselves use pipedrive_list_deals.
    """
    place = await account.place(stage) if stage else None
    params = {
        "status": status,
        "stage_id": place.stage if place else None,
        "pipeline_id": await account.pipeline_id(pipeline) if pipeline and not place else None,
        "user_id": await account.owner_id(owner),
    }
    result = await record("GET", f"{V1}/deals/summary", params=params)
    return DealTotals(
        count=int(result.get("total_count") or 0),
        total=_totals(result.get("values_total")),
        weighted=_totals(result.get("weighted_values_total")),
    )


def _totals(result: Any) -> dict[str, str]:
    """Return amounts by currency; without deals Pipedrive sends a list in place of an object."""
    rows = result.items() if isinstance(result, dict) else ()
    return {str(currency): str(one.get("value")) for currency, one in rows if isinstance(one, dict)}


@tools.reads(
    core=False,
    scopes=["deals:read", "deals:full"],
    search=(
        "étapes phases pipeline entonnoir stages funnel tunnel cycle de vente processus commercial "
        "colonnes avancement possibles kanban sales process steps columns which suivante après next "
        "after"
    ),
    examples=[
        "C'est quoi les étapes de vente chez nous ?",
        "Quels pipelines existent ?",
        "Comment s'appelle l'étape après le devis ?",
        "Montre le tunnel de vente",
        "Quelles colonnes il y a dans le kanban ?",
        "What stages do we have?",
        "What are the steps of our sales process?",
        "Which pipelines are set up?",
        "What comes after the proposal stage?",
        "Name the columns of the board",
    ],
)
async def list_pipelines(limit: Limit = 20, cursor: Cursor = None) -> Page[PipelineSummary]:
    """List the pipelines with the names of their stages, in order.

    Use it to learn which stages pipedrive_create_deal, pipedrive_update_deal and pipedrive_list_deals take.
    """
    steps = await account.stages(renew=True)
    rows = [
        PipelineSummary(id=str(line.id), name=line.name, stages=[s.name for s in steps if s.pipeline_id == line.id])
        for line in await account.pipelines(renew=True)
    ]
    return sliced(rows, limit, cursor)
