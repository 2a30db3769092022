"""Leads and contacts. https://www.zoho.com/crm/developer/docs/api/v8/convert-lead.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from flotilla import Address, Money, Toolset, When, confirm, errors, will_ask

from .. import deal_values, metadata, records, scopes
from ..client import api
from ..models import Converted, Saved
from ..records import MoreFields, OwnerRef, kind_checked

tools = Toolset("people")

PersonName = Annotated[str, Field(description="First and last name, or Last, First.", examples=["Jean Dupont"])]
Email = Annotated[Address | None, Field(description="E-mail address of the person.")]
PhoneNumber = Annotated[str | None, Field(description="Phone number, best with the calling code (+33).")]
Duplicate = Annotated[bool, Field(description="True to create it though there is one like it.")]


@tools.writes(
    creates=True,
    scopes=scopes.CREATE,
    search=(
        "crée ajoute nouveau prospect piste lead enregistre new demande entrante intéressé contact "
        "potentiel à qualifier rencontré salon formulaire enquiry interested stranger incoming caller "
        "potential customer fair dame monsieur quelqu'un lady someone"
    ),
    examples=[
        "Crée un prospect : Zoé Lefèvre de l'Atelier Lefèvre",
        "Add a new lead",
        "J'ai quelqu'un d'intéressé au téléphone, enregistre-le",
        "Nouvelle piste rencontrée au salon",
        "Mets cette dame dans les prospects",
        "Un inconnu demande un devis, crée une fiche",
        "Rentre ce contact potentiel avec son portable",
        "Someone is interested, take down their details",
        "New enquiry from the website",
        "Put this stranger in as a prospect",
        "I met a potential customer at the fair",
        "Add them, not a customer yet",
    ],
)
async def create_lead(
    name: PersonName,
    company: Annotated[str | None, Field(description="Company that the person works for.")] = None,
    email: Email = None,
    phone: PhoneNumber = None,
    fields: MoreFields = None,
    duplicate: Duplicate = False,
) -> Saved:
    """Create a lead: a person or company that may become a customer. Returns its record (lead:5725…).

    Fails with the existing record where the e-mail address or phone number is known among leads or contacts, without
    both where the name is. Most accounts require a company. For a customer at once, use zoho_create_record with the
    module Contacts; when a lead is ready to buy, zoho_convert_lead.
    """
    body = await records.prepared("Leads", {**_person(name, email, phone), **_set(Company=company), **(fields or {})})
    if not duplicate:
        await records.check_new("Leads", body, "lead")
        if email or phone:
            await records.check_new("Contacts", body, "contact")
    return Saved(record=records.ref_of("Leads", await records.create("Leads", body)))


@tools.writes(
    core=False,
    creates=True,
    scopes=scopes.CREATE,
    search=(
        "crée ajoute nouveau contact client personne enregistre new customer interlocuteur carnet "
        "d'adresses coordonnées acheteuse employé chez un existant person at company buyer address book "
        "colleague details comptable gérant directrice accountant manager director"
    ),
    examples=[
        "Ajoute Marie Curie comme contact de l'Institut",
        "Create a contact for this caller",
        "Ajoute l'acheteuse de cette boîte",
        "Nouvel interlocuteur chez notre client",
        "Enregistre ses coordonnées, c'est le comptable de chez eux",
        "Mets-le dans mon carnet d'adresses",
        "C'est déjà un client, crée le contact",
        "Add a person at this account",
        "Their new buyer, save her details",
        "Put him in my address book",
        "New contact for an existing customer",
        "The accountant there, add name and mobile",
    ],
)
async def create_contact(
    name: PersonName,
    account: Annotated[
        str | None, kind_checked("account"), Field(description="Existing account, by number or name.")
    ] = None,
    email: Email = None,
    phone: PhoneNumber = None,
    fields: MoreFields = None,
    duplicate: Duplicate = False,
) -> Saved:
    """Create a contact: a person at an account that one does business with. Returns its record (contact:5725…).

    Fails with the existing record where the e-mail address or phone number is known, without both where the name is.
    A new account is created with zoho_create_record first. For somebody new who may become a customer, use
    zoho_create_lead.
    """
    body = await records.prepared(
        "Contacts", {**_person(name, email, phone), **_set(Account_Name=account), **(fields or {})}
    )
    if not duplicate:
        await records.check_new("Contacts", body, "contact")
    return Saved(record=records.ref_of("Contacts", await records.create("Contacts", body)))


def _person(name: str, email: Any, phone: str | None) -> dict[str, Any]:
    first, last = split_name(name)
    return _set(First_Name=first, Last_Name=last, Email=email.address if email else None, Phone=phone)


def _set(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def split_name(text: str) -> tuple[str | None, str]:
    """Return first and last name of "Jean Dupont" or "Dupont, Jean"; one word is a last name.

    Raises errors.InvalidInputError for an empty one.
    """
    last, comma, first = (part.strip() for part in text.partition(","))
    if not comma:
        first, _, last = (part.strip() for part in text.strip().partition(" "))
    if not (first or last):
        raise errors.InvalidInputError("The name is empty.", "Pass at least a last name.")
    return (first or None, last) if last else (None, first)


@tools.writes(
    replaces=True,
    scopes=scopes.CONVERT,
    search=(
        "convertit convertir prospect en client contact compte affaire transformer lead convert "
        "opportunity qualifié devient a dit oui passe transforme prêt à acheter piste promote qualify "
        "qualified becomes customer ready to buy turn"
    ),
    examples=[
        "Convertis ce prospect et ouvre une affaire de 12 500 €",
        "Convert the lead with a deal",
        "Ce prospect est devenu client",
        "La piste est qualifiée, transforme-la",
        "Elle est prête à acheter, passe-la en contact",
        "Fais-en un client avec une affaire à 3 000 €",
        "Il a dit oui, sors-le des prospects",
        "This prospect is now a customer",
        "She's ready to buy, promote her",
        "The lead is qualified",
        "Turn the enquiry into a client and a deal",
        "Make it an account, no opportunity",
    ],
)
async def convert_lead(
    lead: Annotated[
        str,
        kind_checked("lead"),
        Field(
            description="The lead by number, name or phone number.",
            examples=["lead:5725767000000376008"],
        ),
    ],
    deal: Annotated[str | None, Field(description="Name of the deal to open; none without it.")] = None,
    amount: Annotated[Money | None, Field(description="Amount of the deal, best with its currency.")] = None,
    stage: Annotated[str | None, Field(description="Stage of the deal by name, or pipeline/stage.")] = None,
    close_date: Annotated[When | None, Field(description="Day of closing, in a month without it.")] = None,
    owner: OwnerRef = None,
) -> Converted:
    """Convert a lead into a contact and an account, and open a deal where one is named. It cannot be undone.

    The user is asked first. Notes and activities move along. Zoho joins the contact of the same e-mail address and the
    account of the same name where there are such, else creates them. Returns the records. To find the lead of a caller,
    use zoho_search_records.
    """
    _, number = await records.resolved(lead)
    opened = await deal_values.opened(deal, amount, stage, close_date) if deal else {}
    target: dict[str, Any] = {"Deals": opened} if opened else {}
    if owner:
        target["assign_to"] = {"id": (await metadata.user_of(owner)).id}
    if will_ask():
        named, raw = await records.named("Leads", number)
        company = f" of {errors.excerpt(raw['Company'], 80)}" if raw.get("Company") else ""
        await confirm(
            f"Convert the {named}{company} into a contact and an account{_with(opened)}? It cannot be undone.",
            raw.get("Modified_Time"),
        )
    path = f"/Leads/{number}/actions/convert"
    rows = await api.change("POST", path, json={"data": [{"overwrite": False, "notify_lead_owner": False, **target}]})
    details = rows[0].get("details") if rows else None
    made = details if isinstance(details, Mapping) else {}
    if not _id(made, "Contacts"):
        return Converted(note="Zoho CRM has accepted it, and converts the lead in the background.")
    return Converted(
        contact=records.ref_of("Contacts", _id(made, "Contacts")),
        account=records.ref_of("Accounts", _id(made, "Accounts")) if _id(made, "Accounts") else None,
        deal=records.ref_of("Deals", _id(made, "Deals")) if _id(made, "Deals") else None,
        stage=opened.get("Stage"),
        closing=opened.get("Closing_Date"),
    )


def _id(made: Mapping[str, Any], module: str) -> str:
    one = made.get(module)
    return str(one.get("id") or "") if isinstance(one, Mapping) else str(one or "")


def _with(opened: Mapping[str, Any]) -> str:
    """Return the deal as the question names it."""
    if not opened:
        return ", without a deal"
    parts = [str(opened[key]) for key in ("Amount", "Currency", "Stage") if opened.get(key)]
    return f", with the deal «{opened['Deal_Name']}» ({' '.join(parts)}, closing {opened['Closing_Date']})"
