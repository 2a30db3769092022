"""Labels, which are Gmail's folders. https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.labels"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, errors, segment, sliced
from flotilla_servers._google import scope

from ..client import COST, ME, MODIFY, api
from ..labels import ids_of, known, names_of
from ..models import Changed, Label
from .messages import MessageIds, Step, ThreadIds, some, take

tools = Toolset("labels")


@tools.reads(
    scopes=[scope(s) for s in ("gmail.labels", "gmail.readonly", "gmail.modify")],
    search=(
        "libellés étiquettes dossiers gmail existent catégories boîte mail combien classeurs labels folders "
        "tags categories exist"
    ),
    examples=[
        "quels libellés j'ai",
        "quels dossiers existent dans ma boîte mail",
        "comment sont rangés mes mails",
        "donne-moi les étiquettes disponibles",
        "est-ce que j'ai un dossier pour les factures dans mes mails",
        "what labels do I have",
        "which folders are there in my mailbox",
        "show the tags I file mail under",
        "is there a label for invoices",
        "list my mail categories",
    ],
)
async def list_labels(limit: Limit = 50, cursor: Cursor = None) -> Page[Label]:
    """List the mailbox's labels with their ids and names, the user's own and Gmail's: INBOX, UNREAD, STARRED, SPAM.

    gmail_search_messages lists the mail under one of them, gmail_modify_labels adds and removes them. A name such as
    Clients/Dupont is a label inside of another.
    """
    return sliced(await known(), limit, cursor)


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=MODIFY,
    search=(
        "archiver marquer comme lu non lu classer ranger étiqueter important suivi spam conversation archive "
        "retirer boîte réception étoile non-lu classe range appliquer enlever libellé signaler indésirable "
        "mark read unread star flag file tag move label étiquette coller apply inbox zero done"
    ),
    examples=[
        "archive cette conversation",
        "marque tous ces mails comme lus",
        "star this mail",
        "range les factures dans le libellé Compta",
        "vide ma boîte de réception, archive tout ça",
        "remets-le en non lu",
        "c'est du spam, signale-le",
        "flag this one as important",
        "file these under Receipts",
        "get this out of my inbox but keep it",
        "tag those emails as urgent",
        "mets une étoile dessus",
        "colle l'étiquette Urgent sur ces messages",
    ],
)
async def modify_labels(
    messages: MessageIds = None,
    threads: ThreadIds = None,
    add: Annotated[
        list[str] | None, Field(description="Names or ids of labels, from gmail_list_labels; STARRED, UNREAD, SPAM.")
    ] = None,
    remove: Annotated[
        list[str] | None, Field(description="Names or ids of labels; INBOX archives, UNREAD marks as read.")
    ] = None,
) -> Changed:
    """Archive, mark as read or unread, star, or file mail under labels: many messages or whole conversations at once.

    To archive a conversation, pass it in `threads` and remove INBOX: its other messages keep it in the inbox
    otherwise. To put mail into the trash, use gmail_trash_message.
    """
    ids, conversations = some(messages, threads)
    if not (add or remove):
        raise errors.InvalidInputError("There is nothing to change.", "Pass labels in `add` or `remove`.")
    added, removed = await ids_of(add or []), await ids_of(remove or [])
    if "TRASH" in added:
        raise errors.InvalidInputError(
            "TRASH cannot be added as a label.", "Use gmail_trash_message, which asks the user first."
        )
    names = {"add": await names_of(added) or None, "remove": await names_of(removed) or None}
    body = {name: value for name, value in (("addLabelIds", added), ("removeLabelIds", removed)) if value}
    steps = [Step(f"{ME}/messages/{segment(one)}/modify", COST["messages.modify"], body) for one in ids]
    if len(ids) > 1:
        steps = [Step(f"{ME}/messages/batchModify", COST["messages.batchModify"], {"ids": ids, **body})]
    steps += [Step(f"{ME}/threads/{segment(one)}/modify", COST["threads.modify"], body) for one in conversations]
    await take(steps)
    return Changed(messages=ids, threads=conversations, **names)


@tools.writes(
    core=False,
    creates=True,
    scopes=[scope("gmail.labels"), scope("gmail.modify")],
    search=(
        "créer un libellé dossier étiquette nouveau nouvelle catégorie ajouter boîte mail new label folder tag add"
    ),
    examples=[
        "crée un libellé Fournisseurs",
        "fais un nouveau dossier pour les mails de l'école",
        "j'ai besoin d'une étiquette Urgent",
        "ajoute une catégorie Impôts dans ma messagerie",
        "il me faut un sous-dossier Dupont dans Clients pour mes mails",
        "make a new label called Suppliers",
        "add a folder for the school emails",
        "I need a tag for taxes in my mail",
        "set up a new mail category",
        "new label under Clients",
    ],
)
async def create_label(
    name: Annotated[str, Field(description="Name of the label; Parent/Child nests it.", examples=["Clients/Dupont"])],
) -> Label:
    """Create a label in the mailbox, and return its id and name. An existing name is refused by Gmail.

    gmail_list_labels shows which labels there are, gmail_modify_labels puts messages under one of them.
    """
    return Label.model_validate(await api.post(f"{ME}/labels", json={"name": name}, cost=COST["labels.create"]))
