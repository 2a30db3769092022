"""Deals and their pipelines. https://www.zoho.com/crm/developer/docs/api/v8/get-pipelines.html"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Money, Page, Toolset, When, errors, sliced

from .. import deal_values, pipelines, query, records, scopes
from ..models import PipelineInfo, Placed
from ..records import MoreFields, kind_checked

tools = Toolset("deals")


@tools.writes(
    creates=True,
    scopes=scopes.CREATE,
    search=(
        "crée ouvre affaire transaction opportunité vente potentiel open new opportunity dossier projet "
        "chantier devis nouvelle possible montant ouvrir lancer sale worth project quote start "
        "potential"
    ),
    examples=[
        "Ouvre une affaire Refonte du site de 12 500 € pour Dupont",
        "Create a deal",
        "Nouvelle vente possible à 8 000 €",
        "Ils veulent un devis pour une cuisine, ouvre un dossier",
        "Lance un projet avec ce client",
        "Crée une opportunité qui se termine fin mars",
        "Mets une affaire à 5 000 dans le pipeline",
        "They want a quote, start an opportunity",
        "New sale worth ten thousand",
        "Open a project for this account",
        "Put something in the pipeline for them",
        "Add an opportunity closing in June",
    ],
)
async def create_deal(
    name: Annotated[str, Field(min_length=1, description="Name of the deal.", examples=["Refonte du site"])],
    amount: Annotated[Money | None, Field(description="Amount, best with its currency.")] = None,
    stage: Annotated[str | None, Field(description="Stage by name, or pipeline/stage; else the first one.")] = None,
    close_date: Annotated[When | None, Field(description="Day of closing, in a month without it.")] = None,
    contact: Annotated[str | None, kind_checked("contact"), Field(description="Contact by number or name.")] = None,
    account: Annotated[str | None, kind_checked("account"), Field(description="Account by number or name.")] = None,
    fields: MoreFields = None,
    same_name: Annotated[bool, Field(description="True for another deal of the same name.")] = False,
) -> Placed:
    """Create a deal for a contact or an account. Returns its record (deal:5725…) with its stage and closing day.

    Fails with the existing deal where one of this name is there for the same contact or account. For a lead, use
    zoho_convert_lead, which opens the deal too; to move a deal to another stage, won or lost, zoho_update_record.
    """
    opened = await deal_values.opened(name, amount, stage, close_date)
    linked = {"Contact_Name": contact, "Account_Name": account}
    body = await records.prepared("Deals", {**{k: v for k, v in linked.items() if v}, **(fields or {})})
    body = {**opened, **body}
    if not same_name:
        await _check_new(body)
    number = await records.create("Deals", body)
    stage_name = pipelines.stage_name(await pipelines.fetch(), str(body["Stage"]))
    return Placed(record=records.ref_of("Deals", number), stage=stage_name, closing=str(body["Closing_Date"]))


async def _check_new(body: dict[str, object]) -> None:
    """Refuse a deal whose name one of the same contact, else of the same account, has already; without one, any."""
    conditions = [f"Deal_Name = {query.quoted(body['Deal_Name'])}"]
    for field in ("Contact_Name", "Account_Name"):
        linked = body.get(field)
        if isinstance(linked, dict):
            conditions.append(f"{field} = {query.quoted(linked['id'])}")
            break
    rows, _ = await query.select("Deals", ["Deal_Name"], query.both(conditions), limit=2)
    for row in (one for one in rows if one.get("id")):
        raise errors.InvalidInputError(
            f"Zoho CRM has a deal of this name already: {errors.excerpt(row.get('Deal_Name'), 80)} "
            f"({records.ref_of('Deals', row['id'])}).",
            "Change that one, or pass same_name=true for another one.",
        )


@tools.reads(
    core=False,
    scopes=scopes.READ,
    search=(
        "étapes phases pipeline entonnoir stages cycle de vente tunnel processus commercial avancement "
        "colonnes étape après statuts des affaires sales process steps funnel which"
    ),
    examples=[
        "C'est quoi nos étapes de vente ?",
        "Quelle étape vient après le devis ?",
        "Combien de pipelines on a ?",
        "Montre le tunnel de vente",
        "Par quelles phases passe une affaire ?",
        "What stages are there?",
        "Which steps does a deal go through?",
        "Name our sales process",
        "What comes after negotiation?",
    ],
)
async def list_pipelines(limit: Limit = 20, cursor: Cursor = None) -> Page[PipelineInfo]:
    """List the pipelines of deals with the names of their stages, in order; the default one comes first.

    Use it to learn which stages zoho_create_deal, zoho_convert_lead and zoho_update_record take. Editions without
    pipelines show one without a name.
    """
    rows = [
        PipelineInfo(name=row.name, default=row.default or None, stages=[step.name for step in row.stages])
        for row in await pipelines.fetch(renew=True)
    ]
    return sliced(rows, limit, cursor)
