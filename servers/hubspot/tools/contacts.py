"""Contacts: find, read, create, update. API: https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Address, Cursor, Limit, Toolset, errors, readable, segment
from flotilla.parsing import html_to_text

from .. import properties as known_properties
from .. import records, values
from ..client import api
from ..models import ContactDetail, CrmObject, Row, Saved, SearchPage
from ..records import LinkedTo, Properties, Query, RecordRef, Where

tools = Toolset("contacts")

USUAL = ("firstname", "lastname", "email", "phone", "mobilephone", "company", "lifecyclestage", "hubspot_owner_id")
READ, WRITE = ["crm.objects.contacts.read"], ["crm.objects.contacts.read crm.objects.contacts.write"]
LINKED = {  # what a contact is shown with: its kind, the properties of its name or text and of its time
    "companies": ("company", "name", ""),
    "deals": ("deal", "dealname", "closedate"),
    "notes": ("note", "hs_note_body", "hs_timestamp"),
    "tasks": ("task", "hs_task_subject", "hs_timestamp"),
}
NEWEST = 10  # of each kind
ContactRef = Annotated[
    str, Field(description="Id or e-mail address of the contact, from hubspot_search_contacts.", examples=["51"])
]


def location(contact: str) -> tuple[str, dict[str, str]]:
    """Return the path and the parameters of a contact by id or e-mail address."""
    if "@" in contact:
        return segment(contact.strip()), {"idProperty": "email"}
    return records.id_of(contact, "contact"), {}


@tools.reads(scopes=READ, search="find cherche trouve contact contacts client personne people lead phone number")
async def search_contacts(
    query: Query = None,
    where: Where = None,
    linked_to: Annotated[
        RecordRef | None, Field(description="Only those of this record.", examples=["company:9"])
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> SearchPage:
    """Search contacts by name, e-mail address, phone number or any property, last changed first.

    Returns rows with the record (contact:51) that other tools take. For notes, tasks and deals of one person, use
    hubspot_get_contact.
    """
    return await records.search(
        "contacts",
        lambda one, wanted: one.row("contact", wanted),
        usual=USUAL,
        query=query,
        where=where,
        filters=[records.linked_with(linked_to)] if linked_to else [],
        limit=limit,
        cursor=cursor,
    )


@tools.reads(
    scopes=[f"{READ[0]} crm.objects.companies.read crm.objects.deals.read"],
    search="fiche complète historique montre dernières notes tâches affaires",
)
async def get_contact(
    contact: ContactRef,
    properties: Annotated[
        list[str] | None, Field(description="Further properties to show, by HubSpot's name or label.")
    ] = None,
    linked: Annotated[bool, Field(description="Also show the newest records that are linked to it.")] = True,
) -> ContactDetail:
    """Get one contact with its newest companies, deals, notes and tasks, ten of each.

    Use it to prepare a call or to recall what was said last. Longer notes are cut after 500 characters. Take the id
    from hubspot_search_contacts.
    """
    wanted = await known_properties.own_names("contacts", properties or [])
    path, params = location(contact)
    asked: dict[str, Any] = {**params, "properties": list(dict.fromkeys([*USUAL, *wanted]))}
    if linked:
        asked["associations"] = list(LINKED)
    raw = await api.get(f"/crm/v3/objects/contacts/{path}", params=asked)
    rows: list[Row] = []
    for kind, links in (raw.get("associations") or {}).items():
        if kind in LINKED:
            rows += await newest(kind, [link.id for link in readable(CrmObject, links.get("results") or [])])
    return ContactDetail(contact=CrmObject.model_validate(raw).row("contact", wanted), linked=rows if linked else None)


async def newest(kind: str, ids: list[str]) -> list[Row]:
    """Return the newest of some records by their ids, in one request."""
    name, subject, timestamp = LINKED[kind]
    wanted = sorted(dict.fromkeys(ids), key=int, reverse=True)[:NEWEST]
    if not wanted:
        return []
    asked = [subject, timestamp] if timestamp else [subject]
    body = {"inputs": [{"id": i} for i in wanted], "properties": asked, "propertiesWithHistory": []}
    answer = await api.post(f"/crm/v3/objects/{kind}/batch/read", json=body, reads=True)  # 207: some are gone
    by_id = {one.id: one.properties for one in readable(CrmObject, api.rows_in(answer, "results"))}
    rows = []
    for number in (n for n in wanted if n in by_id):
        text = errors.excerpt(html_to_text(str(by_id[number].get(subject) or "")), 500)
        row = {"record": f"{name}:{number}", "name": text, "at": values.local(by_id[number].get(timestamp))}
        rows.append({key: value for key, value in row.items() if value})
    return rows


@tools.writes(
    creates=True,
    scopes=WRITE,
    search="add new save enregistre crée ajoute contact contacts prospect nouveau lead person",
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
    or the name is. To change a contact, use hubspot_update_contact. Find a company with hubspot_search_companies.
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


@tools.writes(
    additive=False, idempotent=True, scopes=WRITE, search="modifie mets mise jour change téléphone statut propriétaire"
)
async def update_contact(
    contact: ContactRef,
    properties: Annotated[
        dict[str, Any],
        Field(
            description="New values, by HubSpot's name or label of the property; null clears one.",
            examples=[{"phone": "+33612345678"}],
        ),
    ],
) -> Saved:
    """Change properties of a contact, such as phone number, lead status or owner; the others stay as they are.

    A value that a property does not allow is refused with the allowed ones, before anything is sent. `owner` takes an
    e-mail address from hubspot_list_owners. Find the contact with hubspot_search_contacts.
    """
    path, params = location(contact)
    ready = await records.prepared("contacts", {}, properties)
    return (await records.update("contacts", path, ready, **params)).saved("contact")
