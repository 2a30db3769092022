"""People: who is this, find, create, change, merge.

https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io/contacts
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import Address, Cursor, Limit, Model, Phone, Toolset, confirm, connection_of, errors, readable
from flotilla import segment as segment_of
from flotilla.parsing import html_to_text

from .. import inbox, lookup
from ..attributes import prepared
from ..client import api, integration
from ..inbox import compact
from ..lookup import ContactRef, all_of, any_of, contains, equal, local
from ..models import ContactDetail, Firm, Item, Person, Row, Rows, Saved, TicketItem

tools = Toolset("contacts")

LATEST = 5  # conversations and tickets that a person is shown with
NOTES = 10
Attributes = Annotated[
    dict[str, Any] | None,
    Field(description="Custom attributes by name or label; null clears one.", examples=[{"Plan": "Pro"}]),
]


class Note(Model):
    """A note as it comes."""

    body: str
    created_at: int | None = None
    author: dict[str, Any] | None = None


async def row_of(person: Person, zone: ZoneInfo) -> Row:
    """Return a contact as a row."""
    place = person.location or {}
    row = {
        "record": f"contact:{person.id}",
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "role": person.role,
        "external_id": person.external_id,
        "owner": await lookup.name_of("teammate", person.owner_id),
        "place": ", ".join(str(place[part]) for part in ("city", "country") if place.get(part)),
        "last_seen": local(person.last_seen_at, zone),
    }
    return compact(row)


def firm_row(firm: Firm) -> Row:
    """Return a company as a row."""
    row = {
        "record": f"company:{firm.id}",
        "name": firm.name,
        "company_id": firm.company_id,
        "plan": (firm.plan or {}).get("name"),
        "website": firm.website,
        "industry": firm.industry,
        "size": firm.size,
        "monthly_spend": firm.monthly_spend,
        "people": firm.user_count,
    }
    return compact(row)


@tools.reads(
    search=(
        "qui est ce numéro appelant appelle fiche client contact personne téléphone mail historique tout sur "
        "connaît who is calling caller lookup everything about one person profile history"
    ),
    examples=[
        "Qui est le 06 12 34 56 78 ?",
        "Who is jean@dupont.example?",
        "Which tickets does Jean have?",
        "Qui m'appelle ?",
        "Qu'est-ce qu'on sait sur cette cliente ?",
        "Elle nous a déjà contactés ?",
        "Donne-moi la fiche de Jean",
        "À qui est ce numéro ?",
        "Whose number is this?",
        "Do we know this caller?",
        "Tell me everything about Jean",
        "Has she contacted us before?",
    ],
)
async def get_contact(
    contact: ContactRef,
) -> ContactDetail:
    """Tell who a phone number, e-mail address or name is: the person with companies, tags, custom attributes,
    notes, and the latest conversations and tickets with their state.

    Where several people fit, they are listed with their numbers. Somebody who was created in the last minutes may not
    be found yet. To read a conversation, use intercom_get_conversation.
    """
    zone, person = await lookup.account_zone(), await lookup.person(contact)
    by_person, path = equal("contact_ids", person.id), f"/contacts/{person.id}"
    firms, notes, talks, tickets = await asyncio.gather(
        api.rows(f"{path}/companies", "companies", missing=True),
        api.rows(f"{path}/notes", "data", missing=True),
        lookup.search("conversations", by_person, LATEST),
        _tickets(by_person),
    )
    details = {
        **await row_of(person, zone),
        **compact(
            {
                "created": local(person.created_at, zone),
                "last_contacted": local(person.last_contacted_at, zone),
                "last_replied": local(person.last_replied_at, zone),
                "unsubscribed": "yes" if person.unsubscribed_from_emails else None,
                "tags": ", ".join(await _tags(person)),
                "url": await lookup.link_to("contact", person.id),
            }
        ),
    }
    own = {name: value for name, value in (person.custom_attributes or {}).items() if name not in details}
    total = talks.get("total_count")
    remarks = [f"{total} conversations in all"] if isinstance(total, int) and total > LATEST else []
    remarks += ["tickets are not shown: the app lacks the permission to read them"] if tickets is None else []
    return ContactDetail(
        details={**details, **compact(own)},
        companies=[firm_row(one) for one in readable(Firm, firms)],
        notes=[await _note(one, zone) for one in readable(Note, notes)[:NOTES]],
        conversations=[
            await inbox.row_of(one, zone) for one in readable(Item, api.rows_in(talks, "conversations", missing=True))
        ],
        tickets=[await inbox.row_of(one, zone) for one in tickets or []],
        note="; ".join(remarks) or None,
    )


async def _tickets(query: dict[str, Any]) -> list[TicketItem] | None:
    """Return tickets, None where the token may not read them: that is a permission of its own."""
    with suppress(errors.PermissionDeniedError):
        answer = await lookup.search("tickets", query, LATEST)
        return readable(TicketItem, api.rows_in(answer, "tickets", missing=True))
    return None


async def _tags(person: Person) -> list[str]:
    """Return the names of a contact's tags: the contact itself has their ids alone."""
    listed = (person.tags or {}).get("data") or []
    ids = [str(one.get("id")) for one in listed if isinstance(one, dict) and one.get("id")]
    names = {one.id: one.name or one.id for one in await lookup.known("tag")} if ids else {}
    return [names.get(number, number) for number in ids]


