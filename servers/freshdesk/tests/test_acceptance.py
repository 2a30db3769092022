from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "freshdesk",
    arguments={
        "freshdesk_create_ticket": {"requester": "nouveau@exemple.fr"},
        "freshdesk_update_ticket": {"status": "resolved"},
        "freshdesk_update_tickets": {"status": "resolved"},
        "freshdesk_reply_to_ticket": {"text": "Bonjour, c'est réparé."},
        "freshdesk_create_contact": {"email": "nouveau@exemple.fr"},
        "freshdesk_update_contact": {"description": "Rappeler le matin."},
        "freshdesk_update_company": {"note": "Client fidèle."},
    },
)
