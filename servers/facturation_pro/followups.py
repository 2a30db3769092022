"""Follow-ups (suivis commerciaux) of quotes and invoices. https://www.facturation.dev/api/followups/"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm

from .arguments import Filters, FollowupId, changed, listed, read
from .client import api
from .enums import FollowupUse
from .fields import FollowupFields, body
from .models import Done, Followup

tools = Toolset("followups")

Title = Annotated[str, Field(max_length=255, description="Libellé", examples=["À relancer"])]


class FollowupFilters(Filters):
    """Query of the list."""

    title: str | None = None
    status: FollowupUse = "both"


@tools.reads(core=False)
async def list_followups(
    title: Annotated[str | None, Field(description="Part of it")] = None,
    status: Annotated[FollowupUse | None, Field(description="Used for")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Followup]:
    """List the firm's own follow-ups; 0 (en cours) and -1 (terminé) are built in and never listed."""
    return await listed("/followups.json", Followup, FollowupFilters, limit, cursor, title=title, status=status)


@tools.writes(core=False, creates=True)
async def create_followup(
    title: Title, status: Annotated[FollowupUse, Field(description="Used for")] = "both"
) -> Followup:
    """Make a follow-up (suivi commercial)."""
    return read(Followup, await api.post("/followups.json", json=body(FollowupFields, title=title, status=status)))


@tools.reads(core=False)
async def get_followup(followup_id: FollowupId) -> Followup:
    """Get one follow-up."""
    return read(Followup, await api.get(f"/followups/{followup_id}.json"))


@tools.writes(core=False, additive=False)
async def update_followup(
    followup_id: FollowupId,
    title: Annotated[str | None, Field(max_length=255, description="Libellé", examples=["À facturer"])] = None,
    status: Annotated[FollowupUse | None, Field(description="Used for")] = None,
) -> Followup:
    """Rename a follow-up, or change what it is used for."""
    changes = changed(FollowupFields, title=title, status=status)
    return read(
        Followup, await api.request("PATCH", f"/followups/{followup_id}.json", json=changes, nulls=True), id=followup_id
    )


@tools.destroys(core=False, asks=True)
async def delete_followup(followup_id: FollowupId) -> Done:
    """Delete a follow-up."""
    await confirm(f"Delete the follow-up «{(await get_followup(followup_id)).title}»?")
    await api.send("DELETE", f"/followups/{followup_id}.json")
    return Done(id=followup_id, done="deleted")
