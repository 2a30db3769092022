"""Cases and their comments. https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_case.htm"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Toolset
from flotilla.parsing import folded

from .. import people, queries, records, schema
from ..client import ROOT, api
from ..models import Rows, Saved
from ..records import RecordRef, Values

tools = Toolset("cases")

FIELDS = "Id, CaseNumber, Subject, Status, Priority, Origin, CreatedDate, Contact.Name, Account.Name, Owner.Name"


@tools.writes(
    core=False,
    creates=True,
    scopes=["api"],
    search=(
        "ouvre crée requête ticket demande support incident réclamation open case problème panne "
        "plainte SAV client mécontent dossier signale ne marche pas cassé complaint issue broken "
        "doesn't work problem report log a customer service"
    ),
    examples=[
        "Ouvre une requête pour le 06 12 34 56 78 : le four ne chauffe plus",
        "Un client a un problème, ouvre un ticket",
        "Elle se plaint de la livraison, crée une requête",
        "Sa machine est en panne, signale-le au support",
        "Enregistre une réclamation",
        "Nouveau dossier SAV, priorité haute",
        "Open a ticket, his boiler is broken",
        "She wants to complain, log it",
        "Report an issue for this customer",
        "Raise a support case with high priority",
        "Something doesn't work at their site, create a case",
    ],
)
async def create_case(
    subject: Annotated[
        str, Field(min_length=1, max_length=255, description="Short title of the case.", examples=["Four en panne"])
    ],
    description: Annotated[str | None, Field(max_length=32_000, description="What the customer says.")] = None,
    about: Annotated[
        RecordRef | None,
        Field(description="Contact or account it is for: phone number, mail address, name or id."),
    ] = None,
    priority: Annotated[str | None, Field(description="Priority by its label, such as High.")] = None,
    origin: Annotated[str | None, Field(description="How it came in by its label, such as Phone.")] = None,
    owner: Annotated[str | None, Field(description="User or queue by name, mail address, or me.")] = None,
    values: Annotated[Values | None, Field(description="Further values by API name or label.")] = None,
) -> Saved:
    """Open a case, that is a support ticket, for a contact or account. Returns its number as name, and its id.

    The customer goes by phone number as people say it, mail address or name, and must be in Salesforce: find them with
    salesforce_search_records. To close or assign a case, use salesforce_update_record.
    """
    params: dict[str, Any] = {"Subject": subject, "Description": description, "Priority": priority, "Origin": origin}
    if about:
        kind, number = await records.resolved(about, "Contact", "Account")
        params[f"{kind}Id"] = number
    params["OwnerId"] = await people.owner_id(owner, queues=True) if owner else None
    known = {name: value for name, value in params.items() if value is not None}
    saved = await records.create("Case", await records.prepared("Case", {**(values or {}), **known}, creating=True))
    return saved.model_copy(update={"name": subject})


@tools.reads(
    core=False,
    scopes=["api"],
    search=(
        "requêtes tickets ouvertes en attente support client file liste cases open queue réclamations "
        "plaintes SAV problèmes non résolus incidents à traiter urgentes unresolved complaints issues "
        "pending waiting urgent"
    ),
    examples=[
        "Quelles requêtes attendent ?",
        "Open cases of Boulangerie Roy",
        "Quels tickets sont encore ouverts ?",
        "Qu'est-ce qu'il y a à traiter au SAV ?",
        "Est-ce que ce client a des réclamations en cours ?",
        "Quelles demandes me sont assignées ?",
        "Montre les incidents urgents",
        "What's in the support queue?",
        "Which complaints are unresolved?",
        "Any open tickets for this customer?",
        "Show me my cases",
        "Which issues came in today?",
    ],
)
async def list_cases(
    state: Annotated[Literal["open", "closed", "all"], Field(description="Which cases, by state.")] = "open",
    owner: Annotated[str, Field(description="User or queue by name, mail address, me, or all.")] = "all",
    about: Annotated[
        RecordRef | None, Field(description="Only those of this contact or account, by number, address or name.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Rows:
    """List cases by state, owner or customer, the newest first, with number, subject, status, priority and contact.

    Read one whole, with its comments and mails, with salesforce_get_record. Answer inside with
    salesforce_add_case_comment.
    """
    where = [] if state == "all" else [f"IsClosed = {'true' if state == 'closed' else 'false'}"]
    if folded(owner) not in ("all", "tous", "toutes"):
        where.append(f"OwnerId = {queries.text(await people.owner_id(owner, queues=True))}")
    if about:
        kind, number = await records.resolved(about, "Contact", "Account")
        where.append(f"{kind}Id = {queries.text(number)}")
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    fields = await schema.seen("Case", FIELDS)
    soql = f"SELECT {fields} FROM Case{condition} ORDER BY CreatedDate DESC, Id"
    return await queries.page(soql, limit, cursor, await people.zone())


@tools.writes(
    core=False,
    creates=True,
    scopes=["api"],
    search=(
        "commente ajoute commentaire requête ticket note interne case comment précise complète réponds "
        "dans le mets un mot suivi réclamation remark internal public update reply inside écris "
        "fournisseur technicien waiting technician"
    ),
    examples=[
        "Ajoute au ticket que le technicien passe demain",
        "Mets un mot pour les collègues sur cette réclamation",
        "Commente la requête : pièce commandée",
        "Écris dans le dossier SAV qu'on attend le fournisseur",
        "Note sur l'incident que c'est réparé",
        "Comment on the case: part ordered",
        "Leave a remark for my colleagues on that ticket",
        "Write in the ticket that we are waiting",
        "Add an internal note to the complaint",
        "Post a public reply in the case",
    ],
)
async def add_case_comment(
    case: Annotated[
        str,
        Field(
            min_length=1, description="Case number, or id from salesforce_list_cases.", examples=["500AP00000cAse1YAE"]
        ),
    ],
    text: Annotated[
        str,
        Field(min_length=1, max_length=4_000, description="The comment as plain text.", examples=["Pièce commandée."]),
    ],
    public: Annotated[bool, Field(description="True to show it to the customer in the portal.")] = False,
) -> Saved:
    """Add a comment to a case, for colleagues only unless public. It sends no mail by itself; an org's rules may.

    Read the comments there with salesforce_get_record; find the case with salesforce_list_cases.
    """
    _, number = await records.resolved(case, "Case")
    body = {"ParentId": number, "CommentBody": text, "IsPublished": public}
    answer = await api.post(f"{ROOT}/sobjects/CaseComment", json=body)
    return Saved(object="CaseComment", id=str(answer["id"]), created=True, url=records.link(number))
