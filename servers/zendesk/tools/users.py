"""People: customers and callers, agents, groups. https://developer.zendesk.com/api-reference/ticketing/users/users/"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Address, Cursor, Limit, Page, Phone, Toolset, errors, sliced
from flotilla.parsing import folded, looks_like_phone

from .. import tickets as data
from ..client import api
from ..lookup import (
    agents,
    cached,
    groups,
    known_person,
    organization_id,
    plain_number,
    region,
    ticket_fields,
    users_by_email,
    users_by_phone,
    users_like,
)
from ..models import Agent, FieldInfo, Group, User, UserPage

tools = Toolset("users")
READ, WRITE = ["read"], ["read write"]
SHOWN = 5  # tickets of the only person who was found
Organization = Annotated[str | None, Field(description="Organization by its name, which must exist.")]


@tools.reads(
    scopes=READ,
    search=(
        "qui est ce numéro appelant appelle client cliente cherche retrouve personne contact fiche téléphone "
        "coordonnées mail who is calling caller phone number look up customer person find details"
    ),
    examples=[
        "Qui est le 06 12 34 56 78 ?",
        "Who is this number?",
        "Cherche le client Dupont",
        "Qui m'appelle ?",
        "On connaît cette personne ?",
        "Retrouve la cliente Martin",
        "Quel est le mail de ce client ?",
        "À qui est ce numéro ?",
        "Do we know this caller?",
        "Whose number is it?",
        "Look up the customer called Dupont",
        "What's her e-mail address?",
    ],
)
async def search_users(
    query: Annotated[
        str, Field(min_length=1, description="Phone number, e-mail address or name.", examples=["06 12 34 56 78"])
    ],
    role: Annotated[
        Literal["end-user", "agent", "admin"] | None, Field(description="Only people of this kind.")
    ] = None,
    limit: Limit = 10,
    cursor: Cursor = None,
) -> UserPage:
    """Find who a phone number, e-mail address or name belongs to; of the only match its newest tickets come too.

    One call answers who is calling and what their requests are. A phone number may be written in any way. Returns the
    person as user:35436, which other tools take; for somebody new use zendesk_create_user.
    """
    if looks_like_phone(query) or "@" in query:
        people = await (users_by_email(query) if "@" in query else users_by_phone(query))
        page = sliced([one for one in people if role in (None, one.role)], limit, cursor)
        users, following = page.items, page.next_cursor
    else:
        users, following = await users_like(f"{query} role:{role}" if role else query, limit, cursor)
    only = users[0] if len(users) == 1 and not cursor else None
    tickets = (await data.search(f"requester:{plain_number(only)}", SHOWN))[0] if only else None
    return UserPage(items=users, next_cursor=following, tickets=tickets)


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "crée créer ajoute ajouter enregistre nouveau client nouvelle cliente contact personne appelant fiche "
        "utilisateur add create register new customer person end user save"
    ),
    examples=[
        "Ajoute Jean Dupont, 06 12 34 56 78",
        "Enregistre ce nouvel appelant",
        "Crée une fiche pour Madame Leroy",
        "Nouvelle cliente, marie@exemple.fr",
        "Il n'est pas connu, mets-le dedans",
        "Add this caller as a customer",
        "Register Marie, marie@exemple.fr",
        "Save this new contact",
        "We don't have her yet, put her in",
    ],
)
async def create_user(
    name: Annotated[str, Field(min_length=1, description="First and last name.", examples=["Jean Dupont"])],
    email: Annotated[Address | None, Field(description="E-mail address of the person.")] = None,
    phone: Annotated[Phone | None, Field(description="Phone number, best with the calling code (+33).")] = None,
    organization: Organization = None,
    notes: Annotated[str | None, Field(description="What agents should know; the person does not see it.")] = None,
) -> User:
    """Add a customer to Zendesk, with an e-mail address or a phone number. No welcome mail is sent.

    Fails with the existing person where the address or number is known already. To open a ticket for somebody new, use
    zendesk_create_ticket at once, which adds the person. It does not make agents.
    """
    if not (email or phone):
        raise errors.InvalidInputError("A person needs an e-mail address or a phone number.", "Pass at least one.")
    known = await users_by_email(email.address) if email else []
    known = known or (await users_by_phone(phone.text) if phone else [])
    if known:
        raise errors.InvalidInputError(
            f"Zendesk knows this person already: {known[0].name} ({known[0].user}); nothing was done.",
            "Use that reference, or look with zendesk_search_users.",
        )
    fields = await _fields(name, phone, organization, notes)
    person = {**fields, "email": email.address if email else None, "role": "end-user", "skip_verify_email": True}
    body = {"user": {key: value for key, value in person.items() if value is not None}}
    return _saved((await api.post("/api/v2/users", json=body))["user"], organization)


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "modifie modifier change corrige client fiche personne téléphone nom société rattache notes mettre à jour "
        "update edit customer contact profile phone name organization"
    ),
    examples=[
        "Il a un nouveau numéro de téléphone",
        "Corrige le nom de cette cliente",
        "Rattache Jean à la société Roy",
        "Note sur sa fiche qu'il parle anglais",
        "Mets à jour les coordonnées de Marie",
        "He has a new mobile number",
        "Fix the spelling of her name",
        "Move Jean to another company",
        "Write on his profile that he speaks German",
    ],
)
async def update_user(
    user: Annotated[
        str,
        Field(
            description="The person: user:35436 from zendesk_search_users, an e-mail address or a phone number.",
            examples=["user:35436"],
        ),
    ],
    name: Annotated[str | None, Field(min_length=1, description="New first and last name.")] = None,
    phone: Annotated[Phone | None, Field(description="New phone number, best with the calling code.")] = None,
    organization: Organization = None,
    notes: Annotated[str | None, Field(description="New notes for agents, in place of the old ones.")] = None,
) -> User:
    """Change the name, phone number, organization or notes of a person; what is not passed stays as it is.

    Find the person with zendesk_search_users. E-mail addresses and roles are changed in Zendesk itself.
    """
    fields = await _fields(name, phone, organization, notes)
    if not fields:
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass at least one of the other arguments.")
    number = plain_number(await known_person(user))
    return _saved((await api.put(f"/api/v2/users/{number}", json={"user": fields}))["user"], organization)


async def _fields(name: str | None, phone: Phone | None, organization: str | None, notes: str | None) -> dict[str, Any]:
    fields = {
        "name": name,
        "phone": phone.e164(region()) if phone else None,
        "organization_id": await organization_id(organization),
        "notes": notes,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _saved(raw: dict[str, Any], organization: str | None) -> User:
    return User.model_validate({**raw, "organization": organization})


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "agents équipe collègues membres qui travaille support conseillers admins team staff colleagues who works "
        "advisers"
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
    """List the agents and admins of the account, with their names and e-mail addresses.

    Use it to learn whose names zendesk_update_ticket and zendesk_add_note take to assign a ticket. For customers use
    zendesk_search_users.
    """
    wanted = folded(name or "")
    team = [one for one in await cached("agents", agents) if wanted in folded(f"{one.name} {one.email or ''}")]
    return sliced([Agent(name=one.name, email=one.email, role=one.role) for one in team], limit, cursor)


@tools.reads(
    core=False,
    scopes=READ,
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

    To assign a ticket to one, use zendesk_update_ticket; for the tickets of one, zendesk_search_tickets.
    """
    rows = await cached("groups", groups)
    return sliced([Group(name=one.name, description=one.description or None) for one in rows], limit, cursor)


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "champs personnalisés formulaire propriétés options valeurs possibles liste déroulante ticket fields "
        "custom form properties drop-down choices possible values"
    ),
    examples=[
        "Quels champs a un ticket ?",
        "Qu'est-ce qu'on peut mettre dans le champ type de panne ?",
        "Quelles valeurs sont possibles dans le formulaire ?",
        "Liste les champs personnalisés",
        "Which fields does a ticket have?",
        "What choices are in the product drop-down?",
        "What do I have to fill in on the form?",
        "List the custom fields",
    ],
)
async def list_ticket_fields(limit: Limit = 50, cursor: Cursor = None) -> Page[FieldInfo]:
    """List the fields of tickets by their labels, with their types and choices.

    Use it to learn what `fields` of zendesk_create_ticket and zendesk_update_ticket takes. It shows no ticket's values:
    for these use zendesk_get_ticket.
    """
    rows = [
        FieldInfo(
            label=one.title,
            type=one.type,
            required=one.required or None,
            choices=[str(option.get("name") or option["value"]) for option in one.options] or None,
        )
        for one in await ticket_fields()
    ]
    return sliced(rows, limit, cursor)
