"""Workflows, projects and tags by the names that people give them, and executions with the names of their workflows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from pydantic import Field

from flotilla import choose, readable, segment, settings_of
from flotilla.parsing import folded

from .client import api, integration
from .models import Execution, Project, Tag

PAGES = 10  # of 250, among which a name is looked for
MOST = 250  # items of one page: https://docs.n8n.io/api/pagination/
ID = re.compile(r"[A-Za-z0-9]{16}|[0-9]{1,15}")  # since n8n 1.0, and before
LIGHT = {"excludePinnedData": "true"}

WorkflowRef = Annotated[
    str,
    Field(description="Name or id of the workflow, from n8n_list_workflows.", examples=["2tUt1wbLX592XDdX"]),
]
ExecutionId = Annotated[
    str, Field(pattern=r"^\d{1,18}$", description="Id of the execution, from n8n_list_executions.", examples=["1042"])
]
ProjectRef = Annotated[str | None, Field(description="Name or id of the project, from n8n_list_projects.")]


async def everything(path: str, **params: str) -> list[dict[str, Any]]:
    """Return the items of all pages of a list."""
    items: list[dict[str, Any]] = []
    query: dict[str, Any] = {**params, "limit": MOST}
    for _ in range(PAGES):
        answer = await api.get(path, params=query)
        items += api.rows_in(answer, "data", missing=True)
        if not (cursor := answer.get("nextCursor")):
            break
        query["cursor"] = cursor
    return items


async def workflow_of(ref: str) -> dict[str, Any]:
    """Return a workflow, whole, by its id or name; raises what `choose` does."""
    text = ref.strip()
    if ID.fullmatch(text):
        raw = await api.request("GET", f"/workflows/{text}", params=LIGHT, expected=(404,))
        if isinstance(raw, dict) and raw.get("id"):
            return raw
    return _chosen(text, await named(text) or await everything("/workflows", **LIGHT))


async def named(name: str) -> list[dict[str, Any]]:
    """Return the workflows of a name; the accents and the case of letters may differ."""
    rows = await api.rows("/workflows", "data", params={"name": name, "limit": MOST, **LIGHT})
    return [row for row in rows if folded(str(row.get("name") or "")) == folded(name)]


def _chosen(text: str, workflows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    known = [one for one in workflows if one.get("id")]
    return choose(text, known, kind="workflow", listed_by="n8n_list_workflows")


def workflow_link(workflow_id: object) -> str:
    """Return the address of a workflow in n8n's editor."""
    return f"{settings_of(integration).home}/workflow/{segment(str(workflow_id))}"


async def described(items: Sequence[Execution]) -> list[Execution]:
    """Return executions with the names of their workflows, their links, and times in the account's zone."""
    names = await workflow_names(one.workflow_id for one in items)
    return [
        one.model_copy(
            update={
                "workflow": names.get(one.workflow_id) or None,
                "link": f"{workflow_link(one.workflow_id)}/executions/{one.id}",
            }
        ).within(api.zone)
        for one in items
    ]


async def workflow_names(ids: Iterable[str]) -> dict[str, str]:
    """Return the names of workflows by id; of one that is gone, or that the key may not see, there is none."""
    names: dict[str, str] = api.connection.metadata.setdefault("workflow_names", {})
    for one in sorted(set(ids) - set(names)):
        path = f"/workflows/{segment(one)}"
        raw = await api.request("GET", path, params=LIGHT, expected=(403, 404))
        names[one] = str(raw.get("name") or "") if isinstance(raw, dict) else ""
    return names


async def project_of(ref: str) -> str:
    """Return the id of a project by its id or name; raises what `choose` does."""
    if ID.fullmatch(ref.strip()):
        return ref.strip()
    rows = readable(Project, await everything("/projects"))
    return choose(ref, rows, kind="project", listed_by="n8n_list_projects").id


async def tags_of(names: Iterable[str]) -> list[Tag]:
    """Return tags by their names or ids; raises what `choose` does."""
    known = readable(Tag, await everything("/tags"))
    return [choose(name, known, kind="tag", listed_by="n8n_list_tags") for name in names]
