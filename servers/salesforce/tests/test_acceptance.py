from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "salesforce",
    arguments={
        "salesforce_update_record": {"record": "00QAP000001lEad2AM", "values": {"Rating": "Hot"}},
        "salesforce_update_opportunity": {"stage": "won"},
        "salesforce_update_task": {"status": "done"},
    },
)
