"""Orders, customers, variants, products and locations by what people call them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

from pydantic import Field

from flotilla import Address, Phone, Record, choose, errors
from flotilla.parsing import PhoneError, folded, listed, looks_like_phone

from .client import api
from .documents import CUSTOMER, ORDER, PAGE_INFO, PRODUCT, PRODUCT_ROW
from .graphql import every, gid, one, query, quoted, word
from .models import dig, nodes

LONG = 10  # digits: an id of Shopify has more than an order's number
BEFORE_NUMBER = re.compile(r"^\s*(?:(?:#|n\s*°|no\.?|nr\.?|commande|order)\s*)+", re.IGNORECASE)

OrderRef = Annotated[
    str,
    Field(min_length=1, description="Number of the order, such as 1001, or its id.", examples=["1001"]),
]
LineRef = Annotated[str, Field(description="Name or SKU of an item of the order.")]
CustomerRef = Annotated[
    str,
    Field(
        min_length=1,
        description="E-mail address or phone number, or the id from shopify_search_customers.",
        examples=["marie@exemple.fr"],
    ),
]
VariantRef = Annotated[
    str,
    Field(
        min_length=1,
        description="SKU, barcode or name, or the variant's id from shopify_search_products.",
        examples=["LIN-M"],
    ),
]
ProductRef = Annotated[
    str,
    Field(
        min_length=1,
        description="Name of the product, or its id from shopify_search_products.",
        examples=["Chemise en lin"],
    ),
]
LocationRef = Annotated[str | None, Field(description="Name of the location, where there are several.")]

ORDER_BY_ID = f"query OrderById($id: ID!) {{ order(id: $id) {{ ...Order }} }} {ORDER}"
ORDERS_BY_NUMBER = (
    f"query OrdersByNumber($query: String!) {{ orders(first: 5, query: $query) {{ nodes {{ ...Order }} }} }} {ORDER}"
)
CUSTOMER_BY_ID = f"query CustomerById($id: ID!) {{ customer(id: $id) {{ ...Customer }} }} {CUSTOMER}"
CUSTOMERS_BY = f"""
query CustomersBy($query: String!) {{ customers(first: 5, query: $query) {{ nodes {{ ...Customer }} }} }} {CUSTOMER}"""
VARIANT = """
fragment Variant on ProductVariant {
  id displayName sku barcode price
  product { id title status }
  inventoryItem { id tracked inventoryLevels(first: 20) { nodes {
    location { id name }
    quantities(names: ["available", "on_hand", "committed", "incoming"]) { name quantity }
  } } }
}"""
VARIANT_BY_ID = f"query VariantById($id: ID!) {{ productVariant(id: $id) {{ ...Variant }} }} {VARIANT}"
VARIANTS_BY = f"""
query VariantsBy($query: String!) {{ productVariants(first: 20, query: $query) {{ nodes {{ ...Variant }} }} }}
{VARIANT}"""
PRODUCT_BY_ID = f"query ProductById($id: ID!) {{ product(id: $id) {{ ...Product }} }} {PRODUCT}"
PRODUCTS_BY_NAME = f"""
query ProductsByName($query: String!) {{ products(first: 20, query: $query) {{ nodes {{ ...ProductRow }} }} }}
{PRODUCT_ROW}"""
LOCATIONS = f"""
query Locations($first: Int!, $after: String) {{
  locations(first: $first, after: $after) {{ nodes {{ id name isActive address {{ city }} }} {PAGE_INFO} }}
}}"""


def region() -> str:
    """Return the country in which phone numbers without a calling code are read."""
    return api.connection.fleet.country


def number_of(text: str) -> str:
    """Return an order's number without what people put before it."""
    return BEFORE_NUMBER.sub("", text).strip()


def by_number(number: str) -> tuple[str, str]:
    """Return two searches for an order's number: by its name, with or without #; else in all fields.

    The second one finds FR1001, and much else: it is for when the first one finds nothing.
    """
    return f"name:{quoted('#' + number)} OR name:{quoted(number)}", quoted(number)


