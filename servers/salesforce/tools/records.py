"""Any record of any object. https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_basic_info.htm"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Model, Page, Toolset, confirm, errors, segment, sliced
from flotilla.parsing import folded, looks_like_phone

from .. import people, queries, records, schema, stages
from ..client import ROOT, api, nothing_was_done
from ..models import Deleted, FieldDetail, ObjectDetail, Person, RecordDetail, Row, Saved
from ..records import RecordRef, Values

tools = Toolset("records")

ObjectName = Annotated[
    str, Field(description="Kind of record, by API name or label: Lead, Contact, Facture__c.", examples=["Lead"])
]
Record = Annotated[
    RecordRef,
    Field(
        description="The record: id from salesforce_search_records, Object:name, or a person's number or address.",
        examples=["003AP000001dXyzYAE"],
    ),
]
AllowDuplicate = Annotated[bool, Field(description="True to save in spite of a record that looks the same.")]
_NOISE = (
    "Id", "IsDeleted", "SystemModstamp", "LastModifiedById", "CreatedById", "LastViewedDate", "LastReferencedDate",
    "PhotoUrl", "MasterRecordId", "IsUnreadByOwner", "RecordTypeId", "attributes", "CleanStatus", "Jigsaw",
    "JigsawContactId", "JigsawCompanyId", "IsEmailBounced", "IsPriorityRecord", "FiscalQuarter", "FiscalYear",
)  # fmt: skip
_TASK = "SELECT Id, Subject, Status, ActivityDate, Description, Owner.Name FROM Task"
_EVENT = "SELECT Id, Subject, StartDateTime, ActivityDate, Location, Description, Owner.Name FROM Event"
_OPPORTUNITY = "SELECT Id, Name, StageName, Amount, CloseDate FROM Opportunity"
_CASE = "SELECT Id, CaseNumber, Subject, Status, CreatedDate FROM Case"
_NEWEST = "ORDER BY CreatedDate DESC"
# What belongs to a record, by its object: queries with {id}, the newest first.
_RELATED = {
    "Account": (
        "SELECT Id, Name, Title, Email, Phone FROM Contact WHERE AccountId = {id} ORDER BY Name",
        f"{_OPPORTUNITY} WHERE AccountId = {{id}} ORDER BY CloseDate DESC",
        f"{_CASE} WHERE AccountId = {{id}} {_NEWEST}",
        f"{_TASK} WHERE AccountId = {{id}} {_NEWEST}",
        f"{_EVENT} WHERE AccountId = {{id}} ORDER BY StartDateTime DESC",
    ),
    "Contact": (
        f"{_OPPORTUNITY} WHERE Id IN (SELECT OpportunityId FROM OpportunityContactRole WHERE ContactId = {{id}}) "
        "ORDER BY CloseDate DESC",
        f"{_CASE} WHERE ContactId = {{id}} {_NEWEST}",
        f"{_TASK} WHERE WhoId = {{id}} {_NEWEST}",
        f"{_EVENT} WHERE WhoId = {{id}} ORDER BY StartDateTime DESC",
    ),
    "Lead": (f"{_TASK} WHERE WhoId = {{id}} {_NEWEST}", f"{_EVENT} WHERE WhoId = {{id}} ORDER BY StartDateTime DESC"),
    "Opportunity": (
        "SELECT Id, Contact.Name, Role, IsPrimary, ContactId FROM OpportunityContactRole WHERE OpportunityId = {id} "
        "ORDER BY IsPrimary DESC",
        "SELECT Id, Name, Quantity, UnitPrice, TotalPrice FROM OpportunityLineItem WHERE OpportunityId = {id} "
        "ORDER BY SortOrder",
        f"{_TASK} WHERE WhatId = {{id}} {_NEWEST}",
        f"{_EVENT} WHERE WhatId = {{id}} ORDER BY StartDateTime DESC",
    ),
    "Case": (
        f"SELECT Id, CommentBody, IsPublished, CreatedDate, CreatedBy.Name FROM CaseComment WHERE ParentId = {{id}} "
        f"{_NEWEST}",
        "SELECT Id, Subject, FromAddress, TextBody, Incoming, MessageDate FROM EmailMessage WHERE ParentId = {id} "
        "ORDER BY MessageDate DESC",
        f"{_TASK} WHERE WhatId = {{id}} {_NEWEST}",
    ),
}
_LOOKUPS = {  # whose names are shown beside their ids
    "Account": "Owner.Name, Parent.Name",
    "Contact": "Owner.Name, Account.Name, ReportsTo.Name",
    "Lead": "Owner.Name, ConvertedAccount.Name",
    "Opportunity": "Owner.Name, Account.Name",
    "Case": "Owner.Name, Contact.Name, Account.Name",
    "Task": "Owner.Name, Who.Name, What.Name",
    "Event": "Owner.Name, Who.Name, What.Name",
}


@tools.reads(
    scopes=["api"],
    search=(
        "fiche complète historique montre détails dernières tâches affaires requêtes contact compte "
        "commentaires résume fais le point brief prépare rendez-vous contexte ouvre où en est tout ce "
        "qu'on sait coordonnées lis briefing catch up background overview details open read talked last "
        "discuss portable mobile number direct consulte profil"
    ),
    examples=[
        "Montre la fiche de Jean Dupont",
        "What did we last discuss with Boulangerie Roy?",
        "Fais-moi le point avant mon rendez-vous",
        "Ouvre sa fiche",
        "Qu'est-ce qu'on sait sur cette boîte ?",
        "Quel est son numéro de portable ?",
        "Lis-moi la requête avec ses commentaires",
        "Brief me before I call them",
        "Open this account",
        "What was said last time?",
        "Read me the whole case",
        "What's her direct number?",
    ],
)
async def get_record(
    record: Record,
    related: Annotated[bool, Field(description="Also show what belongs to it, newest first.")] = True,
    limit: Annotated[int, Field(ge=1, le=50, description="Maximum related records of each kind.")] = 5,
) -> RecordDetail:
    """Get one record of any object with all its filled fields, custom ones too, and the names of owner and account.

    Of accounts, contacts, leads, opportunities and cases it also shows contacts, opportunities, tasks, events,
    comments and mails. Use it to prepare a call. Find records with salesforce_search_records.
    """
    kind, number = await records.resolved(record)
    zone, literal = await people.zone(), queries.text(number)
    asked = [f"SELECT Id, {_LOOKUPS[kind]} FROM {kind} WHERE Id = {literal} LIMIT 1"] if kind in _LOOKUPS else []
    asked += [f"{q.format(id=literal)} LIMIT {limit}" for q in _RELATED.get(kind, ()) if related]
    raw = await api.get(f"{ROOT}/sobjects/{segment(kind)}/{segment(number)}")
    parts = await queries.together(asked) if asked else []
    names = queries.flat(parts[0][0], zone) if parts and parts[0] else {}
    fields = queries.flat({name: value for name, value in raw.items() if name not in _NOISE}, zone)
    fields |= {name: value for name, value in names.items() if "." in name}
    rows = [_related(row, zone) for part in parts[1:] for row in part]
    return RecordDetail(
        object=kind,
        id=number,
        url=records.link(number),
        fields=fields,
        related=rows if related and kind in _RELATED else None,
    )


def _related(row: Mapping[str, Any], zone: Any) -> Row:
    return {"object": records.object_in(row), **queries.flat(row, zone)}


@tools.writes(
    creates=True,
    scopes=["api"],
    search=(
        "crée ajoute nouveau contact compte piste prospect requête ticket enregistrement objet new lead "
        "enregistre fiche client société boîte carnet d'adresses interlocuteur inconnu intéressé "
        "personne register save person company caller add enquiry"
    ),
    examples=[
        "Ajoute une piste : Marie Durand, Atelier Durand",
        "Create an account for Boulangerie Roy",
        "Enregistre ce numéro, c'est un nouveau prospect",
        "Mets cette boîte dans les comptes",
        "Ajoute l'acheteuse comme contact",
        "Quelqu'un d'intéressé a appelé, crée une piste",
        "Nouvel interlocuteur chez ce client",
        "Add a new lead from the fair",
        "Put this company in",
        "Save her as a contact",
        "Somebody is interested, take down the details",
        "New entry in one of our own objects",
    ],
)
async def create_record(
    object_name: ObjectName,
    values: Annotated[
        Values,
        Field(
            description="Values by API name or label; owner and lookups by name.",
            examples=[{"LastName": "Durand", "Company": "Atelier Durand"}],
        ),
    ],
    allow_duplicate: AllowDuplicate = False,
) -> Saved:
    """Create a record of any object: a lead, contact, account, case, or one of the org's own objects.

    Labels, choices and required fields are checked against the org first. Refuses a lead or contact whose mail address
    or number, or an account whose name, is there already, and gives its id. For opportunities, tasks and events use
    salesforce_create_opportunity and the like.
    """
    kind = await schema.object_named(object_name)
    ready = await records.prepared(kind, values, creating=True)
    if not allow_duplicate:
        await _check_new(kind, ready)
    return await records.create(kind, ready, allow_duplicate)


async def _check_new(kind: str, values: Mapping[str, Any]) -> None:
    """Refuse a person who is there already, by address or number, and an account of the same name."""
    matches: list[records.Named] = []
    if kind in ("Lead", "Contact") and values.get("Email"):
        matches = await records.by_email(str(values["Email"]), ("Lead", "Contact"))
    phone = next((str(values[name]) for name in ("MobilePhone", "Phone") if values.get(name)), "")
    if not matches and kind in ("Lead", "Contact") and looks_like_phone(phone):
        people_there = await records.by_phone(phone, ("Lead", "Contact"))
        wanted = folded(str(values.get("LastName") or ""))
        matches = [one for one in people_there if wanted in folded(one.name)]  # a family or an office shares a number
    if kind == "Account" and values.get("Name"):
        name = str(values["Name"])
        soql = f"SELECT Id, Name FROM Account WHERE Name LIKE {queries.holding(name, loose=True)} LIMIT 50"
        rows = [row for row in await queries.select(soql) if folded(str(row.get("Name") or "")) == folded(name)]
        matches = [records.Named(id=str(row.get("Id")), name=str(row.get("Name")), object="Account") for row in rows]
    if matches:
        one = matches[0]
        raise errors.InvalidInputError(
            f"Salesforce has this {one.object} already: {errors.excerpt(one.name, 80)} ({one.id}).",
            "Use or update that one, or pass allow_duplicate=true for another one.",
        )


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=["api"],
    search=(
        "modifie mets à jour change téléphone adresse statut propriétaire assigne fiche ferme requête "
        "update assign corrige rectifie a changé nouveau mail déménagé coordonnées attribue résous clôt "
        "la renomme déplace le rendez-vous edit correct moved wrong close case reassign escalate "
        "reschedule event attribuer piste hand another priority urgency priorité niveau level"
    ),
    examples=[
        "Change le téléphone de Jean Dupont",
        "Assign this case to Chloé",
        "Ferme la requête 1042",
        "Elle a changé de numéro",
        "La société a déménagé, corrige l'adresse",
        "Le ticket est résolu, ferme-le",
        "Attribue cette piste à mon collègue",
        "Déplace la réunion à 15 h",
        "Her e-mail address is wrong, fix it",
        "The company moved, change the address",
        "Close the case, it's solved",
        "Hand this lead to another rep",
        "Set the priority to high",
    ],
)
async def update_record(
    record: Record,
    values: Annotated[
        Values,
        Field(
            description="New values by API name or label; null clears a field.", examples=[{"Phone": "+33612345678"}]
        ),
    ],
) -> Saved:
    """Change fields of a record of any object; the others stay as they are. Owner goes by name, mail address or me.

    A value that a field does not allow is refused with the allowed ones before anything is sent. The Status of a case
    or task takes done or open too. For an opportunity's stage or amount, use salesforce_update_opportunity.
    """
    kind, number = await records.resolved(record)
    params = dict(values)
    if kind in ("Case", "Task") and (name := await schema.key_of(kind, "Status", params)):
        params = {**params, name: (await stages.status(f"{kind}Status", str(params[name]))).value}
    if kind == "Opportunity" and (name := await schema.key_of(kind, "StageName", params)):
        params = {**params, name: (await stages.stage(str(params[name]))).value}
    return await records.update(kind, number, await records.prepared(kind, params))


@tools.destroys(
    asks=True,
    core=False,
    idempotent=True,
    scopes=["api"],
    search=(
        "supprime efface enregistrement corbeille delete enlève vire jette poubelle erreur test "
        "supprimer retire du CRM bin trash erase get rid remove mistake"
    ),
    examples=[
        "Supprime cette fiche, c'était un test",
        "Vire cette piste",
        "Efface le rendez-vous créé par erreur",
        "Mets ce contact à la corbeille",
        "Retire ce compte, ils ont fermé",
        "Delete this lead",
        "Get rid of that account",
        "Bin the task, it was a mistake",
        "Erase that contact",
        "Trash the duplicate I made",
    ],
)
async def delete_record(record: Record) -> Deleted:
    """Delete a record of any object, after a question that names it; what belongs to it may be deleted with it.

    It stays in Salesforce's recycle bin for 15 days, from where it is restored in Salesforce. To close a case or an
    opportunity, use salesforce_update_record instead. Find it with salesforce_search_records.
    """
    kind, number = await records.resolved(record)
    name = records.name_field(kind)
    raw = await api.get(f"{ROOT}/sobjects/{segment(kind)}/{segment(number)}", params={"fields": name})
    await confirm(f"Delete the {kind} «{errors.excerpt(raw.get(name) or number, 80)}» and what belongs to it?", number)
    await api.delete(f"{ROOT}/sobjects/{segment(kind)}/{segment(number)}")
    return Deleted(object=kind, id=number)


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=["api"],
    search=(
        "upsert identifiant externe synchronise crée ou met à jour external id sync autre logiciel ERP "
        "numéro client clé référence sans doublon key other system customer number reference in"
    ),
    examples=[
        "Mets à jour le client ERP-4711, ou crée-le s'il manque",
        "Synchronise ce compte avec son numéro client",
        "Rentre la fiche par son identifiant externe",
        "Reprends cet article de l'autre logiciel par sa référence",
        "Enregistre par clé externe, sans faire de double",
        "Sync this account by its ERP number",
        "Update or insert by the external key",
        "Bring this over from the other system without a second one",
        "Set the customer with external id 4711",
    ],
)
async def set_record_by_external_id(
    object_name: ObjectName,
    field: Annotated[str, Field(description="External ID field, by API name or label.", examples=["Numero_ERP__c"])],
    value: Annotated[str, Field(min_length=1, description="Value that identifies the record.", examples=["P-1042"])],
    values: Annotated[Values, Field(description="Values by API name or label.", examples=[{"LastName": "Roy"}])],
) -> Saved:
    """Create or update the record that has this value in an External ID field: repeating it makes no second one.

    Use it to bring in records of another system. Returns whether it was created. salesforce_list_fields shows which
    fields are external ids. Several records of one value are refused.
    """
    kind = await schema.object_named(object_name)
    known = await schema.fields_of(kind)
    key = schema.field_named(known, field, kind)
    if not key.external_id:
        names = [one.name for one in known.values() if one.external_id]
        raise errors.InvalidInputError(
            f"`{key.name}` is not an External ID field of {kind}.",
            f"There are: {', '.join(names)}." if names else "There is none: use salesforce_create_record.",
        )
    ready = await records.prepared(kind, values)
    if key.name in ready:
        raise errors.InvalidInputError(f"`{key.name}` is given twice.", "Pass it as `value` only.")
    path = f"{ROOT}/sobjects/{segment(kind)}/{segment(key.name)}/{segment(value)}"
    response = await api.send("PATCH", path, json=ready, nulls=True, expected=(300,))
    if response.status_code == 300:
        raise errors.InvalidInputError(
            f"Several records have `{errors.excerpt(value, 60)}` in {key.name}; nothing was changed.",
            "Look for them, and correct the value of all but one.",
        )
    answer = response.json() if response.content.strip() else {}
    new = str(answer.get("id") or "") if isinstance(answer, dict) else ""
    created = bool(answer.get("created")) if isinstance(answer, dict) else None
    return Saved(object=kind, id=new, url=records.link(new) if new else None, created=created)


class Child(Model):
    """A record that belongs to the one that is created, as an argument."""

    object: str = Field(description="Kind of record, such as Contact.")
    values: dict[str, Any] = Field(description="Values by API name or label.")
    link: str | None = Field(None, description="Lookup field to the first record, if several fit.")


@tools.writes(
    core=False,
    creates=True,
    scopes=["api"],
    search=(
        "crée ensemble compte avec contacts enregistrements liés composite parent enfants en une fois "
        "société et ses interlocuteurs affaire groupe d'un coup together in one go company with people "
        "at once along"
    ),
    examples=[
        "Crée la boîte avec ses trois contacts",
        "Ajoute le compte et l'affaire en une seule fois",
        "Enregistre l'entreprise et tous ses interlocuteurs ensemble",
        "Nouveau client avec deux contacts et une opportunité",
        "Tout d'un coup : le compte, le gérant, le comptable",
        "Create the company with its people",
        "Add the account and its contacts in one go",
        "Set up the customer together with two contacts",
        "Parent and children at once",
    ],
)
async def create_related_records(
    object_name: Annotated[str, Field(description="Kind of the first record.", examples=["Account"])],
    values: Annotated[Values, Field(description="Values of the first record.", examples=[{"Name": "Boulangerie Roy"}])],
    children: Annotated[
        list[Child],
        Field(
            min_length=1,
            max_length=24,
            description="Records that belong to the first one.",
            examples=[[{"object": "Contact", "values": {"LastName": "Roy"}}]],
        ),
    ],
) -> Page[Saved]:
    """Create a record together with records that belong to it, such as an account with its contacts: all or none.

    The lookup to the first record is filled in. Looks for no duplicates: search with salesforce_search_records before.
    For a single record, use salesforce_create_record.
    """
    kind = await schema.object_named(object_name)
    steps = [_step(kind, "parent", await records.prepared(kind, values, creating=True))]
    for number, child in enumerate(children, 1):
        other = await schema.object_named(child.object)
        lookup = await _lookup(other, kind, child.link)
        ready = await records.prepared(other, {**child.values, lookup: _PLACEHOLDER}, creating=True)
        steps.append(_step(other, f"child{number}", {**ready, lookup: "@{parent.id}"}))
    answer = await api.post(f"{ROOT}/composite", json={"allOrNone": True, "compositeRequest": steps})
    return Page(items=saved_all(answer, [kind, *(str(step["url"]).rpartition("/")[2] for step in steps[1:])]))


_PLACEHOLDER = "001000000000000AAA"  # in place of the id that the first record will have


def _step(kind: str, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"method": "POST", "url": f"{ROOT}/sobjects/{kind}", "referenceId": name, "body": dict(values)}


async def _lookup(kind: str, parent: str, named: str | None) -> str:
    known = await schema.fields_of(kind)
    if named:
        return schema.field_named(known, named, kind).name
    fitting = [one.name for one in known.values() if parent in one.refers and one.createable and one.name != "OwnerId"]
    usual = [name for name in fitting if name in (f"{parent}Id", f"{parent}__c", "ParentId")]
    if len(fitting) == 1 or usual:
        return (usual or fitting)[0]
    raise errors.InvalidInputError(
        f"It is not clear which field of {kind} leads to {parent}.",
        f"Pass one as link: {', '.join(fitting)}." if fitting else "No field does: create them apart.",
    )


def saved_all(answer: Mapping[str, Any], kinds: list[str]) -> list[Saved]:
    """Return what a composite request of creations did; raises errors.InvalidInputError where it did nothing."""
    rows = api.rows_in(answer, "compositeResponse")
    bad = [row for row in rows if not 200 <= int(row.get("httpStatusCode") or 0) < 300]
    if bad:
        nothing_was_done()  # all or none
        raise queries.refusal_of(bad)
    made = [str((row.get("body") or {}).get("id") or "") for row in rows]
    return [
        Saved(object=kind, id=new, url=records.link(new), created=True) for kind, new in zip(kinds, made, strict=False)
    ]


@tools.reads(
    core=False,
    scopes=["api"],
    search=(
        "champs propriétés valeurs possibles liste de choix décrire objet schéma describe fields "
        "picklist cases à remplir infos menu déroulant obligatoires rubriques colonnes dropdown options "
        "mandatory required columns fill in allowed sector birthday nom du champ"
    ),
    examples=[
        "Quels champs a une piste ?",
        "Which lead sources are there?",
        "Quelles infos on peut remplir sur un compte ?",
        "Quels sont les choix pour l'origine de la piste ?",
        "Quels champs sont obligatoires ?",
        "Comment s'appelle le champ du secteur ?",
        "Quelles valeurs accepte le statut ?",
        "What can I fill in on a contact?",
        "Which options does that dropdown have?",
        "What's mandatory on an opportunity?",
        "Is there a field for the birthday?",
    ],
)
async def list_fields(
    object_name: ObjectName,
    query: Annotated[str | None, Field(description="Part of the field's name or label.")] = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> Page[FieldDetail]:
    """List the fields of an object: API name, label, type, allowed values, whether required or an external id.

    Use it before salesforce_query_records or where a field was refused. salesforce_list_objects shows which objects
    the org has.
    """
    kind = await schema.object_named(object_name)
    wanted = folded(query or "")
    rows = [
        FieldDetail(
            name=one.name,
            label=one.label,
            type=one.type,
            required=one.required or None,
            read_only=not (one.createable or one.updateable) or None,
            refers_to=one.refers or None,
            external_id=one.external_id or None,
            choices=[v if v == label else f"{label} ({v})" for v, label in one.options] or None,
        )
        for one in sorted((await schema.fields_of(kind)).values(), key=lambda one: folded(one.label))
        if wanted in folded(one.name) or wanted in folded(one.label)
    ]
    return sliced(rows, limit, cursor)


@tools.reads(
    core=False,
    scopes=["api"],
    search=(
        "objets types d'enregistrements objets personnalisés liste schema objects tables modules sortes "
        "de fiches entités quels onglets custom object kinds of record entities which s'appelle "
        "chantiers contrats projects contracts"
    ),
    examples=[
        "Quels objets on a ?",
        "Quelles sortes de fiches existent chez nous ?",
        "On a un objet pour les chantiers ?",
        "Liste nos objets personnalisés",
        "Comment s'appelle la table des contrats ?",
        "Which objects does our org have?",
        "What kinds of records are there?",
        "Do we have a custom object for projects?",
        "Name the tables",
    ],
)
async def list_objects(
    query: Annotated[str | None, Field(description="Part of the object's name or label.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ObjectDetail]:
    """List the kinds of record that the org has and the user may query, its own objects first, with name and label.

    The other tools take either. salesforce_list_fields shows the fields of one.
    """
    wanted = folded(query or "")
    rows = [one for one in await schema.every_object() if wanted in folded(one.name) or wanted in folded(one.label)]
    rows.sort(key=lambda one: (not one.custom, folded(one.label)))
    return sliced([ObjectDetail(name=one.name, label=one.label, custom=one.custom) for one in rows], limit, cursor)


@tools.reads(
    core=False,
    scopes=["api"],
    search=(
        "utilisateurs collègues propriétaires équipe commerciaux users owners team qui dans vendeurs "
        "membres à attribuer compte actif reps colleagues staff assign login who responsable chef "
        "manager boss mail"
    ),
    examples=[
        "Qui est dans l'équipe ?",
        "À qui je peux attribuer cette affaire ?",
        "Liste mes collègues",
        "Quels commerciaux ont un accès ?",
        "C'est quoi le mail de mon responsable ?",
        "Who is on the sales team?",
        "Who can own this lead?",
        "List the reps",
        "Which colleagues have a login?",
    ],
)
async def list_users(
    query: Annotated[str | None, Field(description="Part of a name or mail address.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Person]:
    """List the active Salesforce users by name, with mail address and title: who can own records.

    Wherever a tool asks for an owner, it takes a name, a mail address, or me for the connected user.
    """
    start = queries.checked_start(cursor)
    return sliced(await people.named(query or "", start + limit + 1), limit, cursor)
