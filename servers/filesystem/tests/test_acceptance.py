"""The quality scale."""

from flotilla.testing.acceptance import suite

TestAcceptance = suite("filesystem")
