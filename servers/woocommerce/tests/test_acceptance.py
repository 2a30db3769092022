from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "woocommerce",
    arguments={
        "woo_update_product": {"regular_price": "26.90"},
        "woo_set_stock": {"quantity": 12},
        "woo_update_order": {"note": "Sonner deux fois"},
        "woo_update_coupon": {"amount": "15"},
        "woo_update_customer": {"city": "Paris"},
        "woo_create_variation": {"product": "TS"},
    },
)
