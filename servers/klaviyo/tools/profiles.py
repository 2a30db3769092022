"""People: find, create or update, merge, delete. https://developers.klaviyo.com/en/reference/profiles_api_overview"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Address, Cursor, Limit, Model, Page, Phone, Toolset, When, confirm, errors
from flotilla.parsing import folded, period

from ..client import LARGE, SMALL, all_of, condition, flat, page, post, resource, send
from ..lookup import (
    Person,
    account_zone,
    e164,
    find,
    identifier,
    lists_of,
    profile,
    within,
)
from ..models import Profile, ProfileRow, Saved

tools = Toolset("profiles")
READ = ["accounts:read profiles:read"]
READ_WITH_LISTS = ["accounts:read profiles:read lists:read"]
WRITE = ["accounts:read profiles:read profiles:write"]


class Place(Model):
    """Where a person lives."""

    street: str | None = Field(None, description="Street and house number.")
    zip: str | None = Field(None, description="Postal code as text.")
    city: str | None = Field(None, description="Name of the city.")
    country: str | None = Field(None, description="Name of the country.")


@tools.reads(
    scopes=READ_WITH_LISTS,
    search=(
        "qui est ce numéro client profil fiche abonné consentement inscrit newsletter listes who is "
        "caller customer connaît à mail ou pas reçoit-elle désinscrite accepte SMS whose address "
        "subscribed does she get our mails consented status agree consent answered inscrite"
    ),
    examples=[
        "Qui est le 06 12 34 56 78 ?",
        "Is marie@exemple.fr subscribed to the newsletter?",
        "C'est qui ce numéro ?",
        "Est-ce qu'elle reçoit notre newsletter ?",
        "Il est encore abonné ?",
        "Pourquoi elle ne reçoit pas nos mails ?",
        "Il a accepté les SMS ?",
        "Whose number is this?",
        "Is she still subscribed?",
        "Why doesn't he get our e-mails?",
        "Which lists is this person on?",
        "Did she agree to text messages?",
    ],
)
async def get_profile(person: Person) -> Profile:
    """Find one person by e-mail address or phone number: name, consent to e-mail and SMS marketing, lists, orders.

    The first call for a caller or customer. It says since when they are subscribed or why nothing is sent to them. For
    what they did and bought, use klaviyo_list_events. People cannot be searched by name.
    """
    result = await profile(person, details=True)
    names = [one.name for one in await lists_of(result)]
    return result.model_copy(update={"lists": names}).within(await account_zone())


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "profils clients nouveaux récents inscrits derniers people customers new recent dernières "
        "fiches arrivés ajoutés récemment base de contacts tous newest added lately everybody came in "
        "tout le monde everyone full"
    ),
    examples=[
        "Qui sont les nouveaux contacts de cette semaine ?",
        "List the newest profiles",
        "Qui est arrivé dans la base ce mois-ci ?",
        "Montre les derniers contacts",
        "Quels nouveaux clients depuis lundi ?",
        "Liste tout le monde",
        "Les fiches ajoutées hier",
        "Who was added yesterday?",
        "Show the latest contacts",
        "Which new customers since Monday?",
        "List everybody we have",
    ],
)
async def list_profiles(
    created_after: Annotated[When | None, Field(description="Only people added on this day or time, or later.")] = None,
    created_before: Annotated[
        When | None, Field(description="Only people added before this time; a day is included.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ProfileRow]:
    """List the people of the account, newest first, optionally only those who were added in a period.

    For one person by address or number, use klaviyo_get_profile; for the people of a list or segment,
    klaviyo_list_members. Klaviyo cannot search by name.
    """
    begin, end = period(created_after, created_before, await account_zone(), "created_after", "created_before")
    conditions = [
        *([condition("greater-than", "created", begin)] if begin else []),
        *([condition("less-than", "created", end)] if end else []),
    ]
    params = {"filter": all_of(conditions), "sort": "-created"}
    rows = await page("/api/profiles", ProfileRow, params=params, limit=limit, cursor=cursor, cost=LARGE)
    return rows.model_copy(update={"items": await within(rows.items)})


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "créer ajouter nouveau client contact modifier corriger adresse téléphone nom create customer "
        "change enregistre a changé corrige mail portable prénom ville anniversaire fiche save edit fix "
        "moved birthday first name add person"
    ),
    examples=[
        "Ajoute Jean Dupont, jean@exemple.fr.",
        "Change Marie's phone number to 06 12 34 56 78",
        "Elle a changé d'adresse mail",
        "Corrige son prénom",
        "Enregistre ce nouveau client avec son portable",
        "Il habite maintenant à Nantes",
        "Mets son anniversaire au 3 mai",
        "Save this new person",
        "Fix the spelling of her first name",
        "He moved to Nantes",
        "New e-mail address for this customer",
        "Put her birthday in",
    ],
)
async def update_profile(
    person: Person,
    first_name: Annotated[str | None, Field(description="New first name.", min_length=1)] = None,
    last_name: Annotated[str | None, Field(description="New last name.", min_length=1)] = None,
    email: Annotated[Address | None, Field(description="E-mail address to set.")] = None,
    phone: Annotated[Phone | None, Field(description="Phone number to set.")] = None,
    place: Annotated[Place | None, Field(description="Parts of the postal address to set.")] = None,
    properties: Annotated[
        dict[str, Any] | None, Field(description="Custom properties to set by name; null removes one.")
    ] = None,
) -> Saved:
    """Change a person's profile, or create it where Klaviyo does not know the e-mail address or phone number yet.

    Only what is passed changes. It subscribes nobody: use klaviyo_add_subscription for that, and klaviyo_add_to_list
    for a list. Fails where another person has the new address or number.
    """
    known = await find(person)
    names = {folded(name): name for name in (known.properties if known else {})}
    values = {names.get(folded(name), name): value for name, value in (properties or {}).items()}
    attributes: dict[str, Any] = {
        **({} if known else identifier(person).attributes),
        "first_name": first_name,
        "last_name": last_name,
        "location": location(place),
        "properties": {name: value for name, value in values.items() if value is not None} or None,
    }
    if email:
        attributes["email"] = email.address.lower()
    if phone:
        attributes["phone_number"] = e164(phone)
    data = resource("profile", attributes, id=known.id if known else None)
    if gone := [name for name, value in values.items() if value is None]:
        data["meta"] = {"patch_properties": {"unset": gone}}
    if known and not data["attributes"] and not gone:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    saved = ProfileRow.model_validate(flat((await post("/api/profile-import", data, cost=LARGE))["data"]))
    return Saved(
        id=saved.id,
        created=known is None,
        email=saved.email,
        phone=saved.phone,
        name=saved.name,
    )


def location(place: Place | None) -> dict[str, str] | None:
    """Return an address as Klaviyo takes it, None where no part of it is passed."""
    if place is None:
        return None
    parts = {"address1": place.street, "zip": place.zip, "city": place.city, "country": place.country}
    return {name: value for name, value in parts.items() if value is not None} or None


@tools.destroys(
    core=False,
    asks=True,
    idempotent=False,
    scopes=WRITE,
    search=(
        "fusionner doublon regrouper dédoublonner duplicate same person twice deux fois en double même "
        "personne réunir combine join entry two records"
    ),
    examples=[
        "Fusionne les deux profils de Marie.",
        "Merge marie@old.example into marie@exemple.fr",
        "Cette cliente est en double",
        "C'est la même personne avec deux mails, regroupe",
        "Réunis ces deux fiches",
        "Nettoie le doublon",
        "J'ai deux fois le même client",
        "She's in there twice",
        "Combine these two records",
        "It's one person with two addresses, join them",
        "Clean up the duplicate",
    ],
)
async def merge_profiles(
    keep: Person,
    merge: Annotated[Person, Field(description="The duplicate, which is deleted: address, number or id as for keep.")],
) -> Saved:
    """Merge a duplicate into another profile: its events and lists move, and the duplicate is deleted.

    It cannot be undone, so the user is asked first. Compare the two with klaviyo_get_profile before. Klaviyo carries
    it out within some minutes.
    """
    target, duplicate = await profile(keep), await profile(merge)
    if target.id == duplicate.id:
        raise errors.InvalidInputError("Both are the same profile.", "Pass the address or id of the duplicate.")
    await confirm(
        f"Merge {duplicate.shown} [{duplicate.id}] into {target.shown} [{target.id}]? The first is deleted for good."
    )
    data = {
        **resource("profile-merge", id=target.id),
        "relationships": {"profiles": {"data": [resource("profile", id=duplicate.id)]}},
    }
    await send("POST", "/api/profile-merge", data)
    return Saved(id=target.id, email=target.email, phone=target.phone, name=target.name)


@tools.destroys(
    core=False,
    asks=True,
    scopes=["accounts:read profiles:read data-privacy:write"],
    search=(
        "RGPD GDPR droit à l'oubli supprimer effacer données personnelles vie privée erase forget "
        "oublie tout sur lui enlève de la base demande d'effacement wipe remove from our database right "
        "to be forgotten delete personal data"
    ),
    examples=[
        "Supprime toutes les données de jean@exemple.fr.",
        "Process the deletion request of marie@exemple.fr",
        "Il exerce son droit à l'oubli",
        "Efface cette personne de notre base",
        "Elle demande qu'on supprime tout ce qu'on a sur elle",
        "Demande RGPD d'effacement pour ce client",
        "Oublie complètement ce contact",
        "She wants all her data erased",
        "Forget this person completely",
        "Wipe him from our database",
        "Delete this profile for good",
    ],
)
async def delete_profile(person: Person) -> Saved:
    """Delete a person and all their data for good, as a privacy request (GDPR, CCPA) wants it. It cannot be undone.

    The user is asked first. Klaviyo carries it out within some days. To stop messages only, use
    klaviyo_cancel_subscription; for two profiles of one person, klaviyo_merge_profiles.
    """
    result = await profile(person)
    await confirm(
        f"Delete {result.shown} [{result.id}] and all of their data in Klaviyo for good, events and consents included?"
    )
    data = resource("data-privacy-deletion-job", {"profile": {"data": resource("profile", {}, id=result.id)}})
    await send("POST", "/api/data-privacy-deletion-jobs", data, cost=SMALL)
    return Saved(id=result.id, email=result.email, phone=result.phone, name=result.name)
