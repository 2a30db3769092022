"""Runs the probe as an image runs its server; with PROBE_NOTE, notes there how many lines the launcher handed over."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import flotilla_servers
from flotilla_launcher import __main__ as boot
from flotilla_launcher import discovery as launcher

flotilla_servers.CHECKOUT = Path(__file__).parent
serve = launcher.Launcher.serve


def noted(self: launcher.Launcher, *streams: Any) -> bytes | None:
    """Serve, and leave the note."""
    ahead = serve(self, *streams)
    Path(os.environ["PROBE_NOTE"]).write_text(str(len(self.kept)))
    return ahead


if __name__ == "__main__":
    boot.folder_of = lambda slug: os.environ.get("PROBE_FOLDER", "/nonexistent")
    launcher.Launcher.serve = noted  # type: ignore[method-assign]
    sys.argv = ["flotilla", "probe"]
    boot.main()
