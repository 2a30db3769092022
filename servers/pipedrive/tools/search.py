"""Who calls, what there is, and one record with all around it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, choose, errors
from flotilla.parsing import looks_like_phone

from .. import account, records
from ..client import START, V1, V2
from ..models import RecordDetail, Row, RowPage, Thing
from ..records import PLURAL, RecordRef, full

tools = Toolset("search")
T = TypeVar("T")

READ = [
    "search:read contacts:read deals:read activities:read leads:read products:read users:read",
    "search:read contacts:full deals:full activities:full leads:full products:full users:read",
]
AROUND = 10  # rows of each kind that belong to a record
Kind = Literal["deal", "person", "organization", "lead", "product", "file"]


@tools.reads(
    scopes=["search:read"],
    search=(
        "cherche trouve recherche partout client affaire entreprise prospect produit find anything "
        "retrouve où est quelque chose sur nom mot-clé parle de fichier note contenant look up keyword "
        "mention"
    ),
    examples=[
        "Trouve tout sur la boulangerie Roy",
        "Search the CRM for Dupont",
        "Retrouve-moi le dossier de la cuisine",
        "On a quelque chose sur cette boîte ?",
        "Cherche qui parle de panneaux solaires",
        "Où est l'affaire du lycée ?",
        "On les connaît déjà, ces gens-là ?",
        "Look up the school project",
        "Do we have anything on this firm?",
        "Find whatever mentions solar panels",
        "Is this company in our CRM?",
        "Search for the word renovation",
    ],
)
async def search_all(
    query: Annotated[
        str, Field(description="Words, e-mail address or phone number, two characters at least.", examples=["Dupont"])
    ],
    kinds: Annotated[list[Kind] | None, Field(description="Only these kinds of record; all without it.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RowPage:
    """Search deals, persons, organizations, leads, products and files at once, the best fitting first.

    Returns rows with the record (person:5) that other tools take. Notes and custom fields are searched too. For a
    caller use pipedrive_get_caller. What was created a moment ago may be missing.
    """
    by_phone = looks_like_phone(query) and (kinds is None or "person" in kinds)
    if by_phone and (people := await records.by_phone(query)):
        return RowPage(items=await records.person_rows(people))
    params = {"item_types": ",".join(dict.fromkeys(kinds))} if kinds else {}
    rows, following = await records.search_for("itemSearch", query, limit, cursor, **params)
    return RowPage(items=[_row(one) for one in rows], next_cursor=following)


def _row(thing: Thing) -> Row:
    """Return what a search tells of a record."""
    kind = thing.text("type") or "record"
    return full(
        {
            "record": f"{kind}:{thing.id}",
            "name": records.name_of(thing),
            "phones": ", ".join(records.texts(thing.get("phones"))),
            "emails": ", ".join(records.texts(thing.get("emails"))),
            "person": thing.inner("person", "name") if kind != "person" else "",
            "organization": thing.inner("organization", "name") if kind != "organization" else "",
            "value": " ".join(part for part in (thing.text("value"), thing.text("currency")) if part),
            "stage": thing.inner("stage", "name"),
            "status": thing.text("status"),
            "code": thing.text("code"),
            "address": thing.text("address"),
        }
    )


@tools.reads(
    scopes=READ,
    search=(
        "qui est ce numéro appelant qui appelle client fiche téléphone identifie who is calling caller "
        "id lookup quelqu'un m'appelle inconnu ça sonne à identité on le connaît ringing unknown number "
        "whose phone belongs rang missed call"
    ),
    examples=[
        "Qui est le 06 12 34 56 78 ?",
        "Who is calling from +33 6 12 34 56 78?",
        "C'est qui, ce numéro ?",
        "J'ai un appel manqué, à qui c'est ?",
        "Ça sonne, qui est-ce ?",
        "On le connaît, celui qui appelle ?",
        "À qui appartient cette adresse mail ?",
        "Whose number is this?",
        "I missed a call, who was it?",
        "The phone is ringing, who's that?",
        "Do we know this caller?",
        "Who does this e-mail address belong to?",
    ],
)
async def get_caller(
    caller: Annotated[
        str, Field(description="Phone number, e-mail address or name.", examples=["06 12 34 56 78", "Zoé Lefèvre"])
    ],
) -> RecordDetail:
    """Tell who a caller is, by phone number, e-mail address or name, with everything open about that person.

    Returns the person, its open deals and leads, activities to be done and newest notes. A number is found however it
    is written in Pipedrive. Where several people share it, the others are listed. A person who is unknown is created
    with pipedrive_create_person.
    """
    people = await records.candidates("person", caller.removeprefix("person:"))
    shown = errors.excerpt(caller, 60)
    if not people:
        raise errors.NotFoundError(
            f"Nobody in Pipedrive fits `{shown}`.", "Ask for the name, or create the person: pipedrive_create_person."
        )
    by_name = "@" not in caller and not looks_like_phone(caller)
    one = choose(caller, people, name=records.name_of, kind="person") if by_name and len(people) > 1 else people[0]
    key = one.id
    detail = await around("person", key, AROUND)
    others = [other for other in people if other.id != key]
    if others:
        detail.others = await records.person_rows(others[:AROUND])
        count = f"{len(people)} people have `{shown}`" if not by_name else f"{len(people)} people fit `{shown}`"
        detail.note = " ".join(part for part in (f"{count}: ask which one it is.", detail.note) if part)
    return detail


@tools.reads(
    scopes=READ,
    search=(
        "fiche complète historique montre détails affaire client entreprise notes activités lire record "
        "résume fais le point brief prépare mon rendez-vous contexte où en est tout ce qu'on sait "
        "dernière fois status briefing catch me up background overview details ouvrir consulte dossier "
        "profil open look at know about"
    ),
    examples=[
        "Montre-moi l'affaire Refonte du site",
        "What do we know about Boulangerie Roy?",
        "Fais-moi le point sur ce client",
        "Où en est-on avec cette affaire ?",
        "Prépare-moi pour l'appel avec eux",
        "Qu'est-ce qu'on s'était dit la dernière fois ?",
        "Ouvre sa fiche",
        "Brief me before I call them",
        "Where do we stand with this deal?",
        "Catch me up on this customer",
        "Open her record",
        "What did we agree last time?",
    ],
)
async def get_record(
    record: Annotated[
        RecordRef, Field(description="deal, person, organization or lead, with number or name.", examples=["deal:77"])
    ],
    limit: Annotated[int, Field(ge=1, le=50, description="Maximum rows of each kind around it.")] = AROUND,
) -> RecordDetail:
    """Get one deal, person, organization or lead with its custom fields and what belongs to it.

    Returns its newest notes as whole texts, activities to be done, people, open deals, leads and the products of a
    deal. Use it before a call, or to learn what was agreed. Find the record with pipedrive_search_all.
    """
    kind, key = await records.resolved(record)
    return await around(kind, key, limit)


async def around(kind: str, key: str, limit: int) -> RecordDetail:
    """Return a record and what belongs to it; what the credentials may not read is named in the note."""
    thing = await records.one(kind, key)
    details = (await _details(kind, thing))[0]
    field = "org_id" if kind == "organization" else f"{kind}_id"
    lead_field = "organization_id" if kind == "organization" else field
    company = kind in ("person", "organization")
    parts: dict[str, Awaitable[list[Row]]] = {
        "activities": _activities({field: key, "done": "false"}, limit),
        "notes": records.notes_of(kind, key, limit),
    }
    if company:
        parts["deals"] = _deals({field: key, "status": "open"}, limit)
        parts["leads"] = _leads({lead_field: key}, limit)
    if kind == "organization":
        parts["persons"] = _persons({"org_id": key}, limit)
    if kind == "deal":
        parts["persons"] = _persons({"deal_id": key}, limit)
        parts["products"] = _products(key, limit)
    rows = dict(zip(parts, await asyncio.gather(*map(_allowed, parts.values())), strict=True))
    remarks = [f"{name} may not be read with these credentials" for name, result in rows.items() if result is None]
    remarks += [f"only {limit} {name} are shown" for name, result in rows.items() if result and len(result) >= limit]
    note = f"Not everything is here: {'; '.join(remarks)}." if remarks else None
    return RecordDetail(details=details, note=note, **{name: result for name, result in rows.items() if result})


async def _details(kind: str, thing: Thing) -> list[Row]:
    await account.me()
    if kind == "deal":
        rows = await records.deal_rows([thing], whole=True)
    elif kind == "person":
        rows = await records.person_rows([thing], whole=True)
    elif kind == "organization":
        rows = await records.organization_rows([thing], whole=True)
    else:
        rows = await records.lead_rows([thing])
    where = records.url(kind, thing.id)
    return [{**rows[0], **({"url": where} if where else {})}]


async def _allowed(part: Awaitable[list[Row]]) -> list[Row] | None:
    """Return rows; None where the credentials may not read them."""
    (result,) = await asyncio.gather(part, return_exceptions=True)
    if isinstance(result, errors.PermissionDeniedError):
        return None
    if isinstance(result, BaseException):
        raise result
    return result


async def _activities(params: dict[str, Any], limit: int) -> list[Row]:
    query = {**params, "sort_by": "due_date", "sort_direction": "asc"}
    return await records.activity_rows((await records.listed(f"{V2}/activities", limit, None, query))[0])


async def _deals(params: dict[str, Any], limit: int) -> list[Row]:
    query = {**params, "sort_by": "update_time", "sort_direction": "desc"}
    return await records.deal_rows((await records.listed(f"{V2}/deals", limit, None, query))[0])


async def _leads(params: dict[str, Any], limit: int) -> list[Row]:
    query = {**params, "sort": "add_time DESC"}
    return await records.lead_rows((await records.listed(f"{V1}/leads", limit, None, query, START))[0])


async def _persons(params: dict[str, Any], limit: int) -> list[Row]:
    return await records.person_rows((await records.listed(f"{V2}/persons", limit, None, params))[0])


async def _products(deal: str, limit: int) -> list[Row]:
    return await records.product_rows((await records.listed(f"{V2}/deals/{deal}/products", limit, None))[0])


@tools.reads(
    core=False,
    scopes=["contacts:read users:read", "contacts:full users:read"],
    search=(
        "liste contacts personnes clients de l'entreprise récents people interlocuteurs gens employés "
        "qui travaille chez carnet répertoire annuaire coordonnées staff who works at everyone "
        "directory address book eux tous mes there working"
    ),
    examples=[
        "Qui est-ce qu'on connaît chez eux ?",
        "Liste mes interlocuteurs dans cette boîte",
        "Qui travaille là-bas ?",
        "Montre mon carnet d'adresses",
        "Donne-moi tous mes contacts",
        "Who do we know at this company?",
        "Everyone who works there, with phone numbers",
        "Show my contacts",
        "List the people of that firm",
    ],
)
async def list_persons(
    organization: records.OrganizationRef = None,
    owner: records.OwnerRef = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RowPage:
    """List persons, of an organization or of an owner, last changed first, with phone numbers and e-mail addresses.

    To find one by name, phone number or e-mail address use pipedrive_get_caller or pipedrive_search_all.
    """
    params = {
        "org_id": await records.number(organization),
        "owner_id": await account.owner_id(owner),
        "sort_by": "update_time",
        "sort_direction": "desc",
    }
    rows, following = await records.listed(f"{V2}/{PLURAL['person']}", limit, cursor, params)
    return RowPage(items=await records.person_rows(rows), next_cursor=following)


@tools.reads(
    core=False,
    scopes=["contacts:read users:read", "contacts:full users:read"],
    search=(
        "liste organisations entreprises sociétés comptes companies accounts boîtes clients pros "
        "portefeuille d'entreprises firmes businesses firms portfolio corporate customers suit mes mine "
        "looks after latest"
    ),
    examples=[
        "Quelles boîtes j'ai en portefeuille ?",
        "Liste toutes les entreprises",
        "Quelles sociétés suit mon collègue ?",
        "Montre nos clients pros",
        "C'est quoi les dernières entreprises modifiées ?",
        "Which companies are mine?",
        "List all the firms in the CRM",
        "Show our corporate customers",
        "What businesses does my colleague look after?",
    ],
)
async def list_organizations(owner: records.OwnerRef = None, limit: Limit = 20, cursor: Cursor = None) -> RowPage:
    """List organizations, all of them or those of an owner, last changed first, with address and owner.

    To find one by its name use pipedrive_search_all; for its people, deals and notes pipedrive_get_record.
    """
    params = {"owner_id": await account.owner_id(owner), "sort_by": "update_time", "sort_direction": "desc"}
    rows, following = await records.listed(f"{V2}/{PLURAL['organization']}", limit, cursor, params)
    return RowPage(items=await records.organization_rows(rows), next_cursor=following)
