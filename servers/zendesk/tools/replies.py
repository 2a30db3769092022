"""What is written on a ticket: public replies, internal notes, macros; and the files of comments.

https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm, errors, files, in_thread, link, segment
from flotilla.parsing import html_to_text

from .. import tickets as data
from ..client import api, numbered
from ..lookup import AssignTo, StatusName, TicketNumber, assignment, id_of, named, number_of, status_of
from ..models import Changed, Macro

tools = Toolset("replies")
READ, WRITE = ["read"], ["read write"]
LARGEST_DOWN = 60_000_000  # bytes: Zendesk takes attachments of 50 MB
Paths = Annotated[
    list[str] | None, Field(max_length=10, description="Files of the data folder to attach, by their paths.")
]


@tools.writes(
    creates=True,
    asks=True,
    scopes=WRITE,
    search=(
        "réponds répondre réponse écris au client dis-lui message public courriel mail envoie résous rassure "
        "relance answer reply respond write back tell the customer e-mail send"
    ),
    examples=[
        "Réponds au ticket 35 que la pièce est partie",
        "Tell the customer it is fixed and solve it",
        "Dis au client qu'on s'en occupe",
        "Écris-lui que le remboursement est en route",
        "Envoie une réponse et passe le ticket en résolu",
        "Demande au client une photo de la panne",
        "Relance le client du 35, il n'a pas répondu",
        "Write back that we're on it",
        "Ask the customer for a picture",
        "Answer 42 that the part ships tomorrow",
        "Let him know his refund is on the way",
    ],
)
async def reply_to_ticket(
    ticket: TicketNumber,
    text: Annotated[
        str, Field(min_length=1, description="The reply as plain text.", examples=["Bonjour, c'est réparé."])
    ],
    status: StatusName = None,
    attachments: Paths = None,
) -> Changed:
    """Send a public reply to the customer of a ticket, and set its status in the same step, such as pending or solved.

    Zendesk mails it to the customer and to those in copy, so it is asked about first. For colleagues only, use
    zendesk_add_note; for a prepared text, zendesk_run_macro.
    """
    raw = await data.ticket_of(ticket)
    changes = {"comment": {"body": text, "public": True}, **await status_of(status), **data.unchanged_since(raw)}
    await confirm(
        f"Send this public reply to {raw.get('requester') or 'the customer'} on {data.titled(raw)}? "
        f"«{errors.excerpt(text)}»",
        raw.get("updated_at"),
    )
    return await _commented(number_of(ticket), changes, attachments)


@tools.writes(
    creates=True,
    scopes=WRITE,
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
        "Put a private note on the ticket, the customer must not see it",
    ],
)
async def add_note(
    ticket: TicketNumber,
    text: Annotated[str, Field(min_length=1, description="The note as plain text.", examples=["A rappelé à 10 h."])],
    assign_to: AssignTo = None,
    attachments: Paths = None,
) -> Changed:
    """Add an internal note to a ticket, which agents alone see, and assign the ticket to an agent or group if wanted.

    The customer is not written to. To answer the customer, use zendesk_reply_to_ticket; to change status or tags,
    zendesk_update_ticket.
    """
    changes = {"comment": {"body": text, "public": False}, **await assignment(assign_to)}
    await data.ticket_of(ticket)
    return await _commented(number_of(ticket), changes, attachments)


async def _commented(number: str, changes: dict[str, Any], paths: list[str] | None) -> Changed:
    path = f"/api/v2/tickets/{number}"
    planned = {"ticket": {**changes, "comment": {**changes["comment"], "uploads": ["{upload.token}"]}}}
    if tokens := await data.attach(paths, (path, planned)):
        changes["comment"] = {**changes["comment"], "uploads": tokens}
    return await data.save(number, changes)


@tools.reads(
    scopes=READ,
    search=(
        "liste macros réponses types modèles toutes faites prédéfinies préenregistrées textes quelles which "
        "canned responses templates ready-made saved replies prepared show"
    ),
    examples=[
        "Quelles réponses types avons-nous ?",
        "Quelles macros existent ?",
        "Y a-t-il un modèle pour les remboursements ?",
        "Montre les textes tout prêts",
        "On a une réponse préparée pour les retards ?",
        "Which macros do we have?",
        "Is there a template for refunds?",
        "Show the ready-made answers",
        "Do we have a canned reply for delays?",
    ],
)
async def list_macros(
    query: Annotated[str | None, Field(description="Words of the macro's name; all macros without it.")] = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> Page[Macro]:
    """List the macros, which are prepared answers and changes, each with its name and what it sets.

    Use it to find the name that zendesk_run_macro takes. It changes no ticket, and shows active macros only.
    """
    path = "/api/v2/macros/search" if query else "/api/v2/macros/active"
    return await api.page(path, Macro, params={"query": query}, limit=limit, cursor=cursor, paging=numbered("macros"))


@tools.writes(
    creates=True,
    asks=True,
    additive=False,
    scopes=WRITE,
    search=(
        "applique appliquer lance lancer utilise exécute macro réponse type toute faite modèle préparée apply use "
        "run canned response template ready-made"
    ),
    examples=[
        "Réponds au 35 avec la macro Remboursement",
        "Apply the close macro",
        "Applique la macro Retard de livraison au 35",
        "Utilise le modèle de clôture sur ce ticket",
        "Envoie la réponse toute faite pour les remboursements",
        "Lance la macro sur le 42",
        "Run the refund macro on ticket 35",
        "Use the canned reply for delays",
        "Send the template answer on 42",
        "Answer him with our standard text",
    ],
)
async def run_macro(
    ticket: TicketNumber,
    macro: Annotated[
        str, Field(description="Name of the macro, from zendesk_list_macros.", examples=["Accusé de réception"])
    ],
    intro: Annotated[str | None, Field(description="Text that is put in front of the macro's own text.")] = None,
) -> Changed:
    """Apply a macro to a ticket: its prepared text is added, and status, tags and agent are set as it says.

    A public text reaches the customer by e-mail, so it is shown and asked about first. The names come from
    zendesk_list_macros. For a text of your own, use zendesk_reply_to_ticket.
    """
    raw = await data.ticket_of(ticket)
    chosen = await named(macro, "macro")
    path = f"/api/v2/tickets/{number_of(ticket)}/macros/{segment(chosen.id)}/apply"
    changes, text, public = _changes(raw, (await api.get(path))["result"]["ticket"], intro)
    if not changes:
        raise errors.InvalidInputError(
            f"The macro «{chosen.title}» would change nothing on {data.titled(raw)}.", "Choose another one."
        )
    if text and public:
        await confirm(
            f"Apply the macro «{chosen.title}» to {data.titled(raw)}, which sends this to "
            f"{raw.get('requester') or 'the customer'}? «{errors.excerpt(text)}»",
            raw.get("updated_at"),
        )
    return await data.save(number_of(ticket), {**changes, **data.unchanged_since(raw)})


def _changes(raw: dict[str, Any], after: dict[str, Any], intro: str | None) -> tuple[dict[str, Any], str, bool]:
    """Return what a macro changes of a ticket, the text that it adds, and whether the customer gets that."""
    plain = ("status", "custom_status_id", "priority", "type", "subject", "assignee_id", "group_id", "tags")
    changes = {key: after[key] for key in plain if after.get(key) is not None and after[key] != raw.get(key)}
    before = {str(one.get("id")): one.get("value") for one in raw.get("custom_fields") or [] if isinstance(one, dict)}
    fields = after.get("custom_fields") or after.get("fields") or []
    rows = [
        one for one in (fields if isinstance(fields, list) else [fields]) if isinstance(one, dict) and one.get("id")
    ]
    custom = [
        {"id": one["id"], "value": one.get("value")}
        for one in rows
        if str(one.get("value") or "") != str(before.get(str(one["id"])) or "")
    ]
    changes |= {"custom_fields": custom} if custom else {}
    comment = after.get("comment")
    if not isinstance(comment, dict):
        comment = {}
    public = str(comment.get("public", True)).lower() != "false"
    html, body = str(comment.get("html_body") or ""), str(comment.get("body") or "")
    text = "\n\n".join(part for part in (intro, body or html_to_text(html)) if part)
    if text:
        formatted = {"html_body": html} if html and not intro else {"body": text}
        changes["comment"] = {**formatted, "public": public}
    return changes, text, public


@tools.reads(
    core=False,
    scopes=READ,
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
        "Fetch the invoice attached to the comment",
    ],
)
async def get_attachment(
    attachment: Annotated[
        str, Field(description="Id of the file, from the comments that zendesk_get_ticket shows.", examples=["498483"])
    ],
    path: Annotated[
        str | None, Field(description="Path of the new file in the data folder; else zendesk/<number>-<name>.")
    ] = None,
) -> files.FileRef:
    """Save a file that came with a comment in the data folder, and return its path, size and checksum.

    zendesk_get_ticket shows the files of each comment. The content is not returned: fs_read_document of the filesystem
    server reads it by its path. An existing file is replaced only where no path is given.
    """
    number = id_of(attachment, "an attachment", "zendesk_get_ticket")
    about = (await api.get(f"/api/v2/attachments/{number}"))["attachment"]
    if about.get("malware_scan_result") == "malware_found":
        raise errors.InvalidInputError("Zendesk found malware in this file, so it is not saved.", "Tell the user.")
    address = urlsplit(str(about["content_url"]))
    where = address.path + (f"?{address.query}" if address.query else "")
    response = await api.send("GET", where, headers={"Accept": "*/*"}, largest=LARGEST_DOWN)
    name = "".join(c if c.isalnum() or c in "._ -" else "-" for c in str(about.get("file_name") or "file")).lstrip(".")
    target = path or f"zendesk/{number}-{name[-80:] or 'file'}"
    ref = await in_thread(files.write, target, response.content, path is None)
    link(ref)
    return ref
