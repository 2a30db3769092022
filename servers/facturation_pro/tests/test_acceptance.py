from contextlib import nullcontext

from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "facturation-pro",
    setup=lambda _: nullcontext({"FACTURATION_PRO_REFRESH_TOKEN": ""}),  # by the key; OAuth has tests of its own
    arguments={  # where no argument is required by itself, but one of several is
        "facturation_month_revenue": {"month": "2025-06"},
        "facturation_create_customer": {"company_name": "Boulangerie Morel"},
        "facturation_update_customer": {"changes": {"email": "compta@exemple.fr"}},
        "facturation_update_supplier": {"changes": {"phone": "01 23 45 67 89"}},
        "facturation_update_product": {"changes": {"unit_price": "210.00", "vat": "20"}},
        "facturation_update_purchase": {"changes": {"paid_on": "2025-06-30", "payment_mode": "bank transfer"}},
        "facturation_update_category": {"title": "Formation"},
        "facturation_update_followup": {"title": "À facturer"},
        "facturation_update_quote": {"quote_status": "accepted"},
        "facturation_update_invoice": {"finalize": True},
    },
    lossy={"facturation_create_invoice": {"final": True}},
)
