from flotilla_testing.acceptance import suite

# One module, not three at once: what several requests of one call do is in test_tools.py.
TestAcceptance = suite("zoho-crm", arguments={"zoho_search_records": {"module": "Contacts"}})
