"""Finding what is named in plain words: databases, people, related pages, and what is there already."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flotilla import errors
from flotilla.http.responses import json_of, object_of

from .client import api, asked, id_in, integration
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
    def of(cls, told: dict[str, Any]) -> Source:
        """Read a data source object."""
        return cls(told["id"], title_of(told), told.get("url"), told.get("properties") or {})


def folded(text: str) -> str:
    """Return a name without what people spell differently: case, accents, spaces around and between."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def matching(name: str, named: Iterable[tuple[str, Any]]) -> list[Any]:
    """Return what has this name: those spelt exactly so, else those that differ in case and accents alone."""
    pairs = [(unicodedata.normalize("NFC", spelt).strip(), thing) for spelt, thing in named]
    wanted = unicodedata.normalize("NFC", name).strip()
    exact = [thing for spelt, thing in pairs if spelt == wanted]
    return exact or [thing for spelt, thing in pairs if folded(spelt) == folded(wanted)]


def listed(things: Iterable[object], most: int = 40) -> str:
    """Return things in one line, not too many."""
    told = [errors.excerpt(thing, 60) for thing in things]
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")


async def source(database: str) -> Source:
    """Return the data source that is meant by a name, an address or an id.

    Raises errors.NotFoundError, and errors.InvalidInputError where a name or a database stands for several.
    """
    found = id_in(database)
    if not found:
        return await _by_name(database)
    answer = await api.send("GET", f"/data_sources/{found}", expected=(404,))
    if answer.status_code == 200:
        return Source.of(object_of(json_of(answer, integration.title), integration.title))
    inside = await api.rows(f"/databases/{found}", "data_sources", missing=True)
    if len(inside) != 1:
        told = listed(f"{one['name']} ({one['id']})" for one in inside)
        raise errors.InvalidInputError(
            f"This database has {len(inside)} data sources: {told or 'none'}.", "Pass the id of one."
        )
    return Source.of(await api.get(f"/data_sources/{inside[0]['id']}"))


async def _by_name(name: str) -> Source:
    if not 0 < len(name.strip()) <= 500:
        raise errors.InvalidInputError(
            "This is no name of a database.", "Find it with notion_search and kind=database."
        )
    hits, seen = await _sources(name.strip(), name)
    if not hits:  # the search may not know that é is e
        hits, seen = await _sources("", name)
    if len(hits) > 1:
        told = listed(f"{hit['id']} ({hit.get('url', '')})" for hit in hits)
        raise errors.InvalidInputError(
            f"There are {len(hits)} databases {errors.excerpt(name, 60)!r}: {told}.", "Pass an id."
        )
    if not hits:
        near = listed((title_of(told) for told in seen), 10)
        raise errors.NotFoundError(
            f"No database {errors.excerpt(name, 60)!r} is shared with the integration.",
            f"There are: {near}." if near else "Look with notion_search, or ask the user to share it.",
        )
    hit = hits[0]
    return Source.of(hit if hit.get("properties") else await api.get(f"/data_sources/{hit['id']}"))


async def _sources(query: str, name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the data sources of a name among those that a search finds, and all that it found."""
    body = {"query": query or None, "filter": {"property": "object", "value": "data_source"}}
    seen: list[dict[str, Any]] = []
    cursor = None
    for _ in range(PAGES):
        page = await asked("/search", body, cursor=cursor)
        seen += [told for told in page["results"] if told["object"] == "data_source" and not told.get("in_trash")]
        hits = matching(name, ((title_of(told), told) for told in seen))
        cursor = page.get("next_cursor")
        if hits or not cursor:
            break
    return hits, seen


async def person(name: str) -> str:
    """Return the id of a person by name or e-mail; raises errors.InvalidInputError with those that there are."""
    if id_in(name):
        return id_in(name)
    people: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await api.get("/users", params={"page_size": 100, "start_cursor": cursor})
        people += [user for user in api.rows_in(page, "results") if user.get("type") != "bot"]
        cursor = page.get("next_cursor")
        if not cursor:
            break
    hits = matching(name, ((user.get("name") or "", user["id"]) for user in people))
    hits = hits or matching(name, (((user.get("person") or {}).get("email") or "", user["id"]) for user in people))
    if len(set(hits)) == 1:
        return str(hits[0])
    known = listed(
        f"{user.get('name') or '?'} ({(user.get('person') or {}).get('email') or user['id']})" for user in people
    )
    how_many = "Several people are" if hits else "Nobody is"
    raise errors.InvalidInputError(
        f"{how_many} called {errors.excerpt(name, 60)!r}; there are: {known}.", "Pass an e-mail or id."
    )


async def titled(data_source: str, title: str) -> list[dict[str, Any]]:
    """Return the pages of a data source that have this title."""
    body = {"filter": {"property": "title", "title": {"equals": title}}}  # the title's property has the id "title"
    page = await asked(f"/data_sources/{data_source}/query", body)
    return matching(title, ((title_of(told), told) for told in page["results"]))


async def related(data_source: str, name: str) -> str:
    """Return the id of a related page by its title.

    Raises errors.InvalidInputError where there is none or more than one.
    """
    if id_in(name):
        return id_in(name)
    hits = await titled(data_source, name)
    if len(hits) == 1:
        return str(hits[0]["id"])
    if hits:
        told = listed((hit["id"] for hit in hits), 10)
        raise errors.InvalidInputError(
            f"{len(hits)} related pages are called {errors.excerpt(name, 60)!r}: {told}.", "Pass an id."
        )
    raise errors.InvalidInputError(
        f"The related database {data_source} has no page {errors.excerpt(name, 60)!r}.",
        "Find it with notion_query_database, or create it first.",
    )


async def subpage(parent: str, title: str) -> dict[str, Any] | None:
    """Return the page of this title that stands directly in a page, by its id; looks through 500 blocks."""
    cursor = None
    for _ in range(5):
        told = await api.get(f"/blocks/{parent}/children", params={"page_size": 100, "start_cursor": cursor})
        pages = [
            (block["child_page"]["title"], block["id"])
            for block in api.rows_in(told, "results")
            if block["type"] == "child_page"
        ]
        if hits := matching(title, pages):
            return {"id": str(hits[0])}
        cursor = told.get("next_cursor")
        if not cursor:
            break
    return None


async def schema_of(page: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the schema that a page's properties follow; a page outside of databases has a title alone."""
    parent = page.get("parent") or {}
    above = parent.get("data_source_id") or parent.get("database_id")
    return (await source(above)).properties if above else {"title": {"id": "title", "type": "title"}}
