"""Comments on pages. API: https://developers.notion.com/reference/create-a-comment"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Toolset, errors

from ..blocks import inline
from ..client import api, id_of
from ..models import Comment
from .pages import PageId

tools = Toolset("comments")


@tools.writes(creates=True, search="commente commentaire laisse comment")
async def add_comment(
    page: PageId,
    text: Annotated[str, Field(description="Text of the comment, with Markdown's emphasis.", examples=["Validé."])],
) -> Comment:
    """Add a comment to a page, which people with access to the page can read and answer. Its content does not change.

    Find the page with notion_search. To add text to the page itself, use notion_append_block.
    """
    body = {"parent": {"type": "page_id", "page_id": id_of(page)}, "rich_text": inline(text.strip(), set())}
    if not body["rich_text"]:
        raise errors.InvalidInputError("The comment is empty.", "Call again with text.")
    return Comment.model_validate(await api.post("/comments", json=body))
