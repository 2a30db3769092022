"""Blocks of a page: added at a place, changed. API: https://developers.notion.com/reference/update-a-block"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Toolset, errors

from .. import content, editing
from ..blocks import Block, blocks_of, count
from ..client import api, id_of
from ..models import Written
from .pages import PageId, address_of, not_kept

tools = Toolset("pages")

MOST = 60  # blocks that one call changes: three requests a second go through


@tools.writes(
    creates=True,
    search=(
        "ajoute texte paragraphe liste fin sous titre insère note page to-do append insert after heading "
        "rajoute complète mets écris colle ajouter bas suite dessous puce puces checklist case cocher tableau "
        "code citation bullet bullets write down jot paste bottom beneath below doc document"
    ),
    examples=[
        "Ajoute cette note sous le titre Décisions",
        "Add the minutes at the end of the page",
        "rajoute une ligne en bas de la page",
        "note ça dans le doc du projet : livraison repoussée au 12",
        "mets une checklist avec ces trois points sur la page",
        "colle ce paragraphe sous le titre Prochaines étapes",
        "complète le document avec ce qu'on vient de dire",
        "jot this down on the project page",
        "put three bullets under Next steps",
        "write one more paragraph at the bottom of the doc",
        "stick a checklist under that heading",
        "paste this table into the page",
    ],
)
async def append_block(
    page: PageId,
    markdown: Annotated[str, Field(description="Text to add, in Markdown.", examples=["- [ ] Envoyer le devis"])],
    after: Annotated[
        str | None,
        Field(description="Text of the block behind which it goes, such as a heading; without it, the page's end."),
    ] = None,
) -> Written:
    """Add text, lists, to-dos, tables or code to a page, in Markdown: at its end, or under a heading or another block.

    What stands there stays. A note says what of the Markdown could not be kept. Find the page with notion_search;
    to change text that stands there, use notion_edit_page.
    """
    blocks, lost = blocks_of(markdown)
    if not blocks:
        raise errors.InvalidInputError("The Markdown holds nothing that Notion could show.", "Call again with text.")
    target, position = id_of(page), None
    progress = content.Progress(count(content.checked(blocks)), target)
    if after is not None:
        target, position = await _behind(target, after)
    content.announced(blocks)
    with content.reporting(progress):
        await content.append(target, blocks, progress, position)
    return Written(id=progress.page, note=not_kept(lost))


async def _behind(page: str, text: str) -> tuple[str, dict[str, Any]]:
    """Return the block or page that new blocks go into, and their position: a heading that folds holds its text."""
    hits, wanted = editing.fitting(await editing.places(page), text)
    place = editing.one_of([hit for hit in hits if hit.cell is None] or hits, wanted)
    block = place.block
    if place.cell is not None:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 60)}` stands in a table.", "Pass the text of a block above or below the table."
        )
    if (block.get(block["type"]) or {}).get("is_toggleable"):
        return block["id"], {"type": "start"}
    above = block["parent"]
    return above[above["type"]], content.after(block["id"])


@tools.writes(
    additive=False,
    search=(
        "modifie corrige remplace texte coche case décoche tâche faite supprime phrase edit replace tick "
        "to-do rectifie corriger faute coquille orthographe mot chiffre cocher décocher barre raye reformule "
        "reword typo fix wording wrong check off uncheck cross out untick strike doc document page note"
    ),
    examples=[
        "Coche la case Envoyer le devis",
        "Remplace 4 500 € par 4 800 € dans la page",
        "Tick the to-do",
        "corrige la faute dans le texte",
        "il y a une coquille, c'est mars et pas mai",
        "c'est fait, barre-le de la checklist",
        "décoche cette case finalement",
        "enlève cette phrase du document",
        "fix the typo in the doc",
        "the amount in the text is wrong, make it 4,800",
        "check that box off the list",
        "uncheck the second box",
        "take that sentence out of the page",
    ],
)
async def edit_page(
    page: PageId,
    find: Annotated[
        str, Field(description="Text as it stands on the page, within one line.", examples=["Envoyer le devis"])
    ],
    replace: Annotated[
        str | None, Field(description="New text in its place, in Markdown; an empty one removes it.")
    ] = None,
    checked: Annotated[bool | None, Field(description="For a to-do with this text: true ticks it.")] = None,
    every: Annotated[bool, Field(description="True to change all places that have the text.")] = False,
) -> Written:
    """Change text on a page or tick a to-do: find a text, and replace it, remove it or set its check mark.

    The rest of the block stays, with styles and mentions. A block that becomes empty is removed, unless something is
    below it. Read the page with notion_get_page first. To change properties or the title, use notion_update_page.
    """
    if replace is None and checked is None:
        raise errors.InvalidInputError("There is nothing to change.", "Pass replace or checked.")
    target = id_of(page)
    hits, wanted = editing.fitting(await editing.places(target), find)
    if checked is not None:
        hits = [hit for hit in hits if hit.block["type"] == "to_do"]
        if not hits:
            raise errors.InvalidInputError(
                f"`{errors.excerpt(find, 60)}` is not the text of a to-do.", "Call again with the text of a to-do."
            )
    if not every:
        hint = ", or every=true to change all of them"
        if replace is not None and len(hits) > 1:
            raise editing.several(hits, wanted, hint)
        hits = [editing.one_of(hits, wanted, hint)]
        if replace is not None and (times := len(editing.occurrences(hits[0], wanted))) > 1:
            raise editing.several(hits * times, wanted, hint)
    requests = _requests(hits, wanted, replace, checked)
    if len(requests) > MOST:
        raise errors.InvalidInputError(
            f"The text stands in {len(requests)} blocks; one call changes {MOST} at most.", "Pass a longer text."
        )
    for path, body in requests[1:]:
        api.follows("DELETE" if body is None else "PATCH", path, json=body)
    changed: list[str] = []
    with content.counting(changed, len(requests)):
        for path, body in requests:
            if body is None:
                await api.delete(path)
            else:
                await api.patch(path, json=body)
            changed.append(path)
    removed = sum(body is None for _, body in requests)
    note = f"{len(requests)} blocks were changed." if len(requests) > 1 else None
    if removed:
        note = f"{removed} of {len(requests)} blocks became empty and {'was' if removed == 1 else 'were'} removed."
    return Written(id=target, url=address_of(target), note=note)


def _requests(
    hits: list[editing.Place], wanted: str, replace: str | None, checked: bool | None
) -> list[tuple[str, dict[str, Any] | None]]:
    """Return a request for each block: its path and body; no body for a block that goes. Cells of a row go together."""
    requests: dict[str, dict[str, Any] | None] = {}
    rows: dict[str, Block] = {}  # of tables, with the cells that were changed before
    for hit in hits:
        path = f"/blocks/{hit.block['id']}"
        if replace is None:
            requests[path] = {"to_do": {"checked": checked}}
            continue
        place = editing.Place(rows.get(path, hit.block), hit.items, hit.cell)
        new = editing.replaced(place, wanted, replace)
        rows[path] = new.block
        if new.cell is None and not new.text.strip() and not hit.block.get("has_children"):
            requests[path] = None
        else:
            requests[path] = editing.update(new, checked)
    return list(requests.items())