async def _note(note: Note, zone: ZoneInfo) -> Row:
    by = (note.author or {}).get("name")
    return compact({"at": local(note.created_at, zone), "by": by, "text": html_to_text(note.body)})


@tools.reads(
    search=(
        "cherche trouve retrouve contacts clients prospects leads utilisateurs liste tous ceux qui lesquels "
        "segment étiquette users people find list all those who which tagged owner"
    ),
    examples=[
        "Cherche les clients qui s'appellent Dupont",
        "Which leads belong to Zoé?",
        "Tous les prospects de Zoé",
        "Liste les clients avec le tag VIP",
        "Qui fait partie du segment inactifs ?",
        "Trouve les utilisateurs dont le mail finit par roy.example",
        "Combien de leads avons-nous ?",
        "List everybody tagged VIP",
        "Find people called Martin",
        "Who is in the segment inactive?",
        "Show all our leads",
    ],
)
async def search_contacts(
    query: Annotated[str | None, Field(description="Part of the name or e-mail address, or a phone number.")] = None,
    role: Annotated[Literal["user", "lead"] | None, Field(description="Only users, or only leads.")] = None,
    tag: Annotated[str | None, Field(description="Only those with this tag.")] = None,
    segment: Annotated[str | None, Field(description="Only those of this segment, by its name.")] = None,
    owner: Annotated[str | None, Field(description="Only those of this teammate: a name, or me.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Rows:
    """Search people by part of the name or e-mail address, phone number, role, tag, segment or owner.

    Returns rows with the record that other tools take. New people appear after some minutes. To see one person with
    conversations and tickets, use intercom_get_contact.
    """
    zone = await lookup.account_zone()
    filters: list[dict[str, Any]] = []
    if query:
        fields = [contains("name", query), contains("email", query)]
        filters.append(any_of([*lookup.phone_filters(query), *fields]))
    if role:
        filters.append(equal("role", role))
    if tag:
        filters.append(equal("tag_id", (await lookup.pick("tag", tag)).id))
    if segment:
        filters.append(equal("segment_id", (await lookup.pick("segment", segment)).id))
    if owner:
        filters.append(equal("owner_id", (await lookup.assignee(owner)).id))
    wanted = all_of(filters or [{"field": "created_at", "operator": ">", "value": 0}])
    answer = await lookup.search("contacts", wanted, limit, cursor)
    rows = [await row_of(one, zone) for one in readable(Person, api.rows_in(answer, "data", missing=True))]
    total = answer.get("total_count")
    note = f"{total} in all" if isinstance(total, int) else None
    return Rows(items=rows, next_cursor=lookup.next_cursor(answer), note=note)


@tools.writes(
    creates=True,
    search=(
        "crée créer ajoute ajouter enregistre contact client prospect lead nouveau nouvelle utilisateur fiche add "
        "create new save register person customer user"
    ),
    examples=[
        "Ajoute Jean Dupont, 06 12 34 56 78, comme prospect",
        "Enregistre ce nouvel appelant",
        "Nouvelle cliente, marie@exemple.fr",
        "Crée une fiche pour Madame Leroy",
        "Il n'est pas connu, mets-le dans les contacts",
        "Add this caller as a lead",
        "Save a new customer, marie@exemple.fr",
        "We don't have her yet, put her in",
        "Register this person as a user",
    ],
)
async def create_contact(
    name: Annotated[str, Field(min_length=1, description="First and last name.", examples=["Jean Dupont"])],
    email: Annotated[Address | None, Field(description="E-mail address of the person.")] = None,
    phone: Annotated[Phone | None, Field(description="Phone number, best with the calling code (+33).")] = None,
    role: Annotated[Literal["user", "lead"], Field(description="user: a customer; lead: not one yet.")] = "user",
    external_id: Annotated[str | None, Field(description="Your own number of this person.")] = None,
    company: Annotated[str | None, Field(description="Company of the person, by its name.")] = None,
    attributes: Attributes = None,
) -> Saved:
    """Create a person, with company and custom attributes in the same step. Returns the record that other tools take.

    Fails with the existing one where the e-mail address, phone number or external_id is known already: change that one
    with intercom_update_contact. A search finds new people after some minutes.
    """
    if not (email or phone or external_id):
        raise errors.InvalidInputError(
            "A contact needs an e-mail address, a phone number or your own number.", "Pass at least one of them."
        )
    body = {
        "role": role,
        "name": " ".join(name.split()),
        "email": email.address.lower() if email else None,
        "phone": e164(phone),
        "external_id": external_id,
        "custom_attributes": await prepared("contact", attributes),
    }
    firm = await lookup.company(company) if company else None
    await _check_new(email, phone, external_id)
    if firm:
        api.follows("POST", "/contacts/{id}/companies", json={"id": firm.id})
    made = Person.model_validate(await api.post("/contacts", json=body))
    if firm:
        await api.post(f"/contacts/{made.id}/companies", json={"id": firm.id})
    return Saved(record=f"contact:{made.id}", url=await lookup.link_to("contact", made.id))


def e164(phone: Phone | None) -> str | None:
    """Return a phone number as +33612345678."""
    return phone.e164(connection_of(integration).fleet.country) if phone else None


async def _check_new(email: Address | None, phone: Phone | None, external_id: str | None) -> None:
    """Refuse a person who is there already: Intercom itself compares users' e-mail addresses and numbers alone."""
    rows: list[Any] = []
    if external_id:
        with suppress(errors.NotFoundError):  # there at once, while a search finds new people after minutes
            rows.append(await api.get(f"/contacts/find_by_external_id/{segment_of(external_id)}"))
    filters = [lookup.email_filter(email)] if email else []
    filters += lookup.phone_filters(phone.text) if phone else []
    if filters and not rows:
        rows = api.rows_in(await lookup.search("contacts", any_of(filters), 2), "data", missing=True)
    if known := readable(Person, rows):
        raise errors.InvalidInputError(
            f"Intercom has this person already: {errors.excerpt(known[0].shown, 80)}, contact:{known[0].id}.",
            "Nothing was done: use that contact, or change it with intercom_update_contact.",
        )


@tools.writes(
    additive=False,
    idempotent=True,
    search=(
        "modifie modifier change corrige contact client téléphone numéro mail nom responsable propriétaire "
        "attribut entreprise rattache mettre à jour fiche edit update person phone e-mail name owner company "
        "custom attribute"
    ),
    examples=[
        "Change le numéro de Jean",
        "Make Zoé the owner of this lead",
        "Elle a une nouvelle adresse mail",
        "Corrige le nom du client",
        "Rattache Jean à la société Roy",
        "Zoé s'occupe maintenant de ce prospect",
        "Passe ce lead en client",
        "He has a new mobile number",
        "Fix the spelling of her name",
        "Move Jean to another company",
        "Save his language as French",
    ],
)
async def update_contact(
    contact: ContactRef,
    name: Annotated[str | None, Field(min_length=1, description="New name of the person.")] = None,
    email: Annotated[Address | None, Field(description="New e-mail address.")] = None,
    phone: Annotated[Phone | None, Field(description="New phone number, best with +33.")] = None,
    role: Annotated[Literal["user"] | None, Field(description="user makes a lead a user.")] = None,
    owner: Annotated[str | None, Field(description="Teammate who owns the contact: a name, or me.")] = None,
    company: Annotated[str | None, Field(description="Company to add the person to, by its name.")] = None,
    attributes: Attributes = None,
) -> Saved:
    """Change a person: name, e-mail address, phone number, owner, company or custom attributes; the rest stays.

    People are found by e-mail address, phone number or name; intercom_get_contact shows what is there. For tags, use
    intercom_update_tags.
    """
    person = await lookup.person(contact)
    owned_by = await lookup.assignee(owner) if owner else None
    body = {
        "name": " ".join(name.split()) if name else None,
        "email": email.address.lower() if email else None,
        "phone": e164(phone),
        "role": role,
        "owner_id": owned_by.id if owned_by else None,
        "custom_attributes": await prepared("contact", attributes),
    }
    firm = await lookup.company(company) if company else None
    if not firm and all(value is None for value in body.values()):
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    if any(value is not None for value in body.values()):
        if firm:
            api.follows("POST", f"/contacts/{person.id}/companies", json={"id": firm.id})
        await api.put(f"/contacts/{person.id}", json=body)
    if firm:
        await api.post(f"/contacts/{person.id}/companies", json={"id": firm.id})
    return Saved(record=f"contact:{person.id}")


@tools.destroys(
    asks=True,
    core=False,
    idempotent=False,
    search=(
        "fusionne fusionner doublon doublons réunis regroupe même personne deux fiches en double merge duplicate "
        "contacts leads combine same person twice two records"
    ),
    examples=[
        "Cette personne est là deux fois",
        "Fusionne ces deux fiches",
        "Le prospect et le client sont la même personne",
        "Réunis les doublons de Jean",
        "Merge this lead into the user",
        "We have her twice, combine them",
        "Those two records are the same person",
        "Get rid of the duplicate contact",
    ],
)
async def merge_contacts(
    lead: Annotated[
        str,
        Field(description="The lead that disappears, from intercom_search_contacts.", examples=["contact:" + "1" * 24]),
    ],
    into: Annotated[
        str, Field(description="The user who stays, from intercom_search_contacts.", examples=["contact:" + "2" * 24])
    ],
) -> Saved:
    """Merge a lead into a user, with conversations, notes and tags of both, after the user agreed.

    It cannot be undone, and Intercom merges a lead into a user only. Take both from intercom_search_contacts, whose
    rows say which is which.
    """
    gone, stays = await lookup.person(lead, exact=True), await lookup.person(into, exact=True)
    if (gone.role, stays.role) != ("lead", "user"):
        raise errors.InvalidInputError(
            f"Intercom merges a lead into a user, not a {gone.role} into a {stays.role}.",
            "Swap the two, or make the one who stays a user with intercom_update_contact.",
        )
    await confirm(f"Merge {gone.shown} (lead {gone.id}) into {stays.shown} (user {stays.id})? It cannot be undone.")
    await api.post("/contacts/merge", json={"from": gone.id, "into": stays.id, "skip_duplicate_validation": True})
    return Saved(record=f"contact:{stays.id}")


@tools.destroys(
    asks=True,
    core=False,
    search=(
        "supprime supprimer archive archiver efface effacer contact personne RGPD droit à l'oubli enlever delete "
        "erase remove forget person GDPR personal data"
    ),
    examples=[
        "Il veut qu'on efface toutes ses données",
        "Archive ce contact",
        "Enlève cette personne de la base",
        "Supprime le prospect, c'est un faux",
        "Erase all her data",
        "Archive this person",
        "Remove that fake lead",
        "He asks to be forgotten",
    ],
)
async def delete_contact(
    contact: ContactRef,
    permanently: Annotated[
        bool, Field(description="True deletes for good; without it the contact is archived.")
    ] = False,
) -> Saved:
    """Archive a person, or delete one for good, after the user agreed.

    An archived person disappears from lists and can be restored in Intercom; a deleted one is gone with all data. Check
    with intercom_get_contact who is meant.
    """
    person = await lookup.person(contact, exact=True)
    if permanently:
        await confirm(
            f"Delete {person.shown} ({person.role} {person.id}) for good, with all data? It cannot be undone."
        )
        await api.delete(f"/contacts/{person.id}")
        return Saved(record=f"contact:{person.id}", state="deleted")
    await confirm(f"Archive {person.shown} ({person.role} {person.id})?")
    await api.send("POST", f"/contacts/{person.id}/archive")
    return Saved(record=f"contact:{person.id}", state="archived")
