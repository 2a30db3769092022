"""Deals and pipelines. API: https://developers.hubspot.com/docs/api-reference/crm-deals-v3/guide"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from flotilla import Cursor, Limit, Money, Page, Toolset, When, errors, sliced
from flotilla.parsing import MoneyValue

from .. import pipelines, records
from ..client import api
from ..models import CrmObject, PipelineSummary, Placed, Row, SearchPage
from ..records import LinkedTo, Properties, Query, RecordRef, StageRef, Where

tools = Toolset("deals")

USUAL = ("dealname", "amount", "deal_currency_code", "dealstage", "pipeline", "closedate", "hubspot_owner_id")
READ, WRITE = ["crm.objects.deals.read"], ["crm.objects.deals.read crm.objects.deals.write"]
Amount = Annotated[Money | None, Field(description="Amount, best with its currency.", examples=["12500.50 EUR"])]
CloseDate = Annotated[When | None, Field(description="Day of closing, as 2030-06-30.")]


def deal_row(known: list[pipelines.Pipeline], deal: CrmObject, wanted: list[str]) -> Row:
    """Return a deal with the names of its pipeline and stage, and with its currency beside its amount."""
    row = deal.row("deal", wanted)
    pipeline, stage = pipelines.names(known, row.get("pipeline"), row.pop("dealstage", None))
    currency = row.pop("deal_currency_code", "")
    named = {**row, "pipeline": pipeline, "stage": stage, "currency": currency}
    return {name: value for name, value in named.items() if value}


def deal_values(amount: MoneyValue | None, close_date: When | None) -> dict[str, Any]:
    """Return amount, currency and day as properties."""
    money = {"amount": amount.amount, "deal_currency_code": amount.currency} if amount else {}
    return {**money, "closedate": str(close_date) if close_date else None}


@tools.reads(
    scopes=READ,
    search=(
        "cherche affaires transactions opportunités étape montant affaire transaction vente ventes deal "
        "pipeline cours gagnées perdues signées combien négociation closing mois où find search list show "
        "open sales won lost worth how much opportunities contrat opportunité contract sale opportunity where "
        "stand this quarter trimestre"
    ),
    examples=[
        "quelles affaires sont en cours",
        "combien de ventes signées ce mois-ci",
        "où en est le contrat avec ce client",
        "montre les transactions en négociation",
        "quelles affaires dépassent 10 000 euros",
        "what deals are open",
        "how many sales did we win this month",
        "where do we stand with that contract",
        "show the opportunities in negotiation",
        "which deals close this quarter",
        "how much is in the pipeline",
    ],
)
async def search_deals(
    query: Query = None,
    stage: StageRef = None,
    where: Where = None,
    linked_to: Annotated[
        RecordRef | None, Field(description="Only those of this record, by number or name.", examples=["contact:51"])
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> SearchPage:
    """Search deals by name, stage, amount, linked contact or any property, last changed first.

    Returns rows with amount, currency, pipeline, stage and the record (deal:77) that the other tools take. New deals
    appear a few seconds late. Find a contact's record with hubspot_search_contacts.
    """
    known = await pipelines.fetch("deals")
    filters = [records.equal("dealstage", (await pipelines.position("deals", stage)).stage)] if stage else []
    filters += [await records.linked_with(linked_to)] if linked_to else []
    return await records.search(
        "deals",
        lambda one, wanted: deal_row(known, one, wanted),
        usual=USUAL,
        query=query,
        where=where,
        filters=filters,
        limit=limit,
        cursor=cursor,
    )


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "crée ouvre affaire transaction opportunité vente open nouvelle nouveau deal contrat potentiel ajoute "
        "enregistre entre pipeline créer ouvrir create add new sale opportunity log enter start contract"
    ),
    examples=[
        "ouvre une nouvelle affaire de 5 000 euros",
        "ajoute une transaction pour ce client",
        "crée l'opportunité, ils veulent un site",
        "nouvelle vente à mettre dans le pipeline",
        "enregistre ce contrat potentiel",
        "open a new deal worth 5,000",
        "add an opportunity for this client",
        "they want a website, create the deal",
        "new sale for the pipeline",
        "log a potential contract",
    ],
)
async def create_deal(
    name: Annotated[str, Field(description="Name of the deal.", examples=["Refonte du site"])],
    amount: Amount = None,
    stage: StageRef = None,
    close_date: CloseDate = None,
    linked_to: LinkedTo = None,
    properties: Properties = None,
    same_name: Annotated[bool, Field(description="True for another deal of the same name.")] = False,
) -> Placed:
    """Create a deal, linked to contacts and companies in the same step. Returns its record (deal:77) and its stage.

    Without a stage it begins at the first stage of the first pipeline. Fails with the existing deal's id where one of
    this name is linked to the same record. To move a deal, use hubspot_update_deal.
    """
    place = await pipelines.position("deals", stage)
    if not same_name:
        await _check_new(name, linked_to or [])
    arguments = {"dealname": name, **deal_values(amount, close_date)}
    arguments |= {"pipeline": place.pipeline, "dealstage": place.stage}
    ready = await records.prepared("deals", arguments, properties)
    return await _placed(await records.create("deals", ready, linked_to))


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "passe avance affaire transaction étape gagné perdu won lost move stage mark montant signé signée "
        "gagnée perdue fait avancer bouge suivante change date clôture deal vente closed signed dead advance "
        "next bump update amount close value contrat opportunité contract sale opportunity"
    ),
    examples=[
        "c'est signé, passe l'affaire en gagné",
        "on a perdu la vente",
        "fais avancer la transaction à l'étape suivante",
        "le montant passe à 8 000 euros",
        "repousse la date de clôture à fin mars",
        "we won it, mark the deal as closed won",
        "that sale is lost",
        "move the deal to the next stage",
        "raise the amount to 8,000",
        "push the close date to the end of March",
    ],
)
async def update_deal(
    deal: Annotated[
        str,
        AfterValidator(records.deal_checked),
        Field(description="Name or id from hubspot_search_deals.", examples=["77"]),
    ],
    stage: StageRef = None,
    amount: Amount = None,
    close_date: CloseDate = None,
    properties: Properties = None,
) -> Placed:
    """Change a deal: its stage, amount, close date or other properties; what is left out stays.

    As the stage, won and lost work whatever it is called; an unknown one is refused with the known names. Null in
    `properties` clears one.
    """
    _, number = await records.resolved(deal)
    arguments = deal_values(amount, close_date)
    if stage:
        place = await pipelines.position("deals", stage, await _pipeline(number))
        arguments |= {"pipeline": place.pipeline, "dealstage": place.stage}
    ready = await records.prepared("deals", arguments, properties)
    return await _placed(await records.update("deals", number, ready))


async def _check_new(name: str, refs: list[str]) -> None:
    """Refuse a deal whose name one of the same contact, else of the same company, has already; without one, any."""
    people = [ref for kind in ("contact", "company") for ref in refs if ref.startswith(f"{kind}:")]
    filters = [records.equal("dealname", name)] + [await records.linked_with(ref) for ref in people[:1]]
    if known := await records.existing("deals", [filters], "dealname"):
        raise errors.InvalidInputError(
            f"HubSpot has a deal of this name already: deal:{known[0]} ({errors.excerpt(known[1], 80)}).",
            "Change that one with hubspot_update_deal, or pass same_name=true for another one.",
        )


async def _placed(deal: CrmObject) -> Placed:
    pipeline, stage = deal.properties.get("pipeline"), deal.properties.get("dealstage")
    _, name = pipelines.names(await pipelines.fetch("deals"), pipeline, stage)
    return Placed(record=f"deal:{deal.id}", stage=name)


async def _pipeline(number: str) -> str | None:
    """Return the pipeline that a deal is in; where there is only one, nothing is asked for."""
    if len(await pipelines.fetch("deals")) < 2:
        return None
    raw = await api.get(f"/crm/v3/objects/deals/{number}", params={"properties": ["pipeline"]})
    return str(CrmObject.model_validate(raw).properties.get("pipeline") or "") or None


@tools.reads(
    core=False,
    scopes=[*READ, "tickets"],
    search=(
        "étapes phases pipeline entonnoir stages étape pipelines colonnes tunnel processus commercial statuts "
        "ticket phase funnel sales process stage steps which"
    ),
    examples=[
        "quelles sont les étapes de vente",
        "c'est quoi notre tunnel commercial",
        "liste les pipelines",
        "par quelles phases passe un ticket",
        "quelles colonnes a notre pipeline",
        "what are our sales stages",
        "which pipelines do we have",
        "what steps does a deal go through",
        "list the stages for support",
        "describe our funnel",
    ],
)
async def list_pipelines(
    kind: Annotated[Literal["deals", "tickets"], Field(description="Pipelines of deals or of tickets.")] = "deals",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[PipelineSummary]:
    """List the pipelines of deals or tickets with the names of their stages, in order.

    Use it to learn which stages hubspot_create_deal, hubspot_update_deal and hubspot_create_ticket take.
    """
    rows = [
        PipelineSummary(id=row.id, name=row.label, stages={step.id: step.label for step in row.stages})
        for row in await pipelines.fetch(kind, renew=True)
    ]
    return sliced(rows, limit, cursor)
