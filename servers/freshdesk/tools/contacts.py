"""People and companies: customers and callers, agents, groups. https://developers.freshdesk.com/api/#contacts"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Address, Cursor, Limit, Page, Phone, Toolset, errors, fetch_each, sliced
from flotilla.parsing import folded, looks_like_phone

from .. import tickets as data
from ..client import V2, api
from ..lookup import (
    agents,
    cached,
    company_id,
    contact,
    contacts_by_email,
    contacts_by_phone,
    contacts_named,
    groups,
    known_person,
    plain_number,
    region,
    ticket_fields,
)
from ..models import Agent, Company, Contact, ContactPage, FieldInfo, Group

tools = Toolset("contacts")
SHOWN = 5  # tickets of the only person who was found
OfCompany = Annotated[str | None, Field(description="Company by its name, which must exist.")]
Domains = Annotated[list[str] | None, Field(description="Mail domains whose people belong to it, such as roy.example.")]


@tools.reads(
    search=(
        "qui est ce numéro appelant appelle client cliente cherche retrouve personne contact fiche téléphone "
        "coordonnées mail who is calling caller phone number look up customer person find details"
    ),
    examples=[
        "Qui est le 06 12 34 56 78 ?",
        "Who is this number?",
        "Cherche le client Dupont",
        "Qui est au bout du fil ?",
        "On connaît cette personne ?",
        "Retrouve la cliente Martin",
        "T'as le mail de ce client ?",
        "À qui est ce numéro ?",
        "Do we know this caller?",
        "Whose number is it?",
        "Look up the customer called Dupont",
        "What's his e-mail address?",
    ],
)
async def search_contacts(
    query: Annotated[
        str, Field(min_length=2, description="Phone number, e-mail address or name.", examples=["06 12 34 56 78"])
    ],
    limit: Annotated[int, Field(ge=1, le=20, description="Maximum items per page.")] = 10,
    cursor: Cursor = None,
) -> ContactPage:
    """Find who a phone number, e-mail address or name belongs to; of the only match its newest tickets come too.

    One call answers who is calling and what their requests are. A phone number may be written in any way. Returns the
    person as contact:35436, which other tools take; for somebody new use freshdesk_create_contact.
    """
    if "@" in query or looks_like_phone(query):
        matches = await (contacts_by_email(query) if "@" in query else contacts_by_phone(query))
        page = sliced(matches, limit, cursor)
        people, following = page.items, page.next_cursor
    else:
        part = sliced(await contacts_named(query), limit, cursor)
        people, following = await fetch_each([one.id for one in part.items], contact, at_once=5), part.next_cursor
    only = people[0] if len(people) == 1 and not (cursor or following) else None
    tickets = await data.tickets_of(plain_number(only), SHOWN) if only else None
    return ContactPage(items=people, next_cursor=following, tickets=tickets)


@tools.writes(
    creates=True,
    search=(
        "crée créer ajoute ajouter enregistre nouveau client nouvelle cliente contact personne appelant fiche add "
        "create register new customer person save"
    ),
    examples=[
        "Ajoute Jean Dupont, 06 12 34 56 78",
        "Enregistre ce nouvel appelant",
        "Crée une fiche pour Madame Leroy",
        "Nouvelle cliente, marie@exemple.fr",
        "Il n'est pas connu, mets-le dans les contacts",
        "Add this caller to our contacts",
        "Register Marie, marie@exemple.fr",
        "Save this new person",
        "We don't have her yet, put her in",
    ],
)
async def create_contact(
    name: Annotated[str, Field(min_length=1, description="First and last name.", examples=["Jean Dupont"])],
    email: Annotated[Address | None, Field(description="E-mail address of the person.")] = None,
    phone: Annotated[Phone | None, Field(description="Phone number, best with the calling code (+33).")] = None,
    company: OfCompany = None,
    job_title: Annotated[str | None, Field(description="What the person does there.")] = None,
    description: Annotated[str | None, Field(description="What agents should know.")] = None,
) -> Contact:
    """Add a customer to Freshdesk, with an e-mail address or a phone number. No mail is sent.

    Fails with the existing person where the address or number is known already. To open a ticket for somebody new, use
    freshdesk_create_ticket at once, which adds the person. It does not make agents.
    """
    if not (email or phone):
        raise errors.InvalidInputError("A person needs an e-mail address or a phone number.", "Pass at least one.")
    known = await contacts_by_email(email.address) if email else []
    known = known or (await contacts_by_phone(phone.text) if phone else [])
    if known:
        raise errors.InvalidInputError(
            f"Freshdesk knows this person already: {known[0].name} ({known[0].contact}); nothing was done.",
            "Use that reference, or look with freshdesk_search_contacts.",
        )
    fields = await _fields(name, phone, company, job_title, description)
    raw = await api.post(f"{V2}/contacts", json={**fields, "email": email.address if email else None})
    return _saved(raw, company)


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    search=(
        "modifie modifier change corrige client fiche personne téléphone nom société rattache poste fonction "
        "mettre à jour contact update edit customer person profile phone name company job title"
    ),
    examples=[
        "Il a un nouveau numéro de téléphone",
        "Corrige le nom de cette cliente",
        "Rattache Jean à la société Roy",
        "Elle est devenue directrice, change sa fonction",
        "Note sur sa fiche qu'il parle anglais",
        "He has a new mobile number",
        "Fix the spelling of her name",
        "Move Jean to another company",
        "He got promoted, change his job title",
    ],
)
async def update_contact(
    person: Annotated[
        str,
        Field(
            description="contact:35436 from freshdesk_search_contacts, an e-mail address or a phone number.",
            examples=["contact:35436"],
        ),
    ],
    name: Annotated[str | None, Field(min_length=1, description="New first and last name.")] = None,
    phone: Annotated[Phone | None, Field(description="New phone number, best with the calling code.")] = None,
    company: OfCompany = None,
    job_title: Annotated[str | None, Field(description="New job title.")] = None,
    description: Annotated[str | None, Field(description="New notes for agents, in place of the old ones.")] = None,
) -> Contact:
    """Change the name, phone number, company, job or description of a person; what is not passed stays as it is.

    Find the person with freshdesk_search_contacts. E-mail addresses are changed in Freshdesk itself.
    """
    fields = await _fields(name, phone, company, job_title, description)
    if not fields:
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass at least one of the other arguments.")
    number = plain_number(await known_person(person))
    return _saved(await api.put(f"{V2}/contacts/{number}", json=fields), company)


async def _fields(
    name: str | None, phone: Phone | None, company: str | None, job_title: str | None, description: str | None
) -> dict[str, Any]:
    fields = {
        "name": name,
        "phone": phone.e164(region()) if phone else None,
        "company_id": await company_id(company),
        "job_title": job_title,
        "description": description,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _saved(raw: dict[str, Any], company: str | None) -> Contact:
    return Contact.model_validate({**raw, "company": company})


@tools.reads(
    core=False,
    search=(
        "entreprises sociétés boîtes firmes comptes clients cherche trouve fiche société domaine companies "
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
async def search_companies(
    name: Annotated[str, Field(min_length=2, description="Beginning of the company's name.", examples=["Boulangerie"])],
    limit: Annotated[int, Field(ge=1, le=20, description="Maximum items per page.")] = 10,
    cursor: Cursor = None,
) -> Page[Company]:
    """Search the companies of customers by the beginning of their name.

    Returns their domains, description and note. For people use freshdesk_search_contacts.
    """
    rows = await api.rows(f"{V2}/companies/autocomplete", "companies", params={"name": name}, missing=True)
    part = sliced([str(one["id"]) for one in rows if one.get("id")], limit, cursor)

    async def fetch(number: str) -> Company:
        return Company.model_validate(await api.get(f"{V2}/companies/{number}"))

    return Page(items=await fetch_each(part.items, fetch, at_once=5), next_cursor=part.next_cursor)


@tools.writes(
    core=False,
    creates=True,
    search=(
        "crée créer ajoute ajouter enregistrer nouvelle entreprise société boîte firme create add new company "
        "firm business register"
    ),
    examples=[
        "Ajoute la société Boulangerie Roy",
        "Nouvelle entreprise cliente, enregistre-la",
        "Crée une fiche pour cette boîte",
        "On a signé une nouvelle société, mets-la dedans",
        "Add a company called Roy Bakery",
        "Register a new client firm",
        "New business, put it in",
        "Create this company with its mail domain",
    ],
)
async def create_company(
    name: Annotated[
        str, Field(min_length=1, description="Name, which no other one has.", examples=["Boulangerie Roy"])
    ],
    domains: Domains = None,
    description: Annotated[str | None, Field(description="Description such as the address.")] = None,
    note: Annotated[str | None, Field(description="Note for the agents.")] = None,
) -> Company:
    """Add a company. People whose e-mail address has one of its domains are put into it by Freshdesk.

    Freshdesk refuses a name that exists; look with freshdesk_search_companies first. To put one person into it, use
    freshdesk_update_contact.
    """
    body = {"name": name, "domains": domains, "description": description, "note": note}
    return Company.model_validate(await api.post(f"{V2}/companies", json=body))


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    search=(
        "modifie modifier change renomme entreprise société boîte domaines note description adresse mettre à jour "
        "update rename company firm details domains"
    ),
    examples=[
        "La société a changé de nom",
        "Ajoute un domaine mail à l'entreprise Roy",
        "Note sur la fiche de la boîte qu'ils sont VIP",
        "Mets à jour l'adresse de la société",
        "Rename the company",
        "Add a mail domain to this firm",
        "Put a remark on the company, VIP client",
        "Correct the company's description",
    ],
)
async def update_company(
    company: Annotated[str, Field(description="Name of it, or its number.", examples=["Boulangerie Roy"])],
    name: Annotated[str | None, Field(min_length=1, description="New name of it.")] = None,
    domains: Domains = None,
    description: Annotated[str | None, Field(description="New description of it.")] = None,
    note: Annotated[str | None, Field(description="New note for the agents.")] = None,
) -> Company:
    """Change the name, domains, description or note of a company; what is passed replaces what was there.

    Read it first with freshdesk_search_companies, since a list of domains is replaced as a whole.
    """
    fields = {"name": name, "domains": domains, "description": description, "note": note}
    if all(value is None for value in fields.values()):
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass at least one of the other arguments.")
    number = await company_id(company)
    return Company.model_validate(await api.put(f"{V2}/companies/{number}", json=fields))


@tools.reads(
    core=False,
    search=(
        "agents équipe collègues membres qui travaille support conseillers team staff colleagues who works advisers"
    ),
    examples=[
        "Qui travaille au support ?",
        "À qui peut-on confier un ticket ?",
        "Quels collègues sont dans le compte ?",
        "C'est quoi l'adresse de mon collègue Marc ?",
        "Who is on the support team?",
        "Which colleagues can take tickets?",
        "List our agents",
        "What's the e-mail of my colleague?",
    ],
)
async def list_agents(
    name: Annotated[str | None, Field(description="Part of the name or e-mail address.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Agent]:
    """List the agents of the account, with their names and e-mail addresses.

    Use it to learn whose names freshdesk_update_ticket and freshdesk_add_note take to assign a ticket. For customers
    use freshdesk_search_contacts.
    """
    wanted = folded(name or "")
    team = [one for one in await cached("agents", agents) if wanted in folded(f"{one.name} {one.email or ''}")]
    return sliced([Agent(name=one.name, email=one.email) for one in team], limit, cursor)


@tools.reads(
    core=False,
    search="groupes équipes départements services files de répartition groups teams departments which",
    examples=[
        "Quelles équipes avons-nous ?",
        "Il y a un service facturation ?",
        "Quels groupes peuvent prendre un ticket ?",
        "Liste les départements du support",
        "Which teams are there?",
        "Is there a billing department?",
        "List the groups of agents",
        "What departments can I send it to?",
    ],
)
async def list_groups(limit: Limit = 50, cursor: Cursor = None) -> Page[Group]:
    """List the groups of agents that tickets can be assigned to, by the names that other tools take.

    To assign a ticket to one, use freshdesk_update_ticket; for the tickets of one, freshdesk_search_tickets.
    """
    rows = await cached("groups", groups)
    return sliced([Group(name=one.name, description=one.description or None) for one in rows], limit, cursor)


@tools.reads(
    core=False,
    search=(
        "champs personnalisés formulaire propriétés types statuts options valeurs possibles liste déroulante "
        "ticket fields custom form properties drop-down choices possible values statuses"
    ),
    examples=[
        "Quels statuts existent ?",
        "Quels champs a un ticket ?",
        "Quels types de tickets avons-nous ?",
        "Qu'est-ce qu'on peut mettre dans le formulaire ?",
        "Liste les champs personnalisés",
        "Which statuses can I choose from?",
        "Which fields does a ticket have?",
        "What types of ticket are there?",
        "What choices are in the product drop-down?",
    ],
)
async def list_ticket_fields(limit: Limit = 50, cursor: Cursor = None) -> Page[FieldInfo]:
    """List the fields of tickets by their labels, with their types and choices, the statuses and types among them.

    Use it to learn what `fields` and `status` of other tools take. It shows no ticket's values: for these use
    freshdesk_get_ticket.
    """
    rows = [
        FieldInfo(label=one.label, type=one.type, required=one.required or None, choices=one.choices or None)
        for one in await cached("fields", ticket_fields)
    ]
    return sliced(rows, limit, cursor)
