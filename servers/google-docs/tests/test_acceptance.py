from flotilla.testing.acceptance import suite

TestAcceptance = suite("google-docs")
