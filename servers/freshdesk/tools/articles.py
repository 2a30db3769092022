"""Solution articles: found, read and drafted. https://developers.freshdesk.com/api/#solutions"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Model, Page, Toolset, errors, readable, sliced
from flotilla.parsing import html_to_text

from .. import tickets as data
from ..client import V2, api
from ..lookup import account_zone, chosen, id_of
from ..models import Article, ArticleText

tools = Toolset("articles")


class Folder(Model):
    """Where articles stand: `name` begins with that of its category."""

    id: str
    name: str


@tools.reads(
    search=(
        "centre d'aide solutions articles faq base de connaissances documentation doc guide mode d'emploi "
        "procédure comment faire explication brouillons knowledge docs how to instructions is there an article "
        "find solution"
    ),
    examples=[
        "Que dit notre base sur les remboursements ?",
        "Find the article on passwords",
        "Comment un client change-t-il son mot de passe ?",
        "Y a-t-il une solution écrite sur les retours ?",
        "Cherche dans la doc comment résilier",
        "Qu'est-ce qu'on a d'écrit sur la garantie ?",
        "On a une procédure pour les colis perdus ?",
        "How do customers reset their password?",
        "Is anything written down about returns?",
        "Look in the docs for cancellation",
        "Do we have instructions for lost parcels?",
    ],
)
async def search_articles(
    query: Annotated[str, Field(min_length=1, description="Words of the question.", examples=["mot de passe"])],
    limit: Annotated[int, Field(ge=1, le=30, description="Maximum items per page.")] = 10,
    cursor: Cursor = None,
) -> Page[Article]:
    """Search the solution articles, each with an excerpt, drafts among them.

    Use it to answer a question with what is written down. It does not search tickets: for these use
    freshdesk_search_tickets.
    """
    zone = await account_zone()
    matches = await api.rows(f"{V2}/search/solutions", params={"term": query})
    rows = [{**one, "excerpt": errors.excerpt(_text(one)) or None} for one in matches]
    return sliced([one.within(zone) for one in readable(Article, rows)], limit, cursor)


def _text(raw: dict[str, Any]) -> str:
    return str(raw.get("description_text") or html_to_text(str(raw.get("description") or "")))


@tools.reads(
    core=False,
    search="lire lis article solution entier complet en contenu texte intégral page read whole full text aloud open",
    examples=[
        "Lis-moi l'article en entier",
        "Donne-moi le texte complet de cette solution",
        "Que dit exactement l'article 360001 ?",
        "Ouvre l'article sur la livraison",
        "Je veux tout le contenu, pas juste l'extrait",
        "Read me the whole article",
        "Open article 360001",
        "Give me the full text of that solution",
        "What exactly does the article say?",
    ],
)
async def get_article(
    article: Annotated[
        str, Field(description="Number of the article, from freshdesk_search_articles.", examples=["360001"])
    ],
) -> ArticleText:
    """Get one solution article with its whole text, without formatting.

    Find it with freshdesk_search_articles, whose excerpts are often enough.
    """
    zone = await account_zone()
    raw = await api.get(f"{V2}/solutions/articles/{id_of(article, 'an article', 'freshdesk_search_articles')}")
    return ArticleText.model_validate({**raw, "text": html_to_text(str(raw.get("description") or ""))}).within(zone)


@tools.writes(
    core=False,
    creates=True,
    search=(
        "rédige rédiger écrire écris brouillon nouvel article solution faq page ajouter documenter guide draft "
        "write new document this add an entry to the knowledge base"
    ),
    examples=[
        "Rédige un brouillon d'article sur les retours",
        "Écris une page d'aide sur la livraison",
        "Ajoute une entrée à la FAQ sur les échanges",
        "Documente cette solution pour les clients",
        "Prépare un article qui explique la garantie",
        "Draft a help page about returns",
        "Write up this fix for the knowledge base",
        "Add an FAQ entry on delivery times",
        "Document how to change the password",
    ],
)
async def create_article(
    title: Annotated[str, Field(min_length=1, description="Title of the article.", examples=["Retourner un article"])],
    text: Annotated[
        str,
        Field(
            min_length=1, description="Plain text; an empty line begins a paragraph.", examples=["Vous avez 30 jours."]
        ),
    ],
    folder: Annotated[
        str, Field(description="Folder by its name, or category/folder.", examples=["Général/Commandes"])
    ],
) -> Article:
    """Write the draft of a solution article in a folder. It is not published, and nobody is notified.

    An unknown folder is refused with the names that there are. Look with freshdesk_search_articles whether an article
    on this exists; a person publishes the draft in Freshdesk.
    """
    zone = await account_zone()
    place = await chosen(folder, "folders", _folders, kind="folder")
    paragraphs = [part for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()) if part]
    body = {
        "title": title,
        "description": "".join(f"<p>{data.as_html(part)}</p>" for part in paragraphs),
        "status": 1,
    }
    raw = await api.post(f"{V2}/solutions/folders/{place.id}/articles", json=body)
    return Article.model_validate({**raw, "folder_name": place.name}).within(zone)


async def _folders() -> list[Folder]:
    categories = await api.rows(f"{V2}/solutions/categories", params={"per_page": 100})
    titles = {str(one["id"]): str(one.get("name") or "") for one in categories if one.get("id")}

    folders: list[Folder] = []
    for category, title in titles.items():
        rows = await api.rows(f"{V2}/solutions/categories/{category}/folders", params={"per_page": 100})
        folders += readable(Folder, [{**one, "name": f"{title}/{one.get('name')}"} for one in rows])
    return folders
