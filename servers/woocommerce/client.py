"""WooCommerce and how it is spoken to: settings, authentication, errors.

https://woocommerce.github.io/woocommerce-rest-api-docs/
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import httpx2 as httpx
from pydantic import Field, HttpUrl

from flotilla import Api, Basic, ByNumber, Integration, SecretStr, ServerSettings, errors
from flotilla.http.responses import usual_message
from flotilla.settings import Switch

VERSION = "/wp-json/wc/v3"
KEYS = "WooCommerce > Settings > Advanced > REST API > Add key (permission Read/Write)"


class Settings(ServerSettings):
    """Read from WOOCOMMERCE_BASE_URL, WOOCOMMERCE_CONSUMER_KEY and WOOCOMMERCE_CONSUMER_SECRET."""

    base_url: HttpUrl = Field(
        description="Address of the shop, as its customers see it, with the folder where it stands in one",
        examples=["https://boutique.example"],
    )
    consumer_key: SecretStr = Field(description=f"Consumer key, from {KEYS}", examples=["ck_9d3f0a4c6b"])
    consumer_secret: SecretStr = Field(
        description="Consumer secret, shown once beside the consumer key", examples=["cs_1e7b5d2f8a"]
    )
    key_in_address: Switch = Field(
        False,
        description="yes where the host strips the Authorization header: the key then travels in the address, which "
        "the host may write to its logs",
    )

    @property
    def shop(self) -> str:
        """The shop's address without a slash at its end."""
        return str(self.base_url).rstrip("/").removesuffix(VERSION)

    @property
    def api_url(self) -> str:
        """Where the REST API stands."""
        return self.shop + VERSION


class ConsumerKey(Basic):
    """The consumer key as HTTP Basic, or in the address where the operator says that the host strips the header."""

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the key and send the request."""
        if self.connection.settings.key_in_address:
            pair = {name: self.needed(name) for name in (self.user, self.password)}
            request.url = request.url.copy_merge_params(pair)
        else:
            request.headers[self.header] = self.header_value()
        yield request


integration = Integration(
    "woocommerce",
    prefix="woo",
    title="WooCommerce",
    description="Orders with their tracking, refunds, products, stock, prices, customers, coupons and sales of a "
    "WooCommerce shop.",
    category="ecommerce",
    tags=["shop", "orders", "stock", "refunds", "wordpress"],
    network=True,  # the only host is that of the shop, which the settings name
    settings=Settings,
    masked=["secret"],
    docs="https://woocommerce.github.io/woocommerce-rest-api-docs/",
    instructions="For somebody who asks where an order is, woo_check_order_status takes a phone number, a mail address "
    "or an order number. Amounts are in the currency of the order or of the shop.",
)


def error_message(status: int, body: Any) -> str:
    """Return the message of an error response, with what is wrong about each parameter."""
    data = body.get("data") if isinstance(body, dict) else None
    params = data.get("params") if isinstance(data, dict) else None
    details = [f"{name}: {text}" for name, text in params.items()] if isinstance(params, dict) else []
    return "; ".join([usual_message(status, body), *details])


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a key, an address, a missing thing or a duplicate, which the status alone does not tell."""
    code = str(body.get("code") or "") if isinstance(body, dict) else ""
    message = errors.quoted(error_message(status, body))
    if status == 401 and code.startswith("woocommerce_rest_cannot"):
        return errors.AuthenticationError(
            f"The shop got no valid key: {message}.",
            "Ask the operator to check the key, and to set WOOCOMMERCE_KEY_IN_ADDRESS=yes where the host strips the "
            "Authorization header.",
        )
    if status == 401 and code == "woocommerce_rest_authentication_error":
        return errors.AuthenticationError(
            f"The shop refuses the key: {message}.",
            "Ask the operator to check the consumer key and secret, and that their permission is Read/Write.",
        )
    if status == 404 and code in ("", "rest_no_route"):
        return errors.UpstreamError(
            "The shop has no WooCommerce REST API at this address, or too old a version of it.",
            "Ask the operator to check WOOCOMMERCE_BASE_URL, and that the permalinks of WordPress are not Plain.",
        )
    if status in (400, 404) and code.endswith("_invalid_id"):
        return errors.NotFoundError(f"WooCommerce does not have this: {message}.", "Check the id, or search first.")
    if status == 400 and "sku" in code:
        return errors.InvalidInputError(
            f"Another product has this SKU: {message}.", "Look at it with woo_search_products."
        )
    if status == 400 and ("email-exists" in code or "email_exists" in code):
        return errors.InvalidInputError(
            f"A customer with this e-mail address exists already: {message}.",
            "Look at them with woo_search_customers.",
        )
    return None


api = Api(
    integration,
    auth=ConsumerKey("consumer_key", "consumer_secret"),
    base_url="api_url",
    paging=ByNumber(),
    error_message=error_message,
    map_error=map_error,
)
