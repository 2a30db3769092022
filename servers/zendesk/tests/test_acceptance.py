from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "zendesk",
    arguments={
        "zendesk_create_ticket": {"requester": "nouveau@exemple.fr"},
        "zendesk_update_ticket": {"status": "solved"},
        "zendesk_update_tickets": {"status": "solved"},
        "zendesk_create_user": {"email": "nouveau@exemple.fr"},
        "zendesk_update_user": {"notes": "Rappeler le matin."},
        "zendesk_update_organization": {"notes": "Client fidèle."},
    },
)
