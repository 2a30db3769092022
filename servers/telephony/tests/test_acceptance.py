from contextlib import nullcontext

from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "telephony",
    setup=lambda _: nullcontext({"TELEPHONY_BRIDGE_URL": "https://phone.example.com"}),
    arguments={
        "tel_start_call": {"text": "Votre commande est prête.", "sender": "01 23 45 67 89"},
        "tel_start_question": {"sender": "01 23 45 67 89"},
        "tel_update_call": {"text": "Un conseiller arrive."},
        "tel_send_message": {"text": "C'est prêt.", "sender": "01 23 45 67 89"},
    },
)
