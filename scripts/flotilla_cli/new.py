"""Creates a new server's folder, then installs its command `flotilla-<server>`."""

from __future__ import annotations

import subprocess

from flotilla_cli import paths
from flotilla_cli.generator import scaffold


def main(argv: list[str]) -> int:
    """Run the scaffold and, where it wrote something, scripts/setup."""
    return scaffold.main(argv) or subprocess.run([str(paths.ROOT / "scripts" / "setup")], check=False).returncode
