"""Search by title. API: https://developers.notion.com/reference/post-search"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, readable

from ..client import list_by_post
from ..models import Found

tools = Toolset("search")


@tools.reads(search="find look up where our page pages about titled trouve cherche base projet document")
async def search(
    query: Annotated[str, Field(description="Words from the title; without them, what was edited last.")] = "",
    kind: Annotated[
        Literal["page", "database"] | None, Field(description="Only pages or only databases; both without it.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Found]:
    """Search pages and databases by their title. Returns the id and the address of each.

    Only what is shared with the integration is found. To find rows of a database by other properties, use
    notion_query_database; to read a page, notion_get_page.
    """
    newest = {"sort": {"timestamp": "last_edited_time", "direction": "descending"}}
    body: dict[str, Any] = {"query": query} if query else newest
    if kind:
        body["filter"] = {"property": "object", "value": "data_source" if kind == "database" else "page"}
    answer = await list_by_post("/search", body, limit, cursor)
    return Page(items=readable(Found, answer["results"]), next_cursor=answer.get("next_cursor"))
