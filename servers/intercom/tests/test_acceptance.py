from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "intercom",
    arguments={
        "intercom_reply_to_conversation": {"text": "Bonjour"},
        "intercom_update_tags": {"add": ["Urgent"]},
        "intercom_create_contact": {"external_id": "C-9"},
        "intercom_record_event": {"at": "2030-06-03T09:00:00+02:00"},
        "intercom_update_contact": {"name": "Jean Dupont"},
        "intercom_update_ticket": {"ticket": "ticket:12", "title": "Retour"},
        "intercom_update_article": {"title": "Retours"},
    },
)
