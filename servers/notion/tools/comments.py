"""Comments on pages. API: https://developers.notion.com/reference/create-a-comment"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, errors

from ..blocks import inline
from ..client import api, id_of
from ..models import Comment
from .pages import PageId

tools = Toolset("comments")


@tools.reads(
    search=(
        "lis commentaires avis retours discussion remarques read comments feedback replies commenté "
        "annotations fil ouverte relecture remarks thread threads review notes said doc document page note "
        "texte réagi pensé think thoughts reacted"
    ),
    examples=[
        "Quels commentaires y a-t-il sur la page Devis ?",
        "What did people comment on this page?",
        "est-ce qu'on m'a fait des retours sur le doc",
        "qui a réagi sur la page",
        "y a des remarques en attente sur la proposition",
        "lis-moi les avis laissés sur le brief",
        "qu'ont-ils pensé de mon texte",
        "any feedback on my draft",
        "who left remarks on the spec",
        "are there open threads on this doc",
        "read me what the reviewers said",
        "did anybody react to the proposal",
    ],
)
async def list_comments(page: PageId, limit: Limit = 20, cursor: Cursor = None) -> Page[Comment]:
    """List the open comments on a page, oldest first: author, text, time and the discussion that each belongs to.

    Comments on a single block come with the address of that block as the page (in Notion, ... > Copy link to block).
    Notion does not show resolved ones. Answer one with notion_add_comment and its discussion_id.
    """
    return await api.page("/comments", Comment, limit=limit, cursor=cursor, params={"block_id": id_of(page)})


@tools.writes(
    creates=True,
    search=(
        "commente commentaire laisse répond comment reply answer répondre réponds laisser mot réagis avis "
        "signale mentionne annotation respond remark leave thread doc document page note texte relecteurs "
        "reviewers tell remarque"
    ),
    examples=[
        "laisse un commentaire : c'est validé",
        "réponds-lui dans la discussion que je suis d'accord",
        "mets un petit mot aux relecteurs sur cette page",
        "réagis à sa remarque en disant ok pour moi",
        "signale en commentaire que le prix n'est pas bon",
        "commente la page : à revoir avant lundi",
        "leave a remark saying it looks good",
        "reply to her thread that we agree",
        "comment that the date is wrong",
        "tell the reviewers on that page that I am done",
        "answer his question in the comments",
    ],
)
async def add_comment(
    page: PageId,
    text: Annotated[str, Field(description="Text of the comment, with Markdown's emphasis.", examples=["Validé."])],
    discussion: Annotated[
        str | None, Field(description="discussion_id from notion_list_comments, to answer there.")
    ] = None,
) -> Comment:
    """Add a comment to a page, which people with access can read, or answer in a discussion of it.

    To add text to the page itself, use notion_append_block.
    """
    target = id_of(page)
    place: dict[str, Any] = {"parent": {"type": "page_id", "page_id": target}}
    if discussion is not None:
        place = {"discussion_id": id_of(discussion)}
    body = {**place, "rich_text": inline(text.strip(), set())}
    if not body["rich_text"]:
        raise errors.InvalidInputError("The comment is empty.", "Call again with text.")
    return Comment.model_validate(await api.post("/comments", json=body))
