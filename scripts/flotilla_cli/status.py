"""Tell which door runs, since when, and what it offers."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from flotilla_cli import gateway as door
from flotilla_cli import paths as place


def main(argv: list[str]) -> int:
    """Tell; 0 when a door answers, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="scripts/status", description=__doc__)
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(argv)
    running = door.Running.read()
    healthy = running.healthy()
    if options.json:
        about = {key: value for key, value in asdict(running).items() if key not in ("fingerprint", "since")}
        place.say(json.dumps({"running": healthy, **about}, indent=2))
    elif healthy:
        place.say(f"{door.NAMES[running.kind]} answers at {running.url}: {len(running.servers)} servers")
        place.say(f"({', '.join(running.servers)}), {running.tools} tools; they run as {running.run}.")
    elif running.alive():
        place.say(f"{door.NAMES[running.kind]} runs, but does not answer at {running.url}. {door.last_words(running)}")
    else:
        place.say("No door runs: `make up` starts one.")
    return 0 if healthy else 1
