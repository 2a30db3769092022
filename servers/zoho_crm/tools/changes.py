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
    search="crée ajoute compte société entreprise produit fiche module personnalisé new account company",
    examples=["Crée le compte Boulangerie Roy", "Add the company to Zoho"],
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
    search="modifie change met à jour téléphone statut étape gagné perdu propriétaire termine tâche won lost stage",
    examples=["Passe l'affaire en gagné", "Marque la tâche comme faite", "Change his phone number"],
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
    search="importe plusieurs fiches en masse upsert met à jour ou crée liste bulk many",
    examples=["Importe ces 40 contacts", "Upsert these leads by e-mail address"],
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
    asks=True, core=False, idempotent=True, scopes=scopes.DELETE, search="supprime efface fiche prospect affaire remove"
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


@tools.writes(core=False, idempotent=True, scopes=scopes.TAG, search="ajoute étiquette tag marque label")
async def add_tags(record: Record, tags: Tags) -> Tagged:
    """Add tags to a record of any module; those that are there already stay. New tags are created.

    To take one off, use zoho_remove_tags. The tags of a record are shown by zoho_get_record.
    """
    module, number = await records.resolved(record)
    body = {"tags": [{"name": tag} for tag in dict.fromkeys(tags)], "over_write": False}
    await api.change("POST", f"/{module}/{segment(number)}/actions/add_tags", json=body)
    return Tagged(record=records.ref_of(module, number), tags=list(dict.fromkeys(tags)))


@tools.writes(
    core=False, additive=False, idempotent=True, scopes=scopes.TAG, search="enlève retire étiquette tag label untag"
)
async def remove_tags(record: Record, tags: Tags) -> Tagged:
    """Take tags off a record of any module; its other tags stay, and the tags themselves too.

    The tags of a record are shown by zoho_get_record; zoho_add_tags adds some.
    """
    module, number = await records.resolved(record)
    body = {"tags": [{"name": tag} for tag in dict.fromkeys(tags)]}
    await api.change("POST", f"/{module}/{segment(number)}/actions/remove_tags", json=body)
    return Tagged(record=records.ref_of(module, number), tags=list(dict.fromkeys(tags)))
