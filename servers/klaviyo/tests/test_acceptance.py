from flotilla_testing.acceptance import suite

MARIE = "01J0MAR1E00000000000000002"  # the recorded profile that is read by its id

TestAcceptance = suite(
    "klaviyo",
    arguments={
        "klaviyo_update_profile": {"first_name": "Jean"},
        "klaviyo_merge_profiles": {"merge": MARIE},
        "klaviyo_update_campaign": {"subject": "Soldes : -30 %"},
        "klaviyo_cancel_campaign": {"campaign": "Rentrée"},
    },
)
