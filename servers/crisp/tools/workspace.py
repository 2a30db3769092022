"""The help desk, operators, segments and campaigns of the workspace."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, connection_of, errors, readable, sliced
from flotilla.parsing import folded

from .. import lookup
from ..client import api, data, integration, pages, record
from ..lookup import full
from ..models import Article, Row, RowPage, Thing

tools = Toolset("workspace")
LONGEST = 30_000  # characters of an article
Locale = Annotated[
    str | None,
    Field(pattern=r"^[a-z]{2}(-[a-zA-Z]{2,4})?$", description="Language such as fr; the first one without it."),
]


async def _locale(wanted: str | None) -> str:
    """Return a language of the help desk; raises errors.InvalidInputError where it has none like this."""
    metadata = connection_of(integration).metadata
    if "locales" not in metadata:
        rows = api.rows_in({"data": await data("GET", "/helpdesk/locales/1")}, "data", missing=True)
        metadata["locales"] = [one.text("locale") for one in readable(Thing, rows) if one.text("locale")]
    known: list[str] = metadata["locales"]
    if wanted in known or (known and wanted is None):
        return wanted or known[0]
    there = f"There are: {', '.join(known)}." if known else "Ask the user to set one up in Crisp."
    raise errors.InvalidInputError("The help desk has no such language.", there)


def _articles(rows: list[Any], parent: str = "") -> list[Row]:
    """Return the articles of a tree, each with its path."""
    articles: list[Row] = []
    for one in readable(Thing, [row for row in rows if isinstance(row, dict)]):
        path = f"{parent}/{one.text('slug')}".strip("/")
        children = one.at("children")
        if isinstance(children, list) and children:
            articles += _articles(children, path)
        elif one.text("title"):
            state = (
                "draft" if one.at("state.published") is False else "hidden" if one.at("state.hidden") is True else ""
            )
            articles.append(full({"path": path, "title": one.text("title"), "state": state}))
    return articles


@tools.reads(
    search=(
        "cherche trouve article aide base de connaissances faq doc documentation guide procédure comment faire "
        "liste help center knowledge docs how to is there which articles find"
    ),
    examples=[
        "Y a-t-il un article sur les remboursements ?",
        "Find the help article about shipping",
        "Qu'est-ce qu'on a d'écrit sur la garantie ?",
        "Comment un client change-t-il son mot de passe ?",
        "Quels articles d'aide avons-nous ?",
        "Cherche dans la doc comment résilier",
        "Is there anything on the warranty?",
        "How do customers reset their password?",
        "Which help articles are there?",
        "Look in the docs for cancellation",
    ],
)
async def search_articles(
    query: Annotated[str | None, Field(description="Words from the title; all articles without it.")] = None,
    locale: Locale = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RowPage:
    """Search the articles of the help desk by words of their title, in one language.

    Returns rows with title and path; crisp_get_article reads one. Use it before a customer is answered.
    """
    params = {"search_title": query or None}
    rows, following = await pages(f"/helpdesk/tree/list/{await _locale(locale)}/article", Thing, limit, cursor, params)
    items = _articles([one.model_extra for one in rows])
    return RowPage(items=items, next_cursor=following)


@tools.reads(
    search=(
        "lis lire article aide entier en contenu texte complet page base de connaissances read whole full help "
        "open aloud link"
    ),
    examples=[
        "Que dit l'article sur les retours ?",
        "Lis-moi l'article en entier",
        "Donne-moi le texte complet de la page d'aide",
        "Ouvre l'article sur la livraison",
        "C'est quoi l'adresse de cet article ?",
        "Read me the whole article",
        "Open the page about shipping",
        "What does the article say about returns?",
        "Give me the public link of that help article",
    ],
)
async def get_article(
    path: Annotated[
        str,
        Field(pattern=r"^[\w-]+(/[\w-]+){0,8}$", description="Path from crisp_search_articles.", examples=["retours"]),
    ],
    locale: Locale = None,
) -> Article:
    """Read one article of the help desk as Markdown, up to 30,000 characters, with its public address.

    Find it with crisp_search_articles. What it says is for customers, so it can be quoted to them.
    """
    language = await _locale(locale)
    place = f"{language}/article/{path}"
    text = str((await record("GET", f"/helpdesk/tree/content/{place}")).get("content") or "")
    page = Thing.model_validate(await record("GET", f"/helpdesk/tree/metadata/{place}"))
    note = f"The first {LONGEST:,} of {len(text):,} characters." if len(text) > LONGEST else None
    return Article(
        title=page.text("title") or path.rpartition("/")[2],
        path=path,
        text=text[:LONGEST],
        url=page.text("url") or None,
        note=note,
    )


@tools.reads(
    core=False,
    search=(
        "opérateurs collègues agents équipe support qui travaille en ligne disponible connecté team members staff "
        "who is online available colleagues"
    ),
    examples=[
        "Qui est en ligne au support ?",
        "Quels collègues sont disponibles ?",
        "Qui travaille sur le chat ?",
        "À qui peut-on confier une conversation ?",
        "Who is online right now?",
        "Which colleagues can take a chat?",
        "List our support team",
        "Is anybody available?",
    ],
)
async def list_operators(limit: Limit = 20, cursor: Cursor = None) -> RowPage:
    """List the operators of the workspace with name, e-mail address, role and whether they are online.

    crisp_assign_conversation and crisp_add_note take them by name, first name or e-mail address.
    """
    rows = [
        full(
            {
                "name": one.name,
                "email": one.email,
                "role": one.text("details.role"),
                "availability": one.text("details.availability"),
            }
        )
        for one in await lookup.operators(renew=True)
    ]
    page = sliced(rows, limit, cursor)
    return RowPage(items=page.items, next_cursor=page.next_cursor)


@tools.reads(
    core=False,
    search="segments étiquettes tags labels catégories liste quels combien de personnes dans which how many people",
    examples=[
        "Quels segments avons-nous ?",
        "Combien de gens sont dans le segment vip ?",
        "Quelles étiquettes de clients existent ?",
        "Liste les catégories de contacts",
        "Which segments are there?",
        "How many people carry the tag vip?",
        "List the labels we use for people",
        "What tags can I give a customer?",
    ],
)
async def list_segments(
    query: Annotated[str | None, Field(description="Part of the segment's name.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RowPage:
    """List the segments (tags) that people carry, with how many people each has.

    crisp_search_people takes a segment, crisp_update_person adds and removes them.
    """
    rows, following = await pages("/people/suggest/segments", Thing, limit, cursor)
    wanted = folded(query or "")
    items = [full({"segment": one.text("segment"), "people": one.text("count")}) for one in rows]
    return RowPage(items=[row for row in items if wanted in folded(row.get("segment", ""))], next_cursor=following)


@tools.reads(
    core=False,
    search=(
        "campagnes newsletters infolettres emailings envois marketing mailing publicité liste dernière campaigns "
        "reached sent how many people"
    ),
    examples=[
        "Quelles newsletters avons-nous envoyées ?",
        "Combien de gens la dernière campagne a-t-elle touchés ?",
        "Le mailing de Noël est-il parti ?",
        "Montre nos envois marketing",
        "Which newsletters went out?",
        "How many people did the last mailing reach?",
        "Has the Christmas campaign been sent?",
        "Show our marketing e-mails",
    ],
)
async def list_campaigns(limit: Limit = 20, cursor: Cursor = None) -> RowPage:
    """List campaigns, newest first, with type, subject, state, how many people are aimed at and were reached.

    They are made and sent in Crisp itself. People are in crisp_search_people.
    """
    rows, following = await pages("/campaigns/list", Thing, limit, cursor)
    return RowPage(items=[_campaign(one) for one in rows], next_cursor=following)


def _campaign(one: Thing) -> Row:
    states = ("running", "dispatched", "ready")
    return full(
        {
            "name": one.text("name"),
            "subject": one.text("subject"),
            "type": one.text("type"),
            "state": next((state for state in states if one.at(state) is True), "draft"),
            "people": one.text("targets"),
            "reached": one.text("reached"),
            "sent": lookup.time_of(one.at("dispatched_at")),
            "updated": lookup.time_of(one.at("updated_at")),
        }
    )
