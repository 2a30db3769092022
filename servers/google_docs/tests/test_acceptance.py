from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "google-docs",
    arguments={
        "gdocs_insert_text": {"heading": "Compte rendu"},
        "gdocs_delete_text": {"heading": "Compte rendu"},
        "gdocs_reply_comment": {"text": "Corrigé."},
    },
    lossy={"gdocs_replace_text": {"find": "ompte"}},
)
