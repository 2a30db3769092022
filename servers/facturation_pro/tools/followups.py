"""Follow-ups of quotes and invoices. https://www.facturation.dev/api/followups/"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset

from ..arguments import FollowupId
from ..enums import FollowupUse
from ..fields import FollowupFields, about
from ..labels import Labels
from ..models import Done, Followup

tools = Toolset("followups")
followups = Labels("/followups", Followup, FollowupFields, "follow-up")

Use = "Used for quotes, invoices or both."


@tools.reads(core=False, search="suivis commerciaux devis factures")
async def list_followups(
    title: Annotated[str | None, about("Part of the title.")] = None,
    status: Annotated[FollowupUse | None, about(Use)] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Followup]:
    """List the follow-ups: the firm's own steps of its work on a quote or invoice, such as "to call".

    A document is at one of them, its field followup_id: set it with facturation_update_quote or
    facturation_update_invoice, and list the documents at a step by the filter followup_id. Two are built in and not
    listed: 0 (in progress) and -1 (done). Whether a document is accepted or paid is not a follow-up.
    """
    return await followups.list(title, status, limit, cursor)


@tools.writes(core=False, creates=True, search="créer suivi")
async def create_followup(
    title: Annotated[str, Field(max_length=255, description="Title of the follow-up.", examples=["À relancer"])],
    status: Annotated[FollowupUse, about(Use)] = "both",
) -> Followup:
    """Create a follow-up: a step of the firm's own work on quotes, invoices or both, such as "to call".

    Look with facturation_list_followups first: a second one of the same title is not refused.
    """
    return await followups.create(title, status)


@tools.reads(core=False, search="détail suivi")
async def get_followup(followup_id: FollowupId) -> Followup:
    """Get one follow-up: its title, and whether it is used for quotes, invoices or both.

    Take the id from facturation_list_followups, which shows the same fields.
    """
    return await followups.get(followup_id)


@tools.writes(core=False, additive=False, search="renommer suivi")
async def update_followup(
    followup_id: FollowupId,
    title: Annotated[
        str | None, Field(max_length=255, description="New title of the follow-up.", examples=["À facturer"])
    ] = None,
    status: Annotated[FollowupUse | None, about(Use)] = None,
) -> Followup:
    """Rename a follow-up, or change what it is used for. Documents that have it keep it.

    Take the id from facturation_list_followups.
    """
    return await followups.update(followup_id, title, status)


@tools.destroys(core=False, asks=True, search="supprimer suivi")
async def delete_followup(followup_id: FollowupId) -> Done:
    """Delete a follow-up, after the user agreed. Documents that have it stay, without the follow-up.

    Take the id from facturation_list_followups.
    """
    return await followups.delete(followup_id)