def of_number(rows: Sequence[Any], number: str) -> list[Record]:
    """Return those of the orders that have this number, with or without the shop's prefix and suffix."""
    wanted = folded(number)
    return [
        Record(row)
        for row in rows
        if folded(str(row.get("name")).removeprefix("#")) == wanted or str(row.get("number")) == number
    ]


def is_id(text: str, kind: str) -> bool:
    """Tell whether a text is a global id, or the number in one."""
    return text.strip().startswith(f"gid://shopify/{kind}/") or (text.strip().isdigit() and len(text.strip()) >= LONG)


async def find_order(order: str) -> Record:
    """Return an order by its number or id, with the fields of the fragment Order.

    Raises errors.NotFoundError, errors.InvalidInputError where several have the number.
    """
    hint = "Ask for the number on the confirmation, or find the order with shopify_search_orders."
    if is_id(order, "Order") or "gid:" in order:
        data = await query(ORDER_BY_ID, {"id": gid("Order", order, "shopify_search_orders")})
        return one(data, "order", "order", hint)
    number = number_of(order)
    if not number:
        raise errors.InvalidInputError("The order's number is empty.", hint)
    target: list[Record] = []
    for search in by_number(number):
        data = await query(ORDERS_BY_NUMBER, {"query": search})
        if target := of_number(api.rows_in(data, "orders.nodes"), number):
            break
    if not target:
        raise errors.NotFoundError(f"There is no order `{errors.excerpt(number, 40)}`.", hint)
    if len(target) > 1:
        names = listed(f"{row['name']} ({row['id']})" for row in target)
        raise errors.InvalidInputError(f"More than one order has this number: {names}.", "Pass the id of one.")
    return target[0]


def pick_line(text: str, lines: Sequence[Record]) -> Record:
    """Return the line of an order by SKU, name or id; raises what `choose` does."""
    of_sku = [line for line in lines if line.get("sku") and folded(str(line["sku"])) == folded(text)]
    if len(of_sku) == 1:
        return of_sku[0]
    return choose(text, of_sku or lines, name=lambda line: str(line.get("name") or ""), kind="item of the order")


def customer_search(text: str) -> str:
    """Return the search for one customer by e-mail address or phone number, raises errors.InvalidInputError."""
    if "@" in text:
        return f"email:{quoted(Address.read(text).address)}"
    if looks_like_phone(text):
        return f"phone:{quoted(Phone.read(text).e164(region()))}"
    raise errors.InvalidInputError(
        f"`{errors.excerpt(text, 60)}` is not an e-mail address, a phone number or a customer's id.",
        "Find the customer with shopify_search_customers, then pass the id.",
    )


async def find_customers(text: str) -> list[Record]:
    """Return the customers of an e-mail address or phone number; searches may lag, so the answer is checked too."""
    data = await query(CUSTOMERS_BY, {"query": customer_search(text)})
    return [Record(row) for row in api.rows_in(data, "customers.nodes") if has_contact(row, text)]


def has_contact(customer: Any, text: str) -> bool:
    """Tell whether a customer has this e-mail address or phone number."""
    if "@" in text:
        return str(dig(customer, "defaultEmailAddress", "emailAddress")).casefold() == Address.read(text).key
    return same_phone(dig(customer, "defaultPhoneNumber", "phoneNumber"), text)


def same_phone(one_number: Any, other: str) -> bool:
    """Tell whether two texts write the same phone number."""
    with suppress(PhoneError):
        return Phone.read(other).matches(one_number, region())
    return False


async def find_customer(customer: str) -> Record:
    """Return a customer by e-mail address, phone number or id.

    Raises errors.NotFoundError, errors.InvalidInputError where several have it.
    """
    hint = "Find the customer with shopify_search_customers."
    if "gid:" in customer:  # ten digits alone are a phone number
        data = await query(CUSTOMER_BY_ID, {"id": gid("Customer", customer, "shopify_search_customers")})
        return one(data, "customer", "customer", hint)
    target = await find_customers(customer)
    if not target:
        raise errors.NotFoundError(f"No customer has `{errors.excerpt(customer, 60)}`.", hint)
    if len(target) > 1:
        names = listed(f"{row.get('displayName')} ({row['id']})" for row in target)
        raise errors.InvalidInputError(f"More than one customer has it: {names}.", "Pass the id of one.")
    return target[0]


