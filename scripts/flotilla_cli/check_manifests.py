"""Report what docker/mcp-registry or a gateway would refuse in the generated manifests and the catalog."""

from __future__ import annotations

import argparse

from flotilla_cli.generator import registry_rules


def main(argv: list[str]) -> int:
    """Print every problem; 1 when there is one."""
    argparse.ArgumentParser(prog="scripts/flotilla check-manifests", description=__doc__).parse_args(argv)
    return registry_rules.main([])
