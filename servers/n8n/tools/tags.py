"""Tags of workflows. https://docs.n8n.io/api/api-reference/#tag/tags"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, errors, readable
from flotilla.parsing import folded

from ..client import api
from ..lookup import everything
from ..models import Tag

tools = Toolset("tags")
TagName = Annotated[str, Field(min_length=1, max_length=24, description="Name of the tag.", examples=["Comptabilité"])]


@tools.reads(core=False, search="étiquettes tags catégories labels")
async def list_tags(limit: Limit = 50, cursor: Cursor = None) -> Page[Tag]:
    """List the tags by which workflows are sorted, with the names that n8n_list_workflows and other tools take.

    To see the workflows of a tag, pass its name to n8n_list_workflows; to tag one, use n8n_set_workflow_tags.
    """
    page = await api.page("/tags", Tag, limit=limit, cursor=cursor)
    return page.model_copy(update={"items": [one.within(api.zone) for one in page.items]})


@tools.writes(core=False, creates=True, search="créer étiquette tag nouveau label")
async def create_tag(name: TagName) -> Tag:
    """Create a tag for workflows. A name that is taken is refused, with the id of the tag that has it.

    To give it to a workflow, use n8n_set_workflow_tags; to see which tags there are, use n8n_list_tags.
    """
    await _free(name)
    return Tag.model_validate(await api.post("/tags", json={"name": name})).within(api.zone)


async def _free(name: str) -> None:
    """Raise errors.InvalidInputError where another tag has a name."""
    for one in readable(Tag, await everything("/tags")):
        if folded(one.name) == folded(name):
            raise errors.InvalidInputError(
                f"The tag «{errors.excerpt(one.name, 60)}» exists already; nothing was done.", f"Use it: {one.id}."
            )
