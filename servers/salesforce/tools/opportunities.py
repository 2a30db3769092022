"""Opportunities and their stages. https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_opportunity.htm"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Money, Toolset, When, errors
from flotilla.parsing import MoneyValue, folded

from .. import people, queries, records, schema, stages
from ..client import ROOT, api
from ..models import Rows, Staged
from ..records import RecordRef, Values
from .records import saved_all

tools = Toolset("opportunities")

FIELDS = "Id, Name, Account.Name, StageName, Amount, Probability, CloseDate, NextStep, IsClosed, IsWon, Owner.Name"
SOON = timedelta(days=30)  # until the close date that an opportunity gets without one: it must have one
StageName = Annotated[
    str | None, Field(description="Stage by its name, or won or lost whatever the org calls it.", examples=["won"])
]
Amount = Annotated[Money | None, Field(description="Amount, best with its currency.", examples=["12500.50 EUR"])]
CloseDate = Annotated[When | None, Field(description="Day of closing, as 2030-06-30.")]
More = Annotated[Values | None, Field(description="Further values by API name or label.")]


@tools.reads(
    scopes=["api"],
    search=(
        "affaires opportunités en cours pipeline étape gagnées perdues montant prévisions deals "
        "forecast dossiers ventes négociation signées conclues lesquelles closent ce trimestre sales "
        "closing won lost open which stage travaille signé perdu récemment working lately negotiation "
        "anything"
    ),
    examples=[
        "Quelles affaires closent ce mois-ci ?",
        "Show my open deals over in Lyon",
        "Quelles ventes sont en négociation ?",
        "Qu'est-ce qui doit se signer ce mois-ci ?",
        "Montre mes dossiers en cours",
        "Qu'est-ce qu'on a perdu dernièrement ?",
        "Sur quoi travaille ma collègue ?",
        "Which deals close this month?",
        "What's in my pipeline?",
        "What did we win lately?",
        "Which sales are in negotiation?",
        "Is anything open with this customer?",
    ],
)
async def list_opportunities(
    state: Annotated[
        Literal["open", "won", "lost", "all"], Field(description="Which opportunities, by state.")
    ] = "open",
    stage: StageName = None,
    owner: Annotated[str | None, Field(description="Whose: me, a name or mail address; all without it.")] = None,
    about: Annotated[RecordRef | None, Field(description="Only those of this account or contact.")] = None,
    closing_before: Annotated[When | None, Field(description="Close date on or before this day.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Rows:
    """List opportunities by state, stage, owner, customer or close date, those closing first at the top.

    Returns rows with stage, amount, probability and owner, and the Id that salesforce_update_opportunity takes. For
    totals by stage or month, use salesforce_query_records.
    """
    zone = await people.zone()
    where = [] if state == "all" else [f"IsClosed = {_bool(state != 'open')}"]
    where += [f"IsWon = {_bool(state == 'won')}"] if state in ("won", "lost") else []
    if stage:
        matches = await stages.stage(stage)
        where = [f"StageName = {queries.text(matches.value)}"]
    if owner and folded(owner) not in ("all", "tous", "toutes"):
        where.append(f"OwnerId = {queries.text(await people.owner_id(owner))}")
    if about:
        where.append(await _of(about))
    if closing_before:
        where.append(f"CloseDate <= {closing_before.day(zone)}")
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    fields = await schema.seen("Opportunity", FIELDS)
    soql = f"SELECT {fields} FROM Opportunity{condition} ORDER BY CloseDate, Id"
    return await queries.page(soql, limit, cursor, zone)


def _bool(value: bool) -> str:
    return "true" if value else "false"


async def _of(ref: str) -> str:
    kind, number = await records.resolved(ref, "Account", "Contact")
    if kind == "Account":
        return f"AccountId = {queries.text(number)}"
    roles = f"SELECT OpportunityId FROM OpportunityContactRole WHERE ContactId = {queries.text(number)}"
    return f"Id IN ({roles})"


@tools.writes(
    creates=True,
    scopes=["api"],
    search=(
        "crée ouvre nouvelle affaire opportunité vente deal open dossier projet chantier devis possible "
        "montant lancer start new sale worth quote project potential"
    ),
    examples=[
        "Ouvre une affaire Refonte du site à 12 500 € pour Boulangerie Roy",
        "Nouvelle vente possible à 8 000 €",
        "Ils veulent un devis pour une cuisine, ouvre un dossier",
        "Lance un projet avec ce client, signature fin mars",
        "Crée une affaire à 5 000 pour cette boîte",
        "Mets une opportunité dans le pipeline",
        "New deal worth ten thousand",
        "They want a quote, start an opportunity",
        "Open a sale for this account closing in June",
        "Put a project in the pipeline for them",
        "Potential sale of 3,000 for this contact",
    ],
)
async def create_opportunity(
    name: Annotated[
        str, Field(min_length=1, max_length=120, description="Name of the opportunity.", examples=["Refonte"])
    ],
    about: Annotated[
        RecordRef | None,
        Field(description="Its account, or a contact of it, by name, number or address.", examples=["Account:Roy"]),
    ] = None,
    amount: Amount = None,
    stage: StageName = None,
    close_date: CloseDate = None,
    values: More = None,
    same_name: Annotated[bool, Field(description="True for another one of the same name.")] = False,
) -> Staged:
    """Create an opportunity for an account, or for a contact, who then has a role in it.

    Without a stage it begins at the org's first one, without a close date it closes in 30 days. Fails with the existing
    id where the account has an open one of this name. For a lead, use salesforce_convert_lead, which opens one too.
    """
    account, contact = await _customer(about) if about else (None, None)
    if not same_name:
        await _check_new(name, account)
    place = await stages.stage(stage) if stage else await stages.first_open()
    zone = await people.zone()
    day = close_date.day(zone) if close_date else (datetime.now(UTC).astimezone(zone) + SOON).date()
    params = {"Name": name, "StageName": place.value, "CloseDate": day.isoformat(), **(values or {})}
    params |= {"AccountId": account} if account else {}
    money, note = await _money(amount)
    ready = await records.prepared("Opportunity", {**params, **money}, creating=True)
    if not contact:
        saved = await records.create("Opportunity", ready)
        return Staged(**{**saved.model_dump(), "name": name, "note": note}, **_meaning(place))
    role = {"OpportunityId": "@{opportunity.id}", "ContactId": contact, "IsPrimary": True}
    steps = [
        {"method": "POST", "url": f"{ROOT}/sobjects/{kind}", "referenceId": label, "body": body}
        for kind, label, body in (("Opportunity", "opportunity", ready), ("OpportunityContactRole", "role", role))
    ]
    answer = await api.post(f"{ROOT}/composite", json={"allOrNone": True, "compositeRequest": steps})
    saved = saved_all(answer, ["Opportunity", "OpportunityContactRole"])[0]
    return Staged(**{**saved.model_dump(), "name": name, "note": note}, **_meaning(place))


def _meaning(stage: stages.Stage) -> dict[str, Any]:
    return {"stage": stage.label, "closed": stage.closed, "won": stage.won}


async def _customer(ref: str) -> tuple[str | None, str | None]:
    """Return the ids of an account and a contact: of a contact both, of an account the first."""
    kind, number = await records.resolved(ref, "Account", "Contact")
    if kind == "Account":
        return number, None
    rows = await queries.select(f"SELECT Id, AccountId FROM Contact WHERE Id = {queries.text(number)} LIMIT 1")
    return next((str(row["AccountId"]) for row in rows if row.get("AccountId")), None), number


async def _check_new(name: str, account: str | None) -> None:
    """Refuse an opportunity whose name an open one of the same account has; without an account, any open one."""
    of = f" AND AccountId = {queries.text(account)}" if account else ""
    where = f"IsClosed = false AND Name LIKE {queries.holding(name, loose=True)}{of}"
    rows = await queries.select(f"SELECT Id, Name FROM Opportunity WHERE {where} LIMIT 50")
    same = [row for row in rows if folded(str(row.get("Name") or "")) == folded(name)]
    if same:
        raise errors.InvalidInputError(
            f"There is an open opportunity of this name: {errors.excerpt(same[0]['Name'], 80)} ({same[0]['Id']}).",
            "Change that one with salesforce_update_opportunity, or pass same_name=true for another one.",
        )


async def _money(amount: MoneyValue | None) -> tuple[dict[str, Any], str | None]:
    """Return amount and currency as fields, and a note where the org has one currency and another text named one."""
    if amount is None:
        return {}, None
    if not amount.currency:
        return {"Amount": amount.amount}, None
    if schema.CURRENCY in await schema.fields_of("Opportunity"):
        return {"Amount": amount.amount, schema.CURRENCY: amount.currency}, None
    return {"Amount": amount.amount}, f"This org has one currency, so {amount.currency} was not sent: check that it is."


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=["api"],
    search=(
        "passe avance affaire opportunité étape gagnée perdue signée won lost move stage montant date "
        "de clôture a signé conclu vendu remportée perdu concurrent suivante négociation repousse "
        "signature prix revoir signed closed sold push bump next amount raise"
    ),
    examples=[
        "Passe l'affaire Refonte du site en gagnée",
        "Move the Roy deal to negotiation",
        "On a signé !",
        "C'est perdu, ils sont partis ailleurs",
        "Passe-la à l'étape suivante",
        "Monte le montant à 15 000",
        "La signature est repoussée à fin mars",
        "They signed, it's won",
        "We lost it to a competitor",
        "Bump it to the next stage",
        "Raise the amount to twenty thousand",
        "Closing slips to March",
    ],
)
async def update_opportunity(
    opportunity: Annotated[
        str,
        Field(
            min_length=1,
            description="Its name, or the id from salesforce_list_opportunities.",
            examples=["006AP000003oPPtYAM"],
        ),
    ],
    stage: StageName = None,
    amount: Amount = None,
    close_date: CloseDate = None,
    values: More = None,
) -> Staged:
    """Move an opportunity to a stage, mark it won or lost, or change its amount, close date or other fields.

    won and lost work whatever the org calls its stages; where several stages count as won, the candidates are listed.
    What is left out stays. Returns the stage, and whether that is closed and won.
    """
    _, number = await records.resolved(opportunity, "Opportunity")
    place = await stages.stage(stage) if stage else None
    money, note = await _money(amount)
    params = {**(values or {}), **money}
    params |= {"StageName": place.value} if place else {}
    params |= {"CloseDate": close_date.day(await people.zone()).isoformat()} if close_date else {}
    saved = await records.update("Opportunity", number, await records.prepared("Opportunity", params))
    return Staged(**{**saved.model_dump(), "note": note}, **(_meaning(place) if place else {}))
