"""Contacts, their tags and notes: https://marketplace.gohighlevel.com/docs/ghl/contacts/contacts"""

from __future__ import annotations

import base64
import re
from contextlib import suppress
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from flotilla import (
    Address,
    Cursor,
    Limit,
    Page,
    Phone,
    Toolset,
    When,
    confirm,
    errors,
    readable,
    segment,
    settings_of,
)
from flotilla.parsing import folded, looks_like_phone, to_utc

from ..client import ContactId, account_zone, api, integration, location
from ..fields import api_values, definitions
from ..models import Changed, Contact, Details, Done, Note, NoteOrTask, Saved, Tags, Task
from .calendars import of_contact
from .opportunities import opportunity_page

tools = Toolset("contacts")

READ, WRITE = ["contacts.readonly"], ["contacts.write"]
ARGUMENTS = {"firstName": "first_name", "lastName": "last_name", "companyName": "company", "address1": "address"}
ARGUMENTS |= {"postalCode": "postal_code"}  # the API's fields, by the arguments' names for them
AFTER = TypeAdapter(list[Any])  # where a search goes on
MORNING = time(9)  # when a task of a day is due
FirstName = Annotated[str | None, Field(description="First name of the person.")]
LastName = Annotated[str | None, Field(description="Last name of the person.")]
Email = Annotated[Address | None, Field(description="The person's e-mail address.")]
PhoneNumber = Annotated[Phone | None, Field(description="Phone number, best as +33612345678.")]
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


def existing(contact: dict[str, Any], fields: dict[str, Any], shared: str, another: str, tags: list[str]) -> Saved:
    """Return a contact that existed already, with a note on what differs and which tags it got, if any."""
    differs = differing(fields, contact)
    done = "Not created, only tagged" if tags else "Not created and not changed"
    note = f"{done}: a contact with this {shared} exists already. "
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
    search=(
        "save add new GHL GoHighLevel crée ajoute contact prospect nouveau lead client enregistre inscris "
        "rentre nouvelle cliente personne coordonnées créer ajouter create enter register put person fiche "
        "dossier record CRM appelle vient caller dame monsieur rencontré met"
    ),
    examples=[
        "ajoute un nouveau prospect",
        "enregistre ce numéro, c'est un futur client",
        "rentre cette personne dans le CRM",
        "crée une fiche pour la dame qui vient d'appeler",
        "nouvelle cliente, voici son mail",
        "add a new lead",
        "save this person with her phone number",
        "put the caller in the CRM",
        "register a new client",
        "create a record for the man I just met",
    ],
)
async def create_contact(
    first_name: FirstName = None,
    last_name: LastName = None,
    email: Email = None,
    phone: PhoneNumber = None,
    company: Annotated[str | None, Field(description="Name of the company.")] = None,
    tags: Annotated[list[str] | None, Field(description="Tags of the contact; those that it has stay.")] = None,
    same_name: Annotated[bool, Field(description="True for another person of the same name.")] = False,
) -> Saved:
    """Create a contact from a name, an e-mail address or a phone number, with tags. Returns its id.

    Where somebody has this e-mail address or phone number already, or without both this name, that contact is returned
    unchanged with `created` false; it gets the tags where it is the same person. To change it: ghl_update_contact.
    """
    labels = _clean(tags or [])
    fields = api_fields(first_name, last_name, email, phone, companyName=company)
    if not any(fields.get(name) for name in ("firstName", "lastName", "email", "phone")):
        raise errors.InvalidInputError(
            "A contact needs a name, an e-mail address or a phone number.", "Ask the user for one."
        )
    if not (email or phone or same_name) and (known := await of_name(first_name, last_name)):
        return existing(known, fields, "name", "pass same_name=true", [])
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
        another = f"leave the {shared} out"
        named_otherwise = {"first_name", "last_name"} & set(differing(fields, known))
        if not labels or (named_otherwise and not by_email):  # a shared phone number may be somebody else's
            return existing(known, fields, shared, another, [])
        answer = await api.post(path_of(known["id"], "tags"), json={"tags": labels})
        return existing({**known, **answer}, fields, shared, another, labels)
    body = {"locationId": await location(), **fields, "tags": labels or None}
    made = (await api.post("/contacts/", json=body))["contact"]
    return Saved.model_validate({**made, "created": True, "note": not_stored(fields, made)})


def _shown(contact: dict[str, Any]) -> str:
    about = Contact.model_validate(contact)
    return errors.excerpt(f"{about.name or about.email or about.phone or 'a contact'} ({about.id})", 120)


