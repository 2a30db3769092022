"""Things by what people say of them: an order by its number, a person by phone or mail, a product by name or SKU."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

from flotilla import Address, Phone, choose, errors, segment
from flotilla.http.responses import json_of
from flotilla.parsing import folded, listed, looks_like_phone

from .client import api
from .models import Category, options

AT_ONCE = 50  # orders of one search among which a person or a number is looked for
SAID = re.compile(r"(?i)^(?:(?:order|commande|number|num[ée]ro|n[o°º]\.?|nr\.?|#)\s*)+")
# What a status means to a customer; shops may have more of them.
MEANINGS = {
    "pending": "It waits for the customer's payment.",
    "on-hold": "It waits for the payment to be confirmed by the shop.",
    "processing": "It is paid and being prepared; it is not marked as sent.",
    "completed": "The shop has finished it: it is sent or handed over.",
    "cancelled": "It was cancelled.",
    "refunded": "It was refunded in full.",
    "failed": "The payment failed.",
}
OrderRef = Annotated[
    str,
    Field(
        min_length=1,
        description="Order number, from woo_search_orders.",
        examples=["1042"],
    ),
]
ProductRef = Annotated[
    str,
    Field(
        min_length=1,
        description="SKU, name or id, from woo_search_products.",
        examples=["TASSE-BLEUE"],
    ),
]
VariationRef = Annotated[str | None, Field(description="Its options, as in woo_get_product: Bleu, L.")]


def spoken_number(text: str) -> str:
    """Return an order number without what people say before it: `commande n° 1042` is 1042."""
    return SAID.sub("", text.strip()).strip()


def is_phone(text: str) -> bool:
    """Tell whether a text is meant as a phone number: digits alone are an order number, unless a 0 begins them or they
    are as many as those of a number with its calling code.
    """
    tidy = text.strip()
    return looks_like_phone(tidy) and (tidy[0] in "+0(" or not tidy.isdecimal() or len(tidy) >= 11)


async def order_of(order: str) -> dict[str, Any]:
    """Return an order by its number; where numbers are not ids, the number counts. Raises errors.NotFoundError."""
    number = spoken_number(order)
    of_id: list[dict[str, Any]] = []
    if number.isascii() and number.isdecimal() and len(number) < 16:
        of_id = await api.rows("/orders", params={"include": number, "per_page": 1})
        of_id = [row for row in of_id if str(row.get("id")) == number]
        if of_id and str(of_id[0].get("number") or number) == number:
            return of_id[0]
    rows = await api.rows("/orders", params={"search": number, "per_page": AT_ONCE})
    named = [row for row in rows if str(row.get("number") or "").casefold() == number.casefold()]
    matches: list[dict[str, Any]] = named or of_id
    if matches:
        return matches[0]
    raise errors.NotFoundError(
        f"There is no order `{errors.excerpt(order, 60)}`.",
        "Ask for the number again, or look for it with woo_search_orders by phone number, mail address or name.",
    )


def _endings(phone: Phone) -> list[str]:
    """Return the endings of a phone number, as it may be written in an order, without what stands before them."""
    groups = re.findall(r"\d+", phone.international(api.connection.fleet.country))[1:]
    tail = groups[1:] if len("".join(groups[1:])) >= 6 else groups
    return list(dict.fromkeys(["".join(groups), *(sign.join(tail) for sign in (" ", ".", "-"))]))


def same_phone(phone: Phone, written: Any) -> bool:
    """Tell whether a text is the same phone number, however it is written."""
    return phone.matches(written, api.connection.fleet.country)


async def orders_by_phone(phone: Phone) -> list[dict[str, Any]]:
    """Return the newest orders of a phone number, however it is written in them, newest first."""
    rows: list[dict[str, Any]] = []
    for ending in _endings(phone):
        rows += await api.rows("/orders", params={"search": ending, "per_page": AT_ONCE})
    same = [row for row in rows if same_phone(phone, _billing(row).get("phone"))]
    return _newest({str(row.get("id")): row for row in same})


async def orders_by_mail(mail: Address) -> list[dict[str, Any]]:
    """Return the newest orders of a mail address, newest first."""
    rows = await api.rows("/orders", params={"search": mail.address, "per_page": AT_ONCE})
    same = [row for row in rows if str(_billing(row).get("email") or "").casefold() == mail.key]
    return _newest({str(row.get("id")): row for row in same})


def _newest(rows: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows.values(), key=lambda row: str(row.get("date_created_gmt") or ""), reverse=True)


def _billing(row: dict[str, Any]) -> dict[str, Any]:
    billing = row.get("billing")
    return billing if isinstance(billing, dict) else {}


def belongs(order: dict[str, Any], contact: str) -> bool:
    """Tell whether an order was made with a mail address or phone number; raises PhoneError for neither."""
    billing = _billing(order)
    if "@" in contact:
        return str(billing.get("email") or "").casefold() == Address.read(contact).key
    return same_phone(Phone.read(contact), billing.get("phone"))


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
    billing = _billing(order)
    name = " ".join(str(billing.get(part) or "") for part in ("first_name", "last_name")).strip()
    mail = str(billing.get("email") or "")
    return f"{name} ({mail})" if name and mail else name or mail or "a customer without a name"


async def statuses() -> dict[str, str]:
    """Return the labels of the order statuses by their slugs, those of plugins included; asked for once."""
    metadata = api.connection.metadata
    if "statuses" not in metadata:
        rows = await api.rows("/reports/orders/totals")
        metadata["statuses"] = {str(one["slug"]): str(one.get("name") or "") for one in rows if one.get("slug")}
    known: dict[str, str] = metadata["statuses"]
    return known


async def status_of(status: str) -> str:
    """Return the slug of an order status by slug or label; raises what `choose` does."""
    known = await statuses()
    if (slug := status.strip().lower().removeprefix("wc-")) in known or slug in MEANINGS:
        return slug
    chosen: tuple[str, str] = choose(
        status, known.items(), id=lambda one: one[0], name=lambda one: one[1], kind="order status"
    )
    return chosen[0]


async def currency() -> str:
    """Return the code of the shop's currency; asked for once."""
    metadata = api.connection.metadata
    if "currency" not in metadata:
        metadata["currency"] = str((await api.get("/data/currencies/current"))["code"])
    return str(metadata["currency"])


