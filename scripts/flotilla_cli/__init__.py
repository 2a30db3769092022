"""Flotilla's command line.

`scripts/flotilla COMMAND`. `registry.py` lists the commands, each a module with a `main`.
"""
