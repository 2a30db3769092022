from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "google-drive",
    arguments={
        "gdrive_move_file": {"folder": "root"},
        "gdrive_read_file": {"file": "1DocumentA"},
    },
    lossy={
        "gdrive_upload_file": {"replaces": "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g"},
        "gdrive_share_file": {"who": "anyone"},
    },
)
