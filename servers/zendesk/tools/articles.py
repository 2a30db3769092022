"""The help center: articles found, read and drafted.

https://developer.zendesk.com/api-reference/help_center/help-center-api/articles/
"""

from __future__ import annotations

import html
import re
from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Model, Page, Toolset, errors, readable
from flotilla.parsing import html_to_text

from ..client import api, numbered
from ..lookup import account_zone, chosen, everything
from ..models import Article, ArticleText

tools = Toolset("articles")
READ, WRITE = ["read"], ["read write"]
HELP = "/api/v2/help_center"


class Section(Model):
    """Where articles stand."""

    id: str
    name: str
    locale: str = ""


@tools.reads(
    scopes=READ,
    search=(
        "centre d'aide articles faq base de connaissances documentation doc guide mode d'emploi procédure comment "
        "faire explication publié Guide help center knowledge docs how to instructions is there an article find"
    ),
    examples=[
        "Que dit notre centre d'aide sur les remboursements ?",
        "Find the article on passwords",
        "Comment un client fait-il pour changer son mot de passe ?",
        "Y a-t-il un article sur les retours ?",
        "Cherche dans la doc comment résilier",
        "Qu'est-ce qu'on a d'écrit sur la garantie ?",
        "Trouve une page d'aide à envoyer au client",
        "How do customers reset their password?",
        "Is there anything published on returns?",
        "Look in the knowledge base for cancellation",
        "What do our docs say about the warranty?",
    ],
)
async def search_articles(
    query: Annotated[str, Field(min_length=1, description="Words of the question.", examples=["mot de passe"])],
    limit: Limit = 10,
    cursor: Cursor = None,
) -> Page[Article]:
    """Search the articles of the help center, best match first, each with an excerpt and its address.

    Use it to answer a question with what is published, or to send the customer the address with
    zendesk_reply_to_ticket. It does not search tickets: for these use zendesk_search_tickets.
    """
    zone, style = await account_zone(), numbered("results")
    params = {"query": query, **style.query(limit, cursor)}
    answer = await api.get(f"{HELP}/articles/search", params=params)
    rows = [_excerpted(one) for one in api.rows_in(answer, "results")]
    items = [one.within(zone) for one in readable(Article, rows)]
    return Page(items=items, next_cursor=style.read(answer, {}, limit, cursor)[1])


def _excerpted(raw: dict[str, Any]) -> dict[str, Any]:
    text = html_to_text(str(raw.get("snippet") or raw.get("body") or ""))
    return {**raw, "excerpt": errors.excerpt(text) or None}


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "lire lis article entier complet en centre d'aide contenu texte intégral page read whole full text aloud open"
    ),
    examples=[
        "Lis-moi l'article en entier",
        "Donne-moi le texte complet de cette page d'aide",
        "Que dit exactement l'article 360001 ?",
        "Ouvre l'article sur la livraison",
        "Je veux tout le contenu, pas juste l'extrait",
        "Read me the whole article",
        "Open article 360001",
        "Give me the full text of that help page",
        "What exactly does it say in the article?",
    ],
)
async def get_article(
    article: Annotated[
        str, Field(description="Number of the article, from zendesk_search_articles.", examples=["360001"])
    ],
) -> ArticleText:
    """Get one article of the help center with its whole text, without formatting, and its address.

    Find it with zendesk_search_articles, whose excerpts are often enough.
    """
    raw = (await api.get(f"{HELP}/articles/{_number(article)}"))["article"]
    text = html_to_text(str(raw.get("body") or ""))
    return ArticleText.model_validate({**raw, "text": text}).within(await account_zone())


@tools.writes(
    core=False,
    creates=True,
    scopes=WRITE,
    search=(
        "rédige rédiger écrire écris brouillon nouvel article centre d'aide faq page ajouter documenter guide "
        "draft write new help document this add an entry to the knowledge base"
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
    section: Annotated[str, Field(description="Section of the help center, by its name.", examples=["Commandes"])],
) -> Article:
    """Write the draft of a help center article in a section. It is not published, and nobody is notified.

    An unknown section is refused with the names that there are. Look with zendesk_search_articles whether an article
    on this exists; a person publishes the draft in Zendesk.
    """

    async def sections() -> list[Section]:
        return await everything(f"{HELP}/sections", "sections", Section)

    zone = await account_zone()
    place = await chosen(section, "sections", sections, kind="section")
    allowed = await api.rows("/api/v2/guide/permission_groups", "permission_groups", missing=True)
    if not allowed:
        raise errors.PermissionDeniedError(
            "Zendesk names no permission group that may write articles.", "Ask the user to check the help center."
        )
    group = next((one for one in allowed if one.get("built_in")), allowed[0])
    article = {
        "title": title,
        "body": _as_html(text),
        "locale": place.locale,
        "draft": True,
        "permission_group_id": group["id"],
        "user_segment_id": None,
    }
    path = (
        f"{HELP}/{place.locale}/sections/{place.id}/articles"
        if place.locale
        else f"{HELP}/sections/{place.id}/articles"
    )
    body = {"article": {k: v for k, v in article.items() if v != ""}, "notify_subscribers": False}
    raw = (await api.post(path, json=body))["article"]
    return Article.model_validate(raw).within(zone)


def _as_html(text: str) -> str:
    parts = [part for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()) if part]
    return "".join(f"<p>{html.escape(part, quote=False).replace(chr(10), '<br>')}</p>" for part in parts)


def _number(text: str) -> str:
    match = re.search(r"(?:^|/articles/)(\d{1,18})", text.strip(), re.ASCII)
    if not match:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 60)}` is not an article.", "Pass the number that zendesk_search_articles returned."
        )
    return match[1]
