from flotilla_testing.acceptance import suite

PENDING = {"order": "1043"}  # one that is not invoiced
TestAcceptance = suite(
    "magento",
    arguments={
        "magento_cancel_order": PENDING,
        "magento_create_invoice": PENDING,
        "magento_update_product": {"price": "26.90"},
        "magento_set_stock": {"quantity": 12, "source": "default"},
        "magento_update_customer": {"name": "Marie Sklodowska"},
    },
)