@tools.reads(
    scopes=READ,
    search=(
        "find GHL GoHighLevel numéro fiche tagged cherche trouve contact contacts client personne find "
        "retrouve recherche coordonnées téléphone e-mail mail tag étiquetés étiquette liste derniers "
        "prospects search look up lookup who people leads latest phone number email cliente prospect lead "
        "dossier record CRM person adresse have est-ce qu'on"
    ),
    examples=[
        "retrouve-moi ce client",
        "c'est à qui ce numéro",
        "tu as son adresse mail ?",
        "liste les contacts étiquetés VIP",
        "quels sont les derniers prospects arrivés",
        "look up this client",
        "whose phone number is this",
        "do we have her in the CRM",
        "list everybody tagged VIP",
        "who are the newest leads",
    ],
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


Part = Literal["notes", "tasks", "appointments", "opportunities"]


@tools.reads(
    scopes=READ,
    search=(
        "fiche complète détails tout whole everything notes historique tâches rendez-vous opportunités lire "
        "dossier détail infos savoir dit adresse complet profil résumé échanges avant appel record profile "
        "background history file know about briefing last time client cliente prospect lead personne CRM "
        "person habite où lives address"
    ),
    examples=[
        "Qu'est-ce qu'on s'était dit avec Zoé ?",
        "Quels rendez-vous a Jean Dupont ?",
        "Montre-moi sa fiche",
        "dis-moi tout sur ce client avant mon appel",
        "ouvre son dossier",
        "qu'est-ce qu'on sait d'elle",
        "montre les notes qu'on a prises sur lui",
        "elle habite où déjà",
        "tell me all we know about this client",
        "open her file",
        "what did we say last time",
        "what notes do we have on him",
        "brief me on this lead before the call",
    ],
)
async def get_contact(
    contact_id: ContactId,
    include: Annotated[
        list[Part] | None,
        Field(description="Which of its lists to show; all without it."),
    ] = None,
    limit: Annotated[int, Field(ge=1, le=100, description="Maximum items of each list.")] = 10,
) -> Details:
    """Get one contact with everything that is known of it: address, custom fields, tags, notes, tasks, appointments
    and opportunities (deals), each with its id.

    Use it before you change, move or cancel one of these, or to learn what was said. For messages use
    ghl_list_messages. Find the contact with ghl_search_contacts.
    """
    wanted = set(include or ("notes", "tasks", "appointments", "opportunities"))
    contact = Details.model_validate((await api.get(path_of(contact_id)))["contact"])
    remarks = []
    if contact.custom_fields:
        names: dict[str, str] = {}
        with suppress(errors.PermissionDeniedError):  # another scope; the values are shown without names
            names = {one.id: one.name for one in await definitions()}
        for field in contact.custom_fields:
            field.name = names.get(field.id)
    lists: dict[str, list[Any]] = {}
    if "notes" in wanted:
        notes = readable(Note, await api.rows(path_of(contact_id, "notes"), "notes", missing=True))
        lists["notes"] = sorted(notes, key=lambda one: str(one.date_added or ""), reverse=True)
    if "tasks" in wanted:
        tasks = readable(Task, await api.rows(path_of(contact_id, "tasks"), "tasks", missing=True))
        lists["tasks"] = sorted(tasks, key=lambda one: (one.completed, str(one.due or "")))
    if "appointments" in wanted:
        lists["appointments"] = await of_contact(contact_id)
    if "opportunities" in wanted:
        with suppress(errors.PermissionDeniedError):
            lists["opportunities"] = (await opportunity_page({"contact_id": contact_id}, 100, None)).items
        if "opportunities" not in lists:
            remarks.append("The opportunities are not shown: the scope opportunities.readonly is missing.")
    for name, rows in lists.items():
        if len(rows) > limit:
            remarks.append(f"{limit} of {len(rows)} {name} are shown: pass a larger limit.")
    shown = {name: rows[:limit] for name, rows in lists.items()}
    return contact.model_copy(update={**shown, "note": " ".join(remarks) or None})


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "modifie change mets mise jour téléphone e-mail adresse nom actualise corrige rectifie remplace "
        "nouveau numéro nouvelle déménagé changé renseigne champ personnalisé code postal update edit correct "
        "fix moved new phone email number address fill field set client cliente prospect lead personne fiche "
        "dossier record CRM person"
    ),
    examples=[
        "il a changé de numéro, mets à jour",
        "corrige son adresse mail",
        "elle a déménagé, voici la nouvelle adresse",
        "son nom est mal écrit, rectifie",
        "renseigne le champ Budget de ce prospect",
        "his phone number changed, update it",
        "fix the spelling of her name",
        "she moved, here is the new address",
        "correct the e-mail of this client",
        "fill in the budget field for this lead",
    ],
)
async def update_contact(
    contact_id: ContactId,
    first_name: FirstName = None,
    last_name: LastName = None,
    email: Email = None,
    phone: PhoneNumber = None,
    address: Annotated[str | None, Field(description="Street and house number.")] = None,
    postal_code: Annotated[str | None, Field(description="Postal or ZIP code.")] = None,
    city: Annotated[str | None, Field(description="Name of the city.")] = None,
    custom_fields: Annotated[
        dict[str, str] | None,
        Field(description="The account's own fields by name; several options by comma."),
    ] = None,
) -> Changed:
    """Change a contact's name, e-mail address, phone number, postal address or custom fields; what is left out stays as
    it is.

    A note in the result says what GoHighLevel did not store. For tags use ghl_add_tags; the company cannot be changed.
    Find the contact with ghl_search_contacts.
    """
    fields = api_fields(first_name, last_name, email, phone, address1=address, postalCode=postal_code, city=city)
    own = await api_values(custom_fields or {})
    if not fields and not own:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one field.")
    body = {**fields, "customFields": own or None}
    contact = (await api.put(path_of(contact_id), json=body))["contact"]
    return Changed.model_validate({**contact, "note": not_stored(fields, contact)})


