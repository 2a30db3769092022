"""Customers: accounts, and guests as they are known from their orders. Carts that were not ordered.

https://developer.adobe.com/commerce/webapi/rest/quick-reference/
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Address, Cursor, Limit, Page, Phone, Toolset, When, confirm, errors, readable, sliced
from flotilla.parsing import listed, period

from ..client import Condition, api, like, search, search_page
from ..lookup import accounts_by_phone, guests_by_phone, is_phone, orders_by_mail, shop_zone
from ..models import Cart, Customer, address, full_name
from ..values import utc

tools = Toolset("customers")


@tools.reads(
    search=(
        "qui est ce numéro client cliente acheteur acheteuse cherche trouve retrouve coordonnées fiche compte "
        "appelle téléphone adresse mail who is calling caller number customer buyer shopper find look up contact "
        "details account"
    ),
    examples=[
        "Qui est le 06 12 34 56 78 ?",
        "Who is jean.dupont@exemple.fr?",
        "C'est qui qui m'appelle ?",
        "Retrouve la fiche de Madame Leroy",
        "Ce numéro, c'est un client à nous ?",
        "Il me faut le mail de cet acheteur",
        "On a déjà quelqu'un au nom de Petit ?",
        "Whose number is this?",
        "Find the buyer called Dupont",
        "Is this caller one of our customers?",
        "Give me the e-mail of that shopper",
    ],
)
async def search_customers(
    query: Annotated[str | None, Field(description="Phone number, e-mail address or name.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Customer]:
    """Search customers by phone number, mail address or name: who is this number? Guests without an account are found
    by mail address, and by phone number in the newest orders.

    Returns name, mail, phone and address. For their orders, use magento_search_orders.
    """
    text = (query or "").strip()
    if is_phone(text):
        phone = Phone.read(text)
        people = readable(Customer, await accounts_by_phone(phone))
        known = {(one.email or "").casefold() for one in people}
        guests = readable(Customer, [_guest(row) for row in await guests_by_phone(phone)])
        return sliced([*people, *_once(guests, known)], limit, cursor)
    if "@" in text:
        mail = Address.read(text)
        people = readable(Customer, await search("/customers/search", [("email", "eq", mail.address)]))
        if not people:
            people = _once(readable(Customer, [_guest(row) for row in await orders_by_mail(mail)]), set())
        return sliced(people, limit, cursor)
    parts_of_name = text.split()
    groups: list[list[Condition]] = [
        [("firstname", "like", like(w)), ("lastname", "like", like(w))] for w in parts_of_name[:3]
    ]
    return await search_page("/customers/search", Customer, *groups, limit=limit, cursor=cursor)


def _guest(order: dict[str, Any]) -> dict[str, Any]:
    """Return who is billed for an order."""
    billing = order.get("billing_address") if isinstance(order.get("billing_address"), dict) else {}
    return {
        "id": order.get("customer_id"),
        "name": full_name(billing) or full_name(order, "customer_"),
        "email": order.get("customer_email"),
        "phone": (billing or {}).get("telephone") or None,
        "company": (billing or {}).get("company") or None,
        "address": address(billing),
        "last_order": order.get("increment_id"),
    }


def _once(people: list[Customer], known: set[str]) -> list[Customer]:
    """Return each person once, without those that are known."""
    matches: dict[str, Customer] = {}
    for one in people:
        if one.email.casefold() not in known:
            matches.setdefault(one.email.casefold(), one)
    return list(matches.values())


@tools.writes(
    core=False,
    creates=True,
    asks=True,
    search=(
        "créer crée client cliente compte nouveau nouvelle inscrire inscription ajouter enregistrer coordonnées "
        "ouvrir un create new customer account register sign up add shopper"
    ),
    examples=[
        "Ouvre-lui un compte sur la boutique",
        "Inscris une nouvelle cliente",
        "Enregistre Luc Petit, luc@exemple.fr, comme client",
        "Cette personne veut un accès pour commander",
        "Ajoute-la à nos clients avec son adresse",
        "Sign this person up on the shop",
        "Register a new customer",
        "Open an account for her",
        "Add Paul as a new buyer",
    ],
)
async def create_customer(
    email: Annotated[Address, Field(description="E-mail address of the customer.", examples=["luc@exemple.fr"])],
    name: Annotated[str, Field(min_length=1, description="First and last name.", examples=["Luc Besson"])],
    phone: Annotated[Phone | None, Field(description="Phone number of the customer.")] = None,
    street: Annotated[str | None, Field(description="Street and number.")] = None,
    postcode: Annotated[str | None, Field(description="Postal code only.")] = None,
    city: Annotated[str | None, Field(description="Town of the address.")] = None,
    country: Annotated[str, Field(pattern="^[A-Z]{2}$", description="Two letters, as FR.")] = "FR",
) -> Customer:
    """Create a customer's account. Magento mails them how to set a password, so a person is asked first.

    An address needs phone, street, postcode and city. Fails where an account has this mail address. Look for the person
    with magento_search_customers first.
    """
    rows = await search("/customers/search", [("email", "eq", email.address)])
    if known := [row for row in rows if str(row.get("email") or "").casefold() == email.key]:
        raise errors.InvalidInputError(
            f"A customer has this address already: {full_name(known[0])} (id {known[0].get('id')}); nothing was done.",
            "Change them with magento_update_customer.",
        )
    first, _, last = name.strip().partition(" ")
    place = [phone, street, postcode, city]
    if any(place) and not all(place):
        raise errors.InvalidInputError(
            "The address is not whole.", "Pass phone, street, postcode and city, or none of them."
        )
    await confirm(f"Create an account for {name} ({email.address})? Magento mails them.")
    where = {
        "firstname": first,
        "lastname": last or first,
        "street": [street],
        "postcode": postcode,
        "city": city,
        "country_id": country,
        "telephone": phone.e164(api.connection.fleet.country) if phone else None,
        "default_billing": True,
        "default_shipping": True,
    }
    customer = {"email": email.address, "firstname": first, "lastname": last or first}
    body = {"customer": {**customer, **({"addresses": [where]} if street else {})}}
    return Customer.model_validate(await api.post("/customers", json=body))


@tools.writes(
    core=False,
    additive=False,
    asks=True,
    idempotent=True,
    search=(
        "modifier modifie client compte nom mail e-mail téléphone corriger coordonnées changé nouveau numéro "
        "nouvelle adresse mettre à jour fiche mariage change customer account details new phone name misspelled "
        "update correct"
    ),
    examples=[
        "Il a changé de numéro, note le nouveau",
        "Sa nouvelle adresse mail, c'est marie@exemple.fr",
        "Le nom est mal orthographié sur son compte",
        "Elle s'est mariée, change son nom de famille",
        "Mets à jour le téléphone du client",
        "She has a new e-mail, put it on her account",
        "Fix the spelling of the customer's name",
        "Change the phone number on this account",
        "He got a new mobile, update his profile",
    ],
)
async def update_customer(
    customer: Annotated[
        Address,
        Field(
            description="E-mail address of the account, from magento_search_customers.", examples=["marie@exemple.fr"]
        ),
    ],
    name: Annotated[str | None, Field(min_length=1, description="New first and last name.")] = None,
    email: Annotated[Address | None, Field(description="New e-mail address of the account.")] = None,
    phone: Annotated[Phone | None, Field(description="New phone number, for all addresses.")] = None,
) -> Customer:
    """Change the name, the mail address or the phone number of a customer's account; what is left out stays.

    A person is asked first. Orders that were made keep what they have. Guests have no account. Find the account with
    magento_search_customers.
    """
    rows = await search("/customers/search", [("email", "eq", customer.address)])
    account = next((r for r in rows if str(r.get("email") or "").casefold() == customer.key and r.get("id")), None)
    if account is None:
        raise errors.NotFoundError(
            f"No account belongs to {customer.address}.", "Guests have none: create one with magento_create_customer."
        )
    first, _, last = (name or "").strip().partition(" ")
    number = phone.e164(api.connection.fleet.country) if phone else None
    changes = [one for one in (name, email.address if email else None, number) if one]
    if not changes:
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass a name, an e-mail address or a phone number.")
    await confirm(f"Change the account of {full_name(account)} ({customer.address}) to: {listed(changes)}?")
    changed = {**account, **({"firstname": first, "lastname": last or first} if name else {})}
    changed |= {"email": email.address} if email else {}
    if number:  # Magento replaces the addresses as a whole
        changed["addresses"] = [{**one, "telephone": number} for one in account.get("addresses") or []]
    answer = await api.put(f"/customers/{account['id']}", json={"customer": changed}, idempotent=True)
    return Customer.model_validate(answer)


@tools.reads(
    core=False,
    search=(
        "paniers abandonnés panier en cours pas validés commandés oubliés laissés sans acheter hésitent relance "
        "relancer abandoned carts baskets left behind not checked out did buy unfinished checkout remind"
    ),
    examples=[
        "Qui a laissé un panier sans payer ?",
        "Qui relancer parmi ceux qui n'ont pas fini leur achat ?",
        "Quels paniers ont été oubliés cette semaine ?",
        "Qu'est-ce que Marie a mis dans son panier ?",
        "Combien de paniers traînent depuis hier ?",
        "Who left without buying?",
        "Any abandoned baskets since Monday?",
        "What does she have in her cart?",
        "Who filled a basket and never checked out?",
    ],
)
async def list_carts(
    email: Annotated[Address | None, Field(description="Only carts of the customer with this address.")] = None,
    after: Annotated[When | None, Field(description="Only carts that changed since this day or time.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Cart]:
    """List carts that were filled and not ordered, the last changed first, with the customer, the things and their
    value.

    Carts of guests have no mail address. To look a customer up, use magento_search_customers.
    """
    begin, _ = period(after, None, await shop_zone())
    groups: list[list[Condition]] = [
        [("is_active", "eq", 1)],
        [("items_count", "gt", 0)],
        [("customer_email", "eq", email.address)] if email else [],
        [("updated_at", "gteq", utc(begin))] if begin else [],
    ]
    return await search_page("/carts/search", Cart, *groups, limit=limit, cursor=cursor, sort="updated_at")
