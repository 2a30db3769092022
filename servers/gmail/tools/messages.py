"""Messages and conversations. https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from flotilla import (
    ByCursor,
    Cursor,
    Limit,
    Page,
    Toolset,
    confirm,
    cursor_number,
    errors,
    fetch_each,
    files,
    in_thread,
    segment,
    will_ask,
)

from .. import reading
from ..client import COST, LARGEST, ME, MODIFY, READ, api
from ..content import attachment as attachment_content
from ..content import complete, whole_message
from ..labels import ids_of, names_of
from ..models import TEXT_PAGE, Changed, Line, Message, Profile, Sent, Thread
from ..senders import aliases
from ..sending import headers_of

tools = Toolset("messages")

PAGES = ByCursor("messages", "nextPageToken", cursor="pageToken", limit="maxResults")
SHOWN = 10  # messages in one question
MessageId = Annotated[
    str,
    Field(description="Id of the message, from gmail_search_messages.", examples=["18f2a7c4d9e0b1a3"]),
]
ThreadId = Annotated[
    str,
    Field(description="Id of the conversation: `thread` of gmail_search_messages.", examples=["18f2a7c4d9e0b1a3"]),
]
MessageIds = Annotated[
    list[str] | None,
    Field(max_length=50, description="Ids of single messages, from gmail_search_messages."),
]
ThreadIds = Annotated[
    list[str] | None,
    Field(max_length=10, description="Ids of conversations: `thread` of gmail_search_messages."),
]


@tools.reads(
    scopes=READ,
    search=(
        "cherche trouve mail courriel message de expéditeur objet pièce jointe boîte de réception derniers "
        "non lus retrouver liste courrier reçus envoyés arrivés matin nouveau neuf qui écrit répondu non-lus "
        "find look emails received sent unread inbox news write who wrote replied answered messages "
        "attachment combien mails how many"
    ),
    examples=[
        "montre mes derniers mails",
        "les mails non lus de Marie",
        "what is in my inbox",
        "j'ai reçu quoi ce matin",
        "qui m'a écrit aujourd'hui",
        "est-ce que le comptable a répondu",
        "retrouve le mail où il parlait du devis",
        "quelque chose de neuf dans ma boîte",
        "any new mail",
        "did the bank write to me",
        "which messages have an attachment from last week",
        "find what I sent to the supplier in May",
        "has she replied yet",
    ],
)
async def search_messages(
    query: Annotated[
        str | None,
        Field(description="Words and operators, as in Gmail's search box.", examples=["from:marie has:attachment"]),
    ] = None,
    label: Annotated[
        str | None, Field(description="Only mail under this label: its name or id, from gmail_list_labels.")
    ] = None,
    limit: Limit = 10,
    cursor: Cursor = None,
) -> Page[Line]:
    """Search mail, newest first, with the operators of Gmail's search box; without arguments, list the inbox.

    Operators: from: to: subject: has:attachment is:unread in:anywhere after:2030/06/01 newer_than:7d. Spam and trash
    need in:anywhere or their label. Returns sender, subject, date, first words, and the ids for gmail_get_message and
    gmail_get_thread.
    """
    label_id = (await ids_of([label]))[0] if label else None if query else "INBOX"
    hidden = "true" if label_id in ("SPAM", "TRASH") else None
    params = {"q": query, "labelIds": label_id, "includeSpamTrash": hidden}
    cost = COST["messages.list"]
    page = await api.page(f"{ME}/messages", Sent, params=params, limit=limit, cursor=cursor, paging=PAGES, cost=cost)
    wanted = {"format": "metadata", "metadataHeaders": ["From", "Subject"]}

    async def line(message: str) -> Line:  # the API lists ids alone
        raw = await api.get(f"{ME}/messages/{segment(message)}", params=wanted, cost=COST["messages.get"])
        return Line.of(raw)

    return Page(items=await fetch_each([sent.id for sent in page.items], line), next_cursor=page.next_cursor)


@tools.reads(
    scopes=READ,
    search=(
        "lire ouvrir mail contenu texte du message lis ouvre entier corps détails read open email full text "
        "body show premier dernier celui first latest last"
    ),
    examples=[
        "lis-moi ce mail",
        "qu'est-ce qu'il dit exactement dans son message",
        "ouvre le premier",
        "c'est quoi le contenu du mail de la banque",
        "c'est de qui ce mail et il date de quand",
        "read me that email",
        "open the latest one",
        "what does it say exactly",
        "show me the full text of this message",
        "who is this one from and what do they want",
    ],
)
async def get_message(message: MessageId, cursor: Cursor = None) -> Message:
    """Read one message: sender, recipients, date, text, labels and the list of its attachments.

    HTML comes as plain text. A very long text comes in pages: pass next_cursor to go on. Read a whole conversation with
    gmail_get_thread; save an attachment with gmail_get_attachment.
    """
    raw = await whole_message(message)
    return Message.of(raw, await names_of(raw.get("labelIds") or []), cursor)


@tools.reads(
    scopes=READ,
    search=(
        "lire la conversation le fil échange complet discussion historique échanges depuis début "
        "allers-retours résume thread back forth exchange history summarise"
    ),
    examples=[
        "lis toute la conversation avec Marie",
        "what did we agree on in this thread",
        "résume-moi tout l'échange avec le client",
        "qu'est-ce qu'on s'est dit depuis le début",
        "lis toute la discussion sur le devis",
        "reprends le fil depuis le premier mail",
        "où en est la discussion par mail",
        "sum up the whole exchange",
        "read the thread from the start",
        "what was the back and forth about",
        "show the full discussion including my answers",
        "catch me up on this conversation",
    ],
)
async def get_thread(thread: ThreadId, cursor: Cursor = None) -> Thread:
    """Read a whole conversation, the oldest message first: every sender, date, text and list of attachments.

    A long conversation comes in pages: pass next_cursor to go on. A message with a next_cursor of its own has more
    text: read on with gmail_get_message. Drafts in it bear the label DRAFT. Save an attachment with
    gmail_get_attachment.
    """
    path, params = f"{ME}/threads/{segment(thread)}", {"format": "full"}
    answer = await api.get(path, params=params, cost=COST["threads.get"], largest=LARGEST)
    rows = api.rows_in(answer, "messages", missing=True)

    async def read(number: str) -> Message:
        raw = rows[int(number)]
        await complete(raw)
        return Message.of(raw, await names_of(raw.get("labelIds") or []), None)

    messages: list[Message] = []
    number, characters = cursor_number(cursor, 0), 0
    while number < len(rows) and characters < TEXT_PAGE:
        messages += await fetch_each([str(number)], read)
        characters, number = sum(len(one.text) for one in messages), number + 1
    following = str(number) if number < len(rows) else None
    subject = messages[0].subject if messages else ""
    return Thread(id=thread, subject=subject, messages=messages, next_cursor=following)


@tools.reads(
    scopes=READ,
    search=(
        "télécharger pièce jointe enregistrer fichier joint PJ récupère sauvegarde enregistre pdf document "
        "reçu mail attachment download save grab file attached"
    ),
    examples=[
        "récupère la PJ de ce mail",
        "enregistre le PDF qu'il m'a envoyé",
        "télécharge la facture jointe",
        "sauvegarde les photos reçues par mail",
        "prends le document joint et range-le dans mes fichiers",
        "save the attached file",
        "download the invoice from that email",
        "grab the PDF she sent me",
        "get the attachment",
        "keep a copy of the document that came with the mail",
    ],
)
async def get_attachment(
    message: MessageId,
    attachment: Annotated[
        str, Field(description="Id or name of the attachment, from gmail_get_message.", examples=["1"])
    ],
    path: Annotated[
        str | None, Field(description="Path of the new file in the data folder; else mail/<message>/<name>.")
    ] = None,
) -> files.FileRef:
    """Save one attachment of a message as a file in the data folder, and return its path, size and checksum.

    gmail_get_message lists the attachments. A file that exists at `path` is not overwritten. The content is not
    returned: fs_read_document of the filesystem server reads PDF, Word, Excel and PowerPoint by the path.
    """
    name, content = await attachment_content(message, attachment)
    target = path or f"mail/{re.sub(r'[^A-Za-z0-9_-]', '_', message)[:80]}/{name}"
    return await in_thread(files.write, target, content, path is None)


@tools.destroys(
    asks=True,
    idempotent=True,
    scopes=MODIFY,
    search=(
        "supprimer mails corbeille jeter conversation effacer virer poubelle supprime efface balance pubs "
        "newsletters delete trash bin rid remove mail"
    ),
    examples=[
        "mets ces trois mails à la corbeille",
        "delete this conversation",
        "supprime ce mail",
        "vire toutes ces pubs",
        "efface les newsletters de ma boîte",
        "mets ça à la poubelle",
        "débarrasse-moi de ces messages",
        "delete this email",
        "bin all those newsletters",
        "get rid of the ads in my inbox",
        "throw these messages away",
    ],
)
async def trash_message(messages: MessageIds = None, threads: ThreadIds = None) -> Changed:
    """Move messages, or whole conversations, to the trash, after the user agreed. Gmail deletes them after 30 days.

    To only take mail out of the inbox, remove the label INBOX with gmail_modify_labels.
    """
    ids, conversations = some(messages, threads)
    if will_ask():
        await confirm(f"Move {await _shown(ids, conversations)} to the trash?")
    batch = {"ids": ids, "addLabelIds": ["TRASH"], "removeLabelIds": ["INBOX"]}
    steps = [Step(f"{ME}/messages/{segment(one)}/trash", COST["messages.trash"]) for one in ids]
    steps = steps if len(ids) < 2 else [Step(f"{ME}/messages/batchModify", COST["messages.batchModify"], batch)]
    steps += [Step(f"{ME}/threads/{segment(one)}/trash", COST["threads.trash"]) for one in conversations]
    await take(steps)
    return Changed(messages=ids, threads=conversations)


@tools.writes(
    core=False,
    idempotent=True,
    scopes=MODIFY,
    search=(
        "restaurer mail récupérer corbeille annuler suppression remettre ressortir supprimé effacé erreur "
        "undelete recover bring back restore untrash deleted email trash jeté jetés ravoir retrouver"
    ),
    examples=[
        "j'ai supprimé un mail par erreur, remets-le",
        "récupère le message que je viens d'effacer",
        "ressors-le de la corbeille",
        "annule la suppression de ces mails",
        "je veux ravoir le mail jeté hier",
        "bring back the email I deleted",
        "undelete that message",
        "take it out of the trash",
        "I binned a mail by mistake, restore it",
        "recover the deleted conversation",
    ],
)
async def restore_message(messages: MessageIds = None, threads: ThreadIds = None) -> Changed:
    """Take messages, or whole conversations, out of the trash again, within the 30 days that Gmail keeps them.

    Find them with gmail_search_messages and label=TRASH. They are not moved back to the inbox: add the label INBOX
    with gmail_modify_labels for that.
    """
    ids, conversations = some(messages, threads)
    steps = [Step(f"{ME}/messages/{segment(one)}/untrash", COST["messages.untrash"]) for one in ids]
    steps += [Step(f"{ME}/threads/{segment(one)}/untrash", COST["threads.untrash"]) for one in conversations]
    await take(steps)
    return Changed(messages=ids, threads=conversations)


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "mon adresse quel compte gmail connecté alias mail combien messages envoyer tant adresses expéditeur "
        "profil address account am logged connected mailbox send aliases whoami boîte pro perso work private "
        "personal"
    ),
    examples=[
        "c'est quoi mon adresse mail",
        "sur quel compte on est connecté",
        "combien de messages j'ai en tout",
        "de quelles adresses je peux écrire",
        "tu utilises ma boîte pro ou perso",
        "which email address is this",
        "what account are you logged into",
        "how many emails are in my mailbox",
        "which addresses can I send from",
        "is this my work or my private mail account",
    ],
)
async def get_current_user() -> Profile:
    """Get the address of the connected mailbox, how many messages it holds, and the addresses that it can send from.

    Use it to learn whose mail the other tools read and send, and for the `sender` of a mail. It takes no arguments.
    """
    profile = Profile.model_validate(await api.get(f"{ME}/profile", cost=COST["getProfile"]))
    profile.senders = [one.email for one in await aliases() if one.ready]
    return profile


class Step:
    """A POST that changes mail."""

    def __init__(self, path: str, cost: float, body: Mapping[str, Any] | None = None) -> None:
        self.path, self.cost, self.body = path, cost, body


async def take(steps: Sequence[Step]) -> None:
    """Take steps one after the other; a dry run shows all of them."""
    for step in steps[1:]:
        api.follows("POST", step.path, json=step.body)
    for step in steps:
        await api.send("POST", step.path, json=step.body, cost=step.cost)


def some(messages: Sequence[str] | None, threads: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the ids that are given, each once; raises errors.InvalidInputError where there are none."""
    if not (messages or threads):
        raise errors.InvalidInputError(
            "No message is named.", "Pass ids from gmail_search_messages in `messages` or `threads`."
        )
    return list(dict.fromkeys(messages or ())), list(dict.fromkeys(threads or ()))


