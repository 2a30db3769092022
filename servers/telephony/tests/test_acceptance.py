from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "telephony",
    arguments={
        "tel_start_call": {"text": "Votre commande est prête.", "sender": "Accueil"},
        "tel_start_question": {"sender": "Accueil"},
        "tel_update_call": {"text": "Un conseiller arrive."},
        "tel_send_message": {"text": "C'est prêt.", "sender": "Accueil"},
    },
)
