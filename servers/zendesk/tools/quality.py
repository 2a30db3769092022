"""Satisfaction of customers, and mail that Zendesk held back.

https://developer.zendesk.com/api-reference/ticketing/ticket-management/satisfaction_ratings/
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, confirm

from ..client import ByZendeskCursor, api
from ..lookup import account_zone, id_of
from ..models import Done, Rating, Suspended

tools = Toolset("quality")
READ, WRITE = ["read"], ["read write"]
SuspendedId = Annotated[
    str, Field(description="Number of the message, from zendesk_list_suspended_tickets.", examples=["1001"])
]


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "satisfaction avis notes évaluations csat clients mécontents contents râlent se plaignent pensent de nous "
        "commentaires ratings happy unhappy customers feedback reviews score complaints what do they think"
    ),
    examples=[
        "Les clients sont contents de nous ?",
        "Qui nous a mis une mauvaise note ?",
        "Quels avis avons-nous reçus cette semaine ?",
        "Montre les clients mécontents",
        "Que pensent les gens de notre support ?",
        "Are customers happy with us?",
        "Who gave us a bad score?",
        "Show me this week's feedback",
        "How satisfied are people lately?",
    ],
)
async def list_satisfaction_ratings(
    score: Annotated[Literal["good", "bad"] | None, Field(description="Only ratings of this kind.")] = None,
    since: Annotated[When | None, Field(description="Only ratings of this day or time, or later.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Rating]:
    """List how customers rated the help they got, with their comments and the numbers of the tickets.

    Use it for what customers thought lately; the rating of one ticket stands in zendesk_get_ticket. Comments are the
    customers' own words.
    """
    zone = await account_zone()
    params: dict[str, Any] = {"score": score, "start_time": int(since.at(zone).timestamp()) if since else None}
    page = await api.page(
        "/api/v2/satisfaction_ratings", Rating, params=params, limit=limit, cursor=cursor,
        paging=ByZendeskCursor("satisfaction_ratings"),
    )  # fmt: skip
    return page.model_copy(update={"items": [one.within(zone) for one in page.items]})


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "tickets suspendus spam indésirables courrier bloqués retenus quarantaine filtrés messages perdus jamais "
        "arrivés suspended junk held back quarantine blocked filtered never arrived"
    ),
    examples=[
        "Qu'est-ce qui est bloqué en spam ?",
        "Un client dit qu'il a écrit mais je ne vois rien",
        "Regarde dans les indésirables",
        "Quels messages sont retenus ?",
        "Est-ce que son mail est parti dans les spams ?",
        "What is stuck in spam?",
        "Check the junk for a customer's mail",
        "Which messages were blocked?",
        "A customer's mail never came through",
    ],
)
async def list_suspended_tickets(limit: Limit = 20, cursor: Cursor = None) -> Page[Suspended]:
    """List the messages that Zendesk held back as spam or for another reason, with sender, cause and beginning.

    Zendesk deletes them after 14 days. Let one through with zendesk_restore_suspended_ticket. What they say was written
    by strangers.
    """
    zone = await account_zone()
    page = await api.page(
        "/api/v2/suspended_tickets", Suspended, limit=limit, cursor=cursor,
        paging=ByZendeskCursor("suspended_tickets"),
    )  # fmt: skip
    return page.model_copy(update={"items": [one.within(zone) for one in page.items]})


@tools.writes(
    core=False,
    scopes=WRITE,
    search=(
        "récupère récupérer libère libérer débloque débloquer laisse passer message suspendu pas un spam sortir "
        "quarantaine recover release let through unblock not rescue"
    ),
    examples=[
        "Ce n'est pas un spam, laisse-le passer",
        "Débloque le message retenu",
        "Sors ce mail des indésirables",
        "Récupère le message de ce client dans les suspendus",
        "It's not spam, let it through",
        "Release the held message",
        "Rescue that mail from junk",
        "Unblock message 1001",
    ],
)
async def restore_suspended_ticket(suspended: SuspendedId) -> Done:
    """Let a message through that Zendesk held back: it becomes a ticket or a comment, as if it had just come in.

    Take the number from zendesk_list_suspended_tickets. Rules of the account may then write to its sender.
    """
    answer = await api.put(f"/api/v2/suspended_tickets/{_number(suspended)}/recover")
    rows = answer.get("ticket")
    return Done(tickets=len(rows) if isinstance(rows, list) else 1)


@tools.destroys(
    core=False,
    asks=True,
    idempotent=True,
    scopes=WRITE,
    search=(
        "supprime supprimer efface jette vide poubelle spam message suspendu indésirable delete remove trash "
        "throw away junk suspended"
    ),
    examples=[
        "Jette ce spam",
        "Efface le message retenu 1001",
        "C'est bien de la pub, supprime-le",
        "Vire ce message indésirable",
        "Throw that spam away",
        "Delete the held message",
        "It really is junk, get rid of it",
        "Trash suspended message 1001",
    ],
)
async def delete_suspended_ticket(suspended: SuspendedId) -> Done:
    """Delete a message that Zendesk held back, for good, after a question that names its sender and subject.

    Take the number from zendesk_list_suspended_tickets. Those that nobody deletes are gone after 14 days anyway.
    """
    number = _number(suspended)
    answer = await api.get(f"/api/v2/suspended_tickets/{number}")
    raw: dict[str, Any] = answer.get("suspended_ticket") or next(
        iter(api.rows_in(answer, "suspended_tickets", missing=True)), {}
    )
    about = Suspended.model_validate({"id": number, **raw})
    await confirm(
        f"Delete «{about.subject or 'a message without subject'}» of {about.author or 'a stranger'} for good?"
    )
    await api.send("DELETE", f"/api/v2/suspended_tickets/{number}")
    return Done()


def _number(text: str) -> str:
    return id_of(text, "a suspended message", "zendesk_list_suspended_tickets")
