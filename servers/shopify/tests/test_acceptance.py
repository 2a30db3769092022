from flotilla_servers.shopify.tests.examples import ARGUMENTS
from flotilla_testing.acceptance import suite

TestAcceptance = suite("shopify", arguments=ARGUMENTS)
