from flotilla_testing.acceptance import suite

TestAcceptance = suite("calendly", arguments={"calendly_update_event_type": {"active": False}})
