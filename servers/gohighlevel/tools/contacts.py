"""Contacts, their tags and notes: https://marketplace.gohighlevel.com/docs/ghl/contacts/contacts"""

from __future__ import annotations

import base64
import re
from contextlib import suppress
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from flotilla import Address, Cursor, Limit, Page, Phone, Toolset, confirm, errors, readable, segment, settings_of
from flotilla.parsing import folded, looks_like_phone

from ..client import ContactId, api, integration, location
from ..models import Changed, Contact, Details, Done, Note, Saved, Tags

tools = Toolset("contacts")

READ, WRITE = ["contacts.readonly"], ["contacts.write"]
ARGUMENTS = {"firstName": "first_name", "lastName": "last_name", "companyName": "company", "address1": "address"}
ARGUMENTS |= {"postalCode": "postal_code"}  # the API's fields, by the arguments' names for them
AFTER = TypeAdapter(list[Any])  # where a search goes on
FirstName = Annotated[str | None, Field(description="First name of the person.")]
LastName = Annotated[str | None, Field(description="Last name of the person.")]
Email = Annotated[Address | None, Field(description="E-mail address of the person.")]
PhoneNumber = Annotated[Phone | None, Field(description="Phone number, best with the calling code (+33).")]
TagNames = Annotated[list[str], Field(min_length=1, description="Names of the tags.", examples=[["Lead Chaud"]])]


def path_of(contact_id: str, *more: str) -> str:
    """Return the path of a contact, or of something below it."""
    return "/".join(("/contacts", segment(contact_id), *more))


def api_fields(
    first_name: str | None, last_name: str | None, email: Address | None, phone: Phone | None, **more: str | None
) -> dict[str, Any]:
    """Return a contact's fields as the API takes them; raises errors.InvalidInputError for a bad phone number."""
    texts = {"firstName": first_name, "lastName": last_name, "email": email.address if email else None, **more}
    fields = {name: " ".join(text.split()) for name, text in texts.items() if text is not None}
    return {**fields, **({"phone": phone.e164(settings_of(integration).country)} if phone else {})}


