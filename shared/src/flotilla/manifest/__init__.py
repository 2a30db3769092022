"""Everything that is generated, from one source: the running servers.

`python -m flotilla.manifest` writes, `--check` compares with what is committed. Only for a checkout: nothing here is
imported at run time.
"""
