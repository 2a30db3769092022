from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "google-sheets",
    arguments={
        "gsheets_update_sheet": {"title": "Ventes"},
        "gsheets_delete_sheet": {"sheet": "Suivi"},
        "gsheets_set_format": {"bold": True},
    },
)
