"""Magento (Adobe Commerce, Magento Open Source) and how it is spoken to: settings, authentication, searches, errors.

https://developer.adobe.com/commerce/webapi/rest/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, Field, HttpUrl

from flotilla import (
    Api,
    Bearer,
    FirstOf,
    Integration,
    Page,
    SecretStr,
    ServerSettings,
    cursor_number,
    errors,
    readable,
)
from flotilla.http.responses import usual_message

from .auth import AdminLogin, SignedRequests

M = TypeVar("M", bound=BaseModel)
Condition = tuple[str, str, Any]  # field, condition type, value
WHERE = "System > Extensions > Integrations > Add New Integration (Sales, Catalog, Customers, Marketing), then Activate"
SIGNED = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")


class Settings(ServerSettings):
    """An integration with its four values, its access token alone, or the login of an administrator."""

    auth_options = (SIGNED, ("access_token",), ("username", "password"))

    base_url: HttpUrl = Field(description="Address of the shop, without /rest", examples=["https://boutique.example"])
    consumer_key: SecretStr = Field(description=f"Consumer key of an integration, from {WHERE}")
    consumer_secret: SecretStr = Field(description="Consumer secret of the integration")
    access_token: SecretStr = Field(description="Access token of the integration")
    access_token_secret: SecretStr = Field(
        description="Access token secret of the integration. The token alone works where the shop takes it as Bearer"
    )
    username: str = Field(description="Login of an administrator without two-factor authentication, if no integration")
    password: SecretStr = Field(description="Password of that administrator")
    store: str = Field(
        "all", pattern=r"^[A-Za-z0-9_]+$", description="Store view that is worked on; all changes every store"
    )

    @property
    def shop(self) -> str:
        """The shop's address without a slash at its end."""
        return str(self.base_url).rstrip("/").removesuffix("/rest")

    @property
    def api_url(self) -> str:
        """Where the REST API stands."""
        return f"{self.shop}/rest/{self.store}/V1"

    @property
    def token_url(self) -> str:
        """Where an administrator gets a token."""
        return f"{self.api_url}/integration/admin/token"


integration = Integration(
    "magento",
    title="Magento",
    description="Orders with their parcels, invoices, shipments, refunds, products, prices, stock by source, customers "
    "and coupons of a Magento or Adobe Commerce shop.",
    category="ecommerce",
    tags=["shop", "orders", "stock", "refunds", "adobe-commerce"],
    network=True,  # the only host is that of the shop, which the settings name
    settings=Settings,
    docs="https://developer.adobe.com/commerce/webapi/rest/",
    instructions="For somebody who asks where an order is, magento_check_order_status takes a phone number, a mail "
    "address or an order number.",
)


def error_message(status: int, body: Any) -> str:
    """Return the message of an error response with its placeholders filled in: %1 and %fieldName."""
    message = usual_message(status, body)
    parameters = body.get("parameters") if isinstance(body, dict) else None
    if isinstance(parameters, list):
        named: Mapping[str, Any] = {str(place): value for place, value in enumerate(parameters, 1)}
    else:
        named = parameters if isinstance(parameters, dict) else {}
    return re.sub(r"%(\w+)", lambda match: str(named.get(match[1], match[0])), message)


def map_error(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a missing permission, which comes as 401 or 403, and of an address without the API."""
    message = error_message(status, body)
    if status in (401, 403) and "authorized to access" in message:
        return errors.PermissionDeniedError(
            f"Magento does not allow this: {errors.quoted(message)}.",
            "Ask the operator to give the integration this resource, or to check its keys.",
        )
    if status == 404 and not message:
        return errors.UpstreamError(
            "The shop has no REST API at this address.",
            "Ask the operator to check MAGENTO_BASE_URL and MAGENTO_STORE.",
        )
    return None


api = Api(
    integration,
    auth=FirstOf(SignedRequests(*SIGNED), Bearer("access_token"), AdminLogin("token_url")),
    base_url="api_url",
    error_message=error_message,
    map_error=map_error,
)
storefront = Api(integration, base_url="shop", error_message=error_message)
"""GraphQL of the storefront, which anybody may ask: no credentials go there."""


def criteria(
    *groups: Sequence[Condition], size: int, page: int = 1, sort: str = "", ascending: bool = False
) -> dict[str, Any]:
    """Return a search's parameters: what is in one group is an alternative, all groups must fit."""
    params: dict[str, Any] = {}
    for place, group in enumerate(group for group in groups if group):
        for number, (field, condition, value) in enumerate(group):
            at = f"searchCriteria[filterGroups][{place}][filters][{number}]"
            params |= {f"{at}[field]": field, f"{at}[conditionType]": condition, f"{at}[value]": value}
    if sort:
        params["searchCriteria[sortOrders][0][field]"] = sort
        params["searchCriteria[sortOrders][0][direction]"] = "ASC" if ascending else "DESC"
    return {**params, "searchCriteria[pageSize]": size, "searchCriteria[currentPage]": page}


async def search(path: str, *groups: Sequence[Condition], size: int = 50, **more: Any) -> list[dict[str, Any]]:
    """Return what a search finds, `size` at most; `more` is as for `criteria`, and `fields` cuts the answer."""
    fields = {"fields": more.pop("fields", None)}
    return await api.rows(path, "items", missing=True, params={**criteria(*groups, size=size, **more), **fields})


async def search_page(
    path: str, item: type[M], *groups: Sequence[Condition], limit: int, cursor: str | None, sort: str = ""
) -> Page[M]:
    """Return one page of a search: Magento repeats its last page past the end, so its count decides."""
    page = cursor_number(cursor, 1)
    answer = await api.get(path, params=criteria(*groups, size=limit, page=max(page, 1), sort=sort))
    rows = api.rows_in(answer, "items", missing=True)
    total = answer.get("total_count")
    more = page * limit < total if isinstance(total, int) else len(rows) >= limit
    return Page(items=readable(item, rows), next_cursor=str(page + 1) if more and rows else None)


def like(text: str) -> str:
    """Return a value for the condition `like` that finds a text anywhere: % and _ in it are not wild cards."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", text.strip()) + "%"
