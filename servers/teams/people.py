"""People by the names that others give them: @Marie, marie@atelier.example, Marie Dupont, or an id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flotilla import choose, errors, segment

from .client import api, me

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
FIELDS = "id,displayName,mail,userPrincipalName,jobTitle,department,mobilePhone"
EVENTUAL = {"ConsistencyLevel": "eventual"}  # without it, Graph does not search people
_OWN = ("me", "myself", "moi")


async def person(text: str) -> dict[str, Any]:
    """Return somebody by name, address or id, as the API gives them; raises errors.NotFoundError with candidates."""
    wanted = text.strip().removeprefix("@").strip()
    if wanted.casefold() in _OWN:
        own = await me()
        return {"id": own.id, "displayName": own.name, "mail": own.address}
    if GUID.fullmatch(wanted) or "@" in wanted:
        return await api.get(f"/users/{segment(wanted)}", params={"$select": FIELDS})
    rows = await found_people(wanted, 25)
    return choose(wanted, rows, name=name_of, kind="person", listed_by="teams_search_people", parts=True)


async def found_people(query: str, most: int) -> list[dict[str, Any]]:
    """Return people of the organization whose name or address begins with the query."""
    await me()
    params = {**searched(query), "$top": most}
    rows = await api.rows("/users", "value", missing=True, params=params, headers=EVENTUAL)
    return [row for row in rows if row.get("id") and row.get("displayName")]


def searched(query: str) -> dict[str, Any]:
    """Return the parameters of a search for people."""
    plain = " ".join(re.sub(r'["\\:]', " ", query).split())
    if not plain:
        raise errors.InvalidInputError("There is nothing to search for.", "Pass a name or an address.")
    return {"$search": f'"displayName:{plain}" OR "mail:{plain}"', "$select": FIELDS, "$count": "true"}


async def people(texts: Iterable[str]) -> list[dict[str, Any]]:
    """Return several people, each once."""
    rows = [await person(text) for text in texts]
    return list({str(row["id"]): row for row in rows}.values())


def name_of(row: Any) -> str:
    """Return the name of somebody of the API."""
    return str(row.get("displayName") or row.get("mail") or row.get("email") or "")


def address_of(row: Any) -> str:
    """Return the address of somebody of the API, else their name."""
    return str(row.get("mail") or row.get("userPrincipalName") or row.get("email") or name_of(row))
