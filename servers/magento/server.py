"""Magento: orders, invoices, shipments, refunds, products, stock by source, customers, coupons.

API: https://developer.adobe.com/commerce/webapi/rest/
"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import customers, orders, products, shop

server = Server(integration, toolsets=[orders.tools, products.tools, customers.tools, shop.tools])
