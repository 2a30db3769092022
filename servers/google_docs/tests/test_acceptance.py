from flotilla_testing.acceptance import suite

TestAcceptance = suite("google-docs", lossy={"gdocs_replace_text": {"find": "ompte"}})
