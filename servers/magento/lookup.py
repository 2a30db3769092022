"""Things by what people say of them: an order by its number, a person by phone or mail, a product by SKU or name."""

from __future__ import annotations

import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import Address, Phone, choose, errors
from flotilla.parsing import folded, looks_like_phone, zone_or

from .client import Condition, api, like, search
from .models import dicts

AT_ONCE = 50  # orders or customers of one search
NEWEST = 200  # orders among which a guest's phone number is looked for: Magento cannot search them by it
SAID = re.compile(r"(?i)^(?:(?:order|commande|number|num[ée]ro|n[o°º]\.?|nr\.?|#)\s*)+")
MEANINGS = {
    "pending": "It is received and waits for the payment or for the shop.",
    "pending_payment": "It waits for the customer's payment.",
    "payment_review": "The payment is being checked.",
    "fraud": "The payment is being checked.",
    "processing": "It is paid or accepted, and being prepared.",
    "complete": "It is paid and sent.",
    "holded": "The shop has put it on hold.",
    "canceled": "It was cancelled.",
    "closed": "It was refunded.",
}
OrderRef = Annotated[
    str, Field(min_length=1, description="Order number, from magento_search_orders.", examples=["000001042"])
]
ProductRef = Annotated[
    str, Field(min_length=1, description="SKU or name, from magento_search_products.", examples=["TASSE-BLEUE"])
]


def spoken_number(text: str) -> str:
    """Return an order number without what people say before it: `commande n° 1042` is 1042."""
    return SAID.sub("", text.strip()).strip()


def is_phone(text: str) -> bool:
    """Tell whether a text is meant as a phone number: numbers of orders have nine digits and can begin with 00."""
    tidy = text.strip()
    if not looks_like_phone(tidy):
        return False
    return tidy[0] in "+(" or not tidy.isdecimal() or len(tidy) >= (10 if tidy[0] == "0" else 11)


async def shop_zone() -> ZoneInfo:
    """Return the time zone of the shop; asked for once."""
    metadata = api.connection.metadata
    if "zone" not in metadata:
        rows = await api.rows("/store/storeConfigs")
        names = [one.get("timezone") for one in rows]
        metadata["zone"] = zone_or(next((name for name in names if isinstance(name, str)), None), api.zone)
    known: ZoneInfo = metadata["zone"]
    return known


async def order_of(order: str) -> dict[str, Any]:
    """Return an order by its number, with or without the zeros before it; raises errors.NotFoundError."""
    number = spoken_number(order)
    wanted = list(dict.fromkeys([number, number.zfill(9)] if number.isdecimal() else [number]))
    group: list[Condition] = [("increment_id", "eq", one) for one in wanted]
    rows = [row for row in await search("/orders", group, size=5) if row.get("entity_id")]
    for one in wanted:
        for row in rows:
            if str(row.get("increment_id") or "").casefold() == one.casefold():
                return row
    raise errors.NotFoundError(
        f"There is no order `{errors.excerpt(order, 60)}`.",
        "Ask for the number again, or look for it with magento_search_orders by phone number, mail address or name.",
    )


def number_of(order: dict[str, Any]) -> str:
    """Return the number of an order."""
    return str(order.get("increment_id") or order["entity_id"])


def same_phone(phone: Phone, written: Any) -> bool:
    """Tell whether a text is the same phone number, however it is written."""
    return phone.matches(written, api.connection.fleet.country)


def _endings(phone: Phone) -> list[str]:
    """Return the endings of a phone number as it may be written, without what stands before them."""
    groups = re.findall(r"\d+", phone.international(api.connection.fleet.country))[1:]
    tail = groups[1:] if len("".join(groups[1:])) >= 6 else groups
    return list(dict.fromkeys(["".join(groups), *(sign.join(tail) for sign in (" ", ".", "-"))]))


async def accounts_by_phone(phone: Phone) -> list[dict[str, Any]]:
    """Return the customers' accounts whose address has a phone number, however it is written there."""
    group: list[Condition] = [("billing_telephone", "like", like(ending)) for ending in _endings(phone)]
    rows = await search("/customers/search", group, size=AT_ONCE)
    return [row for row in rows if any(same_phone(phone, one.get("telephone")) for one in dicts(row.get("addresses")))]


