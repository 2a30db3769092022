"""Everything that is generated, from one source: the running servers.

`python -m flotilla_cli.generator` writes, `--check` compares with what is committed. Only for a checkout: nothing here
is imported at run time.
"""