async def _shown(messages: Sequence[str], threads: Sequence[str]) -> str:
    """Return what a question says of messages and conversations; raises errors.NotFoundError for one that is gone."""
    lines = [Line.of(raw) for raw in await asyncio.gather(*map(headers_of, messages[:SHOWN]))]
    parts = [f"«{line.subject}» from {line.sender}" for line in lines]
    parts += [f"{len(messages) - SHOWN} more"] if len(messages) > SHOWN else []
    mails = f"{len(messages)} mails ({'; '.join(parts)})" if len(messages) > 1 else f"the mail {''.join(parts)}"
    conversations = "; ".join(await asyncio.gather(*map(_conversation, threads)))
    return " and ".join([*([mails] if parts else []), *([conversations] if threads else [])])


async def _conversation(thread: str) -> str:
    params = {"format": "metadata", "metadataHeaders": ["From", "Subject"]}
    answer = await api.get(f"{ME}/threads/{segment(thread)}", params=params, cost=COST["threads.get"])
    heads = [reading.headers(raw) for raw in api.rows_in(answer, "messages", missing=True)]
    senders = list(dict.fromkeys(head.get("From", "") for head in heads))
    number = f"{len(heads)} message{'' if len(heads) == 1 else 's'}"
    subject = heads[0].get("Subject", "") if heads else ""
    return f"the whole conversation «{subject}» ({number}) with {', '.join(senders[:5])}"
