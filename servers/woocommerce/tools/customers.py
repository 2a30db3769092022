"""Customers: accounts, and guests as they are known from their orders.

https://woocommerce.github.io/woocommerce-rest-api-docs/#customers
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Address, Cursor, Limit, Page, Phone, Toolset, confirm, errors, readable, sliced
from flotilla.parsing import listed

from ..client import api
from ..lookup import is_phone, orders_by_mail, orders_by_phone
from ..models import Account, Customer

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
        "Qui m'appelle ?",
        "Retrouve-moi la cliente Martin",
        "T'as l'adresse mail de ce client ?",
        "On le connaît, ce numéro ?",
        "Donne-moi les coordonnées de Madame Leroy",
        "Est-ce qu'il a un compte chez nous ?",
        "Whose number is this?",
        "Look up the buyer called Dupont",
        "Do we know this caller?",
        "Get me the phone and address of that customer",
    ],
)
async def search_customers(
    query: Annotated[
        str | None, Field(description="Phone number, e-mail address or name of the person; all accounts without it.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Customer]:
    """Search customers by phone number, mail address or name: who is this number? Guests without an account are found
    by phone number and mail address, from their orders.

    Returns name, mail, phone, address and the newest order's number. For their orders, use woo_search_orders.
    """
    text = (query or "").strip()
    if is_phone(text):
        people = _people([Customer.of_order(row) for row in await orders_by_phone(Phone.read(text))])
        return sliced(readable(Customer, people), limit, cursor)
    if "@" in text:
        mail = Address.read(text)
        accounts: list[Customer] = list(await _accounts(mail))
        if not accounts:
            accounts = readable(Customer, _people([Customer.of_order(row) for row in await orders_by_mail(mail)]))
        return sliced(accounts, limit, cursor)
    page = await api.page("/customers", Account, params={"search": text or None}, limit=limit, cursor=cursor)
    return Page(items=list(page.items), next_cursor=page.next_cursor)


def _people(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each person once, as in their newest order."""
    people: dict[str, dict[str, Any]] = {}
    for row in rows:
        people.setdefault(str(row.get("email") or row.get("name") or "").casefold(), row)
    return list(people.values())


@tools.writes(
    core=False,
    creates=True,
    asks=True,
    search=(
        "créer crée client cliente compte nouveau nouvelle inscrire inscription ajouter enregistrer coordonnées "
        "ouvrir un create new customer account register sign up add shopper"
    ),
    examples=[
        "Ouvre un compte à cette dame",
        "Inscris un nouveau client dans la boutique",
        "Enregistre Luc Petit comme client, luc@exemple.fr",
        "Ajoute une nouvelle cliente avec son adresse",
        "Elle veut un compte pour se connecter",
        "Sign up a new customer",
        "Register this person on the shop",
        "Open an account for a buyer",
        "Add Paul to our customers",
    ],
)
async def create_customer(
    email: Annotated[
        Address, Field(description="E-mail address of the customer.", examples=["jean.dupont@exemple.fr"])
    ],
    name: Annotated[
        str, Field(min_length=1, max_length=120, description="First and last name.", examples=["Jean Dupont"])
    ],
    phone: Annotated[Phone | None, Field(description="Phone number of the customer.")] = None,
    company: Annotated[str | None, Field(max_length=120, description="Company of the customer.")] = None,
    street: Annotated[str | None, Field(max_length=200, description="Street and number of the address.")] = None,
    postcode: Annotated[str | None, Field(max_length=20, description="Postal code of the address.")] = None,
    city: Annotated[str | None, Field(max_length=100, description="Town of the address.")] = None,
    country: Annotated[
        str | None, Field(pattern="^[A-Z]{2}$", description="Two letters of the country, as FR.")
    ] = None,
) -> Customer:
    """Create a customer's account. WooCommerce mails them how to log in, so a person is asked first.

    Fails where an account has this mail address. To order something for somebody, woo_create_order needs no account.
    Look for the person with woo_search_customers first.
    """
    if known := await _accounts(email):
        raise errors.InvalidInputError(
            f"A customer has this address already: {errors.excerpt(known[0].name or email.address, 80)} "
            f"(id {known[0].id}); nothing was done.",
            "Change them with woo_update_customer.",
        )
    await confirm(f"Create an account for {name} ({email.address})? WooCommerce mails them.")
    first, _, last = name.strip().partition(" ")
    number = phone.e164(api.connection.fleet.country) if phone else None
    billing = {"company": company, "address_1": street, "postcode": postcode, "city": city, "country": country}
    body = {
        "email": email.address,
        "first_name": first,
        "last_name": last or None,
        "billing": _filled(
            {"first_name": first, "last_name": last, "email": email.address, "phone": number, **billing}
        ),
        "shipping": _filled({"first_name": first, "last_name": last, **billing}),
    }
    return Account.model_validate(await api.post("/customers", json=body))


