from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "outlook-calendar",
    arguments={
        "outlook_update_event": {"start": "2030-06-04T15:00:00+02:00"},
        "outlook_respond_to_invitation": {"event": "AAkINVITE"},
    },
)
