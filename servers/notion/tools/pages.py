"""Pages: created, read, changed, moved, put into the trash. API: https://developers.notion.com/reference/page"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Toolset, confirm, errors
from flotilla.parsing import listed

from .. import content, lookup
from ..blocks import blocks_of
from ..client import api, id_of
from ..markdown import markdown_of
from ..models import Content, Written
from ..properties import values
from ..richtext import Run, rich
from ..values import title_of

tools = Toolset("pages")

PageId = Annotated[
    str,
    Field(description="Address or id of the page, from notion_search.", examples=["598337872cf94fdf8782e53db20768a5"]),
]
Markdown = Annotated[str, Field(description="Text of the page, in Markdown.")]
AllowDuplicate = Annotated[bool, Field(description="True to create it though one like it exists.")]
EXISTING = (
    "It exists already: nothing was created, and no text was written. Change it with notion_update_page or "
    "notion_append_block; for another one of that title, pass allow_duplicate=true."
)
NewOptions = Annotated[bool, Field(description="True to add options that are new to a select.")]


@tools.writes(
    creates=True,
    search=(
        "crée page pages texte espace sous-page document new nouveau doc vierge rédige ouvre brouillon wiki "
        "note nouvelle dossier blank draft write up start subpage compte rendu minutes plan"
    ),
    examples=[
        "crée une page Compte rendu sous Réunions",
        "ouvre un nouveau document pour le projet",
        "fais-moi un doc avec ce plan",
        "rédige une page d'accueil pour les nouveaux arrivants",
        "nouvelle sous-page dans le wiki",
        "start a new doc called Launch plan",
        "make a blank page under Meetings",
        "write this up as a new document",
        "create a subpage in the wiki",
        "draft a page with the onboarding steps",
    ],
)
async def create_page(
    parent: PageId,
    title: Annotated[str, Field(description="Title of the new page.", examples=["Compte rendu"])],
    markdown: Markdown = "",
    allow_duplicate: AllowDuplicate = False,
) -> Written:
    """Create a page inside another page, with text in Markdown. Returns its id and address.

    Where the parent has a page of this title already, that one is returned with `created` false. To add an item to a
    database, use notion_create_database_item.
    """
    blocks, lost = blocks_of(markdown)
    content.checked(blocks)
    above = id_of(parent)
    seek = None if allow_duplicate else partial(lookup.inside, above, title)
    if seek and (existing := await seek()):
        return written(existing, created=False, note=EXISTING)
    body = {
        "parent": {"type": "page_id", "page_id": above},
        "properties": {"title": {"title": rich([Run(title)])}},
    }
    page = await content.created(body, blocks, seek)
    return written(page, created=True, note=not_kept(lost))


@tools.reads(
    search=(
        "lis contenu texte dit écrit read what does page say says ouvre affiche raconte résume fiche montre "
        "document lire détaille qu'y a-t-il open show summarize inside written contents doc note compte rendu "
        "minutes sum up résumé"
    ),
    examples=[
        "ouvre la page Onboarding et lis-la-moi",
        "qu'est-ce qui est écrit dans le compte rendu",
        "résume-moi ce document",
        "il y a quoi dans la fiche de ce projet",
        "c'est quoi le contenu du brief",
        "open the onboarding doc and read it to me",
        "what is written in the minutes",
        "sum up that document for me",
        "what does the brief say",
        "show me what is inside that page",
    ],
)
async def get_page(page: PageId, cursor: Cursor = None) -> Content:
    """Read a page or a row of a database: its text as Markdown, and its properties as plain values.

    A page gives 100 blocks with everything below them; next_cursor leads to the next ones. A note says what Markdown
    cannot express. Find the page with notion_search.
    """
    raw = await api.get(f"/pages/{id_of(page)}")
    blocks, following = await content.tree(raw["id"], cursor)
    lost = set[str]()
    text = markdown_of(blocks, lost)
    notes = ["This page is in the trash."] if raw.get("in_trash") else []
    notes += [f"Not in the Markdown: {'; '.join(sorted(lost))}."] if lost else []
    more = {"markdown": text, "note": " ".join(notes) or None, "next_cursor": following}
    return Content.model_validate({**raw, **more})


@tools.writes(
    additive=False,
    idempotent=True,
    search=(
        "modifie change passe statut propriété titre mark as done status marque mets terminé fini fait "
        "avancement échéance date priorité responsable assigne attribue renomme icône coche décale set rename "
        "assign reassign owner deadline priority due finished tâche tâches projet projets client clients lead "
        "leads task tasks project projects base suivi liste tracker board"
    ),
    examples=[
        "passe la tâche en terminé",
        "c'est fini, mets le projet à jour",
        "change l'échéance à lundi prochain",
        "mets la priorité haute sur ce projet",
        "attribue cette tâche à quelqu'un d'autre",
        "renomme la page en Budget annuel",
        "mark the task as done",
        "set the deadline to next Monday",
        "bump the priority to high",
        "reassign that one to me",
        "rename the page",
        "put the lead in status Contacted",
    ],
)
async def update_page(
    page: PageId,
    properties: Annotated[
        dict[str, Any],
        Field(description="New plain values by property name; null clears one.", examples=[{"Statut": "Client"}]),
    ],
    new_options: NewOptions = False,
) -> Written:
    """Change properties of a page or a database's row, such as its status, date or title; the others stay.

    A value that a property does not allow is refused with the allowed ones. For the page's text, use notion_edit_page
    or notion_append_block. Find the row with notion_query_database.
    """
    current = await api.get(f"/pages/{id_of(page)}")
    schema = await lookup.schema_of(current)
    prepared = await values(schema, properties, new_options=new_options)
    if not prepared:
        raise errors.InvalidInputError("There is no property to change.", f"There are: {listed(schema)}.")
    return written(await api.patch(f"/pages/{current['id']}", json={"properties": prepared}))


@tools.writes(
    additive=False,
    idempotent=True,
    search=(
        "déplace range page sous dans autre base move under into déplacer bouge transfère glisse ranger "
        "classer dossier ailleurs emplacement mauvais endroit relocate transfer put elsewhere drag nest file "
        "parent wrong place doc document note texte"
    ),
    examples=[
        "Déplace cette page sous Archives",
        "Move the page into the Projects database",
        "range ce document dans le wiki",
        "la page est au mauvais endroit, mets-la sous Projets",
        "transfère cette note dans la base Réunions",
        "glisse la page dans le dossier Clients",
        "bouge ça ailleurs, sous Juridique",
        "drag this page under Handbook",
        "the doc is in the wrong place, put it in Projects",
        "file that note into the meetings base",
        "nest this page beneath Legal",
        "relocate the document to the team space",
    ],
)
async def move_page(
    page: PageId,
    parent: Annotated[str | None, Field(description="Address or id of the page that it goes into.")] = None,
    database: Annotated[str | None, Field(description="Name or address of the database that it goes into.")] = None,
) -> Written:
    """Move a page with everything below it into another page, or into a database as one of its rows.

    Pass either parent or database. People who see the new place see the page then. Properties that the new database
    does not have are lost; databases and single blocks cannot be moved. Find pages with notion_search.
    """
    if (parent is None) == (database is None):
        raise errors.InvalidInputError("It is not clear where the page goes.", "Pass either parent or database.")
    moved = id_of(page)
    if parent is not None:
        above: dict[str, Any] = {"type": "page_id", "page_id": id_of(parent)}
    else:
        above = {"type": "data_source_id", "data_source_id": (await lookup.source(database or "")).id}
    if moved == above.get("page_id"):
        raise errors.InvalidInputError("A page cannot be moved into itself.", "Pass another parent.")
    return written(await api.post(f"/pages/{moved}/move", json={"parent": above}))


@tools.destroys(
    asks=True,
    idempotent=True,
    search=(
        "supprime efface corbeille delete page fiche supprimer jette poubelle vire retire enlève effacer "
        "archive remove trash bin get rid throw away discard row doc document note texte tâche tâches projet "
        "projets client clients lead leads task tasks project projects base suivi liste tracker board "
        "débarrasse débarrasser brouillon draft"
    ),
    examples=[
        "mets cette page à la corbeille",
        "jette ce vieux document",
        "vire cette tâche de la base",
        "efface la fiche, on n'en a plus besoin",
        "débarrasse-moi de ce brouillon",
        "archive cette page",
        "bin that page",
        "get rid of the old draft",
        "throw this row away",
        "trash the document",
        "remove that task from the board",
        "delete the duplicate entry",
    ],
)
async def archive_page(page: PageId) -> Written:
    """Move a page or a row of a database to the trash, with everything below it.

    People can restore it from the trash in Notion for 30 days; no tool does. Find it with notion_search or
    notion_query_database.
    """
    about = await api.get(f"/pages/{id_of(page)}")
    await confirm(f"Move the Notion page «{title_of(about)}» to the trash?")
    return written(await api.patch(f"/pages/{id_of(page)}", json={"in_trash": True}))


def not_kept(lost: list[str]) -> str | None:
    """Return a note on what of the Markdown could not be kept, None where everything was."""
    return f"Not kept as it was: {'; '.join(lost)}." if lost else None


def written(page: dict[str, Any], **more: Any) -> Written:
    """Return a page as the result of a change."""
    return Written(id=page["id"], url=page.get("url") or address_of(page["id"]), **more)


def address_of(page: str) -> str:
    """Return the address of a page by its id."""
    return f"https://www.notion.so/{page.replace('-', '')}"
