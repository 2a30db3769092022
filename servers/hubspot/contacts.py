"""Contacts: find, read, create, update. API: https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, errors, segment

from . import records, schema, values
from .client import api
from .models import ContactDetail, Found, Row, Saved, flat
from .records import Free, Query, Ref, Refs, Values, Where

tools = Toolset("contacts")

USUAL = ("firstname", "lastname", "email", "phone", "mobilephone", "company", "lifecyclestage", "hubspot_owner_id")
READ, WRITE = ["crm.objects.contacts.read"], ["crm.objects.contacts.read crm.objects.contacts.write"]
LINKED = {  # what a contact is shown with: its kind here, the properties of its name or text and of its time
    "companies": ("company", "name", ""),
    "deals": ("deal", "dealname", "closedate"),
    "notes": ("note", "hs_note_body", "hs_timestamp"),
    "tasks": ("task", "hs_task_subject", "hs_timestamp"),
}
NEWEST = 10  # of each kind
WhoseId = Annotated[str, Field(description="Id or e-mail", examples=["51"])]


def address(contact: str) -> tuple[str, dict[str, str]]:
    """Return the path and the parameters of a contact by id or e-mail address."""
    if "@" in contact:
        return segment(contact.strip()), {"idProperty": "email"}
    return records.id_of(contact, "contact"), {}


@tools.reads(scopes=READ)
async def search_contacts(
    query: Query = None,
    where: Where = None,
    linked_to: Annotated[Ref | None, Field(description="Such as company:9")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Found:
    """Find people in HubSpot: cherche, trouve contact by name, e-mail, phone."""
    return await records.search(
        "contacts",
        lambda raw, wanted: flat("contact", raw, wanted),
        usual=USUAL,
        query=query,
        where=where,
        filters=[records.belongs(linked_to)] if linked_to else [],
        limit=limit,
        cursor=cursor,
    )


@tools.reads(scopes=[f"{READ[0]} crm.objects.companies.read crm.objects.deals.read"])
async def get_contact(
    contact: WhoseId,
    properties: Annotated[list[str] | None, Field(description="More, by name")] = None,
    linked: Annotated[bool, Field(description="With what belongs to it")] = True,
) -> ContactDetail:
    """Show one person: fiche, historique, latest notes, tasks, deals, companies."""
    wanted = await schema.names("contacts", properties or [])
    path, params = address(contact)
    asked: dict[str, Any] = {**params, "properties": list(dict.fromkeys([*USUAL, *wanted]))}
    if linked:
        asked["associations"] = list(LINKED)
    raw = await api.get(f"/crm/v3/objects/contacts/{path}", params=asked)
    found: list[Row] = []
    for kind, links in (raw.get("associations") or {}).items():
        found += await read(kind, [link["id"] for link in links["results"]]) if kind in LINKED else []
    return ContactDetail(contact=flat("contact", raw, wanted), linked=found if linked else None)


async def read(kind: str, numbers: list[str]) -> list[Row]:
    """Return the newest of some records by their ids, in one request."""
    name, subject, when = LINKED[kind]
    newest = sorted(dict.fromkeys(numbers), key=int, reverse=True)[:NEWEST]
    if not newest:
        return []
    asked = [subject, when] if when else [subject]
    body = {"inputs": [{"id": i} for i in newest], "properties": asked, "propertiesWithHistory": []}
    answer = await api.post(f"/crm/v3/objects/{kind}/batch/read", json=body, reads=True)  # 207: some are gone
    got = {str(raw["id"]): raw["properties"] for raw in api.rows_in(answer, "results")}
    found = []
    for number in (n for n in newest if n in got):
        text = errors.excerpt(values.as_text(str(got[number].get(subject) or "")), 500)
        row = {"record": f"{name}:{number}", "name": text, "at": values.told(got[number].get(when)) if when else None}
        found.append({key: value for key, value in row.items() if value})
    return found


@tools.writes(creates=True, scopes=WRITE)
async def create_contact(
    name: Annotated[str, Field(description="First, last", examples=["Jean Dupont"])],
    email: Annotated[str | None, Field(description="E-mail")] = None,
    phone: Annotated[str | None, Field(description="With +33 or so")] = None,
    linked_to: Refs = None,
    properties: Free = None,
) -> Saved:
    """Add a person, new lead: crée, ajoute contact, prospect. One who is there already is told, not created."""
    first, last = names(name)
    given = {"email": email, "firstname": first, "lastname": last, "phone": phone}
    ready = await records.prepared("contacts", given, properties)
    if not ready.get("email"):  # by e-mail, HubSpot itself refuses a second one
        await _unique(ready)
    return Saved.of("contact", await records.create("contacts", ready, linked_to))


def names(text: str) -> tuple[str | None, str | None]:
    """Return first and last name of "Jean Dupont" or "Dupont, Jean"; one word is a last name."""
    last, comma, first = (part.strip() for part in text.partition(","))
    if not comma:
        first, _, last = (part.strip() for part in text.strip().partition(" "))
    return (first or None, last) if last else (None, first or None)


async def _unique(ready: dict[str, str]) -> None:
    """Refuse a person who is there by phone number, else by first and last name."""
    if phone := ready.get("phone"):
        groups = [[records.equal(field, values.spellings(phone))] for field in ("phone", "mobilephone")]
    else:
        groups = [[records.equal(field, ready[field]) for field in ("firstname", "lastname") if ready.get(field)]]
    if not groups[0]:
        raise errors.InvalidInputError(
            "A contact needs a name, an e-mail or a phone number.", "Pass at least one of them."
        )
    found = await records.same("contacts", groups, "firstname lastname email")
    if found:
        what = "phone number" if phone else "name"
        raise errors.InvalidInputError(
            f"HubSpot has a contact with this {what} already: contact:{found[0]} ({errors.excerpt(found[1], 80)}).",
            "Go on with that one; for another person, pass an e-mail address too.",
        )


@tools.writes(additive=False, idempotent=True, scopes=WRITE)
async def update_contact(
    contact: WhoseId,
    properties: Annotated[
        Values,
        Field(description="By name or label; null clears", examples=[{"phone": "+33612345678"}]),
    ],
) -> Saved:
    """Change a person's phone, status, owner …: modifie, mets à jour contact. Wrong values are refused."""
    path, params = address(contact)
    ready = await records.prepared("contacts", {}, properties)
    return Saved.of("contact", await records.update("contacts", path, ready, **params))
