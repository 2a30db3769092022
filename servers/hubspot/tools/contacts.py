"""Contacts: find, read, create, update. API: https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Address, Cursor, Limit, Toolset, errors

from .. import records, values
from ..models import Saved, SearchPage
from ..records import LinkedTo, Properties, Query, RecordRef, Where

tools = Toolset("contacts")

USUAL = ("firstname", "lastname", "email", "phone", "mobilephone", "company", "lifecyclestage", "hubspot_owner_id")
READ, WRITE = ["crm.objects.contacts.read"], ["crm.objects.contacts.read crm.objects.contacts.write"]


@tools.reads(
    scopes=READ,
    search=(
        "find cherche trouve contact contacts client personne people lead phone number retrouve recherche "
        "numéro téléphone e-mail mail adresse coordonnées travaille chez gens prospects leads liste search "
        "look up who email working works latest list individuals prospect spam person sans propriétaire "
        "without owner"
    ),
    examples=[
        "c'est quoi son numéro de téléphone",
        "tu as son adresse mail ?",
        "retrouve la personne que j'ai vue hier",
        "qui travaille dans cette société",
        "liste les prospects sans propriétaire",
        "what is her phone number",
        "do you have his e-mail",
        "look up the person I met yesterday",
        "who works at that company",
        "list the leads nobody owns",
        "whose number is this",
    ],
)
async def search_contacts(
    query: Query = None,
    where: Where = None,
    linked_to: Annotated[
        RecordRef | None, Field(description="Only those of this record, by number or name.", examples=["company:9"])
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> SearchPage:
    """Search contacts by name, e-mail address, phone number or any property, last changed first.

    Returns rows with the record (contact:51) that other tools take. For notes, tasks and deals of one person, use
    hubspot_get_record.
    """
    return await records.search(
        "contacts",
        lambda one, wanted: one.row("contact", wanted),
        usual=USUAL,
        query=query,
        where=where,
        filters=[await records.linked_with(linked_to)] if linked_to else [],
        limit=limit,
        cursor=cursor,
    )


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "add new save enregistre crée ajoute contact contacts prospect nouveau lead person nouvelle personne "
        "rentre inscris coordonnées carte visite créer ajouter create register enter somebody business card "
        "client spam monsieur dame salon rencontré met fair"
    ),
    examples=[
        "ajoute un nouveau prospect",
        "enregistre cette personne avec son mail",
        "rentre la carte de visite que je viens de recevoir",
        "crée une fiche pour le monsieur du salon",
        "nouveau lead, voici ses coordonnées",
        "add a new lead",
        "save this person with her e-mail",
        "enter the business card I just got",
        "register the man from the trade fair",
        "put a new prospect into the CRM",
    ],
)
async def create_contact(
    name: Annotated[str, Field(description="First and last name, or Last, First.", examples=["Jean Dupont"])],
    email: Annotated[Address | None, Field(description="E-mail address of the person.")] = None,
    phone: Annotated[str | None, Field(description="Phone number, best with the calling code (+33).")] = None,
    linked_to: LinkedTo = None,
    properties: Properties = None,
) -> Saved:
    """Create a contact, linked to companies, deals or tickets in the same step. Returns its record (contact:51), which
    a search finds some seconds later.

    Fails with the existing contact's id where the e-mail address is known already; without one, where the phone number
    or the name is. To change a contact, use hubspot_update_record.
    """
    first, last = split_name(name)
    arguments = {
        "email": email.address if email else None,
        "firstname": first,
        "lastname": last,
        "phone": phone,
    }
    ready = await records.prepared("contacts", arguments, properties)
    if not ready.get("email"):  # by e-mail, HubSpot itself refuses a second one
        await _check_new(ready)
    return (await records.create("contacts", ready, linked_to)).saved("contact")


def split_name(text: str) -> tuple[str | None, str | None]:
    """Return first and last name of "Jean Dupont" or "Dupont, Jean"; one word is a last name."""
    last, comma, first = (part.strip() for part in text.partition(","))
    if not comma:
        first, _, last = (part.strip() for part in text.strip().partition(" "))
    return (first or None, last) if last else (None, first or None)


async def _check_new(ready: dict[str, str]) -> None:
    """Refuse a person who exists, by phone number, else by first and last name."""
    if phone := ready.get("phone"):
        groups = [[records.equal(field, values.phone_spellings(phone))] for field in ("phone", "mobilephone")]
    else:
        groups = [[records.equal(field, ready[field]) for field in ("firstname", "lastname") if ready.get(field)]]
    if not groups[0]:
        raise errors.InvalidInputError(
            "A contact needs a name, an e-mail address or a phone number.", "Pass at least one of them."
        )
    if known := await records.existing("contacts", groups, "firstname lastname email"):
        shared = "phone number" if phone else "name"
        raise errors.InvalidInputError(
            f"HubSpot has a contact with this {shared} already: contact:{known[0]} ({errors.excerpt(known[1], 80)}).",
            "Use that one; for another person, pass an e-mail address too.",
        )
