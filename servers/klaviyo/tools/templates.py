"""E-mail templates. https://developers.klaviyo.com/en/reference/templates_api_overview"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset
from flotilla.parsing import html_to_text

from ..client import LARGE, SMALL, condition, flat, page, post, resource
from ..lookup import template_named, within
from ..models import Preview, TemplateRow

tools = Toolset("templates")
READ = ["accounts:read templates:read"]


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "modèles gabarits templates e-mail newsletter maquettes mises en page quels enregistrés designs "
        "layouts saved which available"
    ),
    examples=[
        "Quels modèles d'e-mail avons-nous ?",
        "Find the summer template",
        "Quelles maquettes on a ?",
        "On a un modèle pour Noël ?",
        "Liste les gabarits de mail",
        "Quelle mise en page on peut utiliser ?",
        "Trouve le modèle des soldes",
        "Which designs do we have?",
        "Is there a Christmas template?",
        "List our e-mail layouts",
        "What templates can I use?",
    ],
)
async def list_templates(
    query: Annotated[str | None, Field(description="Words that the name contains.")] = None,
    limit: Limit = 10,
    cursor: Cursor = None,
) -> Page[TemplateRow]:
    """List the e-mail templates, last changed first, at most ten a page.

    klaviyo_create_campaign and klaviyo_update_campaign take them by name. To read what one says, use
    klaviyo_preview_template. Templates are made in Klaviyo itself.
    """
    only = condition("contains", "name", query.strip()) if query and query.strip() else None
    params = {"filter": only, "sort": "-updated"}
    rows = await page("/api/templates", TemplateRow, params=params, limit=limit, cursor=cursor, largest=10, cost=LARGE)
    return rows.model_copy(update={"items": await within(rows.items)})


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "aperçu afficher rendu modèle contenu render template lis à quoi ressemble que dit texte du "
        "gabarit visualiser maquette look like read out preview show text design fais voir montre type"
    ),
    examples=[
        "Montre-moi le modèle Soldes pour Jean.",
        "What does the welcome template say?",
        "À quoi ressemble le modèle de Noël ?",
        "Lis-moi le texte du gabarit",
        "Qu'est-ce qu'il y a dans le modèle de bienvenue ?",
        "Aperçu de la maquette avec son prénom",
        "Fais voir le mail type",
        "What does the Christmas template look like?",
        "Read me the text of that layout",
        "Preview it with her first name",
        "Show the contents of the template",
    ],
)
async def preview_template(
    template: Annotated[
        str,
        Field(description="Name or id of the template, from klaviyo_list_templates.", examples=["Soldes d'été"]),
    ],
    values: Annotated[
        dict[str, Any] | None,
        Field(description="Values of its variables by name, such as first_name; others stay empty."),
    ] = None,
) -> Preview:
    """Render a template with values for its variables, and return what a reader would see as plain text.

    Use it to check a mail before klaviyo_create_campaign or klaviyo_schedule_campaign. It sends nothing, and shows no
    pictures or layout.
    """
    known = await template_named(template)
    data = resource("template", {"context": values or {}}, id=known.id)
    answer = flat((await post("/api/template-render", data, reads=True, cost=SMALL))["data"])
    shown = answer if isinstance(answer, dict) else {}
    text = str(shown.get("text") or "").strip() or html_to_text(str(shown.get("html") or ""))
    return Preview(id=known.id, name=known.name, text=text)
