"""Finding and reading records. https://www.zoho.com/crm/developer/docs/api/v8/search-records.html"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, cursor_number, errors
from flotilla.parsing import looks_like_phone

from .. import links, metadata, pipelines, query, records, scopes, values
from ..centers import ACCOUNTS
from ..client import api
from ..models import RecordDetail, RecordPage, Row
from ..records import ModuleName, RecordRef, Where

tools = Toolset("records")

BY_WORDS = ("Contacts", "Leads", "Accounts", "Deals")
BY_PHONE = ("Contacts", "Leads", "Accounts")
BY_MAIL = ("Contacts", "Leads")
LINKED = ("ownerlookup", "userlookup", "lookup", "multi_module_lookup")
DEEPEST = 2_000  # records that a search shows
Record = Annotated[
    RecordRef,
    Field(
        description="The record by number or name, or a person's e-mail address or phone number.",
        examples=["contact:5725767000000376007"],
    ),
]


@tools.reads(
    scopes=scopes.READ,
    search=(
        "cherche trouve client prospect contact société affaire numéro appelant qui appelle find who is "
        "calling retrouve connaît à est ce mail appel manqué inconnu existe déjà dans le CRM lookup "
        "phone caller unknown number missed call whose do we know already fichiers base reach tried "
        "database"
    ),
    examples=[
        "Qui est le 06 12 34 56 78 ?",
        "Find Jean Dupont in Zoho",
        "Who is calling?",
        "C'est qui ce numéro ?",
        "J'ai un appel manqué, à qui est-ce ?",
        "Retrouve la cliente qui s'appelle Martin",
        "On a cette boîte dans nos fichiers ?",
        "À qui appartient cette adresse mail ?",
        "Cherche l'affaire du lycée",
        "Whose number is that?",
        "Do we already know this company?",
        "Look up the customer by e-mail",
        "Someone named Martin, find her",
        "Who tried to reach me?",
    ],
)
async def search_records(
    text: Annotated[
        str,
        Field(
            min_length=2,
            max_length=100,
            description="A phone number, an e-mail address, or words from a name or company.",
            examples=["06 12 34 56 78"],
        ),
    ],
    module: Annotated[
        str | None, Field(description="Only this module, such as Leads or Deals; else people, accounts and deals.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RecordPage:
    """Find contacts, leads, accounts and deals by a caller's phone number, an e-mail address or words.

    A phone number is found however it is written. Returns rows with the record (contact:5725…) that the other tools
    take, contacts first; `limit` counts for each module. For conditions on fields, such as a stage or a date, use
    zoho_query_records; for all about one record, zoho_get_record.
    """
    page = cursor_number(cursor, 1)
    if page * limit > DEEPEST:
        raise errors.InvalidInputError(f"A search shows {DEEPEST:,} records at most.", "Use zoho_query_records.")
    reach = "@" in text or looks_like_phone(text)
    usual = BY_MAIL if "@" in text else BY_PHONE if reach else BY_WORDS
    own = [await records.module_of(module)] if module else list(usual)

    async def rows_of_module(name: str) -> tuple[list[Row], bool]:
        if page == 1 and reach:
            shown = list(records.USUAL.get(name, records.NAMES.get(name, ("Name",))))
            if rows := await records.reached(name, text, shown, limit):
                return records.rows_of(name, await records.with_owners(rows)), False
        return await _searched(name, text, page, limit)

    pages = await records.each(own, rows_of_module)
    rows = [row for some, _ in pages for row in some]
    more = any(following for _, following in pages)
    return RecordPage(items=rows, next_cursor=str(page + 1) if more else None)


async def _searched(module: str, text: str, page: int, limit: int) -> tuple[list[Row], bool]:
    """Return one page of Zoho's own search, which knows new records some seconds late, and whether there is another."""
    by = "email" if "@" in text else "phone" if looks_like_phone(text) else "word"
    params = {
        by: values.spellings(text)[0] if by == "phone" else text.strip(),
        "fields": ",".join(records.USUAL.get(module, records.NAMES.get(module, ("Name",)))),
        "page": page,
        "per_page": limit,
    }
    answer = await api.request("GET", f"/{module}/search", params=params)
    if answer is None:  # 204: nothing
        return [], False
    info = answer.get("info") if isinstance(answer, dict) else None
    more = bool(isinstance(info, dict) and info.get("more_records"))
    return records.rows_of(module, api.rows_in(answer, "data")), more


@tools.reads(
    scopes=scopes.READ,
    search=(
        "fiche complète historique notes dernières activités montre lire détail affaire prospect client "
        "résume fais le point brief prépare rendez-vous contexte où en est dernière fois ouvre "
        "coordonnées briefing catch up background overview timeline what was agreed talk last time "
        "stand consulte profil ouvrir profile"
    ),
    examples=[
        "Qu'est-ce qu'on s'est dit la dernière fois ?",
        "Show me everything about this lead",
        "Fais-moi le point avant mon rendez-vous",
        "Ouvre sa fiche",
        "Où en est-on avec cette boîte ?",
        "Tout ce qu'on sait sur elle",
        "Lis-moi les notes de l'affaire",
        "Quel est son numéro de portable ?",
        "Brief me before I call her",
        "What did we talk about last time?",
        "Open his record",
        "Where do things stand with this account?",
        "Read me the notes on that deal",
    ],
)
async def get_record(
    record: Record,
    linked: Annotated[bool, Field(description="Also show what is linked to it.")] = True,
    limit: Annotated[int, Field(ge=1, le=50, description="Maximum linked records of each kind.")] = 5,
) -> RecordDetail:
    """Get one record with all its fields, and the newest notes, tasks, meetings, calls, deals and people linked to it.

    Use it to prepare a call or to recall what was said last. Works for leads, contacts, accounts, deals and every other
    module. A phone number or e-mail address finds the contact, else the lead. To search, use zoho_search_records.
    """
    module, number = await records.resolved(record)
    raw = await records.fetch(module, number)
    known = await metadata.fields_of(module)
    details = records.row(module, {"id": number, **raw}, known)
    if module == "Deals" and (stage := details.get("Stage")):
        details["Stage"] = pipelines.stage_name(await pipelines.fetch(), stage)
    details["url"] = _address(module, number)
    if not linked or module not in links.OWN:
        return RecordDetail(details=details)
    return RecordDetail(details=details, linked=await links.newest(module, number, limit))


