"""Run one of Flotilla's commands: `python scripts/flotilla_cli up`."""

import importlib
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # so that `flotilla_cli` is a package and not a pile of modules

if __name__ == "__main__":
    command = sys.argv.pop(1)
    sys.exit(importlib.import_module(f"flotilla_cli.{command}").main(sys.argv[1:]))
