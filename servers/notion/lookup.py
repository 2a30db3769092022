"""Databases, people and pages by the names that people give them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flotilla import errors
from flotilla.parsing import folded, listed

from .client import api, id_in, list_by_post
from .values import title_of

PAGES = 3  # of a hundred: how far a name is looked for


@dataclass(frozen=True)
class Source:
    """A data source, which is what a database keeps its rows in. `properties` is its schema, by name."""

    id: str
    title: str
    url: str | None
    properties: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, raw: dict[str, Any]) -> Source:
        """Read a data source object."""
        properties = {
            name: prop
            for name, prop in (raw.get("properties") or {}).items()
            if isinstance(prop, dict) and prop.get("type")
        }
        return cls(raw["id"], title_of(raw), raw.get("url"), properties)


def matching(name: str, named: Iterable[tuple[str, Any]]) -> list[Any]:
    """Return what has this name: those written exactly so, else those that differ in case and accents alone."""
    pairs = [(unicodedata.normalize("NFC", own).strip(), thing) for own, thing in named]
    wanted = unicodedata.normalize("NFC", name).strip()
    exact = [thing for own, thing in pairs if own == wanted]
    return exact or [thing for own, thing in pairs if folded(own) == folded(wanted)]


async def source(database: str) -> Source:
    """Return the data source that is meant by a name, an address or an id.

    Raises errors.NotFoundError, and errors.InvalidInputError where a name or a database stands for several.
    """
    database_id = id_in(database)
    if not database_id:
        return await _by_name(database)
    with suppress(errors.NotFoundError):
        return Source.of(await api.get(f"/data_sources/{database_id}"))
    inside = [row for row in await api.rows(f"/databases/{database_id}", "data_sources", missing=True) if row.get("id")]
    if len(inside) != 1:
        names = listed(f"{row.get('name') or '?'} ({row['id']})" for row in inside)
        raise errors.InvalidInputError(
            f"This database has {len(inside)} data sources: {names or 'none'}.", "Pass the id of one."
        )
    return Source.of(await api.get(f"/data_sources/{inside[0]['id']}"))


async def _by_name(name: str) -> Source:
    if not 0 < len(name.strip()) <= 500:
        raise errors.InvalidInputError(
            "This is not the name of a database.", "Find it with notion_search and kind=database."
        )
    fitting, seen = await _sources(name.strip(), name)
    if not fitting:  # the search may not know that é is e
        fitting, seen = await _sources("", name)
    if len(fitting) > 1:
        shown = listed(f"{one['id']} ({one.get('url', '')})" for one in fitting)
        raise errors.InvalidInputError(
            f"There are {len(fitting)} databases `{errors.excerpt(name, 60)}`: {shown}.", "Pass an id."
        )
    if not fitting:
        names = listed((title_of(one) for one in seen), 10)
        raise errors.NotFoundError(
            f"No database `{errors.excerpt(name, 60)}` is shared with the integration.",
            f"There are: {names}." if names else "Look with notion_search, or ask the user to share it.",
        )
    one = fitting[0]
    return Source.of(one if one.get("properties") else await api.get(f"/data_sources/{one['id']}"))


async def _sources(query: str, name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the data sources of a name among those that a search finds, and all that it found."""
    body = {"query": query or None, "filter": {"property": "object", "value": "data_source"}}
    seen: list[dict[str, Any]] = []
    cursor = None
    for _ in range(PAGES):
        page = await list_by_post("/search", body, cursor=cursor)
        sources = (one for one in page["results"] if one.get("object") == "data_source" and one.get("id"))
        seen += [one for one in sources if not one.get("in_trash")]
        fitting = matching(name, ((title_of(one), one) for one in seen))
        cursor = page.get("next_cursor")
        if fitting or not cursor:
            break
    return fitting, seen


