"""Text, tables and pictures in a document: append, insert, delete.

API: https://developers.google.com/workspace/docs/api/how-tos/move-text
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Toolset, confirm, errors
from flotilla_servers._google import file_id

from .. import content, places
from ..client import OWN, WRITE
from ..inline import units
from ..models import DeletedText, WrittenDocument
from ..parsing import Paragraph, blocks_of, table_of
from .documents import DocumentId

tools = Toolset("texts")

Markdown = Annotated[
    str,
    Field(min_length=1, description="Text to write, in Markdown.", examples=["## Suite\n\n- **Marie** : devis"]),
]
Heading = Annotated[str | None, Field(min_length=1, description="Heading at the end of whose section it is written.")]
After = Annotated[str | None, Field(min_length=1, description="Plain text: it goes after its paragraph.")]


@tools.writes(
    creates=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "ajouter à la fin compléter document bas suite complète rajoute paragraphe conclusion add end bottom "
        "append continue below text"
    ),
    examples=[
        "ajoute un paragraphe à la fin",
        "rajoute ça tout en bas du doc",
        "complète mes notes avec cette idée",
        "mets une conclusion au bout du texte",
        "écris la suite dans le document",
        "add a paragraph at the end",
        "put this at the bottom of my notes",
        "continue the document with this",
        "append today's entry to the journal",
        "finish the text with a conclusion",
    ],
)
async def append_text(document: DocumentId, text: Markdown) -> WrittenDocument:
    """Add Markdown at the end of a document, of its first tab where it has several.

    Fails when the document is changed at the same moment, so nothing is written twice. To write elsewhere, use
    gdocs_insert_text.
    """
    lost: set[str] = set()
    return await content.write(file_id(document), blocks_of(text, lost), lost)


@tools.writes(
    creates=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "insérer texte sous un titre après un paragraphe section milieu juste avant chapitre glisse under "
        "heading middle after paragraph insert chapter"
    ),
    examples=[
        "Ajoute la décision sous le titre Décisions",
        "insert a paragraph after the introduction",
        "mets ce paragraphe sous le titre Budget",
        "glisse une phrase après l'introduction",
        "complète la section Risques",
        "ajoute ce point dans le chapitre 2",
        "écris ça juste après le premier paragraphe",
        "put this under the heading Budget",
        "slip a sentence in after the first paragraph",
        "add this point to chapter 2",
        "write it in the middle, below the risks",
    ],
)
async def insert_text(
    document: DocumentId, text: Markdown, heading: Heading = None, after: After = None
) -> WrittenDocument:
    """Insert Markdown in the middle of a document: at the end of a heading's section, or after a paragraph.

    Pass `heading`, or `after`; right below a heading: pass it as `after`. Works in all tabs. For the end of the
    document, use gdocs_append_text. Look first with gdocs_get_document.
    """
    if not (heading or after):
        raise errors.InvalidInputError(
            "No place is named.", "Pass `heading` or `after`, or use gdocs_append_text for the end."
        )
    lost: set[str] = set()
    return await content.write(file_id(document), blocks_of(text, lost), lost, heading=heading, after=after)


@tools.destroys(
    asks=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "supprimer effacer texte paragraphe section titre enlève retire coupe vire passage phrase chapitre "
        "remove cut drop take sentence rid annexe appendix"
    ),
    examples=[
        "Supprime la section Annexe",
        "delete this sentence from the document",
        "enlève le dernier paragraphe",
        "coupe ce passage",
        "retire la phrase sur le prix",
        "vire le chapitre 3 du document",
        "le texte sous Annexe ne sert plus, efface-le",
        "cut this passage",
        "take out the sentence about the price",
        "remove chapter 3",
        "drop the last paragraph of the doc",
        "get rid of the appendix",
    ],
)
async def delete_text(
    document: DocumentId,
    text: Annotated[str | None, Field(description="Plain text within one paragraph.")] = None,
    heading: Annotated[str | None, Field(description="Heading of the section to delete.")] = None,
    keep_heading: Annotated[bool, Field(description="True to keep the heading itself.")] = False,
) -> DeletedText:
    """Delete a text of a document, or a heading's section with its tables, after the user's yes.

    Fails when it stands twice.
    """
    if bool(text) == bool(heading):
        raise errors.InvalidInputError("It is not clear what goes.", "Pass either `text` or `heading`.")
    name = file_id(document)
    raw = await content.get(name, suggestions=True)
    start, end, tab, shown = _section(raw, heading, keep_heading) if heading else _passage(raw, str(text))
    await confirm(f"Delete {shown} of «{errors.excerpt(raw.get('title', ''), 100)}»?", raw.get("revisionId"))
    span = {"range": {"startIndex": start, "endIndex": end}}
    await content.send(raw, name, places.in_tab([{"deleteContentRange": span}], tab))
    return DeletedText(id=name, url=content.url(name), deleted=end - start)


def _passage(raw: dict[str, Any], text: str) -> tuple[int, int, str, str]:
    paragraph, start = places.find_text(raw, text)
    end = start + units(text.strip("\n"))
    alone = (start, end) == (paragraph.start, paragraph.end - 1)
    if alone and not paragraph.last and not paragraph.before_table:  # a table needs the paragraph before it
        end += 1
    return start, end, paragraph.tab, f"«{errors.excerpt(text, 200)}»"


def _section(raw: dict[str, Any], heading: str, keep_heading: bool) -> tuple[int, int, str, str]:
    inside = places.section(raw, heading)
    title = inside[0]
    start, end = title.end if keep_heading else title.start, places.section_end(raw, inside)
    if start >= end:
        raise errors.InvalidInputError("There is nothing below this heading.", "Leave keep_heading out to delete it.")
    size = sum(len(paragraph.text.split()) for paragraph in inside[keep_heading:])
    tables = sum(paragraph.before_table for paragraph in inside)
    length = f"{size} words" + (f", {tables} {'table' if tables == 1 else 'tables'}" if tables else "")
    part = "what is below the heading" if keep_heading else "the section"
    return start, end, title.tab, f"{part} «{errors.excerpt(title.text.strip(), 100)}» ({length})"


@tools.writes(
    creates=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "insérer tableau ajoute table grille lignes colonnes document texte récapitulatif add grid rows "
        "columns doc figures"
    ),
    examples=[
        "mets un tableau dans le document",
        "ajoute une grille avec les prix sous Tarifs",
        "présente ces chiffres en tableau dans le doc",
        "fais un récapitulatif en lignes et colonnes à la fin du texte",
        "insère un tableau de trois colonnes",
        "add a table with the prices",
        "put these figures in a grid in the doc",
        "a table with three columns under Rates",
        "show this as rows and columns in the document",
        "insert a summary table at the end",
    ],
)
async def insert_table(
    document: DocumentId,
    rows: Annotated[
        list[list[str]],
        Field(
            min_length=1,
            description="Rows of cells with inline Markdown; the first row is the header.",
            examples=[[["Nom"], ["Marie"]]],
        ),
    ],
    heading: Heading = None,
    after: After = None,
) -> WrittenDocument:
    """Add a table with its first row in bold, at the end of a document, of a heading's section or after a paragraph.

    Short rows are filled with empty cells; a table has at most 2,000. To add text and tables together, pass Markdown
    to gdocs_append_text or gdocs_insert_text.
    """
    lost: set[str] = set()
    return await content.write(file_id(document), [table_of(rows, lost)], lost, heading=heading, after=after)


@tools.writes(
    creates=True,
    scopes=WRITE,
    tolerated=OWN,
    search="insérer image photo logo ajoute illustration capture dessin visuel schéma picture screenshot add",
    examples=[
        "Mets le logo en haut du document",
        "add this picture below the heading",
        "ajoute une photo sous le titre",
        "colle cette image dans le doc",
        "illustre le document avec ce schéma",
        "insère le logo de la boîte en haut de la lettre",
        "put our logo at the top",
        "add a photo after the introduction",
        "paste this image into the document",
        "illustrate the page with that drawing",
    ],
)
async def insert_image(
    document: DocumentId,
    url: Annotated[
        str,
        Field(
            max_length=2000,
            pattern=r"^https://\S+$",
            description="Public https address of a PNG, JPEG or GIF of at most 50 MB.",
            examples=["https://example.org/logo.png"],
        ),
    ],
    width: Annotated[
        float | None, Field(gt=0, le=2000, description="Width in points (28 are 1 cm); its own size without it.")
    ] = None,
    heading: Heading = None,
    after: After = None,
) -> WrittenDocument:
    """Insert a picture from a public address, in a paragraph of its own: at the end of the document or at a place.

    Google fetches it once and keeps a copy. It takes no file of the data folder and none that needs a login. The text
    around it is in gdocs_get_document, which leaves pictures out.
    """
    image: dict[str, Any] = {"uri": url}
    if width:
        image["objectSize"] = {"width": {"magnitude": width, "unit": "PT"}}
    with errors.hint("The picture must be public, and a PNG, JPEG or GIF of at most 50 MB and 25 megapixels."):
        return await content.write(file_id(document), [Paragraph([])], heading=heading, after=after, image=image)
