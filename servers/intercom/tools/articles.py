"""Articles of the help centre, in Markdown.

https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io/articles
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, choose, confirm, errors, readable, segment, sliced
from flotilla.parsing import html_to_text

from .. import lookup
from ..client import api
from ..inbox import PREVIEW
from ..models import Article, Named

tools = Toolset("articles")

ArticleId = Annotated[
    str, Field(pattern=r"^\d{1,20}$", description="Id of the article, from intercom_search_articles.", examples=["39"])
]


async def _shown(raw: dict[str, Any], whole: bool) -> dict[str, Any]:
    zone = await lookup.account_zone()
    text = raw.get("body_markdown") or html_to_text(str(raw.get("body") or ""))
    return {
        **raw,
        "text": text if whole else errors.excerpt(text, PREVIEW),
        "updated": lookup.local(raw.get("updated_at"), zone),
        "note": "has a draft that is not published" if raw.get("has_unpublished_changes") else None,
    }


@tools.reads(
    core=False,
    search=(
        "cherche trouve article aide centre d'aide documentation doc base de connaissances FAQ guide procédure "
        "comment faire y a-t-il help center knowledge docs how to is there find articles about"
    ),
    examples=[
        "Que dit l'aide sur les retours ?",
        "Find the article about refunds",
        "Y a-t-il une page d'aide sur la garantie ?",
        "Comment un client change-t-il son mot de passe ?",
        "Cherche dans la doc comment résilier",
        "Qu'est-ce qu'on a publié sur la livraison ?",
        "Is there anything on the warranty?",
        "How do customers reset their password?",
        "Look in the docs for cancellation",
        "Search the FAQ for shipping",
    ],
)
async def search_articles(
    query: Annotated[str, Field(min_length=1, description="Words of the article.", examples=["retour"])],
    drafts: Annotated[bool, Field(description="True searches drafts too, not only published articles.")] = False,
    limit: Limit = 10,
    cursor: Cursor = None,
) -> Page[Article]:
    """Search the articles of the help centre by words, each with title, address and the beginning of its text.

    To read one whole, use intercom_get_article. Internal articles are not searched.
    """
    params = {"phrase": query, "state": "all" if drafts else "published"}
    rows = await api.rows("/articles/search", "data.articles", params=params, missing=True)
    page = sliced([row for row in rows if row.get("id")], limit, cursor)
    return Page(items=readable(Article, [await _shown(row, False) for row in page.items]), next_cursor=page.next_cursor)


@tools.reads(
    core=False,
    search="lis lire article entier en aide texte complet intégral contenu page read whole full help aloud open",
    examples=[
        "Lis-moi l'article en entier",
        "Donne-moi le texte complet de cette page",
        "Que dit exactement l'article 39 ?",
        "Ouvre l'article sur la livraison",
        "Est-ce que cet article est publié ?",
        "Read me the whole article",
        "Open article 39",
        "Give me the full text of that page",
        "What exactly does the help page say?",
    ],
)
async def get_article(article: ArticleId) -> Article:
    """Read one article of the help centre as Markdown, with title, state and address.

    Take its id from intercom_search_articles. Customers see the published text; the note says where there is a
    newer draft.
    """
    return Article.model_validate(await _shown(await api.get(f"/articles/{segment(article)}"), True))


@tools.writes(
    creates=True,
    core=False,
    asks=True,
    search=(
        "publish rédige rédiger écris écrire crée nouvel article aide brouillon FAQ page ajoute documente guide "
        "draft write new help document this add an entry"
    ),
    examples=[
        "Rédige un article sur les retours",
        "Draft a help article about refunds",
        "Écris une page d'aide sur la livraison",
        "Ajoute une entrée à la FAQ sur les échanges",
        "Documente cette solution pour les clients",
        "Prépare un article qui explique la garantie",
        "Write a help page about returns",
        "Add a new FAQ entry on delivery times",
        "Document how to change the password",
        "Prepare an article on the warranty",
    ],
)
async def create_article(
    title: Annotated[str, Field(min_length=1, description="Title of the article.", examples=["Retours"])],
    text: Annotated[str, Field(min_length=1, description="Text of the article in Markdown.", examples=["# Délai"])],
    description: Annotated[str | None, Field(description="One sentence below the title.")] = None,
    collection: Annotated[str | None, Field(description="Collection of the help centre, by its name.")] = None,
    publish: Annotated[bool, Field(description="True publishes it at once; without it, it is a draft.")] = False,
) -> Article:
    """Write an article for the help centre: a draft, or published at once after the user agreed.

    Look first with intercom_search_articles whether there is one. A draft is published with intercom_update_article.
    """
    parent = await _collection(collection) if collection else None
    if publish:
        await confirm(f"Publish the article «{title}» in the help centre, for everybody who may read it?")
    author = await lookup.writer_id()
    body = {
        "title": title,
        "description": description,
        "body_markdown": text,
        "author_id": int(author) if author.isdecimal() else author,
        "state": "published" if publish else "draft",
        "parent_id": int(parent) if parent else None,
        "parent_type": "collection" if parent else None,
    }
    return Article.model_validate(await _shown(await api.post("/articles", json=body), False))


async def _collection(name: str) -> str:
    rows = readable(Named, await api.rows("/help_center/collections", "data", missing=True))
    return choose(name, rows, name=lambda one: one.name or "", kind="collection").id


@tools.writes(
    additive=False,
    asks=True,
    core=False,
    search=(
        "modifie modifier corrige corriger mets à jour réécris publie publier dépublie mettre en ligne retirer "
        "article existant aide edit correct rewrite update publish unpublish take offline put online existing "
        "help"
    ),
    examples=[
        "Publie l'article sur les retours",
        "Correct the article about refunds",
        "Mets le brouillon en ligne",
        "Retire l'article sur la garantie",
        "Il y a une faute dans la page d'aide, corrige-la",
        "Le délai de retour est passé à 30 jours, change l'article",
        "Put the draft online",
        "Take that help page down",
        "Fix the mistake in the article",
        "The return period is 30 days now, edit the page",
    ],
)
async def update_article(
    article: ArticleId,
    title: Annotated[str | None, Field(min_length=1, description="New title of the article.")] = None,
    text: Annotated[
        str | None, Field(min_length=1, description="New text in Markdown; it replaces the old one.")
    ] = None,
    description: Annotated[str | None, Field(description="New sentence below the title.")] = None,
    publish: Annotated[bool | None, Field(description="True publishes it, false makes it a draft again.")] = None,
) -> Article:
    """Change an article of the help centre, publish it or take it back; what is left out stays.

    The user is asked before something changes that customers see. Read it first with intercom_get_article.
    """
    body = {
        "title": title,
        "description": description,
        "body_markdown": text,
        "state": None if publish is None else "published" if publish else "draft",
    }
    if all(value is None for value in body.values()):
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    path = f"/articles/{segment(article)}"
    raw = await api.get(path)
    old = Article.model_validate(raw)
    if publish or old.state == "published":
        action = "Publish" if publish and old.state != "published" else "Take back" if publish is False else "Change"
        await confirm(
            f"{action} the article «{old.title or article}», which customers can read?", raw.get("updated_at")
        )
    return Article.model_validate(await _shown(await api.put(path, json=body), False))