@tools.destroys(
    asks=True,
    core=False,
    scopes=["contacts.readonly contacts.write"],
    search=(
        "supprime efface supprimer effacer vire RGPD oubli définitivement contact fiche poubelle delete erase "
        "remove wipe good GDPR forget get rid purge client cliente prospect lead personne dossier record CRM "
        "person jette spam"
    ),
    examples=[
        "supprime ce contact définitivement",
        "efface cette personne de la base",
        "elle veut qu'on supprime ses données, RGPD",
        "vire ce prospect, c'est un spam",
        "jette cette fiche",
        "delete this contact for good",
        "erase him from the database",
        "she wants her data wiped, GDPR",
        "get rid of that spam lead",
        "remove this person completely",
    ],
)
async def delete_contact(contact_id: ContactId) -> Done:
    """Delete a contact for good, with its notes and conversations. It cannot be undone.

    Find the contact with ghl_search_contacts. To take a contact out of a workflow only, use ghl_remove_from_automation.
    """
    about = Contact.model_validate((await api.get(path_of(contact_id)))["contact"])
    await confirm(f"Delete the contact {about.name or about.email or about.phone or contact_id} for good?")
    return Done.model_validate(await api.delete(path_of(contact_id)) or {})


@tools.writes(
    idempotent=True,
    scopes=WRITE,
    search=(
        "ajoute tag étiquette marque étiquettes taguer tague étiqueter libellé catégorie marquer label mark "
        "as flag categorize classify pose"
    ),
    examples=[
        "tague-le comme VIP",
        "mets l'étiquette Chaud sur ce prospect",
        "marque cette cliente comme fidèle",
        "ajoute le libellé Newsletter",
        "classe-les dans Investisseurs avec un tag",
        "tag him as VIP",
        "put the label Hot on this lead",
        "flag her as a returning customer",
        "mark them as newsletter readers",
        "label this one as a partner",
    ],
)
async def add_tags(contact_id: ContactId, tags: TagNames) -> Tags:
    """Add tags to those that a contact has; none is lost. A tag that does not exist yet is made.

    Returns all tags of the contact. A tag may start a workflow. Find the contact with ghl_search_contacts.
    """
    answer = await api.post(path_of(contact_id, "tags"), json={"tags": _clean(tags)})
    return Tags.model_validate(answer)


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "retire enlève tag étiquette étiquettes libellé ôte supprime plus n'est détague untag remove strip "
        "drop take off label no longer clear"
    ),
    examples=[
        "enlève-lui l'étiquette VIP",
        "il n'est plus prospect, retire le tag",
        "ôte le libellé Newsletter",
        "détague cette personne",
        "supprime le tag Chaud de sa fiche",
        "untag him",
        "take the VIP label off her",
        "she is no longer a prospect, drop that tag",
        "strip the Hot label",
        "remove the newsletter tag",
    ],
)
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


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "ajoute écris note compte rendu commentaire tâche rappel rappelle-moi relance à faire task reminder "
        "todo notes consigne mémo résumé appel noter rappelle rappels échéance penser souviens jot down write "
        "log memo remember remind call back follow up put record"
    ),
    examples=[
        "Rappelle-moi jeudi d'appeler Zoé",
        "Note qu'il attend le devis",
        "Add a task to call her back Monday",
        "note qu'elle préfère être appelée le soir",
        "écris un compte rendu de l'appel sur sa fiche",
        "mets-moi un rappel pour la relancer lundi",
        "fais-moi penser à lui envoyer le contrat",
        "jot down that he has two kids",
        "write up the call on her record",
        "remind me to follow up on Monday",
        "put a note: prefers evenings",
        "don't let me forget to send him the contract",
    ],
)
async def add_note(
    contact_id: ContactId,
    body: Annotated[str, Field(min_length=1, description="Plain text, or what is to be done.", examples=["Rappeler"])],
    due: Annotated[
        When | None,
        Field(description="Makes it a task due at this time or day."),
    ] = None,
) -> NoteOrTask:
    """Add a note to a contact, such as what was said in a call; with `due`, add a task (a reminder) instead.

    The contact does not see it. A time without an offset is read in the account's time zone; a day means 9:00. To
    write to the contact instead, use ghl_send_message.
    """
    if due is None:
        note = (await api.post(path_of(contact_id, "notes"), json={"body": body}))["note"]
        return NoteOrTask(id=note["id"], kind="note")
    moment = due.at(account_zone(), time_of_day=MORNING)
    title, _, rest = body.strip().partition("\n")
    payload = {"title": title, "body": rest.strip() or None, "dueDate": to_utc(moment), "completed": False}
    task = (await api.post(path_of(contact_id, "tasks"), json=payload))["task"]
    return NoteOrTask(id=task["id"], kind="task", due=moment)
