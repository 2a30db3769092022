"""Views: the lists that agents work through. https://developer.zendesk.com/api-reference/ticketing/business-rules/views/"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, readable, segment

from .. import tickets as data
from ..client import ByZendeskCursor, api
from ..lookup import named
from ..models import TicketRow, View

tools = Toolset("views")
READ = ["read"]
COUNTED = 20  # views whose tickets Zendesk counts at a time


@tools.reads(
    scopes=READ,
    search=(
        "vues files d'attente boîtes listes enregistrées dossiers combien dans chaque views queues saved lists "
        "counts how many in each"
    ),
    examples=[
        "Quelles vues ai-je ?",
        "Combien de tickets dans chaque file ?",
        "Quelles listes enregistrées avons-nous ?",
        "Montre mes files d'attente",
        "Dans quelle vue y a-t-il le plus de monde ?",
        "Which views are there?",
        "How full are the queues?",
        "Show the saved lists with their counts",
        "How many tickets sit in each view?",
    ],
)
async def list_views(limit: Limit = 20, cursor: Cursor = None) -> Page[View]:
    """List the views, which are the saved lists that agents work through, each with how many tickets are in it.

    Read the tickets of one by its name with zendesk_list_view_tickets. Of more than 20 views the first 20 are counted.
    """
    style = ByZendeskCursor("views")
    answer = await api.get("/api/v2/views/active", params=style.query(limit, cursor))
    rows, following = api.rows_in(answer, "views"), style.read(answer, {}, limit, cursor)[1]
    first = [str(one["id"]) for one in rows[:COUNTED] if one.get("id")]
    counts = {}
    if first:
        counted = await api.rows(
            "/api/v2/views/count_many", "view_counts", params={"ids": ",".join(first)}, missing=True
        )
        counts = {str(one.get("view_id")): one.get("value") for one in counted}
    views = [{**one, "tickets": counts.get(str(one.get("id")))} for one in rows]
    return Page(items=readable(View, views), next_cursor=following)


@tools.reads(
    scopes=READ,
    search=(
        "tickets d'une vue dans la file attente contenu non assignés nouveaux arrivés à l'instant tout de suite "
        "in a view queue unassigned just arrived brand new right now contents"
    ),
    examples=[
        "Montre la vue Tickets non assignés",
        "Qu'y a-t-il dans ma file ?",
        "Ouvre la vue des tickets récents",
        "Qu'est-ce qui vient juste d'arriver ?",
        "Lis-moi la file des non assignés",
        "What is in the unassigned queue?",
        "Open the view Recently updated",
        "What arrived just now?",
        "Go through my queue",
        "Show the tickets in that view",
    ],
)
async def list_view_tickets(
    view: Annotated[
        str, Field(description="Name of the view, from zendesk_list_views.", examples=["Tickets non assignés"])
    ],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[TicketRow]:
    """List the tickets of a view in its own order, with status, customer and agent; new tickets are there at once.

    Use it for the queue that agents work on. For other conditions use zendesk_search_tickets; to read one ticket,
    zendesk_get_ticket.
    """
    chosen, style = await named(view, "view"), ByZendeskCursor("tickets")
    params = {"include": data.BESIDE, **style.query(limit, cursor)}
    answer = await api.get(f"/api/v2/views/{segment(chosen.id)}/tickets", params=params)
    following = style.read(answer, {}, limit, cursor)[1]
    return Page(items=await data.rows_of(answer, "tickets"), next_cursor=following)
