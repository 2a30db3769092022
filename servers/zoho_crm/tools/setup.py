"""What an account is made of: modules, fields, related lists, users. https://www.zoho.com/crm/developer/docs/api/v8/"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from flotilla import Cursor, Limit, Model, Page, Toolset, choose, cursor_number, readable, sliced
from flotilla.parsing import folded

from .. import metadata, records, scopes
from ..client import api
from ..models import FieldInfo, ModuleInfo, RecordPage, UserInfo
from ..records import ModuleName
from .search import Record

tools = Toolset("setup")


@tools.reads(
    core=False,
    scopes=scopes.READ,
    search=(
        "modules personnalisés disponibles liste onglets custom modules rubriques types de fiches "
        "objets sections tables menu kinds of record objects tabs"
    ),
    examples=[
        "Quels modules existent ?",
        "Quels types de fiches on peut avoir ?",
        "C'est quoi nos onglets dans le CRM ?",
        "On a un module pour les chantiers ?",
        "Liste les rubriques personnalisées",
        "What modules do we have?",
        "Which kinds of records are there?",
        "What tabs are in our CRM?",
        "Do we have a custom object for projects?",
    ],
)
async def list_modules(limit: Limit = 50, cursor: Cursor = None) -> Page[ModuleInfo]:
    """List the modules of the account, its own ones too, each with its name in the API and its labels.

    The names are what zoho_query_records, zoho_create_record and zoho_list_fields take as the module.
    """
    rows = [ModuleInfo(name=one.name, singular=one.singular, plural=one.plural) for one in await metadata.modules(True)]
    return sliced(rows, limit, cursor)


@tools.reads(
    core=False,
    scopes=scopes.READ,
    search=(
        "champs propriétés valeurs listes de choix obligatoires custom fields cases à remplir infos "
        "possibles menu déroulant rubriques obligatoire colonnes picklist dropdown options mandatory "
        "required columns fill in nom du champ secteur birthday sector field for"
    ),
    examples=[
        "Quelles infos on peut remplir sur un prospect ?",
        "Quels champs sont obligatoires pour une affaire ?",
        "C'est quoi les choix pour la source ?",
        "Comment s'appelle le champ du secteur ?",
        "Quelles valeurs le statut accepte ?",
        "Which fields does a contact have?",
        "What are the options of the lead source?",
        "What must be filled in on a deal?",
        "Is there a field for the birthday?",
    ],
)
async def list_fields(
    module: ModuleName,
    text: Annotated[str | None, Field(description="Only fields with these words in name or label.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[FieldInfo]:
    """List the fields of a module with name, label, type, whether they are required, and the choices of pick lists.

    Use it to learn what zoho_create_record, zoho_update_record and the conditions of zoho_query_records can name.
    """
    name = await records.module_of(module)
    wanted = folded(text or "")
    known = (await metadata.fields_of(name, renew=True)).values()
    rows = [
        FieldInfo(
            name=one.name,
            label=one.label,
            type=one.type,
            required=one.required or None,
            read_only=one.read_only or None,
            choices=[option.display or option.actual for option in one.options] or None,
        )
        for one in known
        if wanted in folded(f"{one.name} {one.label}")
    ]
    return sliced(rows, limit, cursor)


@tools.reads(
    core=False,
    scopes=scopes.READ,
    search=(
        "utilisateurs équipe commerciaux propriétaires collègues sales team qui dans l'équipe vendeurs "
        "membres à attribuer reps colleagues staff assign owners who responsable chef donner manager "
        "boss login"
    ),
    examples=[
        "Qui est dans l'équipe commerciale ?",
        "À qui je peux donner ce dossier ?",
        "Liste mes collègues",
        "Quels vendeurs ont un compte ?",
        "C'est quoi le mail de mon responsable ?",
        "Who is on the sales team?",
        "Who can own this lead?",
        "List the reps",
        "Which colleagues have a login?",
    ],
)
async def list_users(limit: Limit = 50, cursor: Cursor = None) -> Page[UserInfo]:
    """List the users of Zoho CRM who can own records and tasks, with name and e-mail address, up to 200.

    Their names are what owner takes in zoho_create_task, zoho_convert_lead and zoho_list_activities.
    """
    rows = [
        UserInfo(id=one.id, name=one.name or None, email=one.email or None, active=one.active)
        for one in await metadata.users()
    ]
    return sliced(rows, limit, cursor)


class _RelatedList(Model):
    """A list of linked records that a module's records have."""

    name: str = Field(alias="api_name")
    label: str = Field("", alias="display_label")
    module: str = ""

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        target = raw.get("module")
        return {
            **raw,
            "module": str(target.get("api_name") or "") if isinstance(target, Mapping) else str(target or ""),
        }


class _Lists(Model):
    """A module, of which only the related lists matter here."""

    lists: list[_RelatedList]

    @model_validator(mode="before")
    @classmethod
    def _usable(cls, raw: Any) -> Any:
        rows = (raw.get("related_lists") or raw.get("lists") or []) if isinstance(raw, Mapping) else []
        return {"lists": readable(_RelatedList, [one for one in rows if isinstance(one, Mapping)])}


@tools.reads(
    core=False,
    scopes=scopes.READ,
    search=(
        "éléments liés produits campagnes contacts du compte related rattachés associés sous-éléments "
        "quels liste associée linked attached belonging products campaigns invoices of dépend hangs "
        "under belongs"
    ),
    examples=[
        "Quels produits sont rattachés à cette affaire ?",
        "De quelles campagnes fait partie ce contact ?",
        "Montre les devis liés au compte",
        "Quels éléments associés a cette fiche ?",
        "Qui sont les contacts rattachés à cette boîte ?",
        "Which products belong to this deal?",
        "Which campaigns is she part of?",
        "Show the invoices linked to the account",
        "What hangs on this record?",
    ],
)
async def list_related_records(
    record: Record,
    related: Annotated[
        str, Field(description="Related list by its name or label, such as Products or Notes.", examples=["Contacts"])
    ],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RecordPage:
    """List the records in a related list of a record, such as the products of a deal or the campaigns of a contact.

    An unknown list is refused with those that there are. Notes, activities, deals and people are shown by
    zoho_get_record too.
    """
    module, number = await records.resolved(record)
    rows = await metadata.cached(f"lists-{module}", f"/settings/modules/{module}", "modules", _Lists)
    known = [one for row in rows for one in row.lists]
    chosen = choose(
        related, known, id=lambda one: one.name, name=lambda one: one.label or one.name, kind="related list"
    )
    names = records.USUAL.get(chosen.module) or (*records.NAMES.get(chosen.module, ()), "Created_Time", "Modified_Time")
    page = cursor_number(cursor, 1)
    params = {"fields": ",".join(names), "page": page, "per_page": limit}
    answer = await api.request("GET", f"/{module}/{number}/{chosen.name}", params=params)
    if answer is None:  # 204: nothing
        return RecordPage(items=[])
    info = answer.get("info") if isinstance(answer, dict) else None
    more = bool(isinstance(info, dict) and info.get("more_records"))
    items = records.rows_of(chosen.module or chosen.name, api.rows_in(answer, "data"))
    return RecordPage(items=items, next_cursor=str(page + 1) if more else None)
