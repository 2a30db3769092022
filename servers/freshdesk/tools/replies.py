"""What is written on a ticket: replies, internal notes, canned responses; and the files of messages.

https://developers.freshdesk.com/api/#conversations
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, choose, confirm, errors, files, in_thread, link, sliced
from flotilla.parsing import folded

from .. import tickets as data
from ..client import V2, api, changes
from ..lookup import (
    AssignTo,
    StatusName,
    TicketNumber,
    assignment,
    cached,
    canned_responses,
    chosen,
    number_of,
    status_number,
)
from ..models import CannedResponse, Sent

tools = Toolset("replies")
LARGEST_DOWN = 60_000_000  # bytes
Paths = Annotated[
    list[str] | None, Field(max_length=10, description="Files of the data folder to attach, by their paths.")
]


@tools.writes(
    creates=True,
    asks=True,
    search=(
        "réponds répondre réponse écris au client dis-lui message public courriel mail envoie type toute faite "
        "rassure relance answer reply respond write back tell the customer e-mail send canned response"
    ),
    examples=[
        "Réponds au ticket 35 que la pièce est partie",
        "Answer with the canned response Refund",
        "Dis au client qu'on s'en occupe",
        "Écris-lui que le remboursement est en route",
        "Envoie la réponse type Retard au 35",
        "Demande au client une photo de la panne",
        "Relance le client du 35, il n'a pas répondu",
        "Write back that we're on it",
        "Ask the customer for a picture",
        "Tell her the part ships tomorrow",
        "Let him know his refund is on the way",
    ],
)
async def reply_to_ticket(
    ticket: TicketNumber,
    text: Annotated[str | None, Field(description="The reply as plain text, in front of a canned response.")] = None,
    canned_response: Annotated[
        str | None, Field(description="Prepared text by its name, from freshdesk_list_canned_responses.")
    ] = None,
    status: StatusName = None,
    attachments: Paths = None,
) -> Sent:
    """Send a reply to the customer of a ticket, written or from a canned response, and set its status then.

    Freshdesk mails it, so it is shown and asked about first. For colleagues only, use freshdesk_add_note; to close
    without a word, freshdesk_update_ticket.
    """
    if not (text or canned_response):
        raise errors.InvalidInputError("There is nothing to send.", "Pass text, canned_response or both.")
    raw = await data.ticket_of(ticket)
    parts = [data.as_html(text)] if text else []
    if canned_response:
        parts.append(await data.filled(await _canned(canned_response), raw))
    body, number = "<br><br>".join(parts), await status_number(status) if status else None
    path = f"{V2}/tickets/{number_of(ticket)}"
    request = await data.message(attachments, {"body": body})
    if number:
        changes.follows("PUT", path, json={"status": number})
    await confirm(
        f"Send this reply to {data.reached(raw)} on {data.titled(raw)}? «{data.plain(body)}»", raw.get("updated_at")
    )
    await api.post(f"{path}/reply", **request)
    if number:
        await data.save(number_of(ticket), {"status": number})
    return Sent(ticket=number_of(ticket), text=data.plain(body), status=status)


async def _canned(name: str) -> str:
    one = await chosen(
        name,
        "canned",
        canned_responses,
        name=lambda named: named.title,
        kind="canned response",
        listed_by="freshdesk_list_canned_responses",
    )
    answer = await api.get(f"{V2}/canned_responses/{one.id}")
    content = str(answer.get("content_html") or data.as_html(str(answer.get("content") or "")))
    if not content:
        raise errors.InvalidInputError(f"The canned response «{one.title}» is empty.", "Choose another one.")
    return content


@tools.writes(
    creates=True,
    search=(
        "note interne commentaire privé collègue équipe mot remarque mémo transmets entre nous assigne internal "
        "private comment colleague team only jot down memo hand over"
    ),
    examples=[
        "Ajoute une note au 35 et passe-le à Marie",
        "Note that he called back",
        "Écris pour les collègues que c'est urgent",
        "Laisse un mot à l'équipe sur le 42",
        "Commentaire interne, le client a rappelé",
        "Note dans le ticket qu'on attend la pièce",
        "Que le client ne voie pas ça, c'est pour nous",
        "Leave a word for the team on 42",
        "Internal comment, he is a VIP",
        "Jot down that we're waiting for the part",
        "Private note, the customer must not see it",
    ],
)
async def add_note(
    ticket: TicketNumber,
    text: Annotated[str, Field(min_length=1, description="The note as plain text.", examples=["A rappelé à 10 h."])],
    assign_to: AssignTo = None,
    attachments: Paths = None,
) -> Sent:
    """Add an internal note to a ticket, which agents alone see, then assign the ticket to an agent or group if wanted.

    The customer is not written to. To answer the customer, use freshdesk_reply_to_ticket; to change status or tags,
    freshdesk_update_ticket.
    """
    wanted, path = await assignment(assign_to), f"{V2}/tickets/{number_of(ticket)}"
    request = await data.message(attachments, {"body": data.as_html(text), "private": True})
    if wanted:
        changes.follows("PUT", path, json=wanted)
    await api.post(f"{path}/notes", **request)
    saved = await data.save(number_of(ticket), wanted) if wanted else None
    return Sent(ticket=number_of(ticket), assigned_to=saved.assigned_to if saved else None)


@tools.reads(
    search=(
        "liste réponses types modèles toutes faites prédéfinies préenregistrées textes prédéfinis macros quelles "
        "which canned responses templates ready-made saved replies prepared show"
    ),
    examples=[
        "Quelles réponses types avons-nous ?",
        "Y a-t-il un modèle pour les remboursements ?",
        "Montre les textes tout prêts",
        "On a une réponse préparée pour les retards ?",
        "Quels messages prédéfinis existent ?",
        "Which canned responses do we have?",
        "Is there a template for refunds?",
        "Show the ready-made answers",
        "Do we have a saved reply for delays?",
    ],
)
async def list_canned_responses(
    query: Annotated[str | None, Field(description="Part of the name or folder; all without it.")] = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> Page[CannedResponse]:
    """List the canned responses, which are prepared texts, by name and folder.

    Use it to find the name that freshdesk_reply_to_ticket takes. It sends nothing.
    """
    wanted = folded(query or "")
    rows = [one for one in await cached("canned", canned_responses) if wanted in folded(f"{one.title} {one.folder}")]
    return sliced([CannedResponse(name=one.title, folder=one.folder or None) for one in rows], limit, cursor)


@tools.reads(
    core=False,
    search=(
        "télécharge télécharger récupère enregistre pièce jointe fichier photo image capture PDF document envoyé "
        "joint attachment download save file picture screenshot that came with the ticket"
    ),
    examples=[
        "Récupère la photo que le client a envoyée",
        "Télécharge le PDF du ticket",
        "Enregistre la capture d'écran jointe",
        "Je veux voir la facture qu'il a jointe",
        "Download the picture he sent",
        "Save the file from ticket 35",
        "Get me the screenshot",
        "Fetch the invoice attached to the ticket",
    ],
)
async def get_attachment(
    ticket: TicketNumber,
    attachment: Annotated[
        str, Field(description="Id or name of the file, as freshdesk_get_ticket shows it.", examples=["498483"])
    ],
    path: Annotated[
        str | None, Field(description="Path of the new file in the data folder; else freshdesk/<number>-<name>.")
    ] = None,
) -> files.FileRef:
    """Save a file that came with a ticket in the data folder, and return its path, size and checksum.

    freshdesk_get_ticket shows the files of each message. The content is not returned: fs_read_document of the
    filesystem server reads it by its path. An existing file is replaced only where no path is given.
    """
    number = number_of(ticket)
    first = await api.get(f"{V2}/tickets/{number}")
    attached = [one for part in [first, *await data.conversation(number)] for one in _files(part)]
    about = choose(attachment, attached, kind="file of this ticket")
    address = urlsplit(str(about["attachment_url"]))
    own = address.netloc == urlsplit(api.base).netloc or address.netloc == f"{_domain()}.freshdesk.com"
    where = address.path + (f"?{address.query}" if address.query else "") if own else address.geturl()
    response = await api.send("GET", where, headers={"Accept": "*/*"}, largest=LARGEST_DOWN)
    name = "".join(c if c.isalnum() or c in "._ -" else "-" for c in str(about.get("name") or "file")).lstrip(".")
    ref = await in_thread(
        files.write, path or f"freshdesk/{number}-{name[-80:] or 'file'}", response.content, path is None
    )
    link(ref)
    return ref


def _files(part: dict[str, Any]) -> list[dict[str, Any]]:
    rows = part.get("attachments")
    return [one for one in rows if isinstance(one, dict) and one.get("id")] if isinstance(rows, list) else []


def _domain() -> str:
    return str(api.connection.settings.domain)