async def person(name: str) -> str:
    """Return the id of a person by name, part of the name or e-mail address; "me" is who connected the account.

    Raises errors.InvalidInputError with those that there are.
    """
    if id_in(name):
        return id_in(name)
    if folded(name) in ("me", "moi"):
        return await _me()
    people: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await api.get("/users", params={"page_size": 100, "start_cursor": cursor})
        people += [user for user in api.rows_in(page, "results") if user.get("id") and user.get("type") != "bot"]
        cursor = page.get("next_cursor")
        if not cursor:
            break
    ids = matching(name, ((user.get("name") or "", user["id"]) for user in people))
    ids = ids or matching(name, (((user.get("person") or {}).get("email") or "", user["id"]) for user in people))
    ids = ids or [user["id"] for user in people if _part_of(name, user.get("name") or "")]
    if len(set(ids)) == 1:
        return str(ids[0])
    known = listed(
        f"{user.get('name') or '?'} ({(user.get('person') or {}).get('email') or user['id']})" for user in people
    )
    how_many = "Several people are" if ids else "Nobody is"
    raise errors.InvalidInputError(
        f"{how_many} called `{errors.excerpt(name, 60)}`; there are: {known}.", "Pass an e-mail address or an id."
    )


def _part_of(name: str, whole: str) -> bool:
    """Tell whether all words of a name stand in a longer one: Marie in Marie Lefèvre."""
    terms = folded(name).split()
    return bool(terms) and set(terms) <= set(folded(whole).split())


async def _me() -> str:
    """Return the id of the person who connected the account; an internal integration belongs to nobody."""
    owner = ((await api.get("/users/me")).get("bot") or {}).get("owner") or {}
    if owner.get("type") == "user" and (owner.get("user") or {}).get("id"):
        return str(owner["user"]["id"])
    raise errors.InvalidInputError(
        "It is not known who `me` is: this integration belongs to the workspace, not to a person.",
        "Pass the person's name or e-mail address.",
    )


async def titled(data_source: str, title: str) -> list[dict[str, Any]]:
    """Return the pages of a data source that have this title."""
    return matching(title, ((title_of(row), row) for row in await _with_title(data_source, "equals", title)))


async def _with_title(data_source: str, comparison: str, title: str) -> list[dict[str, Any]]:
    body = {"filter": {"property": "title", "title": {comparison: title}}}  # the title's property has the id "title"
    page = await list_by_post(f"/data_sources/{data_source}/query", body)
    return [row for row in page["results"] if row.get("id")]


async def related(data_source: str, name: str) -> str:
    """Return the id of a related page by its title, or by part of it where only one page's title has that part.

    Raises errors.InvalidInputError where there is none or more than one.
    """
    if id_in(name):
        return id_in(name)
    pages = await titled(data_source, name)
    pages = pages or await _with_title(data_source, "contains", name.strip())
    if len(pages) == 1:
        return str(pages[0]["id"])
    if pages:
        candidates = listed((f"{title_of(page)} ({page['id']})" for page in pages), 10)
        raise errors.InvalidInputError(
            f"{len(pages)} related pages are called `{errors.excerpt(name, 60)}`: {candidates}.", "Pass an id."
        )
    raise errors.InvalidInputError(
        f"The related database {data_source} has no page `{errors.excerpt(name, 60)}`.",
        "Find it with notion_query_database, or create it first.",
    )


async def inside(parent: str, title: str, kind: str = "child_page") -> dict[str, Any] | None:
    """Return the page of this title that stands directly in a page, by its id; looks through 500 blocks.

    `kind`: child_page, or child_database.
    """
    cursor = None
    for _ in range(5):
        answer = await api.get(f"/blocks/{parent}/children", params={"page_size": 100, "start_cursor": cursor})
        pages = [
            ((block.get(kind) or {}).get("title") or "", block["id"])
            for block in api.rows_in(answer, "results")
            if block.get("type") == kind and block.get("id")
        ]
        if ids := matching(title, pages):
            return {"id": str(ids[0])}
        cursor = answer.get("next_cursor")
        if not cursor:
            break
    return None


async def schema_of(page: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the schema that a page's properties follow; a page outside of databases has a title alone."""
    parent = page.get("parent") or {}
    above = parent.get("data_source_id") or parent.get("database_id")
    return (await source(above)).properties if above else {"title": {"id": "title", "type": "title"}}
