"""Contacts, their tags and notes: https://marketplace.gohighlevel.com/docs/ghl/contacts/contacts"""

from __future__ import annotations

import base64
import binascii
import json
import re
from contextlib import suppress
from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm, errors, segment, settings_of

from .client import ContactId, api, folded, integration, location
from .models import Changed, Contact, Details, Done, Note, Saved, Tags
from .phones import e164, looks_like_one

tools = Toolset("contacts")

READ, WRITE = ["contacts.readonly"], ["contacts.write"]
SPOKEN = {"firstName": "first_name", "lastName": "last_name", "companyName": "company", "address1": "address"}
SPOKEN |= {"postalCode": "postal_code"}  # the API's fields under the names that the tools have for them
Name = Annotated[str | None, Field(description="As said")]
Email = Annotated[str | None, Field(description="E-mail")]
Phone = Annotated[str | None, Field(description="06 12… or +33 6 12…")]
TagNames = Annotated[list[str], Field(min_length=1, description="Names", examples=[["Lead Chaud"]])]


def path_of(contact_id: str, *more: str) -> str:
    """Return the path of a contact, or of something below it."""
    return "/".join(("/contacts", segment(contact_id), *more))


def spoken(
    first_name: str | None, last_name: str | None, email: str | None, phone: str | None, **more: str | None
) -> dict[str, Any]:
    """Return a contact's fields as the API takes them.

    Raises errors.InvalidInputError for a bad e-mail address or phone number.
    """
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", email.strip()):
        raise errors.InvalidInputError(
            f"`{errors.excerpt(email, 60)}` is no e-mail address.", "Pass one such as jean@exemple.fr."
        )
    told = {"firstName": first_name, "lastName": last_name, "email": email, **more}
    clean = {name: " ".join(text.split()) for name, text in told.items() if text is not None}
    return {**clean, **({} if phone is None else {"phone": e164(phone, settings_of(integration).country)})}


