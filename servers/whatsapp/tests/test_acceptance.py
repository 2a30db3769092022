from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "whatsapp",
    arguments={
        "whatsapp_send_template": {"values": {"1": "Zoé", "2": "mardi 3 juin", "button 1": "A1042"}},
        "whatsapp_create_template": {"examples": ["Zoé", "3 juin"]},
        "whatsapp_update_template": {"template": "rappel_simple", "examples": ["Zoé"]},
        "whatsapp_update_business_profile": {"about": "Lampes faites main"},
        "whatsapp_delete_template": {"template": "livraison_prevue"},
        "whatsapp_upload_media": {"path": "tarifs.txt"},
    },
)