async def find_variant(variant: str) -> Record:
    """Return a variant by id, SKU, barcode or name; raises errors.NotFoundError, errors.InvalidInputError."""
    hint = "Find it with shopify_search_products."
    if "gid:" in variant:
        data = await query(VARIANT_BY_ID, {"id": gid("ProductVariant", variant, "shopify_search_products")})
        return one(data, "productVariant", "variant", hint)
    exact = f"sku:{quoted(variant)} OR barcode:{quoted(variant)}"
    data = await query(VARIANTS_BY, {"query": f"{exact} OR {quoted(variant)}"})
    rows = [row for row in api.rows_in(data, "productVariants.nodes") if row.get("id")]
    wanted = folded(variant)
    of_code = [row for row in rows if wanted in (folded(str(row.get("sku"))), folded(str(row.get("barcode"))))]
    if len(of_code) == 1:
        return Record(of_code[0])
    of_product = [row for row in rows if folded(str(dig(row, "product", "title"))) == wanted]
    candidates = of_code or of_product or rows
    if len(candidates) == 1 and (of_code or of_product):
        return Record(candidates[0])
    if is_id(variant, "ProductVariant"):
        data = await query(VARIANT_BY_ID, {"id": gid("ProductVariant", variant, "shopify_search_products")})
        return one(data, "productVariant", "variant", hint)
    if of_code or of_product:
        names = listed(f"{row.get('displayName')} (SKU {row.get('sku') or 'none'}, {row['id']})" for row in candidates)
        raise errors.InvalidInputError(f"Several variants fit: {names}.", "Pass the SKU or the id of one.")
    records = [Record(row) for row in candidates]
    return choose(variant, records, name=lambda row: str(row.get("displayName") or ""), kind="variant")


async def find_product(product: str) -> Record:
    """Return a product by id or name, with the fields of the fragment Product; raises what `choose` does."""
    target = product
    if not is_id(product, "Product") and "gid:" not in product:
        rows = api.rows_in(await query(PRODUCTS_BY_NAME, {"query": terms_of(product)}), "products.nodes")
        rows = [row for row in rows if row.get("id")]
        chosen = choose(
            product,
            rows,
            name=lambda row: str(row.get("title") or ""),
            kind="product",
            listed_by="shopify_search_products",
        )
        target = str(chosen["id"])
    data = await query(PRODUCT_BY_ID, {"id": gid("Product", target, "shopify_search_products")})
    return one(data, "product", "product", "Find it with shopify_search_products.")


async def locations() -> list[Record]:
    """Return the active locations, which are asked for once in a process."""
    metadata = api.connection.metadata
    if "locations" not in metadata:
        rows = api.rows_in(await query(LOCATIONS, {"first": 100}), "locations.nodes")
        metadata["locations"] = [Record(row) for row in rows if row.get("isActive") and row.get("id")]
    known: list[Record] = metadata["locations"]
    return known


async def find_location(location: str | None) -> Record:
    """Return a location by name or id, or the only one; raises errors.InvalidInputError, with the names."""
    known = await locations()
    if location and not any(folded(str(row.get("name"))) == folded(location) for row in known):
        del api.connection.metadata["locations"]  # it may be new
        known = await locations()
    if location:
        return choose(location, known, kind="location")
    if len(known) == 1:
        return known[0]
    names = listed(row.get("name") for row in known) or "none"
    raise errors.InvalidInputError("The shop has several locations.", f"Pass one as location: {names}.")


def terms_of(text: str | None) -> str | None:
    """Return a search for all words of a text; `tag:vip` stays a search for a tag."""
    terms = [
        f"tag:{quoted(part[4:])}" if part.lower().startswith("tag:") and len(part) > 4 else word(part)
        for part in (text or "").split()
    ]
    return every(*terms)


def line_rows(order: Record) -> list[Record]:
    """Return the lines of an order that is there whole."""
    return [Record(row) for row in nodes(order.get("lineItems")) if row.get("id")]
