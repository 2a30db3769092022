"""Arguments with which every tool works, for the acceptance suite and for `record`."""

from typing import Any

ARGUMENTS: dict[str, dict[str, Any]] = {
    "shopify_get_order_status": {"order_number": "1001"},
    "shopify_update_order": {"add_tags": ["vip"]},
    "shopify_refund_order": {"items": [{"item": "LIN-M", "quantity": 1}]},
    "shopify_mark_order_paid": {"order": "1002"},
    "shopify_create_customer": {"first_name": "Zoé", "last_name": "Lefèvre", "email": "zoe@exemple.fr"},
    "shopify_update_customer": {"note": "Préfère être appelée le matin.", "add_tags": ["vip"]},
    "shopify_update_product": {"status": "active", "add_tags": ["vip"]},
    "shopify_update_variant": {"price": "39.00"},
    "shopify_modify_stock": {"location": "Lyon"},
    "shopify_set_stock": {"location": "Lyon"},
    "shopify_create_return": {"items": [{"item": "SOIE", "quantity": 1, "reason": "trop petit"}]},
    "shopify_create_discount": {"percent": "10"},
}
