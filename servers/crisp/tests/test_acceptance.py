from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "crisp",
    arguments={
        "crisp_update_conversation": {"subject": "Livraison"},
        "crisp_update_person": {"name": "Zoé Roy"},
    },
)
