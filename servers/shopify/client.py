"""Shopify and how it is spoken to: settings, authentication, errors. Everything is GraphQL, see `graphql`.

https://shopify.dev/docs/api/admin-graphql/2026-04
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, HttpUrl

from flotilla import Api, Consent, FirstOf, HeaderKey, Integration, SecretStr, ServerSettings, errors

from .auth import HEADER, ClientCredentials, RefreshToken

VERSION = "2026-04"  # kept for at least 12 months; then Shopify answers with the oldest version that it still has
ANY_SHOP = "shop.myshopify.com"  # stands for the shop's own host in the default addresses
# https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
CONSENT = Consent(
    account="shopify",
    authorize_url="https://{shop}/admin/oauth/authorize",
    token_url="https://{shop}/admin/oauth/access_token",
    who_url=f"https://{{shop}}/admin/api/{VERSION}/shop.json",
    who="shop.name",
    separator=",",
    pkce=False,
    stored_token="access_token",
    header=HEADER,
    scheme="",
    redirect_host="localhost",
    ports=(8976,),  # Shopify compares the whole redirect URL
    register="dev.shopify.com > Apps > Create app, for a shop of another organization, with the redirect URL "
    "http://localhost:8976/",
)
HOST = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")


def shop_host(value: Any) -> Any:
    """Return a shop's host of a name, a host or an address as people copy it; raises ValueError for another host."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower().removeprefix("https://").split("/")[0]
    host = text if "." in text else f"{text}.myshopify.com"
    if not HOST.fullmatch(host):
        raise ValueError("it must be the shop's name before .myshopify.com, such as atelier-lyon.myshopify.com")
    return host


class Settings(ServerSettings):
    """Read from SHOPIFY_SHOP, SHOPIFY_TOKEN and the like.

    A token of an app made in the admin, the client id and secret of an own app, or these with a refresh token.
    """

    auth_options = (
        ("token",),
        ("client_id", "client_secret"),
        ("refresh_token", "client_id", "client_secret"),
    )

    shop: Annotated[str, BeforeValidator(shop_host)] = Field(
        description="Host of the shop, at Settings > Domains: the one that ends in .myshopify.com",
        examples=["atelier-lyon.myshopify.com"],
    )
    token: SecretStr = Field(
        description="Admin API access token of an app made in the admin before 2026 (shpat_…)",
        examples=["shpat_3f9c1d7e5b2a"],
    )
    client_id: SecretStr = Field(
        description="In place of the token: Client ID of an own app, from dev.shopify.com > Apps > Settings"
    )
    client_secret: SecretStr = Field(description="Secret of that app")
    refresh_token: SecretStr = Field(description="Refresh token, where the app was installed by consent")
    token_url: HttpUrl = Field(
        HttpUrl(f"https://{ANY_SHOP}/admin/oauth/access_token"),
        description="Where tokens come from; shop.myshopify.com stands for the shop",
    )
    base_url: HttpUrl = Field(
        HttpUrl(f"https://{ANY_SHOP}/admin/api/{VERSION}"),
        description="Address of the API; shop.myshopify.com stands for the shop",
    )

    @property
    def endpoint(self) -> str:
        """Where the shop's API stands."""
        return self._of_shop(self.base_url)

    @property
    def token_endpoint(self) -> str:
        """Where the shop's tokens come from."""
        return self._of_shop(self.token_url)

    def _of_shop(self, address: HttpUrl) -> str:
        return str(address).replace(f"//{ANY_SHOP}/", f"//{self.shop}/", 1)


integration = Integration(
    "shopify",
    title="Shopify",
    description="Answer where an order is, search, edit, fulfil, cancel and refund orders of a Shopify shop, send "
    "draft orders, keep customers, products and stock.",
    category="ecommerce",
    tags=["shop", "orders", "products", "stock", "refunds", "customers"],
    hosts=["*.myshopify.com:443"],
    settings=Settings,
    consent=CONSENT,
    docs="https://shopify.dev/docs/api/admin-graphql",
    masked=["idempotencykey", "gift_card_code"],  # the former is new each time, the latter is money
    instructions="shopify_get_order_status answers a caller's question where an order is. Orders go by the number "
    "that people say, products and stock by SKU or name. Amounts are in the order's currency.",
)


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a state of the shop, which other arguments would not change."""
    if status == 402:
        return errors.PermissionDeniedError("The shop is frozen (402): a payment is due.", "Tell the user.")
    if status == 404:
        return errors.NotFoundError(
            "There is no shop at this address, or it has no such API.", "Ask the user to check SHOPIFY_SHOP."
        )
    if status == 423:
        return errors.PermissionDeniedError("The shop is locked (423).", "Tell the user to ask Shopify's support.")
    return None


api = Api(
    integration,
    base_url="endpoint",
    auth=FirstOf(
        HeaderKey("token", HEADER),  # of an app that was made in the shop's admin: it does not expire
        RefreshToken("token_url", revoked_hint="Ask the user to install the app again and to set the new token."),
        ClientCredentials("token_url", revoked_hint="Ask the user to check that the app is installed in the shop."),
    ),
    map_error=map_error,
)