async def categories() -> list[Category]:
    """Return the product categories, 500 at most; kept until one is created."""
    metadata = api.connection.metadata
    if "categories" not in metadata:
        rows: list[Category] = []
        cursor: str | None = None
        for _ in range(5):
            page = await api.page("/products/categories", Category, limit=100, cursor=cursor)
            rows, cursor = rows + page.items, page.next_cursor
            if not cursor:
                break
        metadata["categories"] = rows
    known: list[Category] = metadata["categories"]
    return known


async def category_of(category: str) -> Category:
    """Return a category by its name or id; raises what `choose` does."""
    return choose(category, await categories(), kind="category", listed_by="woo_search_products")


async def product_of(product: str) -> dict[str, Any]:
    """Return a product, or a variation, by SKU, id or name; raises what `choose` does."""
    text = product.strip()
    matches: dict[str, dict[str, Any]] = {}
    if "," not in text:  # a comma stands between several SKUs
        rows = await api.rows("/products", params={"sku": text, "per_page": 10})
        matches = {str(r.get("id")): r for r in rows if str(r.get("sku") or "").casefold() == text.casefold()}
    if text.isascii() and text.isdecimal() and len(text) < 16:
        response = await api.send("GET", f"/products/{text}", expected=(404,))
        row = json_of(response, api.integration.title) if response.status_code != 404 else None
        matches |= {str(row.get("id")): row} if isinstance(row, dict) and row.get("id") else {}
    if not matches:
        rows = await api.rows("/products", params={"search": text, "per_page": AT_ONCE})
        matches = {str(r.get("id")): r for r in rows if r.get("id") and r.get("name")}
        return choose(text, matches.values(), kind="product", listed_by="woo_search_products")
    if len(matches) > 1:
        names = listed(f"{row.get('name')} (id {key}, SKU {row.get('sku') or 'none'})" for key, row in matches.items())
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 60)}` means more than one product: {names}.", "Pass the name of one."
        )
    return next(iter(matches.values()))


async def variations_of(product: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the variations of a product, 100 at most; none where it has none."""
    if product.get("type") != "variable":
        return []
    path = f"/products/{segment(str(product['id']))}/variations"
    return [row for row in await api.rows(path, params={"per_page": 100}) if row.get("id")]


async def sold_thing(product: str, variation: str | None) -> tuple[str, dict[str, Any], str]:
    """Return what has a price and a stock: its path, the object, and its name for people.

    A variable product needs a variation. Raises errors.InvalidInputError that lists them, and what `choose` does.
    """
    row = await product_of(product)
    name = str(row.get("name") or product)
    if row.get("parent_id") and row.get("type") == "variation":  # found by its SKU
        return f"/products/{row['parent_id']}/variations/{row['id']}", row, name
    known = await variations_of(row)
    if not known:
        if variation:
            raise errors.InvalidInputError(f"«{errors.excerpt(name, 60)}» has no variations.", "Leave variation out.")
        return f"/products/{row['id']}", row, name
    if variation is None:
        raise errors.InvalidInputError(
            f"«{errors.excerpt(name, 60)}» is sold in variations.",
            f"Pass one as variation: {listed(options(one.get('attributes')) for one in known)}.",
        )
    chosen = _variation(variation, known)
    label = f"{name} ({options(chosen.get('attributes'))})"
    return f"/products/{row['id']}/variations/{chosen['id']}", chosen, label


def _variation(wanted: str, known: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the variation that is meant: by SKU, by its options in any order, by id; raises what `choose` does."""
    parts = {folded(part) for part in wanted.split(",")}
    for one in known:
        names = {folded(part) for part in options(one.get("attributes")).split(",")}
        if wanted.strip() == one.get("sku") or parts == names:
            return one
    return choose(wanted, known, name=lambda one: options(one.get("attributes")), kind="variation")


def order_link(order: dict[str, Any]) -> str:
    """Return the address of an order in the shop's administration."""
    return f"{api.connection.settings.shop}/wp-admin/post.php?post={order['id']}&action=edit"
