"""Organizations: the companies of customers.

https://developer.zendesk.com/api-reference/ticketing/organizations/organizations/
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, errors

from ..client import api, numbered
from ..lookup import organization_id
from ..models import Organization

tools = Toolset("organizations")
READ, WRITE = ["read"], ["read write"]
Domains = Annotated[list[str] | None, Field(description="Mail domains whose people belong to it, such as roy.example.")]
Details = Annotated[str | None, Field(description="Details such as the address.")]
Notes = Annotated[str | None, Field(description="Notes that agents alone see.")]


@tools.reads(core=False, scopes=READ, search="entreprises sociétés organisations clients companies accounts")
async def search_organizations(
    name: Annotated[
        str, Field(min_length=2, description="Beginning of the organization's name.", examples=["Boulangerie"])
    ],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Organization]:
    """Search organizations, which are the companies of customers, by the beginning of their name.

    Returns their domains, details and notes. For their tickets, use zendesk_search_tickets with the query
    organization:NAME; for people, zendesk_search_users.
    """
    path, style = "/api/v2/organizations/autocomplete", numbered("organizations")
    return await api.page(path, Organization, params={"name": name}, limit=limit, cursor=cursor, paging=style)


@tools.writes(core=False, creates=True, scopes=WRITE, search="crée entreprise société organisation company")
async def create_organization(
    name: Annotated[
        str, Field(min_length=1, description="Name, which no other one has.", examples=["Boulangerie Roy"])
    ],
    domains: Domains = None,
    details: Details = None,
    notes: Notes = None,
) -> Organization:
    """Add an organization. People whose e-mail address has one of its domains are put into it by Zendesk.

    Zendesk refuses a name that exists; look with zendesk_search_organizations first. To put one person into it, use
    zendesk_update_user.
    """
    body = {"organization": {"name": name, **_fields(domains, details, notes)}}
    return Organization.model_validate((await api.post("/api/v2/organizations", json=body))["organization"])


@tools.writes(core=False, additive=False, idempotent=True, scopes=WRITE, search="modifie entreprise organisation")
async def update_organization(
    organization: Annotated[str, Field(description="Name of it, or its number.", examples=["Boulangerie Roy"])],
    name: Annotated[str | None, Field(min_length=1, description="New name of it.")] = None,
    domains: Domains = None,
    details: Details = None,
    notes: Notes = None,
) -> Organization:
    """Change the name, domains, details or notes of an organization; what is passed replaces what was there.

    Read it first with zendesk_search_organizations, since a list of domains is replaced as a whole.
    """
    fields = _fields(domains, details, notes) | ({"name": name} if name else {})
    if not fields:
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass at least one of the other arguments.")
    number = await organization_id(organization)
    answer = await api.put(f"/api/v2/organizations/{number}", json={"organization": fields})
    return Organization.model_validate(answer["organization"])


def _fields(domains: list[str] | None, details: str | None, notes: str | None) -> dict[str, Any]:
    fields = {"domain_names": domains, "details": details, "notes": notes}
    return {key: value for key, value in fields.items() if value is not None}
