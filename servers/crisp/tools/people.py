"""People: the profiles of customers, their data and events. https://docs.crisp.chat/references/rest-api/v1/"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from pydantic import Field

from flotilla import (
    Address,
    Cursor,
    Limit,
    Phone,
    Toolset,
    confirm,
    connection_of,
    errors,
    fetch_each,
    segment,
)

from .. import lookup
from ..client import data, integration, pages, record
from ..lookup import Details, PersonRef, full
from ..models import Done, PersonDetail, Profile, RowPage, Saved, Thing
from .conversations import conversation

tools = Toolset("people")
NEWEST = 5  # conversations that are shown with a person
Segments = Annotated[list[str] | None, Field(description="Segments (tags) of the person.")]


@tools.reads(
    search=(
        "qui est ce client cliente appelant appelle numéro téléphone fiche profil identifie connaît à caller "
        "calling who is lookup whose number one person profile"
    ),
    examples=[
        "Qui est le 06 12 34 56 78 ?",
        "Who is zoe@lefevre.example?",
        "Qui m'appelle ?",
        "À qui est ce numéro ?",
        "Qu'est-ce qu'on sait sur cette cliente ?",
        "Elle nous a déjà écrit ?",
        "Montre-moi la fiche de Zoé",
        "Whose number is this?",
        "Do we know this caller?",
        "Tell me about that customer",
        "Has he contacted us before?",
    ],
)
async def get_person(person: PersonRef) -> PersonDetail:
    """Tell who a customer or caller is, by phone number, e-mail address or name, with the newest conversations.

    A phone number is found however it is written. Where several people share it, the others are listed. Somebody who
    is unknown is created with crisp_create_person.
    """
    if lookup.is_people_id(person):
        known = [await lookup.person(person)]
    else:
        known = await lookup.candidates(person)
        if not known:
            raise errors.NotFoundError(
                f"Nobody in Crisp fits `{errors.excerpt(person, 60)}`.",
                "Ask for the name, or create the person: crisp_create_person.",
            )
    one, others = known[0], known[1:]
    path = segment(one.people_id)
    row = lookup.person_row(one)
    with suppress(errors.NotFoundError):
        details = (await record("GET", f"/people/data/{path}")).get("data")
        row |= full({str(key): str(value) for key, value in details.items()} if isinstance(details, dict) else {})
    keys = await data("GET", f"/people/conversations/{path}/list/1")
    sessions = await fetch_each(lookup.listed_texts(keys)[:NEWEST], conversation)
    names = await lookup.operator_names() if sessions else {}
    note = f"{len(known)} people fit `{errors.excerpt(person, 60)}`: ask which one it is." if others else None
    return PersonDetail(
        details=row,
        conversations=[lookup.conversation_row(session, names) for session in sessions] or None,
        others=[lookup.person_row(other) for other in others[:10]] or None,
        note=note,
    )


@tools.reads(
    search=(
        "cherche trouve liste tous clients personnes contacts profils segment lesquels ceux qui people list all "
        "those in find everybody last active"
    ),
    examples=[
        "Cherche les clients Dupont",
        "List the people in the segment vip",
        "Liste les clients du segment vip",
        "Tous les contacts de chez Roy",
        "Qui a été actif récemment ?",
        "Montre tous nos contacts",
        "Trouve les gens qui s'appellent Martin",
        "Everybody from Roy Bakery",
        "Who was active lately?",
        "Show all our contacts",
        "Find people called Martin",
    ],
)
async def search_people(
    query: Annotated[str | None, Field(description="Words from name, e-mail address or company.")] = None,
    segment: Annotated[str | None, Field(description="Only people of this segment (tag).")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RowPage:
    """Search the profiles of people by words or segment, last active first; all of them without either.

    Returns rows with e-mail, phone and the id that the other tools take. For one caller use crisp_get_person.
    """
    params = {
        "search_text": query or None,
        "search_filter": lookup.conditions(segments=segment) if segment else None,
        "search_operator": "and" if segment else None,
        "sort_field": "active",
        "sort_order": "descending",
    }
    rows, following = await pages("/people/profiles", Profile, limit, cursor, params)
    return RowPage(items=[lookup.person_row(one) for one in rows], next_cursor=following)


@tools.writes(
    creates=True,
    search=(
        "crée créer ajoute ajouter enregistre client contact personne profil fiche nouveau nouvelle new add save "
        "register"
    ),
    examples=[
        "Ajoute Paul Martin, paul@martin.example",
        "Enregistre ce nouvel appelant",
        "Nouvelle cliente, marie@exemple.fr",
        "Crée une fiche pour Madame Leroy",
        "Il n'est pas connu, mets-le dans les contacts",
        "Add this caller to our contacts",
        "Save a new customer, marie@exemple.fr",
        "We don't have her yet, put her in",
        "Register this person",
    ],
)
async def create_person(
    email: Annotated[Address, Field(description="E-mail address of the person.", examples=["paul@martin.example"])],
    name: Annotated[str, Field(min_length=1, description="First and last name.", examples=["Paul Martin"])],
    phone: Annotated[Phone | None, Field(description="Phone number, as people write it.")] = None,
    company: Annotated[str | None, Field(description="Name of the company.")] = None,
    segments: Segments = None,
) -> Saved:
    """Create the profile of a person. Returns its id.

    Fails with the existing id where somebody has this e-mail address or phone number; change that one with
    crisp_update_person.
    """
    country = connection_of(integration).fleet.country
    known = await lookup.by_email(email.address) or (await lookup.by_phone(str(phone)) if phone else [])
    if known:
        raise errors.InvalidInputError(
            f"Crisp has this person already: {errors.excerpt(lookup.name_of(known[0]), 60)} ({known[0].people_id}).",
            "Use that one, or change it with crisp_update_person.",
        )
    body = {
        "email": email.address,
        "person": {"nickname": name.strip(), **({"phone": phone.e164(country)} if phone else {})},
        "company": {"name": company} if company else None,
        "segments": segments,
    }
    result = await record("POST", "/people/profile", json=body)
    return Saved(person=str(result["people_id"]))


@tools.writes(
    additive=False,
    idempotent=True,
    search=(
        "modifie modifier change corrige client contact profil fiche téléphone numéro adresse mail nom étiquette "
        "segment bloc-notes données note mettre à jour update edit profile notepad phone e-mail name"
    ),
    examples=[
        "Change le téléphone de Zoé",
        "Tag this customer as vip",
        "Elle a une nouvelle adresse mail",
        "Il a changé de numéro",
        "Corrige le nom sur sa fiche",
        "Enlève-le du segment prospects",
        "Note sur son profil qu'il parle anglais",
        "He has a new mobile number",
        "Fix the spelling of her name",
        "Take him out of the segment leads",
        "Write on his profile that he speaks German",
    ],
)
async def update_person(
    person: PersonRef,
    name: Annotated[str | None, Field(min_length=1, description="First and last name.")] = None,
    email: Annotated[Address | None, Field(description="New e-mail address.")] = None,
    phone: Annotated[Phone | None, Field(description="New phone number.")] = None,
    add_segments: Annotated[list[str] | None, Field(description="Segments (tags) to add.")] = None,
    remove_segments: Annotated[list[str] | None, Field(description="Segments (tags) to take away.")] = None,
    notepad: Annotated[str | None, Field(description="Text of the notepad; replaces the old one.")] = None,
    details: Details = None,
) -> Saved:
    """Change the profile of a person: name, e-mail, phone, segments, notepad, custom data; what is left out stays.

    The person goes by e-mail address, phone number, name or id. See crisp_get_person for what there is.
    """
    country = connection_of(integration).fleet.country
    one = await lookup.person(person)
    own = {"nickname": name, "phone": phone.e164(country) if phone else None}
    changes: dict[str, Any] = {
        "email": email.address if email else None,
        "person": {field: value for field, value in own.items() if value} or None,
        "notepad": notepad,
    }
    if add_segments or remove_segments:
        old = lookup.listed_texts(one.at("segments"))
        wanted = [tag for tag in dict.fromkeys([*old, *(add_segments or [])]) if tag not in (remove_segments or [])]
        changes["segments"] = wanted if wanted != old else None
    body = {field: value for field, value in changes.items() if value is not None}
    if not body and not details:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one new value.")
    path = segment(one.people_id)
    if body:
        await data("PATCH", f"/people/profile/{path}", json=body)
    if details:
        await _save_details(path, lookup.plain_details(details))
    return Saved(person=one.people_id)


async def _save_details(path: str, details: dict[str, Any]) -> None:
    """Save custom data: as the published client sends it, and where that is refused inside of `data`, as others do."""
    with suppress(errors.InvalidInputError):
        await data("PATCH", f"/people/data/{path}", json=details)
        return
    await data("PATCH", f"/people/data/{path}", json={"data": details})


@tools.writes(
    core=False,
    creates=True,
    search=(
        "ajoute ajouter enregistre consigne événement activité client achat a payé commandé add event track "
        "record log bought paid signed up"
    ),
    examples=[
        "Enregistre que Zoé a payé sa commande",
        "Consigne un achat pour ce client",
        "Ajoute une inscription à son historique",
        "Elle vient de renouveler, garde-en la trace",
        "Track that he paid",
        "Log a purchase for this customer",
        "Record that she signed up",
        "Add a renewal to her timeline",
    ],
)
async def add_person_event(
    person: PersonRef,
    text: Annotated[str, Field(min_length=1, description="Name of the event.", examples=["Commande payée"])],
    details: Details = None,
) -> Saved:
    """Add an event to a person's history, such as an order that was paid, with data where there are any.

    Operators see it beside the conversation. crisp_list_person_events lists them.
    """
    one = await lookup.person(person)
    body = {"text": text, "data": lookup.plain_details(details) if details else None}
    await data("POST", f"/people/events/{segment(one.people_id)}", json=body)
    return Saved(person=one.people_id)


@tools.reads(
    core=False,
    search=(
        "événements historique activité chronologie client qu'a-t-il fait a acheté quand events history timeline "
        "did activity bought when"
    ),
    examples=[
        "Qu'est-ce que ce client a fait récemment ?",
        "Quand a-t-elle acheté la dernière fois ?",
        "Montre l'activité de Zoé",
        "Lis-moi sa chronologie",
        "What has this customer done lately?",
        "When did she last buy?",
        "Show his timeline",
        "Go through her activity",
    ],
)
async def list_person_events(person: PersonRef, limit: Limit = 20, cursor: Cursor = None) -> RowPage:
    """List the events of a person, newest first, each with its time and data.

    The person goes by e-mail address, phone number, name or the id from crisp_search_people.
    """
    one = await lookup.person(person)
    rows, following = await pages(f"/people/events/{segment(one.people_id)}/list", Thing, limit, cursor)
    return RowPage(items=[_event(row) for row in rows], next_cursor=following)


def _event(event: Thing) -> dict[str, str]:
    details = event.at("data")
    pairs = details.items() if isinstance(details, dict) else ()
    return full(
        {
            "text": event.text("text"),
            "at": lookup.time_of(event.at("timestamp")),
            "data": ", ".join(f"{key}: {value}" for key, value in pairs),
        }
    )


@tools.destroys(
    core=False,
    asks=True,
    idempotent=True,
    search=(
        "supprime supprimer efface effacer client contact profil fiche rgpd droit à l'oubli données personnelles "
        "gdpr remove erase delete forget personal data"
    ),
    examples=[
        "Il veut qu'on efface ses données",
        "Supprime cette fiche",
        "Enlève ce client de la base",
        "C'est un faux contact, vire-le",
        "She asks us to erase her data",
        "Remove this customer from our contacts",
        "Delete that fake profile",
        "He wants to be forgotten",
    ],
)
async def delete_person(person: PersonRef) -> Done:
    """Delete the profile of a person with its data and events for good. It asks with name and e-mail first.

    Conversations stay: crisp_delete_conversation deletes these. Look with crisp_get_person first.
    """
    one = await lookup.person(person)
    name = errors.excerpt(lookup.name_of(one), 80)
    email = one.text("email")
    await confirm(f"Delete the profile of {name}{f' ({email})' if email and email != name else ''} for good?")
    await data("DELETE", f"/people/profile/{segment(one.people_id)}")
    return Done()
