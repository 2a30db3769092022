"""Companies. https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io/companies"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Amount, Cursor, Toolset, cursor_number, errors, readable, sliced
from flotilla.parsing import folded

from .. import inbox, lookup
from ..attributes import prepared
from ..client import api
from ..inbox import compact
from ..models import CompanyDetail, Firm, Person, Rows, Saved
from .contacts import Attributes, firm_row, row_of

tools = Toolset("companies")

CompanyRef = Annotated[
    str,
    Field(
        min_length=1,
        max_length=300,
        description="Name of the company, or your own number.",
        examples=["Boulangerie Roy"],
    ),
]


@tools.reads(
    core=False,
    search=(
        "entreprises sociétés boîtes comptes clients liste cherche trouve quelles actives companies accounts "
        "firms businesses find list which active"
    ),
    examples=[
        "Quelles entreprises sont clientes ?",
        "Cherche la société Roy",
        "Quelles boîtes sont les plus actives ?",
        "Liste nos comptes entreprises",
        "Combien de sociétés avons-nous ?",
        "Which companies are on board?",
        "Find the firm called Roy",
        "List our business accounts",
        "How many companies do we have?",
    ],
)
async def search_companies(
    name: Annotated[str | None, Field(description="Part of the company's name; all without it.")] = None,
    limit: Annotated[int, Field(ge=1, le=50, description="Maximum items per page.")] = 20,
    cursor: Cursor = None,
) -> Rows:
    """List companies, the last active first, or find those of a name, with plan, size and number of people.

    Intercom lists companies only that have people. For the people of one, use intercom_get_company.
    """
    if name:
        page = sliced([firm_row(one) for one in await lookup.companies(name)], limit, cursor)
        return Rows(items=page.items, next_cursor=page.next_cursor)
    number = cursor_number(cursor, 1)
    answer = await api.post("/companies/list", params={"per_page": limit, "page": number}, reads=True)
    rows = api.rows_in(answer, "data", missing=True)
    total = answer.get("total_count")
    more = number * limit < total if isinstance(total, int) else len(rows) >= limit
    return Rows(
        items=[firm_row(one) for one in readable(Firm, rows)],
        next_cursor=str(number + 1) if more and rows else None,
        note=f"{total} in all" if isinstance(total, int) else None,
    )


@tools.reads(
    core=False,
    search=(
        "fiche entreprise société boîte salariés gens contacts de l'entreprise forfait abonnement taille company "
        "people who works there plan subscription details one"
    ),
    examples=[
        "Qui travaille chez Boulangerie Roy ?",
        "Quel forfait a cette société ?",
        "Montre-moi la fiche de l'entreprise Roy",
        "Quels contacts avons-nous dans cette boîte ?",
        "Qu'est-ce qu'on sait sur cette société ?",
        "Who works at Roy Bakery?",
        "What plan is that company on?",
        "Tell me about this firm",
        "Which people do we know there?",
    ],
)
async def get_company(company: CompanyRef) -> CompanyDetail:
    """Get one company by its name, with plan, size, custom attributes, tags and its first people.

    Several that fit are listed. For one person with conversations, use intercom_get_contact; to change the company,
    intercom_set_company.
    """
    zone, firm = await lookup.account_zone(), await lookup.company(company)
    answer = await api.get(f"/companies/{firm.id}/contacts", params=None)
    people = readable(Person, api.rows_in(answer, "data", missing=True))
    details = {
        **firm_row(firm),
        **compact(
            {
                "created": lookup.local(firm.created_at, zone),
                "last_active": lookup.local(firm.last_request_at, zone),
                "tags": ", ".join(inbox.tag_names(firm.tags)),
            }
        ),
    }
    own = {name: value for name, value in (firm.custom_attributes or {}).items() if name not in details}
    total = answer.get("total_count")
    return CompanyDetail(
        details={**details, **compact(own)},
        contacts=[await row_of(one, zone) for one in people],
        note=f"{total} people in all" if isinstance(total, int) and total > len(people) else None,
    )


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    search=(
        "crée créer ajoute nouvelle modifie change entreprise société boîte compte forfait plan taille secteur "
        "site web create add new update company firm size industry website monthly spend"
    ),
    examples=[
        "Ajoute la société Boulangerie Roy",
        "La société est passée au forfait Pro",
        "Nouvelle entreprise cliente, enregistre-la",
        "Ils sont maintenant cinquante salariés, note-le",
        "Change le site web de l'entreprise",
        "Add a company called Roy Bakery",
        "Put that firm on the Pro plan",
        "Register a new business",
        "They pay 200 a month now, save it on the company",
    ],
)
async def set_company(
    name: Annotated[str, Field(min_length=1, description="Name of the company.", examples=["Boulangerie Roy"])],
    company_id: Annotated[str | None, Field(description="Your own number of it; the name without one.")] = None,
    website: Annotated[str | None, Field(description="Address of the company's website.")] = None,
    industry: Annotated[str | None, Field(description="What the company works in.")] = None,
    size: Annotated[int | None, Field(ge=0, description="Number of people who work there.")] = None,
    monthly_spend: Annotated[Amount | None, Field(description="Revenue a month, in whole units of money.")] = None,
    plan: Annotated[str | None, Field(description="Name of the plan that it has with you.")] = None,
    attributes: Attributes = None,
) -> Saved:
    """Create a company, or change the one that has this name or your number; what is left out stays.

    Intercom shows a company once somebody belongs to it: add people with intercom_update_contact. To see what there is,
    use intercom_get_company.
    """
    body = {
        "name": " ".join(name.split()),
        "website": website,
        "industry": industry,
        "size": size,
        "monthly_spend": round(monthly_spend) if monthly_spend is not None else None,
        "plan": plan,
        "custom_attributes": await prepared("company", attributes),
    }
    known = await lookup.companies(company_id or name)
    exact = [one for one in known if (one.company_id == company_id if company_id else True)]
    same = [one for one in exact if company_id or folded(one.name or "") == folded(name)]
    if len(same) > 1:
        listed = ", ".join(f"{errors.excerpt(one.name, 60)} ({one.company_id or one.id})" for one in same[:10])
        raise errors.InvalidInputError(f"Several companies have this name: {listed}.", "Pass company_id too.")
    if same:
        made = Firm.model_validate(await api.put(f"/companies/{same[0].id}", json=body))
    else:
        made = Firm.model_validate(
            await api.post("/companies", json={**body, "company_id": company_id or body["name"]})
        )
    return Saved(record=f"company:{made.id}", state="changed" if same else "created")
