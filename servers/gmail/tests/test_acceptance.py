from flotilla_testing.acceptance import suite

TestAcceptance = suite("gmail", arguments={"gmail_modify_labels": {"add": ["STARRED"]}})
