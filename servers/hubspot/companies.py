"""Companies. API: https://developers.hubspot.com/docs/api-reference/crm-companies-v3/guide"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, errors

from . import records
from .models import Found, Saved, flat
from .records import Free, Query, Refs, Where

tools = Toolset("companies")

USUAL = ("name", "domain", "phone", "city", "hubspot_owner_id")
READ, WRITE = ["crm.objects.companies.read"], ["crm.objects.companies.read crm.objects.companies.write"]


@tools.reads(core=False, scopes=READ)
async def search_companies(query: Query = None, where: Where = None, limit: Limit = 20, cursor: Cursor = None) -> Found:
    """Find companies: cherche entreprise, société."""
    return await records.search(
        "companies",
        lambda raw, wanted: flat("company", raw, wanted),
        usual=USUAL,
        query=query,
        where=where,
        limit=limit,
        cursor=cursor,
    )


def bare(domain: str) -> str:
    """Return the domain in an address: https://www.exemple.fr/a is exemple.fr."""
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", domain.strip().lower()).split("/")[0]


@tools.writes(creates=True, scopes=WRITE)
async def create_company(
    name: Annotated[str, Field(description="Name", examples=["Lefèvre"])],
    domain: Annotated[str | None, Field(description="Domain")] = None,
    linked_to: Refs = None,
    properties: Free = None,
) -> Saved:
    """Add a company: crée entreprise. A known one is told, not created."""
    given = {"name": name, "domain": bare(domain) if domain else None}
    ready = await records.prepared("companies", given, properties)
    field = "domain" if ready.get("domain") else "name"
    found = await records.same("companies", [[records.equal(field, ready[field])]], "name domain")
    if found:
        raise errors.InvalidInputError(
            f"HubSpot has a company with this {field} already: company:{found[0]} ({errors.excerpt(found[1], 80)}).",
            f"Go on with that one; for another company, pass another {field}.",
        )
    return Saved.of("company", await records.create("companies", ready, linked_to))
