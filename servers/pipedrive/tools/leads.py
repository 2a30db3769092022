"""Leads: what may become a deal. https://developers.pipedrive.com/docs/api/v1/Leads"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from flotilla import Cursor, Limit, Money, Toolset, When, connection_of, errors
from flotilla.parsing import MoneyValue, folded

from .. import account, records, values
from ..client import START, V1, V2, integration, record
from ..models import RowPage, Saved, Thing
from ..records import OrganizationRef, OwnerRef, PersonRef, lead_checked
from .deals import StageRef, deal_places, saved_deal

tools = Toolset("leads")
READ = ["leads:read contacts:read users:read", "leads:full contacts:full users:read"]
WRITE = ["search:read leads:full contacts:read users:read", "search:read leads:full contacts:full users:read"]
CONVERT = ["search:read leads:full deals:read", "search:read leads:full deals:full"]
LOOKS = 12  # times that a conversion is asked about, some 20 seconds in all
LeadRef = Annotated[
    Annotated[str, AfterValidator(lead_checked)],
    Field(
        description="Number or title of the lead, from pipedrive_search_all or pipedrive_get_caller.",
        examples=["lead:adf21080-0e10-11eb-879b-05d71fb426ec"],
    ),
]
Value = Annotated[Money | None, Field(description="Expected amount, best with its currency.")]
Labels = Annotated[list[str] | None, Field(description="Labels by name, such as Hot or Chaud.")]


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "liste prospects pistes leads boîte de réception nouveaux inbox demandes entrantes des contacts "
        "potentiels fraîches pas encore traités incoming enquiries unqualified fresh new arrivés "
        "manifestés site web formulaire website form came"
    ),
    examples=[
        "Quels prospects sont arrivés ?",
        "Show the leads inbox",
        "J'ai de nouvelles demandes ?",
        "Qui s'est manifesté via le site ?",
        "Montre la boîte de réception des prospects",
        "Quelles pistes je dois encore traiter ?",
        "Liste les leads de ma collègue",
        "Any new enquiries?",
        "What came in through the website?",
        "Which prospects are waiting to be qualified?",
        "Show the fresh leads",
        "Whose leads are these?",
    ],
)
async def list_leads(
    owner: OwnerRef = None,
    person: PersonRef = None,
    organization: OrganizationRef = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RowPage:
    """List the leads that are not archived, newest first, all or those of an owner, person or organization.

    Returns rows with value, person, source and the record that pipedrive_create_deal_from_lead takes.
    """
    params = {
        "owner_id": await account.owner_id(owner),
        "person_id": await records.number(person),
        "organization_id": await records.number(organization),
        "sort": "add_time DESC",
    }
    rows, following = await records.listed(f"{V1}/leads", limit, cursor, params, START)
    return RowPage(items=await records.lead_rows(rows), next_cursor=following)


@tools.writes(
    creates=True,
    core=False,
    scopes=WRITE,
    search=(
        "crée ajoute prospect piste lead nouveau demande intéressé contact potentiel à qualifier "
        "nouvelle salon formulaire enquiry interested maybe incoming add capture garder au chaud budget "
        "hot somebody someone"
    ),
    examples=[
        "Ajoute un prospect pour Zoé Lefèvre",
        "Quelqu'un est intéressé, mets-le en prospect",
        "Nouvelle piste rencontrée au salon",
        "Note cette demande pour plus tard, à qualifier",
        "Rentre un lead avec un budget de 4 000 €",
        "Un client potentiel a appelé, garde-le au chaud",
        "Add a new lead",
        "Somebody asked about prices, keep them as a prospect",
        "Capture this enquiry",
        "Met a maybe customer at the fair, put a lead",
        "New prospect, label it hot",
    ],
)
async def create_lead(
    title: Annotated[str, Field(min_length=1, description="Title of the lead.", examples=["Demande de devis"])],
    person: PersonRef = None,
    organization: OrganizationRef = None,
    value: Value = None,
    labels: Labels = None,
    owner: OwnerRef = None,
    expected_close: Annotated[When | None, Field(description="Day when it should close, as 2030-06-30.")] = None,
    same_title: Annotated[bool, Field(description="True for another lead of the same title.")] = False,
) -> Saved:
    """Create a lead of a person or an organization, one of which is needed. Returns its record (lead:…).

    Fails with the existing record where the same person or organization has a lead of this title. For a sale that is
    under way, use pipedrive_create_deal.
    """
    person_id, organization_id = await records.number(person), await records.number(organization)
    if not (person_id or organization_id):
        raise errors.InvalidInputError("A lead belongs to a person or an organization.", "Pass one of them.")
    if not same_title and len(title.strip()) >= records.ONE_TERM:
        of = {"person_id": person_id} if person_id else {"organization_id": organization_id}
        rows, _ = await records.search_for("leads", title, 20, fields="title", **of)
        same = [
            one for one in rows
            if folded(one.text("title")) == folded(title) and one.get("is_archived") is not True
        ]  # fmt: skip
        if same:
            raise errors.InvalidInputError(
                f"There is a lead of this title already: lead:{same[0].id}.",
                "Use that one, or pass same_title=true for another one.",
            )
    await account.me()
    body = {
        "title": title.strip(),
        "person_id": person_id,
        "organization_id": organization_id,
        "value": await _money(value),
        "label_ids": await account.lead_label_ids(labels) if labels else None,
        "owner_id": await account.owner_id(owner),
        "expected_close_date": await _day(expected_close),
    }
    return records.saved("lead", Thing.model_validate(await record("POST", f"{V1}/leads", json=body)))


async def _money(value: MoneyValue | None) -> dict[str, Any] | None:
    return await values.money(value, "amount") or None


async def _day(when: When | None) -> str | None:
    return when.day(await account.zone()).isoformat() if when else None


@tools.writes(
    additive=False,
    idempotent=True,
    core=False,
    scopes=WRITE,
    search=(
        "modifie archive prospect piste lead étiquette valeur update chaud froid tiède libellé titre "
        "renomme désarchive range mettre de côté hot cold label rename park unarchive"
    ),
    examples=[
        "Ce prospect est chaud, mets-le en étiquette",
        "Archive cette piste, elle ne mène à rien",
        "Passe le lead à 6 000 €",
        "Ressors ce prospect des archives",
        "Donne ce prospect à un autre commercial",
        "Label this lead as hot",
        "Archive the prospect, they're not interested",
        "Park this enquiry for now",
        "Rename the lead",
        "Change what the lead is worth",
    ],
)
async def update_lead(
    lead: LeadRef,
    title: Annotated[str | None, Field(min_length=1, description="New title of the lead.")] = None,
    value: Value = None,
    labels: Labels = None,
    owner: OwnerRef = None,
    expected_close: Annotated[When | None, Field(description="Day when it should close, as 2030-06-30.")] = None,
    archived: Annotated[bool | None, Field(description="True puts it into the archive, false takes it out.")] = None,
) -> Saved:
    """Change a lead: title, value, labels, owner, closing day, or put it into the archive; what is left out stays.

    Labels replace those that it had. To make a deal of it, use pipedrive_create_deal_from_lead.
    """
    _, key = await records.resolved(lead)
    changes = {
        "title": title,
        "value": await _money(value),
        "label_ids": await account.lead_label_ids(labels) if labels is not None else None,
        "owner_id": await account.owner_id(owner),
        "expected_close_date": await _day(expected_close),
        "is_archived": archived,
    }
    body = {name: one for name, one in changes.items() if one is not None}
    if not body:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    await account.me()
    result = await record("PATCH", f"{V1}/leads/{key}", json=body)
    return records.saved("lead", Thing.model_validate({"id": key, **result}))


@tools.writes(
    creates=True,
    additive=False,
    scopes=CONVERT,
    deadline=45,
    search=(
        "convertis transforme prospect piste lead en affaire convert qualify convertir qualifier "
        "qualifié passe pipeline devient transformer promote turn into qualified becomes"
    ),
    examples=[
        "Transforme ce prospect en affaire",
        "Convert the lead into a deal",
        "Ce prospect est qualifié, passe-le en affaire",
        "Convertis la piste",
        "Le lead devient sérieux, mets-le dans le pipeline",
        "Fais-en une vraie affaire à l'étape devis",
        "La demande du site se transforme en vente",
        "Turn this prospect into a deal",
        "The lead is qualified now",
        "Promote the enquiry to the pipeline",
        "Make it a real deal",
        "That lead got serious, move it into the proposal stage",
    ],
)
async def create_deal_from_lead(lead: LeadRef, stage: StageRef = None) -> Saved:
    """Make a deal of a lead: its notes, files and activities go along, and the lead is gone. Returns the deal.

    Without a stage it begins at the first one. Where that takes long, the result says so.
    """
    _, key = await records.resolved(lead)
    place = await account.place(stage) if stage else None
    title = records.name_of(await records.one("lead", key))
    places = await deal_places()
    job = await record("POST", f"{V2}/leads/{key}/convert/deal", json={"stage_id": place.stage if place else None})
    retry = connection_of(integration).network.retry
    for attempt in range(LOOKS):
        result = await record("GET", f"{V2}/leads/{key}/convert/status/{job['conversion_id']}")
        if result.get("status") == "completed":
            return saved_deal(await records.one("deal", str(result["deal_id"])), places)
        if result.get("status") in ("failed", "rejected"):
            raise errors.UpstreamError(
                f"Pipedrive could not convert the lead ({result['status']}); it is still a lead.",
                "Open the deal with pipedrive_create_deal, or ask the user to convert it in Pipedrive.",
            )
        await retry.sleep(min(0.5 + attempt / 4, 2.5))
    return Saved(record=f"lead:{key}", name=title or None, status="converting")
