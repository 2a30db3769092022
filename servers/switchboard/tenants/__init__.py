"""Many customers behind one switchboard: who they are, their credentials, and a gateway for each.

Imported only where tenants are served over HTTP or administered: one person needs none of it.
"""
