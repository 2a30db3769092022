"""Comments on documents, which Drive keeps.

API: https://developers.google.com/workspace/drive/api/guides/manage-comments
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, errors, segment
from flotilla_servers._google import COMMENTS, file_id

from ..client import CHANGE_FILE, OWN, READ_FILE, drive
from ..models import Answered, Comment, CommentPage
from .documents import DocumentId

tools = Toolset("comments")

_REPLY = "author(displayName),content,createdTime,action"
_COMMENT = "id,author(displayName),content,createdTime,resolved,quotedFileContent(value)"
FIELDS = f"nextPageToken,comments({_COMMENT},replies({_REPLY}))"  # Drive refuses a call without


@tools.reads(
    scopes=READ_FILE,
    tolerated=OWN,
    search=(
        "commentaires remarques relecture annotations retours avis notes marge demandé corriger suggestions "
        "feedback remarks comments margin left reviewers open threads unresolved"
    ),
    examples=[
        "Quels commentaires a laissés Marie ?",
        "open comments on the contract",
        "qui a commenté mon document",
        "quels retours on a sur le texte",
        "il reste des remarques à traiter ?",
        "lis-moi les annotations dans la marge",
        "qu'est-ce qu'on m'a demandé de corriger",
        "any feedback on my document",
        "what did the reviewers say",
        "which remarks are still open",
        "read me the notes in the margin",
        "who commented on the draft contract",
    ],
)
async def list_comments(
    document: DocumentId,
    resolved: Annotated[bool, Field(description="True to list resolved comments too.")] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> CommentPage:
    """List the comments on a document that are open, with their replies and the text that they are about.

    Returns the id that gdocs_reply_comment takes. A page may be short or empty and still have a next_cursor. Google's
    API does not give suggestions of changes.
    """
    path = f"/files/{segment(file_id(document))}/comments"
    page = await drive.page(path, Comment, params={"fields": FIELDS}, limit=limit, cursor=cursor, paging=COMMENTS)
    shown = [comment for comment in page.items if resolved or not comment.resolved]
    return CommentPage(items=shown, next_cursor=page.next_cursor)


@tools.writes(
    creates=True,
    scopes=CHANGE_FILE,
    tolerated=OWN,
    search=(
        "répondre résoudre clore commentaire marquer résolu réglé traité ferme remarque rouvre answer respond "
        "resolve close reopen comment done thread"
    ),
    examples=[
        "Réponds à Marie que c'est corrigé et clos le commentaire",
        "resolve this comment",
        "marque la remarque comme résolue",
        "réponds à son commentaire que je suis d'accord",
        "c'est réglé, ferme l'annotation",
        "rouvre ce commentaire",
        "dis-lui sous sa remarque que c'est corrigé",
        "answer his comment that it's fixed",
        "mark that remark as done",
        "close the thread on the price",
        "reopen the comment",
        "tell her under her note that I agree",
    ],
)
async def reply_comment(
    document: DocumentId,
    comment: Annotated[str, Field(description="Id, from gdocs_list_comments.", examples=["AAAABcDe"])],
    text: Annotated[str | None, Field(description="Plain text of the reply.")] = None,
    action: Annotated[
        Literal["reply", "resolve", "reopen"], Field(description="Whether to resolve or reopen it too.")
    ] = "reply",
) -> Answered:
    """Reply to a comment on a document, resolve it, or open it again; resolving needs no text.

    Google notifies the others.
    """
    if action == "reply" and not text:
        raise errors.InvalidInputError("The reply is empty.", "Pass its text, or action=resolve.")
    path = f"/files/{segment(file_id(document))}/comments/{segment(comment)}/replies"
    body = {"content": text, "action": None if action == "reply" else action}
    made = await drive.post(path, params={"fields": "id,action"}, json=body)
    return Answered(comment=comment, reply=str(made.get("id", "")), action=action)