def _address(module: str, number: str) -> str:
    """Return where people see a record."""
    center = api.base.rpartition("zohoapis.")[2].strip("/")
    accounts = ACCOUNTS.get(center, ACCOUNTS["com"])
    return f"{accounts.replace('//accounts.', '//crm.')}/crm/EntityInfo.do?module={module}&id={number}"


@tools.reads(
    scopes=scopes.READ,
    search=(
        "liste filtre affaires par étape montant prospects mes tâches réunions rendez-vous agenda du "
        "jour report lesquels tous ceux qui plus de moins sans critères conditions trié secteur ville "
        "créés cette semaine combien filter which all those where over under without created city "
        "industry sorted count win gagné perdu mois dernier last month lost having"
    ),
    examples=[
        "Quelles affaires sont en négociation ?",
        "Mes tâches du jour",
        "Deals over 10 000 €",
        "Qui sont les prospects arrivés cette semaine ?",
        "Toutes les ventes de plus de 5 000 €",
        "Les clients de Lyon qu'on n'a pas contactés depuis un mois",
        "Combien d'affaires se terminent en mars ?",
        "Qu'est-ce qu'on a perdu le mois dernier ?",
        "Leads that came in today",
        "All accounts in the building trade",
        "Which deals close this quarter?",
        "Customers without an e-mail address",
        "What did we win last month?",
    ],
)
async def query_records(
    module: ModuleName,
    where: Where = None,
    fields: Annotated[
        list[str] | None, Field(max_length=30, description="Fields to show, by name or label; else the usual ones.")
    ] = None,
    sort: Annotated[
        str | None, Field(description="Field to sort by, with - in front for descending.", examples=["-Amount"])
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RecordPage:
    """List the records of a module that meet conditions, such as deals of a stage, leads of a day or my open tasks.

    My tasks until a day are Tasks with Owner=me, Status!=Completed and Due_Date<=2030-01-31; meetings are Events with
    Start_DateTime, phone calls are Calls. Fields, choices, owners and linked records go by name or label. For a phone
    number or a name, use zoho_search_records.
    """
    name = await records.module_of(module)
    start = cursor_number(cursor, 0)
    if start + limit > query.DEEPEST:
        raise errors.InvalidInputError(
            f"Zoho CRM shows {query.DEEPEST:,} records of a query at most.", "Narrow the conditions."
        )
    conditions, used = await _conditions(name, where or [])
    known = await metadata.fields_of(name)
    wanted = await metadata.with_fields(
        name,
        lambda rows: [
            metadata.find(rows, one, name).name for one in [*(fields or []), (sort or "").lstrip("-")] if one
        ],
    )
    order = f"{wanted.pop()} {'desc' if sort.startswith('-') else 'asc'}" if sort else ""
    shown = wanted or [one for one in records.USUAL.get(name, ()) if one in known] or _first(known)
    names = list(dict.fromkeys([*(one for one in records.NAMES.get(name, ("Name",)) if one in known), *shown, *used]))
    rows, more = await query.select(name, names[:50], query.both(conditions), order=order, offset=start, limit=limit)
    items = records.rows_of(name, await records.with_owners(rows), known)
    return RecordPage(items=items, next_cursor=str(start + limit) if more else None)


def _first(known: dict[str, metadata.Field]) -> list[str]:
    """Return some fields of a module of which nothing is known."""
    plain = ("text", "picklist", "email", "phone", "date", "datetime", "currency", "integer", "lookup", "ownerlookup")
    return [field.name for field in known.values() if field.type in plain and field.name not in records.NOISE][:10]


async def _conditions(module: str, where: list[str]) -> tuple[list[str], list[str]]:
    """Return conditions of COQL, and the fields that they are about."""
    if len(where) > query.MOST:
        raise errors.InvalidInputError(f"Zoho CRM takes at most {query.MOST} conditions.", "Leave some out.")
    parsed: list[Any] = await metadata.with_fields(
        module, lambda known: [query.parsed(known, module, text) for text in where]
    )
    zone = await metadata.account_zone() if parsed else api.zone
    conditions = []
    for field, sign, value in parsed:
        if field.type in LINKED and sign not in ("=", "!="):
            raise errors.InvalidInputError(
                f"`{field.name}` is a linked record, which can only be compared by = or !=.", "Pass its whole name."
            )
        if value != "*" and sign in ("=", "!="):
            if field.type in ("ownerlookup", "userlookup"):
                value = (await metadata.user_of(value)).id
            elif field.type == "lookup" and field.module:
                text = value if ":" in value else f"{field.module}:{value}"
                value = (await records.resolved(text))[1]
            elif module == "Deals" and field.name == "Stage":
                value = (await pipelines.position(value)).stage
        conditions.append(query.condition(field, sign, value, zone))
    return conditions, [field.name for field, _, _ in parsed]
