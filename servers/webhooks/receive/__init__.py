"""The receiver: takes what vendors send, stores it, and forwards it.

web          the HTTP side: what is refused, challenges, what is stored before the 2xx
inbox        what there is for one person or one tenant: endpoints, database, forwards, counts
environment  the inbox of one person, from the environment
tenants      the inboxes of many tenants, from their vault
writer       many requests at once in one transaction
google_keys  the keys that Google signs tokens with
forwarding   to an address of the operator's, signed, again and again for three days
page         the state, for the operator
serving      the sockets, uvicorn, and the end
"""
