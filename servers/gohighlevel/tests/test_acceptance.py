from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "gohighlevel",
    arguments={
        "ghl_create_contact": {"first_name": "Jean", "last_name": "Dupont", "email": "jean.dupont@exemple.fr"},
        "ghl_update_contact": {"city": "Lyon"},
        "ghl_create_opportunity": {"pipeline": "Ventes"},
        "ghl_update_opportunity": {"status": "won"},
        "ghl_trigger_automation": {"workflow": "Nurturing – leads chauds"},
        "ghl_remove_from_automation": {"workflow": "Nurturing – leads chauds"},
        "ghl_get_free_slots": {"calendar": "Démo"},
        "ghl_book_appointment": {"calendar": "Démo"},
        "ghl_update_appointment": {"status": "confirmed"},
        "ghl_update_task": {"task_id": "lJpzYrWdpkC2hX6t2yue", "completed": True},
    },
    lossy={"ghl_update_appointment": {"status": "cancelled"}},
)
