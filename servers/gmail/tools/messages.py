"""Messages of the mailbox. https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

from flotilla import (
    ByCursor,
    Cursor,
    Limit,
    Page,
    Toolset,
    confirm,
    fetch_each,
    files,
    in_thread,
    segment,
    will_ask,
)

from ..client import COST, ME, MODIFY, READ, api
from ..content import attachment as attachment_content
from ..content import whole_message
from ..labels import ids_of, names_of
from ..models import Labelled, Line, Message, Profile, Sent, Trashed
from ..sending import headers_of

tools = Toolset("messages")

PAGES = ByCursor("messages", "nextPageToken", cursor="pageToken", limit="maxResults")
MessageId = Annotated[
    str,
    Field(description="Id of the message, from gmail_search_messages.", examples=["18f2a7c4d9e0b1a3"]),
]


@tools.reads(scopes=READ, search="cherche trouve mail courriel message de expéditeur objet pièce jointe")
async def search_messages(
    query: Annotated[
        str,
        Field(description="Words and operators, as in Gmail's search box.", examples=["from:marie has:attachment"]),
    ],
    limit: Limit = 10,
    cursor: Cursor = None,
) -> Page[Line]:
    """Search mail, newest first, with the operators of Gmail's search box.

    Operators: from: to: subject: label: has:attachment is:unread in:anywhere after:2030/06/01 newer_than:7d. Spam and
    trash need in:anywhere. Returns sender, subject, date and first words; read a message with gmail_get_message.
    """
    return await _listed(limit, cursor, q=query)


@tools.reads(scopes=READ, search="boîte de réception derniers mails non lus courriels reçus")
async def list_messages(
    label: Annotated[str, Field(description="Name or id of a label, from gmail_list_labels.")] = "INBOX",
    limit: Limit = 10,
    cursor: Cursor = None,
) -> Page[Line]:
    """List the mail under one label, newest first: the inbox, unless another label is named.

    Returns sender, subject, date and first words; read a message with gmail_get_message. To find mail by sender, words
    or date, use gmail_search_messages.
    """
    return await _listed(limit, cursor, labelIds=(await ids_of([label]))[0])


async def _listed(limit: int, cursor: str | None, **params: Any) -> Page[Line]:
    """The API lists ids alone: what stands in a line is fetched message by message."""
    cost = COST["messages.list"]
    page = await api.page(f"{ME}/messages", Sent, params=params, limit=limit, cursor=cursor, paging=PAGES, cost=cost)
    wanted = {"format": "metadata", "metadataHeaders": ["From", "Subject"]}

    async def line(message: str) -> Line:
        raw = await api.get(f"{ME}/messages/{segment(message)}", params=wanted, cost=COST["messages.get"])
        return Line.of(raw)

    return Page(items=await fetch_each([sent.id for sent in page.items], line), next_cursor=page.next_cursor)


@tools.reads(scopes=READ, search="lire ouvrir mail contenu texte du message")
async def get_message(message: MessageId, cursor: Cursor = None) -> Message:
    """Read one message: sender, recipients, date, text, labels and the list of its attachments.

    HTML comes as plain text, a calendar invitation as its lines. A very long text comes in pages: pass next_cursor to
    go on. Save an attachment with gmail_get_attachment.
    """
    raw = await whole_message(message)
    return Message.of(raw, await names_of(raw.get("labelIds") or []), cursor)


@tools.reads(scopes=READ, search="télécharger pièce jointe enregistrer fichier joint")
async def get_attachment(
    message: MessageId,
    attachment: Annotated[
        str, Field(description="Id or name of the attachment, from gmail_get_message.", examples=["1"])
    ],
    path: Annotated[
        str | None, Field(description="Path of the new file in the data folder; else mail/<message>/<name>.")
    ] = None,
) -> files.FileRef:
    """Save one attachment of a message as a file in the data folder, and return its path.

    gmail_get_message lists the attachments. A file that exists at `path` is not overwritten. The content is not
    returned: pass the path to a tool that reads or sends files.
    """
    name, content = await attachment_content(message, attachment)
    target = path or f"mail/{re.sub(r'[^A-Za-z0-9_-]', '_', message)[:80]}/{name}"
    return await in_thread(files.write, target, content, path is None)


@tools.destroys(asks=True, idempotent=True, scopes=MODIFY, search="supprimer mail corbeille jeter")
async def trash_message(message: MessageId) -> Trashed:
    """Move one message to the trash, after the user agreed. Gmail deletes it for good after 30 days.

    To only take a message out of the inbox, remove the label INBOX with gmail_modify_labels. Find the message with
    gmail_search_messages.
    """
    if will_ask():
        about = Line.of(await headers_of(message))
        await confirm(f"Move the mail «{about.subject}» from {about.sender} to the trash?")
    await api.send("POST", f"{ME}/messages/{segment(message)}/trash", cost=COST["messages.trash"])
    return Trashed(trashed=message)


@tools.writes(core=False, idempotent=True, scopes=MODIFY, search="restaurer mail récupérer corbeille")
async def restore_message(message: MessageId) -> Labelled:
    """Take one message out of the trash again, within the 30 days that Gmail keeps it.

    Find it with gmail_search_messages and in:trash. Returns the labels that it has now; it is not moved back to the
    inbox: add the label INBOX with gmail_modify_labels for that.
    """
    path = f"{ME}/messages/{segment(message)}/untrash"
    return await labelled(await api.post(path, cost=COST["messages.untrash"]))


async def labelled(answer: Any) -> Labelled:
    """Return the labels of a message that was changed, by their names."""
    return Labelled.model_validate({**answer, "labelIds": await names_of(answer.get("labelIds") or [])})


@tools.reads(core=False, scopes=READ, search="mon adresse quel compte gmail connecté")
async def get_current_user() -> Profile:
    """Get the address of the connected mailbox and how many messages it holds.

    Use it to learn whose mail the other tools read and send. It takes no arguments.
    """
    return Profile.model_validate(await api.get(f"{ME}/profile", cost=COST["getProfile"]))
