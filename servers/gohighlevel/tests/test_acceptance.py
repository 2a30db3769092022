from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "gohighlevel",
    arguments={
        "ghl_create_contact": {"first_name": "Jean", "last_name": "Dupont", "email": "jean.dupont@exemple.fr"},
        "ghl_update_contact": {"city": "Lyon"},
        "ghl_create_opportunity": {"pipeline": "Ventes"},
        "ghl_update_opportunity": {"status": "won"},
    },
)
