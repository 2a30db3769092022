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
    search="lis commentaires avis retours discussion remarques read comments feedback replies",
    examples=["Quels commentaires y a-t-il sur la page Devis ?", "What did people comment on this page?"],
)
async def list_comments(page: PageId, limit: Limit = 20, cursor: Cursor = None) -> Page[Comment]:
    """List the open comments on a page, oldest first: author, text, time and the discussion that each belongs to.

    Comments on a single block come with the address of that block as the page (in Notion, ... > Copy link to block).
    Notion does not show resolved ones. Answer one with notion_add_comment and its discussion_id.
    """
    return await api.page("/comments", Comment, limit=limit, cursor=cursor, params={"block_id": id_of(page)})


@tools.writes(creates=True, search="commente commentaire laisse répond comment reply answer")
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
