from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "hubspot",
    arguments={
        "hubspot_update_deal": {"stage": "Devis envoyé"},
        "hubspot_update_task": {"status": "done"},
        "hubspot_list_properties": {"kind": "contacts"},
    },
)
