from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "teams",
    arguments={
        "teams_list_members": {"team": "Commerce"},
        "teams_set_presence": {"availability": "Busy"},
        "teams_send_card": {"channel": "#ventes"},
        "teams_add_reaction": {"chat": "Marie"},
        "teams_edit_message": {"chat": "Marie"},
        "teams_delete_message": {"chat": "Marie"},
    },
)
