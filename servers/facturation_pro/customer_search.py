"""Customers by what a person says of them: a company, a person, or an e-mail address.

The vendor's list has one filter for companies and one for last names, and nothing that searches both.
https://www.facturation.dev/api/customers/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from flotilla import Page, errors
from flotilla.parsing import folded, listed

from .models import Bill, Customer
from .records import every

B = TypeVar("B", bound=Bill)
MOST_PAGES = 4  # of one search, 200 customers
MOST_CUSTOMERS = 20  # whose documents are listed together
IDS = 50  # in one request: a full page of the vendor


async def search_customers(query: str, **filters: Any) -> list[Customer]:
    """Return the customers whose company, person or e-mail address contains a text, with all their fields.

    Of a person's name each word counts, in any order. `filters`: further ones of the vendor's list.
    Raises errors.InvalidInputError where too many fit to be read.
    """
    text = " ".join(query.split())
    customers: dict[int, Customer] = {}
    for search in _searches(text):
        if search.get("last_name") == _first_word(text) and customers:
            continue
        rows, whole = await every("/customers.json", Customer, MOST_PAGES, **{**filters, **search})
        if not whole:
            raise errors.InvalidInputError(
                f"Too many customers fit `{errors.excerpt(text, 60)}`.", "Give more of the name, or the e-mail address."
            )
        word_of_several = search.get("last_name", text) != text
        customers |= {row.id: row for row in rows if not word_of_several or _fits(row, text)}
    return list(customers.values())


def _searches(text: str) -> list[dict[str, str]]:
    """Return the filters that find a text: of a person's names the last name stands last or, less often, first."""
    if "@" in text:
        return [{"email": text}]
    names = [word for word in (text.split()[-1], _first_word(text)) if len(word) > 2]
    return [{"company": text}, *({"last_name": name} for name in dict.fromkeys([text, *names]))]


def _first_word(text: str) -> str:
    return text.split()[0] if " " in text else ""


def _fits(customer: Customer, text: str) -> bool:
    details = customer.details or {}
    names = (customer.name, details.get("first_name"), details.get("last_name"))
    whole = folded(" ".join(str(name) for name in names if name))
    return all(word in whole for word in folded(text).split())


async def called(query: str) -> list[Customer]:
    """Return the customers of a name or e-mail address whose documents are asked for, archived ones too.

    Raises errors.NotFoundError where there is none, errors.InvalidInputError where there are more than MOST_CUSTOMERS.
    """
    customers = await search_customers(query, mode="all")
    shown = errors.excerpt(query, 60)
    if not customers:
        raise errors.NotFoundError(
            f"There is no customer whose name contains `{shown}`.",
            "Try a shorter part of the name, or the e-mail address; facturation_list_customers shows all customers.",
        )
    if len(customers) > MOST_CUSTOMERS:
        names = listed((customer.name or customer.id for customer in customers), 10)
        raise errors.InvalidInputError(
            f"{len(customers)} customers fit `{shown}`: {names}.", "Give more of the name, or the e-mail address."
        )
    return sorted(customers, key=lambda customer: customer.id)


async def documents_of(
    customers: Iterable[Customer],
    documents: Callable[[int, int, str | None], Awaitable[Page[B]]],
    limit: int,
    cursor: str | None,
) -> Page[B]:
    """Return a page of the documents of several customers, one customer after the other.

    `documents` lists those of one, by its id, a limit and a cursor. The cursor here is an id and a cursor of that list.
    Raises errors.InvalidInputError for another one.
    """
    ids = [customer.id for customer in customers]
    start, _, inner = (cursor or "").partition(":")
    if cursor and start not in map(str, ids):
        raise errors.InvalidInputError("The cursor is not valid.", "Leave it out to start at the first page.")
    items: list[B] = []
    for one in ids[ids.index(int(start)) if start else 0 :]:
        if len(items) == limit:
            return Page(items=items, next_cursor=f"{one}:")
        page = await documents(one, limit - len(items), inner or None)
        items, inner = items + page.items, ""
        if page.next_cursor:
            return Page(items=items, next_cursor=f"{one}:{page.next_cursor}")
    return Page(items=items)


async def addresses(customer_ids: Iterable[int | None]) -> dict[int, str]:
    """Return the addresses to which the documents of these customers are sent, of those that have one."""
    ids = sorted({one for one in customer_ids if one})
    customers: list[Customer] = []
    for start in range(0, len(ids), IDS):
        rows, _ = await every("/customers.json", Customer, mode="all", ids=ids[start : start + IDS])
        customers += rows
    return {customer.id: address for customer in customers if (address := address_of(customer))}


def address_of(customer: Customer) -> str:
    """Return the address to which a customer's documents are sent: that for invoices, else the usual one, or ""."""
    return str((customer.details or {}).get("invoice_email") or customer.email or "")
