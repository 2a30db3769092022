"""Notes. https://developers.pipedrive.com/docs/api/v1/Notes"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, errors

from .. import records, values
from ..client import START, V1, record
from ..models import RowPage, Saved, Thing
from ..records import RecordRef

tools = Toolset("notes")
WRITE = ["search:read deals:full contacts:full"]
READ = ["search:read deals:read contacts:read", "search:read deals:full contacts:full"]
LONGEST = 65_536  # characters
FIELDS = {"deal": "deal_id", "person": "person_id", "organization": "org_id", "lead": "lead_id"}


def _content(text: str) -> str:
    content = values.as_html(text)
    if len(content) > LONGEST:
        raise errors.InvalidInputError(f"The note is longer than {LONGEST:,} characters.", "Shorten it.")
    return content


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "ajoute note compte rendu commentaire appel consigne log écris inscris résumé il m'a dit "
        "retiens mentionne remarque info write down jot record he said summary remark memo hésite "
        "préfère pense mot souviens remember prefers thinks"
    ),
    examples=[
        "Note que le budget est de 12 000 €",
        "Add a note to the deal",
        "Écris sur sa fiche qu'il préfère le matin",
        "Marque dans le dossier qu'elle hésite",
        "Fais un petit compte rendu de l'appel",
        "Retiens qu'ils ont un chien de garde",
        "Mets un mot sur cette boîte",
        "Jot down what she said",
        "Write on his record that he prefers mornings",
        "Log a summary of the call",
        "Put a remark on this company",
        "Keep in mind that they pay late",
    ],
)
async def add_note(
    text: Annotated[str, Field(min_length=1, description="Plain text of the note.", examples=["Budget 12 000 €."])],
    about: Annotated[
        list[RecordRef],
        Field(
            min_length=1,
            max_length=4,
            description="Deal, lead, person, organization, one of each.",
            examples=[["deal:77"]],
        ),
    ],
) -> Saved:
    """Add a note to a deal, lead, person or organization, such as what was said on the phone. Returns its record.

    For something to be done use pipedrive_create_activity; to read notes, pipedrive_get_record.
    """  # fmt: skip
    body: dict[str, Any] = {"content": _content(text)}
    for kind, key in [await records.resolved(ref) for ref in dict.fromkeys(about)]:
        value = key if kind == "lead" else int(key)
        if body.setdefault(FIELDS[kind], value) != value:
            raise errors.InvalidInputError(f"A note belongs to one {kind}.", "Add another note for the second one.")
    return await _saved(await record("POST", f"{V1}/notes", json=body))


async def _saved(result: dict[str, Any]) -> Saved:
    return Saved(record=f"note:{Thing.model_validate(result).id}")


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "notes comptes rendus historique lire toutes remarques mémos anciennes échanges commentaires "
        "écrits relis qu'est-ce qu'on a noté previous past remarks written all"
    ),
    examples=[
        "Qu'est-ce qu'on a noté sur ce client ?",
        "Relis-moi les vieilles notes de l'affaire",
        "Montre tous les comptes rendus",
        "Qui a écrit quoi sur cette boîte ?",
        "Toutes les remarques depuis le début",
        "What notes are there on this deal?",
        "Read me all the remarks on him",
        "Who wrote what about this company?",
        "Show the older notes as well",
        "Everything we ever wrote down about her",
    ],
)
async def list_notes(
    about: Annotated[
        RecordRef, Field(description="deal, lead, person or organization, by number or name.", examples=["deal:77"])
    ],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RowPage:
    """List all notes of a deal, lead, person or organization, newest first, as plain text with author and time.

    The newest ones are in pipedrive_get_record already. Notes of a deal are not repeated at its person.
    """
    kind, key = await records.resolved(about)
    params = {FIELDS[kind]: key, "sort": "add_time DESC"}
    rows, following = await records.listed(f"{V1}/notes", limit, cursor, params, START)
    return RowPage(items=await records.note_rows(rows), next_cursor=following)


@tools.writes(
    additive=False,
    idempotent=True,
    core=False,
    scopes=WRITE,
    search=(
        "modifie corrige remplace note commentaire edit réécris rectifie erreur dedans faute change le "
        "texte rewrite fix wrong typo reword correct"
    ),
    examples=[
        "Je me suis trompé dans la note, corrige",
        "Remplace le texte de la dernière note",
        "Réécris ce compte rendu",
        "Il y a une faute dans ma remarque, change-la",
        "Dans la note c'est 12 000 et pas 10 000",
        "Fix the typo in my note",
        "Rewrite that remark",
        "The note is wrong, it's Tuesday not Monday",
        "Change the wording of the note",
    ],
)
async def update_note(
    note: Annotated[str, Field(description="Record from pipedrive_list_notes.", examples=["note:31"])],
    text: Annotated[str, Field(min_length=1, description="The whole new text.", examples=["Budget 14 000 €."])],
) -> Saved:
    """Replace the text of a note, such as to correct it. The old text is lost, so look at it first.

    Find it with pipedrive_list_notes. To add something, pipedrive_add_note is the better way.
    """
    key = note.strip().removeprefix("note:")
    if not records.is_id("note", key):
        raise errors.InvalidInputError(f"`{errors.excerpt(note, 60)}` is not a note.", "Write note:31.")
    return await _saved({"id": key, **await record("PUT", f"{V1}/notes/{key}", json={"content": _content(text)})})
