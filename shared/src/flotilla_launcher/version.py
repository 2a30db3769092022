"""The version of the library and of every server."""

VERSION = "0.1.0"
