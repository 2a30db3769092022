"""Pages on which a customer connects an account by a one-time link, without an account of ours.

Imported only where tenants are served over HTTP.
"""
