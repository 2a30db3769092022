"""Finding records: people by number or address, anything by words, anything by a query.

https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_sosl.htm
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, errors
from flotilla.parsing import PhoneError, looks_like_phone

from .. import people, queries, records, schema
from ..client import api
from ..models import Row, Rows

tools = Toolset("search")

FOUND = {  # what a search shows of each object
    **records.CALLER,
    "Opportunity": "Id, Name, Account.Name, StageName, Amount, CloseDate, Owner.Name",
    "Case": "Id, CaseNumber, Subject, Status, Priority, Contact.Name",
}
MOST = 200  # records of one search
_LOCKS = re.compile(r"\bFOR\s+(UPDATE|VIEW|REFERENCE)\b", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'")
_LIMIT = re.compile(r"\s+LIMIT\s+(\d{1,9})\s*$", re.IGNORECASE)


@tools.reads(
    scopes=["api"],
    search=(
        "cherche trouve qui est ce numéro appelant téléphone contact client piste compte affaire "
        "requête fiche retrouve à mail appel manqué inconnu connaît existe déjà lookup whose number "
        "missed call caller who rang do we know already look up fichiers base database"
    ),
    examples=[
        "Qui est au 06 12 34 56 78 ?",
        "Find Jean Dupont",
        "Retrouve l'affaire Refonte du site",
        "C'est qui ce numéro ?",
        "J'ai un appel manqué, qui est-ce ?",
        "On a cette boîte dans nos fichiers ?",
        "À qui appartient cette adresse mail ?",
        "Retrouve la cliente qui s'appelle Martin",
        "Whose number is this?",
        "Who just rang me?",
        "Do we already know this company?",
        "Look up a customer by e-mail",
        "Search for the school project",
    ],
)
async def search_records(
    query: Annotated[
        str,
        Field(
            min_length=2,
            description="Phone number or e-mail address as people say it, case number, or words.",
            examples=["Dupont"],
        ),
    ],
    objects: Annotated[
        list[str] | None, Field(description="Only these kinds of record, by name or label.", examples=[["Contact"]])
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Rows:
    """Find who calls by phone number, or contacts, leads, accounts, opportunities and cases by address or words.

    Numbers are found however they are written. Returns rows with object and Id, which other tools take. For
    conditions on fields, use salesforce_query_records.
    """
    start = queries.checked_start(cursor)
    kinds = [await schema.object_named(one) for one in objects or ()]
    rows = await _found(query.strip(), kinds)
    return queries.cut([_row(row, api.zone) for row in rows], start, limit)  # none of these fields is a time


async def _found(query: str, kinds: list[str]) -> list[dict[str, Any]]:
    if looks_like_phone(query) and not (query.isdecimal() and query.startswith("00") and len(query) <= 8):
        with suppress(PhoneError):
            rows = await records.with_phone(query)
            return [row for row in rows if not kinds or records.object_in(row) in kinds]
    wanted = {kind: FOUND.get(kind) or f"Id, {records.name_field(kind)}" for kind in kinds} or FOUND
    asked = await records.caller_fields(wanted)
    is_address = "@" in query and " " not in query
    search = queries.phrases([query]) if is_address else queries.terms(query)
    rows = await queries.find(search, "EMAIL" if is_address else "ALL", asked, MOST)
    return rows or await _by_name(query, asked, is_address)


async def _by_name(query: str, asked: dict[str, str], is_address: bool) -> list[dict[str, Any]]:
    """Search without the index, which learns of new records late."""
    pattern, selects = queries.holding(query, loose=True), []
    for kind, fields in asked.items():
        where = f"{records.name_field(kind)} LIKE {pattern}"
        if is_address and "Email" not in fields.split(", "):
            continue
        if is_address:
            where = f"Email = {queries.text(query)}"
        elif kind == "Case":
            where = f"CaseNumber LIKE {pattern} OR Subject LIKE {pattern}"
        selects.append(f"SELECT {fields} FROM {kind} WHERE {where} LIMIT 50")
    return [row for part in await queries.together(selects) for row in part] if selects else []


def _row(row: dict[str, Any], zone: Any) -> Row:
    kind = records.object_in(row)
    return {**({"object": kind} if kind else {}), **queries.flat(row, zone)}


@tools.reads(
    scopes=["api"],
    search=(
        "requête SOQL interroge liste filtre compte total somme query select where report combien tous "
        "ceux qui plus de moins sans critères conditions moyenne par région classe top filter how many "
        "average over under without grouped by all accounts sum créés depuis since created"
    ),
    examples=[
        "Combien d'affaires gagnées ce mois ?",
        "List accounts in Lyon without activity",
        "Combien de pistes sont arrivées cette semaine ?",
        "Tous les comptes de plus de 100 salariés",
        "Quel est le montant total en négociation ?",
        "Les clients sans activité depuis trois mois",
        "Top 10 des comptes par chiffre d'affaires",
        "How many leads came in this week?",
        "Sum of won amounts by month",
        "All accounts in the building trade without an owner",
        "Average deal size this year",
        "Contacts created since Monday",
    ],
)
async def query_records(
    soql: Annotated[
        str,
        Field(
            description="One SELECT statement; days as 2030-06-04 or THIS_MONTH, times in UTC with Z.",
            examples=["SELECT Id, Name, Phone FROM Account WHERE BillingCity = 'Lyon' ORDER BY Name"],
        ),
    ],
    limit: Annotated[int, Field(ge=1, le=200, description="Maximum rows per page.")] = 50,
    cursor: Cursor = None,
) -> Rows:
    """Run one SOQL query that only reads: any object, conditions, counts and sums with GROUP BY, parents as Owner.Name.

    Use it where salesforce_search_records and the lists have no fitting argument. Pages show 2,000 rows at most. Put an
    ORDER BY, so that pages do not overlap. A field that the user may not see is reported as unknown.
    """
    statement = soql.strip().rstrip(";").strip()
    if not re.match(r"SELECT\b", statement, re.IGNORECASE):
        raise errors.InvalidInputError("This is not a SELECT statement.", "Begin with SELECT; nothing else is run.")
    if _LOCKS.search(_QUOTED.sub("''", statement)):
        raise errors.InvalidInputError("FOR UPDATE, FOR VIEW and FOR REFERENCE do more than read.", "Leave it out.")
    start, zone = queries.checked_start(cursor), await people.zone()
    wanted = start + limit + 1
    if own := _LIMIT.search(statement):
        statement, wanted = statement[: own.start()], min(wanted, int(own[1]))
    counts = re.match(r"SELECT\s+COUNT\(\s*\)", statement, re.IGNORECASE)
    if counts:
        return Rows(items=[{"count": str(await queries.total(statement))}])
    grouped = re.search(r"\b(GROUP\s+BY|OFFSET)\b", _QUOTED.sub("''", statement), re.IGNORECASE)
    single = not grouped and re.search(r"\b(COUNT|SUM|AVG|MIN|MAX|COUNT_DISTINCT)\s*\(", statement, re.IGNORECASE)
    rows = await queries.select(statement if single else _limited(statement, wanted))
    return queries.cut([_row(row, zone) for row in rows], start, limit)


def _limited(statement: str, most: int) -> str:
    """Return a statement with a LIMIT, which stands before an OFFSET."""
    offset = re.search(r"\s+OFFSET\s+\d+\s*$", statement, re.IGNORECASE)
    head, tail = (statement[: offset.start()], offset[0]) if offset else (statement, "")
    head = _LIMIT.sub("", head)
    return f"{head} LIMIT {most}{tail}"