async def search(body: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    """Search contacts. https://marketplace.gohighlevel.com/docs/ghl/contacts/search-contacts-advanced"""
    payload = {"locationId": await location(), "pageLimit": limit, **body}
    answer = await api.post("/contacts/search", json=payload, reads=True)
    return api.rows_in(answer, "contacts")


async def of_name(first_name: str | None, last_name: str | None) -> dict[str, Any] | None:
    """Return the first contact of exactly this name, accents and capitals apart."""
    name = " ".join(part for part in (first_name, last_name) if part)
    rows = await search({"query": name[:75], "page": 1}, 20)
    same = (one.id for one in readable(Contact, rows) if folded(one.name or "") == folded(name))
    contact_id = next(same, None)
    return next((row for row in rows if contact_id and row.get("id") == contact_id), None)


async def owner(**known_by: str | None) -> dict[str, Any] | None:
    """Return the contact that has this `email` or this phone `number`, None where nobody has it.

    https://marketplace.gohighlevel.com/docs/ghl/contacts/get-duplicate-contact
    """
    if not any(known_by.values()):
        return None
    with suppress(errors.NotFoundError):
        answer = await api.get("/contacts/search/duplicate", params={"locationId": await location(), **known_by})
        return (answer or {}).get("contact") or None
    return None


def differing(sent: dict[str, Any], contact: dict[str, Any]) -> list[str]:
    """Return the arguments whose values a contact does not have.

    Capitals and accents do not count, since the API gives names back in small letters; of a phone number the digits do.
    """
    names = []
    for field, value in sent.items():
        stored = str(contact.get(field) or "")
        if field == "phone":
            same = re.sub(r"\D", "", stored) == re.sub(r"\D", "", value)
        else:
            same = folded(stored) == folded(value)
        if not same:
            names.append(ARGUMENTS.get(field, field))
    return names


def unchanged(contact: dict[str, Any], fields: dict[str, Any], shared: str, another: str) -> Saved:
    """Return a contact that existed already, with a note that nothing was done to it and what differs."""
    differs = differing(fields, contact)
    note = f"Not created and not changed: a contact with this {shared} exists already. "
    note += f"It differs from the arguments in {', '.join(differs)}. " if differs else ""
    note += (
        f"To change it, call ghl_update_contact with its id; to tag it, ghl_add_tags. For another person: {another}."
    )
    return Saved.model_validate({**contact, "created": False, "note": note})


def not_stored(fields: dict[str, Any], contact: dict[str, Any]) -> str | None:
    """Return a note on the fields that did not come back as they were sent, None where all did."""
    lost = ", ".join(differing(fields, contact))
    if not lost:
        return None
    return f"GoHighLevel did not store this as it was sent: {lost}. Tell the user; the result shows what it has."


@tools.writes(
    creates=True,
    scopes=["contacts.readonly contacts.write"],
    search="save add new GHL GoHighLevel crée ajoute contact prospect nouveau lead client",
)
async def create_contact(
    first_name: FirstName = None,
    last_name: LastName = None,
    email: Email = None,
    phone: PhoneNumber = None,
    company: Annotated[str | None, Field(description="Name of the person's company.")] = None,
    same_name: Annotated[
        bool, Field(description="True to create another contact with a name that exists already.")
    ] = False,
) -> Saved:
    """Create a contact from a name, an e-mail address or a phone number. Returns its id.

    Where somebody has this e-mail address or phone number already, or without both this name, that contact is returned
    unchanged with `created` false and a note. To change it, use ghl_update_contact; to tag it, ghl_add_tags.
    """
    fields = api_fields(first_name, last_name, email, phone, companyName=company)
    if not any(fields.get(name) for name in ("firstName", "lastName", "email", "phone")):
        raise errors.InvalidInputError(
            "A contact needs a name, an e-mail address or a phone number.", "Ask the user for one."
        )
    if not (email or phone or same_name) and (known := await of_name(first_name, last_name)):
        return unchanged(known, fields, "name", "pass same_name=true")
    # Two requests: with both in one the API looks at the first only, and an upsert overwrites another person.
    by_email, by_phone = await owner(email=fields.get("email")), await owner(number=fields.get("phone"))
    if by_email and by_phone and by_email["id"] != by_phone["id"]:
        raise errors.InvalidInputError(
            f"Nothing was created or changed: the e-mail address belongs to {_shown(by_email)}, "
            f"and the phone number to {_shown(by_phone)}.",
            "Ask the user who is meant, and use that contact's id.",
        )
    if known := by_email or by_phone:
        shared = "e-mail and phone" if by_email and by_phone else "e-mail" if by_email else "phone"
        return unchanged(known, fields, shared, f"leave the {shared} out")
    made = (await api.post("/contacts/", json={"locationId": await location(), **fields}))["contact"]
    return Saved.model_validate({**made, "created": True, "note": not_stored(fields, made)})


def _shown(contact: dict[str, Any]) -> str:
    about = Contact.model_validate(contact)
    return errors.excerpt(f"{about.name or about.email or about.phone or 'a contact'} ({about.id})", 120)


@tools.reads(
    scopes=READ, search="find GHL GoHighLevel numéro fiche tagged cherche trouve contact contacts client personne find"
)
async def search_contacts(
    query: Annotated[
        str | None, Field(max_length=75, description="Words from the name, e-mail address or phone number.")
    ] = None,
    tag: Annotated[str | None, Field(description="Only contacts that have this tag.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Contact]:
    """Search contacts by name, e-mail address, phone number or tag, newest first.

    Returns short rows, each with the id that the other tools take. Without query and tag, the newest contacts.
    """
    if query and looks_like_phone(query):
        with suppress(errors.InvalidInputError):  # a part of a number, or a year, is looked for as it is
            query = Phone.read(query).e164(settings_of(integration).country)
    filters = [{"field": "tags", "operator": "contains", "value": [tag]}] if tag else None
    body = {
        "query": query,
        "filters": filters,
        "sort": [{"field": "dateAdded", "direction": "desc"}],
        "searchAfter": _opened(cursor) if cursor else None,
        "page": None if cursor else 1,
    }
    rows = await search(body, limit)
    after = rows[-1].get("searchAfter") if len(rows) >= limit else None
    return Page(items=readable(Contact, rows), next_cursor=_cursor(after) if after else None)


def _cursor(after: list[Any]) -> str:
    return base64.urlsafe_b64encode(AFTER.dump_json(after)).decode()


def _opened(cursor: str) -> list[Any]:
    with suppress(ValueError):
        return AFTER.validate_json(base64.urlsafe_b64decode(cursor.encode("ascii", "replace")))
    raise errors.InvalidInputError("The cursor is not valid.", "Leave it out to start at the first page.")


@tools.reads(core=False, scopes=READ, search="fiche complète détails whole everything")
async def get_contact(contact_id: ContactId) -> Details:
    """Get one contact with everything that is known of it: company, address, source, owner, custom fields, tags.

    Use it where a row of ghl_search_contacts does not say enough. Notes and messages are not shown.
    """
    return Details.model_validate((await api.get(path_of(contact_id)))["contact"])


@tools.writes(
    additive=False, idempotent=True, scopes=WRITE, search="modifie change mets mise jour téléphone e-mail adresse nom"
)
async def update_contact(
    contact_id: ContactId,
    first_name: FirstName = None,
    last_name: LastName = None,
    email: Email = None,
    phone: PhoneNumber = None,
    address: Annotated[str | None, Field(description="Street and number of the address.")] = None,
    postal_code: Annotated[str | None, Field(description="Postal code of the address.")] = None,
    city: Annotated[str | None, Field(description="City of the address.")] = None,
) -> Changed:
    """Change a contact's name, e-mail address, phone number or postal address; what is left out stays as it is.

    A note in the result says what GoHighLevel did not store. For tags use ghl_add_tags. Find the contact with
    ghl_search_contacts.
    """
    fields = api_fields(first_name, last_name, email, phone, address1=address, postalCode=postal_code, city=city)
    if not fields:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one field.")
    contact = (await api.put(path_of(contact_id), json=fields))["contact"]
    return Changed.model_validate({**contact, "note": not_stored(fields, contact)})


@tools.destroys(asks=True, core=False, scopes=["contacts.readonly contacts.write"], search="supprime efface")
async def delete_contact(contact_id: ContactId) -> Done:
    """Delete a contact for good, with its notes and conversations. It cannot be undone.

    Find the contact with ghl_search_contacts. To take a contact out of a workflow only, use ghl_remove_from_automation.
    """
    about = await get_contact(contact_id)
    await confirm(f"Delete the contact {about.name or about.email or about.phone or contact_id} for good?")
    return Done.model_validate(await api.delete(path_of(contact_id)) or {})


@tools.writes(idempotent=True, scopes=WRITE, search="ajoute tag étiquette marque")
async def add_tags(contact_id: ContactId, tags: TagNames) -> Tags:
    """Add tags to those that a contact has; none is lost. A tag that does not exist yet is made.

    Returns all tags of the contact. A tag may start a workflow. Find the contact with ghl_search_contacts.
    """
    answer = await api.post(path_of(contact_id, "tags"), json={"tags": _clean(tags)})
    return Tags.model_validate(answer)


@tools.writes(core=False, additive=False, idempotent=True, scopes=WRITE, search="retire enlève tag étiquette")
async def remove_tags(contact_id: ContactId, tags: TagNames) -> Tags:
    """Take tags off a contact; its other tags stay. Returns the tags that it still has.

    Find the contact and its tags with ghl_search_contacts.
    """
    answer = await api.delete(path_of(contact_id, "tags"), json={"tags": _clean(tags)})
    return Tags.model_validate(answer)


def _clean(tags: list[str]) -> list[str]:
    names = list(dict.fromkeys(" ".join(tag.split()) for tag in tags))
    if not all(names):
        raise errors.InvalidInputError("A tag is empty.", "Leave it out.")
    return names


@tools.writes(creates=True, scopes=WRITE, search="ajoute écris note compte rendu commentaire")
async def add_note(
    contact_id: ContactId,
    body: Annotated[str, Field(min_length=1, description="Plain text of the note.", examples=["Rappeler mardi"])],
) -> Note:
    """Add a note to a contact, such as what was said in a call or a meeting. The contact does not see it.

    Find the contact with ghl_search_contacts. To write to the contact instead, use ghl_send_message.
    """
    return Note.model_validate((await api.post(path_of(contact_id, "notes"), json={"body": body}))["note"])
