"""Tools, one module a noun."""
