from flotilla_testing.acceptance import suite

TestAcceptance = suite("google-calendar", arguments={"gcal_update_event": {"start": "2030-06-04T15:00:00+02:00"}})