async def found(body: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    """Search contacts. https://marketplace.gohighlevel.com/docs/ghl/contacts/search-contacts-advanced"""
    sent = {"locationId": await location(), "pageLimit": limit, **body}
    answer = await api.post("/contacts/search", json=sent, reads=True)
    return api.rows_in(answer, "contacts")


async def namesake(first_name: str | None, last_name: str | None) -> dict[str, Any] | None:
    """Return the first contact of exactly this name, accents and capitals apart."""
    name = " ".join(part for part in (first_name, last_name) if part)
    rows = await found({"query": name[:75], "page": 1}, 20)
    return next((row for row in rows if folded(Contact.model_validate(row).name or "") == folded(name)), None)


async def owner(**known_by: str | None) -> dict[str, Any] | None:
    """Return the contact that has this `email` or this phone `number`, None where nobody has it.

    https://marketplace.gohighlevel.com/docs/ghl/contacts/get-duplicate-contact
    """
    if not any(known_by.values()):
        return None
    with suppress(errors.NotFoundError):
        found = await api.get("/contacts/search/duplicate", params={"locationId": await location(), **known_by})
        return (found or {}).get("contact") or None
    return None


def differing(sent: dict[str, Any], contact: dict[str, Any]) -> list[str]:
    """Return the tools' names of the fields that a contact does not have as they were given.

    Capitals and accents apart, since the API gives names back in small letters; of a phone number the digits count.
    """
    names = []
    for field, value in sent.items():
        have = str(contact.get(field) or "")
        if field == "phone":
            same = re.sub(r"\D", "", have) == re.sub(r"\D", "", value)
        else:
            same = folded(have) == folded(value)
        if not same:
            names.append(SPOKEN.get(field, field))
    return names


def unchanged(contact: dict[str, Any], fields: dict[str, Any], shared: str, another: str) -> Saved:
    """Return a contact that was there already, and say that nothing was done to it and what differs."""
    differs = differing(fields, contact)
    note = f"Not created and not changed: a contact with this {shared} exists already. "
    note += f"It differs from what was given in {', '.join(differs)}. " if differs else ""
    note += (
        f"To change it, call ghl_update_contact with its id; to tag it, ghl_add_tags. For another person: {another}."
    )
    return Saved.model_validate({**contact, "created": False, "note": note})


def not_kept(fields: dict[str, Any], contact: dict[str, Any]) -> str | None:
    """Return a note on the fields that did not come back as they were sent, None where all did."""
    lost = ", ".join(differing(fields, contact))
    return (
        f"GoHighLevel did not keep this as given: {lost}. Tell the user; the result shows what it has."
        if lost
        else None
    )


@tools.writes(creates=True, scopes=["contacts.readonly contacts.write"])
async def create_contact(
    first_name: Name = None,
    last_name: Name = None,
    email: Email = None,
    phone: Phone = None,
    company: Annotated[str | None, Field(description="Company")] = None,
    same_name: Annotated[bool, Field(description="true: another one of a name that is there")] = False,
) -> Saved:
    """Create a contact (crée le contact, lead). Who has this e-mail or phone is returned unchanged: see `created`."""
    fields = spoken(first_name, last_name, email, phone, companyName=company)
    if not any(fields.get(name) for name in ("firstName", "lastName", "email", "phone")):
        raise errors.InvalidInputError("A contact needs a name, an e-mail or a phone.", "Ask the user for one.")
    if not (email or phone or same_name) and (there := await namesake(first_name, last_name)):
        return unchanged(there, fields, "name", "pass same_name=true")
    # looked for apart: with both in one question the API looks at the first only, and an upsert writes over a person
    by_email, by_phone = await owner(email=fields.get("email")), await owner(number=fields.get("phone"))
    if by_email and by_phone and by_email["id"] != by_phone["id"]:
        raise errors.InvalidInputError(
            f"Nothing was created or changed: the e-mail address belongs to {_shown(by_email)}, "
            f"and the phone number to {_shown(by_phone)}.",
            "Ask the user who is meant, and use that contact's id.",
        )
    if there := by_email or by_phone:
        shared = "e-mail and phone" if by_email and by_phone else "e-mail" if by_email else "phone"
        return unchanged(there, fields, shared, f"leave the {shared} out")
    made = (await api.post("/contacts/", json={"locationId": await location(), **fields}))["contact"]
    return Saved.model_validate({**made, "created": True, "note": not_kept(fields, made)})


def _shown(contact: dict[str, Any]) -> str:
    about = Contact.model_validate(contact)
    return errors.excerpt(f"{about.name or about.email or about.phone or 'a contact'} ({about.id})", 120)


@tools.reads(scopes=READ)
async def search_contacts(
    query: Annotated[str | None, Field(max_length=75, description="Name, e-mail, phone …")] = None,
    tag: Annotated[str | None, Field(description="Only with this tag")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Contact]:
    """Find a contact (cherche, trouve) by name, e-mail, phone number or tag, newest first."""
    if query and looks_like_one(query):
        with suppress(errors.InvalidInputError):  # a part of a number, or a year, is looked for as it is
            query = e164(query, settings_of(integration).country)
    filters = [{"field": "tags", "operator": "contains", "value": [tag]}] if tag else None
    body = {
        "query": query,
        "filters": filters,
        "sort": [{"field": "dateAdded", "direction": "desc"}],
        "searchAfter": _opened(cursor) if cursor else None,
        "page": None if cursor else 1,
    }
    rows = await found(body, limit)
    after = rows[-1].get("searchAfter") if len(rows) >= limit else None
    return Page(items=[Contact.model_validate(row) for row in rows], next_cursor=_sealed(after) if after else None)


def _sealed(after: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(after).encode()).decode()


def _opened(cursor: str) -> list[Any]:
    try:
        after = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii", "replace")))
    except (binascii.Error, ValueError):
        after = None
    if not isinstance(after, list):
        raise errors.InvalidInputError("The cursor is not one of ours.", "Leave it out to start at the first page.")
    return after


@tools.reads(core=False, scopes=READ)
async def get_contact(contact_id: ContactId) -> Details:
    """Get one contact whole, everything: company, address, source, owner, custom fields."""
    return Details.model_validate((await api.get(path_of(contact_id)))["contact"])


@tools.writes(additive=False, idempotent=True, scopes=WRITE)
async def update_contact(
    contact_id: ContactId,
    first_name: Name = None,
    last_name: Name = None,
    email: Email = None,
    phone: Phone = None,
    address: Annotated[str | None, Field(description="Street")] = None,
    postal_code: Annotated[str | None, Field(description="Postal code")] = None,
    city: Annotated[str | None, Field(description="City")] = None,
) -> Changed:
    """Change a contact's name, e-mail, phone number or address; what is left out stays. Tags: ghl_add_tags."""
    fields = spoken(first_name, last_name, email, phone, address1=address, postalCode=postal_code, city=city)
    if not fields:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one field.")
    contact = (await api.put(path_of(contact_id), json=fields))["contact"]
    return Changed.model_validate({**contact, "note": not_kept(fields, contact)})


@tools.destroys(asks=True, core=False, scopes=["contacts.readonly contacts.write"])
async def delete_contact(contact_id: ContactId) -> Done:
    """Delete a contact for good (supprime), with its notes and conversations."""
    about = await get_contact(contact_id)
    await confirm(f"Delete the contact {about.name or about.email or about.phone or contact_id} for good?")
    return Done.model_validate(await api.delete(path_of(contact_id)) or {})


@tools.writes(idempotent=True, scopes=WRITE)
async def add_tags(contact_id: ContactId, tags: TagNames) -> Tags:
    """Tag a contact: add a tag (ajoute, étiquette) to those that it has; none is lost."""
    answer = await api.post(path_of(contact_id, "tags"), json={"tags": _named(tags)})
    return Tags.model_validate(answer)


@tools.writes(core=False, additive=False, idempotent=True, scopes=WRITE)
async def remove_tags(contact_id: ContactId, tags: TagNames) -> Tags:
    """Take a tag off a contact (retire, étiquette); the others stay."""
    answer = await api.delete(path_of(contact_id, "tags"), json={"tags": _named(tags)})
    return Tags.model_validate(answer)


def _named(tags: list[str]) -> list[str]:
    clean = list(dict.fromkeys(" ".join(tag.split()) for tag in tags))
    if not all(clean):
        raise errors.InvalidInputError("A tag is empty.", "Leave it out.")
    return clean


@tools.writes(creates=True, scopes=WRITE)
async def add_note(
    contact_id: ContactId,
    body: Annotated[str, Field(min_length=1, description="Text", examples=["Rappeler mardi"])],
) -> Note:
    """Write a note on a contact (ajoute): what was said in a call or a meeting."""
    return Note.model_validate((await api.post(path_of(contact_id, "notes"), json={"body": body}))["note"])
