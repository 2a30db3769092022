"""Persons and organizations: created, changed, merged; and any record deleted."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from flotilla import Address, Phone, Toolset, confirm, connection_of, errors
from flotilla.parsing import folded

from .. import account, records, values
from ..client import V1, V2, api, integration, record
from ..models import Deleted, Saved, Thing
from ..records import PLURAL, Fields, OrganizationRef, OwnerRef, RecordRef

tools = Toolset("contacts")
WRITE = ["search:read contacts:full users:read"]
MERGED = ("deal", "person", "organization")


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "crée ajoute enregistre contact personne client nouveau new contact add person fiche "
        "interlocuteur carnet d'adresses coordonnées inconnu nouvel ajouter enregistrer noter numéro "
        "save caller number address book customer register dame monsieur n'a pas encore crée-la lady "
        "man don't have yet"
    ),
    examples=[
        "Ajoute Zoé Lefèvre, 06 12 34 56 78, de la boulangerie Roy",
        "Create a contact for this caller",
        "Enregistre ce numéro, c'est un nouveau client",
        "Crée une fiche pour la dame que je viens d'avoir au téléphone",
        "Ajoute l'acheteuse de chez eux dans mes contacts",
        "Note ses coordonnées, on ne l'a pas encore",
        "Nouveau contact : mail et portable",
        "Save this person's number",
        "We don't have her yet, put her in",
        "Add the new buyer to my contacts",
        "Register this caller as a customer",
        "New person, here's the mobile and the e-mail",
    ],
)
async def create_person(
    name: Annotated[str, Field(min_length=1, description="First and last name.", examples=["Paul Martin"])],
    phone: Annotated[Phone | None, Field(description="Phone number, as people write it.")] = None,
    email: Annotated[Address | None, Field(description="E-mail address of the person.")] = None,
    organization: OrganizationRef = None,
    owner: OwnerRef = None,
    fields: Fields = None,
    same_name: Annotated[bool, Field(description="True for a namesake.")] = False,
) -> Saved:
    """Create a person. Returns its record (person:5).

    Fails with the existing record where somebody has this phone number or e-mail address; without both, this name. A
    new organization is made first with pipedrive_create_organization.
    """
    country = connection_of(integration).fleet.country
    number = phone.e164(country) if phone else None
    await _check_new_person(name, phone, email, same_name)
    await account.me()
    body = {
        "name": name.strip(),
        "phones": [{"value": number, "primary": True, "label": "work"}] if number else None,
        "emails": [{"value": email.address, "primary": True, "label": "work"}] if email else None,
        "org_id": await records.number(organization),
        "owner_id": await account.owner_id(owner),
        **await values.fitted("person", fields),
    }
    return records.saved("person", Thing.model_validate(await record("POST", f"{V2}/persons", json=body)))


async def _check_new_person(name: str, phone: Phone | None, email: Address | None, same_name: bool) -> None:
    """Refuse a person who is there, by phone number or e-mail address, and without both by name."""
    known = await records.by_email(email.address) if email else []
    shared = "e-mail address"
    if not known and phone:
        known, shared = await records.by_phone(str(phone)), "phone number"
    if not (phone or email or same_name):
        same = [one for one in await records.candidates("person", name) if folded(records.name_of(one)) == folded(name)]
        known, shared = same, "name"
    if known:
        shown = f"person:{known[0].id} ({errors.excerpt(records.name_of(known[0]), 60)})"
        option = ", or pass same_name=true for another one" if shared == "name" else ""
        raise errors.InvalidInputError(
            f"Pipedrive has a person with this {shared} already: {shown}.",
            f"Use that record, change it with pipedrive_update_record{option}.",
        )


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "crée ajoute organisation entreprise société compte company account new boîte firme "
        "établissement client pro raison sociale nouvelle business firm register restaurant magasin "
        "mairie association commerce school shop"
    ),
    examples=[
        "Crée l'entreprise Boulangerie Roy à Lyon",
        "Ajoute cette boîte dans le CRM",
        "Nouvelle société à enregistrer, une menuiserie à Nantes",
        "On a un nouveau client pro, mets l'entreprise",
        "Rentre le restaurant avec son adresse",
        "Crée la fiche de la mairie",
        "Add a new company",
        "Put this firm in the CRM",
        "Set up the business with its address",
        "We've a new corporate customer, create the company",
    ],
)
async def create_organization(
    name: Annotated[str, Field(min_length=1, description="Name of the company.", examples=["Fromagerie Petit"])],
    address: Annotated[str | None, Field(description="Postal address in one line.")] = None,
    owner: OwnerRef = None,
    fields: Fields = None,
) -> Saved:
    """Create an organization (a company). Returns its record (organization:9).

    Fails with the existing record where one has this name already. To change one, use pipedrive_update_record.
    """
    known = [
        one for one in await records.candidates("organization", name) if folded(records.name_of(one)) == folded(name)
    ]
    if known:
        raise errors.InvalidInputError(
            f"Pipedrive has an organization of this name already: organization:{known[0].id} "
            f"({errors.excerpt(records.name_of(known[0]), 60)}).",
            "Use that record, or change it with pipedrive_update_record.",
        )
    await account.me()
    body = {
        "name": name.strip(),
        "address": {"value": address} if address else None,
        "owner_id": await account.owner_id(owner),
        **await values.fitted("organization", fields),
    }
    made = await record("POST", f"{V2}/organizations", json=body)
    return records.saved("organization", Thing.model_validate(made))


def _contact_checked(ref: str) -> str:
    """Return a person or an organization; raises ValueError for another kind."""
    if (known := records.checked(ref)).partition(":")[0] not in ("person", "organization"):
        raise ValueError(f"`{errors.excerpt(ref, 60)}` is neither a person nor an organization")
    return known


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "modifie change mets à jour téléphone adresse mail contact personne entreprise propriétaire "
        "update coordonnées déménagé nouveau numéro portable courriel poste corrige rectifie renomme "
        "champ anniversaire attribue commercial moved changed address edit correct rename phone e-mail "
        "job reassign travaille chez changé d'employeur spelling works elsewhere now"
    ),
    examples=[
        "Change le téléphone de Zoé Lefèvre",
        "Move Jean to another company",
        "Elle a changé de numéro, voici le nouveau",
        "Son adresse mail n'est plus la bonne",
        "La société a déménagé, mets la nouvelle adresse",
        "Corrige l'orthographe de son nom",
        "Il bosse maintenant chez un autre client",
        "Attribue ce contact à mon collègue",
        "His mobile number has changed",
        "Fix the spelling of her name",
        "The company moved to Bordeaux, update the address",
        "Add a second e-mail to this contact",
        "Give this customer to another sales rep",
    ],
)
async def update_record(
    record: Annotated[
        Annotated[str, AfterValidator(_contact_checked)],
        Field(description="person or organization, with number or name.", examples=["person:5"]),
    ],
    name: Annotated[str | None, Field(min_length=1, description="New name of the record.")] = None,
    add_phone: Annotated[Phone | None, Field(description="Further phone number, put first.")] = None,
    add_email: Annotated[Address | None, Field(description="Further e-mail address, put first.")] = None,
    organization: OrganizationRef = None,
    owner: OwnerRef = None,
    fields: Fields = None,
) -> Saved:
    """Change a person or an organization: name, owner, custom fields; of a person also phone, e-mail, organization.

    What is left out stays, earlier numbers and addresses too. Null in `fields` clears one. For deals use
    pipedrive_update_deal.
    """
    kind, key = await records.resolved(record)
    if kind == "organization" and (add_phone or add_email or organization):
        raise errors.InvalidInputError(
            "An organization has no phone number, e-mail address or organization of its own.",
            "Pass a person, or use its custom fields.",
        )
    changes: dict[str, Any] = {"name": name, "owner_id": await account.owner_id(owner)}
    changes["org_id"] = await records.number(organization)
    if add_phone or add_email:
        thing = await records.one("person", key)
        if add_phone:
            country = connection_of(integration).fleet.country
            new = add_phone.e164(country)
            rest = [one for one in _objects(thing.get("phones")) if not add_phone.matches(one["value"], country)]
            changes["phones"] = _first(new, rest)
        if add_email:
            new = add_email.address
            rest = [one for one in _objects(thing.get("emails")) if one["value"].casefold() != new.casefold()]
            changes["emails"] = _first(new, rest)
    body = {field: value for field, value in changes.items() if value is not None}
    return await change(kind, key, body | await values.fitted(kind, fields))


def _objects(value: Any) -> list[dict[str, Any]]:
    rows = [one for one in value if isinstance(one, dict) and one.get("value")] if isinstance(value, list) else []
    return [{"value": str(one["value"]), "primary": False, "label": str(one.get("label") or "other")} for one in rows]


def _first(value: str, rest: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"value": value, "primary": True, "label": "work"}, *rest]


async def change(kind: str, key: str, body: dict[str, Any]) -> Saved:
    """Change a record of version 2; raises errors.InvalidInputError where there is nothing to change."""
    if not body:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    await account.me()
    result = await record("PATCH", f"{V2}/{PLURAL[kind]}/{key}", json=body, nulls=True)
    return records.saved(kind, Thing.model_validate({"id": key, **result}))


# -- merged and deleted -----------------------------------------------------------------------------------------------


@tools.destroys(
    asks=True,
    core=False,
    idempotent=False,
    scopes=["search:read contacts:full deals:full"],
    search=(
        "fusionne doublons doublon merge duplicates dedupe fusionner regrouper réunir deux fiches en "
        "double même personne combiner dédoublonner combine same twice entry join"
    ),
    examples=[
        "J'ai deux fiches pour la même personne",
        "Ce client est en double, regroupe",
        "Fusionne les deux entreprises",
        "Mets ces deux affaires ensemble, c'est la même",
        "Nettoie les doublons de ce contact",
        "This customer is in there twice",
        "Combine these two contacts into one",
        "Join both companies, keep the first",
        "Get rid of the duplicate entry",
    ],
)
async def merge_records(
    keep: Annotated[RecordRef, Field(description="Record that stays, and whose values win.", examples=["person:5"])],
    merge: Annotated[RecordRef, Field(description="Record of the same kind that ends.", examples=["person:6"])],
) -> Saved:
    """Merge two persons, organizations or deals into one, with the notes and activities of both. It cannot be undone.

    Where both have a value, that of `keep` stays. Look at both with pipedrive_get_record first.
    """
    kind, first = await records.resolved(keep)
    other, second = await records.resolved(merge)
    if kind != other or first == second or kind not in MERGED:
        raise errors.InvalidInputError(
            "These are not two persons, two organizations or two deals.", "Pass two records of one of these kinds."
        )
    await account.me()
    one, two = await records.one(kind, first), await records.one(kind, second)
    await confirm(f"Merge the {_named(kind, two)} into the {_named(kind, one)} for good?")
    path = f"{V1}/{PLURAL[kind]}/{second}/merge"
    await record("PUT", path, json={"merge_with_id": int(first)})
    return records.saved(kind, one)


def _named(kind: str, thing: Thing) -> str:
    return f"{kind} «{errors.excerpt(records.name_of(thing) or 'without a name', 80)}» ({kind}:{thing.id})"


@tools.destroys(
    asks=True,
    core=False,
    idempotent=True,
    scopes=["contacts:full deals:full leads:full activities:full"],
    search=(
        "supprime efface affaire contact entreprise prospect activité note remove enlève vire jette "
        "poubelle corbeille se débarrasser supprimer effacer plus besoin bin trash erase get rid delete"
    ),
    examples=[
        "Supprime ce contact, il ne veut plus être dans nos fichiers",
        "Vire cette affaire, c'était une erreur",
        "Efface le rendez-vous que j'ai créé par erreur",
        "Mets cette entreprise à la poubelle",
        "Enlève cette note",
        "Delete this deal, it was a test",
        "Remove that person from the CRM",
        "Bin the note I just wrote",
        "Get rid of this organization",
        "Trash the activity",
    ],
)
async def delete_record(
    kind: Annotated[
        Literal["deal", "person", "organization", "lead", "activity", "note"],
        Field(description="Kind of the record.", examples=["deal"]),
    ],
    number: Annotated[
        str,
        Field(
            pattern=r"^[0-9a-fA-F-]{1,36}$",
            description="Its number: the part after the colon in what pipedrive_search_all or a list returned.",
            examples=["77"],
        ),
    ],
) -> Deleted:
    """Delete a deal, person, organization, lead, activity or note. For 30 days Pipedrive can restore most of them.

    It asks with the name first. To close a deal use pipedrive_update_deal with its status; for two records of one
    person pipedrive_merge_records.
    """
    version = V1 if kind in ("lead", "note") else V2
    if not records.is_id(kind, number):
        raise errors.InvalidInputError(f"`{number}` is not the number of a {kind}.", f"Pass it as in {kind}:77.")
    path = f"{version}/{PLURAL.get(kind, 'activities' if kind == 'activity' else 'notes')}/{number}"
    thing = Thing.model_validate(await record("GET", path))
    if thing.get("is_deleted") is True or thing.get("active_flag") is False:
        raise errors.NotFoundError(f"The {kind} {number} is deleted already.", "There is nothing to do.")
    name = records.name_of(thing) or errors.excerpt(thing.text("content"), 60) or "without a name"
    await confirm(f"Delete the {kind} «{errors.excerpt(name, 80)}» ({kind}:{number})?")
    await api.delete(path)
    return Deleted(record=f"{kind}:{number}")
