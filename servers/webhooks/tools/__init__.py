"""The tools, a module a noun."""