async def guests_by_phone(phone: Phone) -> list[dict[str, Any]]:
    """Return those of the newest orders that have a phone number; Magento cannot search orders by it."""
    fields = "items[entity_id,billing_address[telephone]]"
    rows = await search("/orders", size=NEWEST, sort="created_at", fields=fields)
    same = [row for row in rows if same_phone(phone, (row.get("billing_address") or {}).get("telephone"))]
    ids = [str(row["entity_id"]) for row in same if row.get("entity_id")]
    return await search("/orders", [("entity_id", "in", ",".join(ids))], sort="created_at") if ids else []


async def orders_by_phone(phone: Phone) -> list[dict[str, Any]]:
    """Return the orders of a phone number, newest first: those of accounts that have it, and recent ones of guests."""
    mails = [str(row["email"]) for row in await accounts_by_phone(phone) if row.get("email")]
    rows = await search("/orders", [("customer_email", "in", ",".join(mails))], sort="created_at") if mails else []
    rows += await guests_by_phone(phone)
    known = {str(row.get("entity_id")): row for row in rows if row.get("entity_id")}
    return sorted(known.values(), key=lambda row: str(row.get("created_at") or ""), reverse=True)


async def orders_by_mail(mail: Address) -> list[dict[str, Any]]:
    """Return the orders of a mail address, newest first."""
    rows = await search("/orders", [("customer_email", "eq", mail.address)], sort="created_at")
    return [row for row in rows if row.get("entity_id")]


def belongs(order: dict[str, Any], contact: str) -> bool:
    """Tell whether an order was made with a mail address or phone number; raises PhoneError for neither."""
    if "@" in contact:
        return str(order.get("customer_email") or "").casefold() == Address.read(contact).key
    return same_phone(Phone.read(contact), (order.get("billing_address") or {}).get("telephone"))


async def orders_of(caller: str) -> list[dict[str, Any]]:
    """Return the orders of a phone number, a mail address or an order number, newest first.

    Raises errors.NotFoundError where there is none.
    """
    if "@" in caller:
        rows = await orders_by_mail(Address.read(caller))
    elif is_phone(caller):
        rows = await orders_by_phone(Phone.read(caller))
    else:
        return [await order_of(caller)]
    if not rows:
        raise errors.NotFoundError(
            f"No order belongs to `{errors.excerpt(caller, 60)}`.",
            "Ask for the order number, or the mail address or phone number that the order was made with.",
        )
    return rows


def person_of(order: dict[str, Any]) -> str:
    """Return the person of an order for a question: name, and mail address."""
    billing = order.get("billing_address")
    people = [order, {f"customer_{k}": v for k, v in billing.items()} if isinstance(billing, dict) else {}]
    names = (
        " ".join(str(one.get(f"customer_{part}") or "") for part in ("firstname", "lastname")).strip() for one in people
    )
    name, mail = next((one for one in names if one), ""), str(order.get("customer_email") or "")
    return f"{name} ({mail})" if name and mail else name or mail or "a customer without a name"


async def product_of(product: str) -> dict[str, Any]:
    """Return a product by SKU or name; raises what `choose` does. The SKU stands in no path: it may hold a slash."""
    text = product.strip()
    rows = await search("/products", [("sku", "eq", text), ("name", "like", like(text))])
    rows = [row for row in rows if row.get("sku")]
    exact = [row for row in rows if str(row["sku"]).casefold() == text.casefold()]
    return (
        exact[0]
        if len(exact) == 1
        else choose(
            text,
            rows,
            id=lambda row: str(row["sku"]),
            name=lambda row: str(row.get("name") or ""),
            kind="product",
            listed_by="magento_search_products",
        )
    )


async def sources() -> dict[str, str]:
    """Return the names of the stock's sources by their codes; asked for once."""
    metadata = api.connection.metadata
    if "sources" not in metadata:
        rows = await search("/inventory/sources", size=100)
        metadata["sources"] = {str(r["source_code"]): str(r.get("name") or "") for r in rows if r.get("source_code")}
    known: dict[str, str] = metadata["sources"]
    return known


async def source_of(source: str) -> str:
    """Return the code of a source by code or name; raises what `choose` does."""
    chosen: tuple[str, str] = choose(
        source, (await sources()).items(), id=lambda one: one[0], name=lambda one: one[1], kind="source"
    )
    return chosen[0]


def explanation_of(order: dict[str, Any], sent: bool) -> str:
    """Return what an order's status stands for, for a customer."""
    status = str(order.get("status") or order.get("state"))
    if sent and status == "processing":
        return "It is being prepared, and a part of it is sent."
    return MEANINGS.get(status) or MEANINGS.get(str(order.get("state"))) or f"Its status is {folded(status)}."
