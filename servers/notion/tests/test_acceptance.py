from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "notion",
    arguments={
        "notion_edit_page": {"find": "Envoyer le devis", "checked": True},
        "notion_move_page": {"parent": "00000001-2cf9-4fdf-8782-e53db20768a5"},
        "notion_update_database": {"add": [{"name": "Priorité", "type": "select", "options": ["Haute", "Basse"]}]},
    },
    lossy={"notion_update_database": {"remove": ["Statut"]}},
)
