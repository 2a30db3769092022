"""Search by title. API: https://developers.notion.com/reference/post-search"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, readable

from ..client import list_by_post
from ..models import Found

tools = Toolset("search")


@tools.reads(
    search=(
        "find look up where our page pages about titled trouve cherche base projet document rechercher "
        "retrouve où passé localise doc note wiki titre dernier modifié récemment search locate track down "
        "recently edited latest called texte est-ce qu'on parle something have compte rendu"
    ),
    examples=[
        "où est la page sur les tarifs",
        "retrouve-moi le doc d'onboarding",
        "on a un document qui parle du télétravail ?",
        "cherche la base des clients",
        "qu'est-ce qui a été modifié en dernier",
        "où est passé mon compte rendu de lundi",
        "where did we put the pricing page",
        "look up the onboarding doc",
        "do we have something on remote work",
        "find the clients database",
        "what was edited most recently",
        "track down my notes called Kickoff",
    ],
)
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
