"""Records of any module: created, changed, imported, deleted, tagged. https://www.zoho.com/crm/developer/docs/api/v8/"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from flotilla import Toolset, confirm, segment

from .. import metadata, pipelines, records, scopes
from ..client import api
from ..models import Done, Imported, Placed, Saved, Tagged
from ..records import ModuleName
from .search import Record

tools = Toolset("records")

FieldValues = Annotated[
    dict[str, Any],
    Field(
        min_length=1,
        description="Values by the fields' names or labels; linked records and owners by name.",
        examples=[{"Account_Name": "Boulangerie Roy"}],
    ),
]
Tags = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=25)]],
    Field(
        min_length=1,
        max_length=10,
        description="Names of the tags, up to 25 characters each.",
        examples=[["VIP", "Salon 2030", "Prospect chaud", "Lyon"]],
    ),
]


@tools.writes(
    creates=True,
    scopes=scopes.CREATE,
    search=(
        "crée ajoute compte société entreprise produit fiche module personnalisé new account company "
        "fournisseur article référence firme boîte campagne rentrer vendor product catalogue item "
        "business custom object campaign organisation"
    ),
    examples=[
        "Crée le compte Boulangerie Roy",
        "Add the company to Zoho",
        "Ajoute cette boîte dans les comptes",
        "Nouvelle entreprise à enregistrer, avec l'adresse",
        "Rentre un article au catalogue à 45 €",
        "Crée un fournisseur",
        "Ajoute une campagne salon de printemps",
        "Create an account for this firm",
        "Put a new product in the catalogue",
        "Add a vendor",
        "Register this business",
        "New entry in our custom module",
    ],
)
async def create_record(
    module: Annotated[str, Field(description="Module by its name, as Accounts or Contacts.", examples=["Accounts"])],
    fields: FieldValues,
    duplicate: Annotated[bool, Field(description="True to create it though there is one like it.")] = False,
) -> Saved:
    """Create an account, a contact, a product or a record of any other module from its fields. Returns its record.

    An account or contact fails with the existing one where its e-mail address, phone number or name is known. For
    leads and deals use zoho_create_lead and zoho_create_deal, for activities zoho_create_task and its like.
    """
    name = await records.module_of(module)
    body = await records.prepared(name, fields)
    if not duplicate and name in ("Accounts", *records.PEOPLE):
        await records.check_new(name, body, records.KINDS[name])
    return Saved(record=records.ref_of(name, await records.create(name, body)))


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=scopes.UPDATE,
    search=(
        "modifie change met à jour téléphone statut étape gagné perdu propriétaire termine tâche won "
        "lost stage corrige rectifie a changé nouveau mail déménagé signé conclu suivante montant "
        "repousse décale coche réglé attribue coordonnées edit correct moved signed reschedule tick off "
        "done postpone reassign e-mail push bump wrong rectifier avancée adresse address"
    ),
    examples=[
        "Passe l'affaire en gagné",
        "Marque la tâche comme faite",
        "Change his phone number",
        "Elle a changé de numéro",
        "On a signé, c'est gagné",
        "C'est perdu, ils ont choisi quelqu'un d'autre",
        "Décale la réunion à jeudi",
        "La relance est faite, tu peux cocher",
        "Attribue ce prospect à mon collègue",
        "Their address is wrong, fix it",
        "We won the deal",
        "Push that task to next week",
        "I've done the follow-up, tick it off",
        "Bump it to the proposal stage",
    ],
)
async def update_record(
    record: Record,
    fields: Annotated[
        dict[str, Any],
        Field(
            min_length=1,
            description="New values by the fields' names or labels; null clears one.",
            examples=[{"Phone": "+33612345678"}],
        ),
    ],
) -> Placed:
    """Change fields of a lead, contact, account, deal, task or any other record; the others stay as they are.

    Moves a deal with {"Stage": "won"}, lost or a stage's name, completes a task with {"Status": "Completed"}. A value
    that a field does not allow is refused with the allowed ones.
    """
    module, number = await records.resolved(record)
    rest, place = dict(fields), None
    if module == "Deals":
        keys = await metadata.with_fields(
            module, lambda known: {metadata.find(known, name, module).name: name for name in rest}
        )
        if rest.get(stage := keys.get("Stage", "")):
            raw = await records.fetch(module, number)
            pipeline = rest.get(keys.get("Pipeline", "")) or raw.get("Pipeline")
            place = await pipelines.position(str(rest.pop(stage)), str(pipeline or ""))
    body = await records.prepared(module, rest) if rest else {}
    if place:
        body |= {"Stage": place.stage, **({"Pipeline": place.pipeline} if place.pipeline else {})}
    await records.update(module, number, body)
    name = pipelines.stage_name(await pipelines.fetch(), place.stage) if place else None
    return Placed(record=records.ref_of(module, number), stage=name)


@tools.writes(
    core=False,
    creates=True,
    additive=False,
    deadline=55,
    scopes=scopes.SAVE,
    search=(
        "importe plusieurs fiches en masse upsert met à jour ou crée liste bulk many lot d'un coup "
        "tableau excel fichier salon participants ensemble all at once spreadsheet rows list of "
        "contacts batch upload personnes attendees people"
    ),
    examples=[
        "Importe ces 40 contacts",
        "Upsert these leads by e-mail address",
        "Rentre tous ces participants d'un coup",
        "J'ai une liste de 30 personnes à mettre dans le CRM",
        "Mets à jour tout le lot, crée ceux qui manquent",
        "Ajoute le tableau des visiteurs du salon",
        "Charge ces lignes dans les prospects",
        "Load this spreadsheet of leads",
        "Add all these attendees at once",
        "Bulk update these accounts",
        "Put the whole batch in, without doubles",
    ],
)
async def import_records(
    module: ModuleName,
    rows: Annotated[
        list[dict[str, Any]],
        Field(
            min_length=1,
            max_length=100,
            description="Records, each with values by the fields' names or labels.",
            examples=[[{"Deal_Name": "Refonte du site", "Stage": "Qualification"}]],
        ),
    ],
    match: Annotated[
        list[str] | None,
        Field(max_length=5, description="Fields by which an existing record is recognized; else Zoho's unique ones."),
    ] = None,
) -> Imported:
    """Create or update up to 100 records of one module at once: those that exist are changed, the others created.

    Each is recognized by the fields in `match`, such as Email. Returns how many were created and updated, and those
    that Zoho refused, each with the reason. For single ones use zoho_create_record or zoho_update_record.
    """
    name = await records.module_of(module)
    bodies = [await records.prepared(name, row) for row in rows]
    keys = await metadata.with_fields(name, lambda known: [metadata.find(known, one, name).name for one in match or []])
    payload = {"data": bodies, **({"duplicate_check_fields": keys} if keys else {})}
    results = await api.change("POST", f"/{name}/upsert", json=payload)
    done = [row for row in results if row.get("status") != "error"]
    updated = sum(row.get("action") == "update" for row in done)
    numbers = [
        row["details"]["id"] for row in done if isinstance(row.get("details"), Mapping) and row["details"].get("id")
    ]
    return Imported(
        created=len(done) - updated,
        updated=updated,
        records=[records.ref_of(name, number) for number in numbers],
        refused=[
            f"{place}: {row.get('message') or row.get('code')}"
            for place, row in enumerate(results, 1)
            if row.get("status") == "error"
        ],
    )


@tools.destroys(
    asks=True,
    core=False,
    idempotent=True,
    scopes=scopes.DELETE,
    search=(
        "supprime efface fiche prospect affaire remove enlève vire jette corbeille poubelle retire du "
        "CRM erreur test supprimer effacer bin trash erase get rid of delete mistake"
    ),
    examples=[
        "Supprime cette fiche, c'était un test",
        "Vire ce prospect",
        "Efface le rendez-vous créé par erreur",
        "Mets ce compte à la corbeille",
        "Il veut qu'on retire ses données, enlève-le",
        "Delete this contact",
        "Get rid of that lead",
        "Bin the task, it was a mistake",
        "Erase this account",
        "Trash the deal I made for testing",
    ],
)
async def delete_record(record: Record) -> Done:
    """Delete a record of any module. The user is asked first. It stays in Zoho's recycle bin for 60 days.

    It cannot be restored from here. To end a deal use zoho_update_record with {"Stage": "lost"}, to end a lead
    zoho_convert_lead.
    """
    module, number = await records.resolved(record)
    name, raw = await records.named(module, number)
    await confirm(f"Delete the {name}?", raw.get("Modified_Time"))
    await api.change("DELETE", f"/{module}/{segment(number)}")
    return Done()


@tools.writes(
    core=False,
    idempotent=True,
    scopes=scopes.TAG,
    search=(
        "ajoute étiquette tag marque label balise mot-clé catégorise étiqueter mets comme VIP marquer "
        "tagger flag mark as put tague tagging hashtag"
    ),
    examples=[
        "Mets l'étiquette VIP sur ce client",
        "Marque ce prospect comme chaud",
        "Tague ce contact salon 2026",
        "Ajoute la balise urgent à l'affaire",
        "Étiquette cette fiche",
        "Tag this lead as hot",
        "Label him VIP",
        "Flag this account as important",
        "Put the tag newsletter on her",
    ],
)
async def add_tags(record: Record, tags: Tags) -> Tagged:
    """Add tags to a record of any module; those that are there already stay. New tags are created.

    To take one off, use zoho_remove_tags. The tags of a record are shown by zoho_get_record.
    """
    module, number = await records.resolved(record)
    body = {"tags": [{"name": tag} for tag in dict.fromkeys(tags)], "over_write": False}
    await api.change("POST", f"/{module}/{segment(number)}/actions/add_tags", json=body)
    return Tagged(record=records.ref_of(module, number), tags=list(dict.fromkeys(tags)))


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=scopes.TAG,
    search=(
        "enlève retire étiquette tag label untag balise ôte n'est plus VIP supprime l'étiquette "
        "détaguer off unflag no longer take"
    ),
    examples=[
        "Enlève l'étiquette VIP",
        "Il n'est plus chaud, retire le tag",
        "Ôte la balise urgent de cette affaire",
        "Détague ce contact",
        "Supprime le libellé salon sur sa fiche",
        "Take the VIP label off",
        "Untag this lead",
        "She's no longer hot, remove the tag",
        "Unflag that account",
    ],
)
async def remove_tags(record: Record, tags: Tags) -> Tagged:
    """Take tags off a record of any module; its other tags stay, and the tags themselves too.

    The tags of a record are shown by zoho_get_record; zoho_add_tags adds some.
    """
    module, number = await records.resolved(record)
    body = {"tags": [{"name": tag} for tag in dict.fromkeys(tags)]}
    await api.change("POST", f"/{module}/{segment(number)}/actions/remove_tags", json=body)
    return Tagged(record=records.ref_of(module, number), tags=list(dict.fromkeys(tags)))
