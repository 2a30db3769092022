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
    search="libellés étiquettes dossiers gmail",
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
    search="archiver marquer comme lu non lu classer ranger étiqueter important suivi spam conversation",
    examples=["archive cette conversation", "marque tous ces mails comme lus", "star this mail"],
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
    search="créer un libellé dossier étiquette",
)
async def create_label(
    name: Annotated[str, Field(description="Name of the label; Parent/Child nests it.", examples=["Clients/Dupont"])],
) -> Label:
    """Create a label in the mailbox, and return its id and name. An existing name is refused by Gmail.

    gmail_list_labels shows which labels there are, gmail_modify_labels puts messages under one of them.
    """
    return Label.model_validate(await api.post(f"{ME}/labels", json={"name": name}, cost=COST["labels.create"]))
