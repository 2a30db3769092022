"""The only way out: the HTTP client of a vendor's API, its credentials, and what its responses mean."""
