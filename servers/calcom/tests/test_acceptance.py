from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "calcom",
    arguments={
        "calcom_list_available_times": {"start": "2030-06-03"},
        "calcom_list_busy_times": {"start": "2030-06-03"},
        "calcom_book_event": {"email": "jean.dupont@exemple.fr"},
        "calcom_respond_to_booking": {"booking": "pend1ngB00king00"},
        "calcom_update_event_type": {"hidden": True},
    },
)
