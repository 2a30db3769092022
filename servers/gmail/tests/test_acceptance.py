from flotilla_testing.acceptance import suite

MESSAGES = {"messages": ["18f2a7c4d9e0b1a3"]}
TestAcceptance = suite(
    "gmail",
    arguments={
        "gmail_modify_labels": {**MESSAGES, "add": ["STARRED"]},
        "gmail_trash_message": MESSAGES,
        "gmail_restore_message": MESSAGES,
        "gmail_update_draft": {"subject": "Devis corrigé"},
        "gmail_create_filter": {"sender": "news@presse.example", "remove": ["INBOX"]},
    },
)
