"""WooCommerce: orders, refunds, products, stock, customers, coupons, sales.

API: https://woocommerce.github.io/woocommerce-rest-api-docs/
"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import coupons, customers, orders, products, shop

server = Server(integration, toolsets=[orders.tools, products.tools, customers.tools, coupons.tools, shop.tools])
