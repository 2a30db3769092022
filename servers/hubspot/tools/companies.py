"""Companies: find, create. API: https://developers.hubspot.com/docs/api-reference/crm-companies-v3/guide"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, errors

from .. import records
from ..models import Saved, SearchPage
from ..records import LinkedTo, Properties, Query, Where

tools = Toolset("companies")

USUAL = ("name", "domain", "phone", "city", "hubspot_owner_id")
READ, WRITE = ["crm.objects.companies.read"], ["crm.objects.companies.read crm.objects.companies.write"]


@tools.reads(
    scopes=READ,
    search=(
        "find companies cherche trouve entreprise entreprises sociétés société organisation client boîte "
        "boîtes clientes fournisseurs comptes secteur ville domaine liste recherche retrouve search look up "
        "businesses business firms accounts organization industry city domain which"
    ),
    examples=[
        "retrouve la boîte avec ce nom de domaine",
        "quelles entreprises avons-nous à Lyon",
        "cherche la société dont on parlait",
        "liste nos comptes dans l'industrie",
        "est-ce qu'on a déjà cette organisation",
        "look up the firm with this domain",
        "which businesses do we have in Lyon",
        "find the account we talked about",
        "list the companies in manufacturing",
        "is that organization in the CRM already",
    ],
)
async def search_companies(
    query: Query = None, where: Where = None, limit: Limit = 20, cursor: Cursor = None
) -> SearchPage:
    """Search companies by name, domain, city or any property, last changed first.

    Returns rows with the record (company:9) that other tools take. For the people of a company, pass its record to
    hubspot_search_contacts. New ones appear seconds late.
    """
    return await records.search(
        "companies",
        lambda one, wanted: one.row("company", wanted),
        usual=USUAL,
        query=query,
        where=where,
        limit=limit,
        cursor=cursor,
    )


def bare_domain(address: str) -> str:
    """Return the domain in an address: https://www.exemple.fr/a is exemple.fr."""
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", address.strip().lower()).split("/")[0]


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "add new crée ajoute entreprise société organisation nouvelle boîte compte client enregistre inscris "
        "rentre créer ajouter create register enter business firm account organization"
    ),
    examples=[
        "crée une nouvelle entreprise",
        "ajoute cette boîte dans le CRM",
        "enregistre la société avec son site web",
        "nouveau compte : une startup de Nantes",
        "rentre l'organisation qu'on a vue au salon",
        "create a new company",
        "add this firm to the CRM",
        "register the business with its website",
        "new account, a startup from Nantes",
        "enter the organization we met at the fair",
    ],
)
async def create_company(
    name: Annotated[str, Field(description="Name of the company.", examples=["Boulangerie Lefèvre"])],
    domain: Annotated[str | None, Field(description="Domain of its website.")] = None,
    linked_to: LinkedTo = None,
    properties: Properties = None,
) -> Saved:
    """Create a company, linked to other records in the same step. Returns its record (company:9).

    Fails with the existing company's id where the domain exists already, or without a domain the name.
    """
    arguments = {"name": name, "domain": bare_domain(domain) if domain else None}
    ready = await records.prepared("companies", arguments, properties)
    field = "domain" if ready.get("domain") else "name"
    known = await records.existing("companies", [[records.equal(field, ready[field])]], "name domain")
    if known:
        raise errors.InvalidInputError(
            f"HubSpot has a company with this {field} already: company:{known[0]} ({errors.excerpt(known[1], 80)}).",
            f"Use that one; for another company, pass another {field}.",
        )
    return (await records.create("companies", ready, linked_to)).saved("company")
