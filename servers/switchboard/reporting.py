"""What the switchboard tells the operator."""

from __future__ import annotations

import sys


def report(text: str) -> None:
    """Print a line for the operator; stdout belongs to the protocol."""
    print(f"flotilla-switchboard: {text}", file=sys.stderr, flush=True)
