"""Owners. API: https://developers.hubspot.com/docs/api-reference/crm-owners-v3/guide"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset

from ..client import api
from ..models import Owner

tools = Toolset("owners")


class _Person(Owner):
    """An owner as HubSpot returns it."""

    first: str | None = Field(None, alias="firstName")
    last: str | None = Field(None, alias="lastName")


@tools.reads(
    core=False,
    scopes=["crm.objects.owners.read"],
    search=(
        "propriétaires commerciaux équipe vendeurs sales team users propriétaire commercial vendeur "
        "commerciale utilisateurs membres collègues responsable owner reps rep salespeople teammates members "
        "who staff colleagues"
    ),
    examples=[
        "qui sont nos commerciaux",
        "liste l'équipe de vente",
        "quels utilisateurs peuvent gérer des contacts",
        "c'est quoi le mail de mon collègue",
        "combien de vendeurs avons-nous",
        "who are our sales reps",
        "list the sales team",
        "which users can own records",
        "what is my colleague's e-mail",
        "how many salespeople do we have",
    ],
)
async def list_owners(
    email: Annotated[str | None, Field(description="Only the person with this e-mail address.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Owner]:
    """List the HubSpot users who can own records and tasks, each with id, name and e-mail address.

    Use it to learn who is there: hubspot_create_task and hubspot_update_record take an owner's name as it is.
    """
    page = await api.page("/crm/v3/owners/", _Person, params={"email": email}, limit=limit, cursor=cursor)
    items = [
        Owner(id=row.id, name=" ".join(filter(None, (row.first, row.last))) or None, email=row.email)
        for row in page.items
    ]
    return Page(items=items, next_cursor=page.next_cursor)
