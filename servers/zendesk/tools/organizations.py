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


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "entreprises sociétés boîtes organisations clients comptes cherche trouve fiche société domaine companies "
        "accounts firms businesses find look up which domain"
    ),
    examples=[
        "Cherche la société Roy",
        "Qu'est-ce qu'on sait sur cette boîte ?",
        "C'est quelle entreprise, Boulangerie Roy ?",
        "Quels domaines mail sont rattachés à cette société ?",
        "Trouve-moi la fiche de l'entreprise",
        "Find the company Roy",
        "What do we know about this firm?",
        "Which domains belong to that business?",
        "Look up the client's company",
    ],
)
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


@tools.writes(
    core=False,
    creates=True,
    scopes=WRITE,
    search=(
        "crée créer ajoute ajouter enregistrer nouvelle entreprise société boîte organisation compte create add "
        "new company firm business register"
    ),
    examples=[
        "Ajoute la société Boulangerie Roy",
        "Nouvelle entreprise cliente, enregistre-la",
        "Crée une fiche pour cette boîte",
        "On a signé une nouvelle société, mets-la dedans",
        "Add a company called Roy Bakery",
        "Register a new client firm",
        "New business, put it in",
        "Create an account for this company with its domain",
    ],
)
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


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "modifie modifier change renomme entreprise société boîte organisation domaines notes détails adresse "
        "mettre à jour update rename company firm details domains"
    ),
    examples=[
        "La société a changé de nom",
        "Ajoute un domaine mail à l'entreprise Roy",
        "Note sur la fiche de la boîte qu'ils sont VIP",
        "Mets à jour l'adresse de la société",
        "Rename the company",
        "Add a mail domain to this firm",
        "Put a remark on the company, VIP client",
        "Correct the company's details",
    ],
)
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
