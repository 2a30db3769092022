from flotilla_testing.acceptance import suite

TestAcceptance = suite("zoho-crm")
