"""The console: pages on loopback where a person sees and decides what the switchboard does.

The same routes run inside a switchboard that listens (`http_transport`), at /console, and in a process of their own
(`flotilla-switchboard console`) for switchboards that clients start over stdio. Only these two import it.
"""
