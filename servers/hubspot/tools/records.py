"""Records of every kind: read with what is linked to them, changed, merged, deleted; and which properties they have.

API: https://developers.hubspot.com/docs/api-reference/crm-objects-v3/guide
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm, errors, readable, sliced
from flotilla.parsing import folded, html_to_text

from .. import pipelines, records, values
from .. import properties as known_properties
from ..client import api
from ..models import CrmObject, Done, Placed, PropertyInfo, RecordDetail, Row
from ..records import NAMES, PLURAL, RecordRef
from . import companies, contacts, deals, tickets

tools = Toolset("records")

READ = ["crm.objects.contacts.read crm.objects.companies.read crm.objects.deals.read"]
WRITE = [f"{READ[0]} crm.objects.contacts.write crm.objects.companies.write crm.objects.deals.write"]
USUAL = {
    "contact": contacts.USUAL,
    "company": companies.USUAL,
    "deal": deals.USUAL,
    "ticket": (*tickets.USUAL, "content"),
}
# What a record is shown with: kind, properties of the name or text, of the time, of the state.
LINKED: dict[str, tuple[str, tuple[str, ...], str, str]] = {
    "companies": ("company", ("name",), "", ""),
    "contacts": ("contact", ("firstname", "lastname"), "", ""),
    "deals": ("deal", ("dealname",), "closedate", "dealstage"),
    "notes": ("note", ("hs_note_body",), "hs_timestamp", ""),
    "tasks": ("task", ("hs_task_subject",), "hs_timestamp", "hs_task_status"),
    "calls": ("call", ("hs_call_title", "hs_call_body"), "hs_timestamp", ""),
}
READABLE = 100  # records that one request reads
Record = Annotated[
    RecordRef,
    Field(description="The record by number, name or e-mail address.", examples=["contact:51"]),
]


@tools.reads(
    scopes=READ,
    search=(
        "fiche complète historique montre dernières notes tâches affaires lire entreprise contact compte "
        "rendu dossier détail infos tout savoir résumé échanges dernière fois avant appel ouvre lis record "
        "profile file background details everything know brief history open read last time timeline client "
        "prospect personne lead spam person affaire transaction contrat vente opportunité deal contract sale "
        "opportunity restés où étions-nous where left off stopped"
    ),
    examples=[
        "Qu'est-ce qu'on s'est dit la dernière fois ?",
        "Show me the notes of this deal",
        "dis-moi tout sur ce client avant mon appel",
        "ouvre le dossier de cette entreprise",
        "que sait-on d'elle",
        "lis-moi les dernières notes",
        "où en étions-nous restés avec eux",
        "tell me all we know about this client",
        "open the company's file",
        "what did we say last time",
        "brief me before my call with her",
        "what happened on this deal so far",
    ],
)
async def get_record(
    record: Record,
    properties: Annotated[
        list[str] | None, Field(description="Further properties to show, by HubSpot's name or label.")
    ] = None,
    linked: Annotated[bool, Field(description="Also show what is linked to it.")] = True,
    limit: Annotated[int, Field(ge=1, le=100, description="Maximum linked records of each kind.")] = 10,
) -> RecordDetail:
    """Get one contact, company, deal or ticket with its notes, tasks, calls, people, companies and deals, newest first.

    Use it to prepare a call or to recall what was said last: notes come whole, tasks with their status, deals with
    their stage. Find the record with hubspot_search_contacts.
    """
    kind, number = await records.resolved(record)
    plural = PLURAL[kind]
    wanted = await known_properties.own_names(plural, properties or [])
    asked: dict[str, Any] = {"properties": list(dict.fromkeys([*USUAL[kind], *wanted]))}
    if linked:
        asked["associations"] = list(LINKED)
    raw = await api.get(f"/crm/v3/objects/{plural}/{number}", params=asked)
    rows: list[Row] = []
    remarks: list[str] = []
    for other, links in (raw.get("associations") or {}).items():
        ids = list(dict.fromkeys(link.id for link in readable(CrmObject, links.get("results") or [])))
        if other in LINKED and ids:
            rows += await newest(other, ids, limit)
            if len(ids) > limit:
                remarks.append(f"{limit} of {len(ids)} {other} are shown: pass a larger limit.")
    details = await _row(kind, CrmObject.model_validate(raw), wanted)
    return RecordDetail(details=details, linked=rows if linked else None, note=" ".join(remarks) or None)


async def _row(kind: str, one: CrmObject, wanted: list[str]) -> Row:
    if kind == "deal":
        return deals.deal_row(await pipelines.fetch("deals"), one, wanted)
    if kind == "ticket":
        return tickets.ticket_row(await pipelines.fetch("tickets"), one, wanted)
    return one.row(kind, wanted)


async def newest(kind: str, ids: list[str], limit: int) -> list[Row]:
    """Return the newest of some records, by their own time where they have one, in one request."""
    name, subjects, timestamp, state = LINKED[kind]
    wanted = sorted(ids, key=int, reverse=True)[:READABLE]
    asked = [one for one in (*subjects, timestamp, state) if one]
    body = {"inputs": [{"id": i} for i in wanted], "properties": asked, "propertiesWithHistory": []}
    answer = await api.post(f"/crm/v3/objects/{kind}/batch/read", json=body, reads=True)  # 207: some are gone
    there = {one.id: one.properties for one in readable(CrmObject, api.rows_in(answer, "results"))}
    known = await pipelines.fetch("deals") if kind == "deals" else []
    rows = []
    for number in (one for one in wanted if one in there):
        properties = there[number]
        text = html_to_text(" ".join(str(properties[part]) for part in subjects if properties.get(part)))
        status = str(properties.get(state) or "")
        if kind == "deals":
            status = pipelines.names(known, None, status)[1] or ""
        row = {
            "record": f"{name}:{number}",
            "name": text,
            "at": values.local(properties.get(timestamp)),
            "status": status,
        }
        rows.append({key: value for key, value in row.items() if value})
    ordered = sorted(rows, key=lambda row: row.get("at", ""), reverse=True) if timestamp else rows
    return ordered[:limit]


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "modifie mets mise jour change téléphone statut propriétaire adresse ferme ticket entreprise fiche "
        "update actualise corrige rectifie remplace nouveau numéro déménagé attribue assigne renseigne "
        "clôture résolu modifier edit correct fix phone number address email assign owner close resolve fill "
        "set field status client prospect personne lead spam person affaire transaction contrat vente "
        "opportunité deal contract sale opportunity attribuer commercial"
    ),
    examples=[
        "Change le téléphone de Jean",
        "Ferme le ticket",
        "Set Chloé as the owner of this company",
        "il a un nouveau numéro, mets à jour sa fiche",
        "corrige l'adresse de la société",
        "attribue ce contact à un commercial",
        "le ticket est résolu, clôture-le",
        "renseigne le secteur de cette entreprise",
        "update his phone number",
        "correct the address of the company",
        "assign this contact to a rep",
        "the ticket is resolved, close it",
        "her job title changed, fix it",
    ],
)
async def update_record(
    record: Record,
    properties: Annotated[
        dict[str, Any],
        Field(
            description="New values, by HubSpot's name or label of the property; null clears one.",
            examples=[{"phone": "+33612345678"}],
        ),
    ],
) -> Placed:
    """Change properties of a contact, company, deal or ticket, such as phone number, status or owner; the others stay.

    A value that a property does not allow is refused with the allowed ones, before anything is sent. `owner` takes a
    name or me; `stage` of a deal or ticket takes a stage's name, or won, lost, closed.
    """
    kind, number = await records.resolved(record)
    plural, arguments, rest = PLURAL[kind], dict[str, Any](), dict(properties)
    stage = next((key for key in rest if folded(key) == "stage"), None)
    if stage and kind in ("deal", "ticket"):
        pipeline, step = ("pipeline", "dealstage") if kind == "deal" else ("hs_pipeline", "hs_pipeline_stage")
        raw = await api.get(f"/crm/v3/objects/{plural}/{number}", params={"properties": [pipeline]})
        current = CrmObject.model_validate(raw).properties.get(pipeline)
        place = await pipelines.position(plural, str(rest.pop(stage)), current)
        arguments = {pipeline: place.pipeline, step: place.stage}
    ready = await records.prepared(plural, arguments, rest)
    saved = await records.update(plural, number, ready)
    return Placed(record=f"{kind}:{saved.id}", stage=place.name.rpartition("/")[2] if arguments else None)


async def _named(kind: str, number: str) -> str:
    """Return a record as a person knows it; raises errors.NotFoundError where it is gone."""
    parts = NAMES[kind]
    raw = await api.get(f"/crm/v3/objects/{PLURAL[kind]}/{number}", params={"properties": [*parts, "email"]})
    properties = CrmObject.model_validate(raw).properties
    name = " ".join(str(properties[part]) for part in parts if properties.get(part)) or str(
        properties.get("email") or "without a name"
    )
    return f"{kind} «{errors.excerpt(name, 80)}» ({kind}:{number})"


@tools.destroys(
    asks=True,
    core=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "supprime efface contact entreprise affaire ticket supprimer effacer vire poubelle jette RGPD "
        "définitivement delete erase remove trash wipe get rid GDPR bin client prospect personne lead spam "
        "person transaction contrat vente opportunité deal contract sale opportunity"
    ),
    examples=[
        "supprime ce contact",
        "efface cette entreprise du CRM",
        "vire ce prospect, c'est un spam",
        "jette cette transaction",
        "il demande qu'on efface ses données",
        "delete this contact",
        "erase that company from the CRM",
        "get rid of the spam lead",
        "bin this deal",
        "wipe his data, GDPR request",
    ],
)
async def delete_record(record: Record) -> Done:
    """Delete a contact, company, deal or ticket. It can be restored in HubSpot for 90 days, not from here.

    Its notes and what it is linked to stay. To close a deal or ticket, use hubspot_update_record with `stage` instead;
    for two records of one person, hubspot_merge_records.
    """
    kind, number = await records.resolved(record)
    await confirm(f"Delete the {await _named(kind, number)}?")
    await api.delete(f"/crm/v3/objects/{PLURAL[kind]}/{number}")
    return Done()


@tools.destroys(
    asks=True,
    core=False,
    idempotent=False,
    scopes=WRITE,
    search=(
        "fusionne doublons doublon merge duplicates dedupe fusionner dédoublonner regrouper réunir combine "
        "même personne deux fois double join duplicated twice same person unify consolidate client prospect "
        "lead spam"
    ),
    examples=[
        "il est deux fois dans la base, fusionne",
        "regroupe ces deux fiches en une",
        "c'est la même personne, réunis-les",
        "dédoublonne ce contact",
        "combine les deux entreprises",
        "she is in there twice, merge them",
        "combine these two records into one",
        "these are the same person",
        "consolidate the duplicate companies",
        "clean up that duplicate",
    ],
)
async def merge_records(
    keep: Annotated[RecordRef, Field(description="Record that stays, and whose values win.", examples=["contact:51"])],
    merge: Annotated[RecordRef, Field(description="Record of the same kind that ends.", examples=["contact:52"])],
) -> Placed:
    """Merge two contacts, companies, deals or tickets into one, with the notes and links of both. It cannot be undone.

    Where both have a value, that of `keep` stays. Look at both with hubspot_get_record first.
    """
    kind, first = await records.resolved(keep)
    other, second = await records.resolved(merge)
    if kind != other or first == second:
        raise errors.InvalidInputError("These are not two records of one kind.", "Pass two, such as two contacts.")
    await confirm(f"Merge the {await _named(kind, second)} into the {await _named(kind, first)} for good?")
    body = {"primaryObjectId": first, "objectIdToMerge": second}
    raw = await api.post(f"/crm/v3/objects/{PLURAL[kind]}/merge", json=body)
    return Placed(record=f"{kind}:{raw['id']}")


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "propriétés champs personnalisés valeurs possibles options fields properties schema propriété champ "
        "colonnes attributs données disponibles statuts liste déroulante quels field attributes property "
        "columns dropdown choices picklist available allowed which"
    ),
    examples=[
        "Quelles propriétés ont les contacts ?",
        "Which lead statuses are there?",
        "quels champs y a-t-il sur une entreprise",
        "on a un champ pour le budget ?",
        "quelles valeurs dans la liste Statut du lead",
        "comment s'appelle la propriété du secteur",
        "quels attributs ont les affaires",
        "which fields does a company have",
        "is there a property for the budget",
        "what values can the lead status take",
        "what is the industry field called",
        "list the attributes of deals",
    ],
)
async def list_properties(
    kind: Annotated[
        Literal["contacts", "companies", "deals", "tickets"],
        Field(description="Kind of record whose properties.", examples=["contacts"]),
    ],
    query: Annotated[str | None, Field(description="Part of the property's name or label.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[PropertyInfo]:
    """List the properties of contacts, companies, deals or tickets, with label, type and allowed values.

    hubspot_update_record and the conditions of searches take them by name or label.
    """
    known, _ = await known_properties.known_by_name(kind)
    wanted = folded(query or "")
    rows = [
        PropertyInfo(
            name=one.name, label=one.label, type=one.type, read_only=one.read_only or None,
            choices=dict(one.options) or None,
        )
        for one in sorted(known.values(), key=lambda one: folded(one.label))
        if wanted in folded(one.name) or wanted in folded(one.label)
    ]  # fmt: skip
    return sliced(rows, limit, cursor)
