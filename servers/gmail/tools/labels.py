"""Labels, which are Gmail's folders. https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.labels"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, errors, segment, sliced
from flotilla_servers._google import scope

from ..client import COST, ME, MODIFY, api
from ..labels import ids_of, known
from ..models import Label, Labelled
from .messages import MessageId, labelled

tools = Toolset("labels")


@tools.reads(
    scopes=[scope(s) for s in ("gmail.labels", "gmail.readonly", "gmail.modify")],
    search="libellés étiquettes dossiers gmail",
)
async def list_labels(limit: Limit = 50, cursor: Cursor = None) -> Page[Label]:
    """List the mailbox's labels with their ids and names, the user's own and Gmail's: INBOX, UNREAD, STARRED, SPAM.

    gmail_list_messages lists the mail under one of them, gmail_modify_labels adds and removes them. A name such as
    Clients/Dupont is a label inside of another.
    """
    return sliced(await known(), limit, cursor)


@tools.writes(additive=False, idempotent=True, scopes=MODIFY, search="archiver marquer comme lu non lu classer ranger")
async def modify_labels(
    message: MessageId,
    add: Annotated[list[str] | None, Field(description="Names or ids of labels, from gmail_list_labels.")] = None,
    remove: Annotated[
        list[str] | None, Field(description="Names or ids of labels; INBOX archives, UNREAD marks as read.")
    ] = None,
) -> Labelled:
    """Add labels to one message and remove labels from it: archive, mark as read or unread, star, file away.

    Returns the labels that it has then. The other messages of the conversation keep theirs. To put a message into the
    trash, use gmail_trash_message. Find messages with gmail_search_messages.
    """
    if not (add or remove):
        raise errors.InvalidInputError("There is nothing to change.", "Pass labels in `add` or `remove`.")
    added, removed = await ids_of(add or []), await ids_of(remove or [])
    if "TRASH" in added:
        raise errors.InvalidInputError(
            "TRASH cannot be added as a label.", "Use gmail_trash_message, which asks the user first."
        )
    body = {"addLabelIds": added or None, "removeLabelIds": removed or None}
    path = f"{ME}/messages/{segment(message)}/modify"
    return await labelled(await api.post(path, json=body, cost=COST["messages.modify"]))


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
