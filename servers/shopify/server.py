"""Shopify: orders, refunds, parcels, customers, products and stock of one shop.

API: https://shopify.dev/docs/api/admin-graphql
"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import customers, discounts, draft_orders, fulfillments, orders, products, refunds, returns, shop, stock

server = Server(
    integration,
    toolsets=[
        orders.tools,
        refunds.tools,
        fulfillments.tools,
        customers.tools,
        draft_orders.tools,
        products.tools,
        stock.tools,
        returns.tools,
        discounts.tools,
        shop.tools,
    ],
)