@tools.writes(
    core=False,
    additive=False,
    asks=True,
    idempotent=True,
    search=(
        "modifier modifie client compte adresse téléphone corriger corrige coordonnées changé déménagé "
        "déménagement nouveau numéro mettre à jour fiche change customer account details moved new address phone "
        "update correct"
    ),
    examples=[
        "La cliente a déménagé, mets sa nouvelle adresse dans sa fiche",
        "Il a changé de téléphone, corrige son compte",
        "Mets à jour la fiche de Marie",
        "Son nom est mal écrit dans son compte",
        "Ajoute la société sur le compte client",
        "She moved, change the address on her account",
        "Correct the spelling of the customer's name",
        "He has a new phone number, save it in his account",
        "Update the company on this customer profile",
    ],
)
async def update_customer(
    customer: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="E-mail address or id of the account, from woo_search_customers.",
            examples=["marie@exemple.fr"],
        ),
    ],
    name: Annotated[str | None, Field(min_length=1, max_length=120, description="First and last name.")] = None,
    phone: Annotated[Phone | None, Field(description="New phone number of the customer.")] = None,
    company: Annotated[str | None, Field(max_length=120, description="New company of the customer.")] = None,
    street: Annotated[str | None, Field(max_length=200, description="New street and number.")] = None,
    postcode: Annotated[str | None, Field(max_length=20, description="New postal code.")] = None,
    city: Annotated[str | None, Field(max_length=100, description="New town of the address.")] = None,
    country: Annotated[
        str | None, Field(pattern="^[A-Z]{2}$", description="Two letters of the country, as FR.")
    ] = None,
) -> Customer:
    """Change the name, phone number, company or address of a customer's account; what is left out stays.

    A person is asked first. Orders that were made keep their own address: for these, use woo_update_order. Guests have
    no account. Find the account with woo_search_customers.
    """
    account = await _account_of(customer)
    first, _, last = (name or "").strip().partition(" ")
    names = _filled({"first_name": first, "last_name": last})
    place = _filled({"company": company, "address_1": street, "postcode": postcode, "city": city, "country": country})
    number = _filled({"phone": phone.e164(api.connection.fleet.country) if phone else None})
    if not (names or place or number):
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass what is new.")
    shown = listed([*names.values(), *place.values(), *number.values()])
    await confirm(f"Change the account of {account.name or account.email} ({account.email}) to: {shown}?")
    body = {
        **names,
        "billing": {**names, **place, **number},
        "shipping": {**names, **place} or None,
    }
    return Account.model_validate(await api.put(f"/customers/{account.id}", json=body))


async def _account_of(customer: str) -> Account:
    """Return an account by mail address or id; raises errors.NotFoundError."""
    text = customer.strip()
    if "@" in text:
        known = await _accounts(Address.read(text))
    elif text.isascii() and text.isdecimal() and len(text) < 16:
        rows = readable(Account, await api.rows("/customers", params={"include": text}))
        known = [one for one in rows if one.id == text]
    else:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 60)}` is not an e-mail address or an id.", "Find it with woo_search_customers."
        )
    if not known:
        raise errors.NotFoundError(
            f"No account belongs to `{errors.excerpt(text, 60)}`.",
            "Guests have none: create one with woo_create_customer.",
        )
    return known[0]


async def _accounts(mail: Address) -> list[Account]:
    """Return the account of a mail address, none or one."""
    rows = readable(Account, await api.rows("/customers", params={"email": mail.address}))
    return [one for one in rows if one.id and (one.email or "").casefold() == mail.key]


def _filled(fields: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}
