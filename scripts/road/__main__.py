"""Run one of the road's commands: `python scripts/road up`."""

import importlib
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # so that `road` is a package and not a pile of modules

if __name__ == "__main__":
    command = sys.argv.pop(1)
    sys.exit(importlib.import_module(f"road.{command}").main(sys.argv[1:]))
