"""Runs the probe as an image runs its server; with PROBE_NOTE, notes there how many lines the launcher handed over."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import flotilla_servers
from flotilla_launcher import __main__ as entry_point
from flotilla_launcher.discovery import DiscoveryProxy

flotilla_servers.__path__.append(str(Path(__file__).parent))
serve = DiscoveryProxy.serve


def noted(self: DiscoveryProxy, *streams: Any, **options: Any) -> bytes | None:
    """Serve, and leave the note."""
    read_ahead = serve(self, *streams, **options)
    Path(os.environ["PROBE_NOTE"]).write_text(str(len(self.replayed_lines)))
    return read_ahead


if __name__ == "__main__":
    entry_point.folder_of = lambda slug: os.environ.get("PROBE_FOLDER", "/nonexistent")
    DiscoveryProxy.serve = noted  # type: ignore[method-assign]
    sys.argv = ["flotilla", "probe"]
    entry_point.main()
