"""Show whether the gateway runs, where it answers, and with how many servers and tools."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from flotilla_cli import gateway, paths


def main(argv: list[str]) -> int:
    """Print the state; 0 when the gateway answers, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="scripts/flotilla status", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    options = parser.parse_args(argv)
    running = gateway.Running.read()
    healthy = running.healthy()
    if options.json:
        about = {key: value for key, value in asdict(running).items() if key not in ("fingerprint", "since")}
        paths.say(json.dumps({"running": healthy, **about}, indent=2))
    elif healthy:
        paths.say(f"{gateway.title(running.kind)} answers at {running.url}: {gateway.offer(running)}.")
        paths.say(f"The servers run {gateway.RUNS[running.run]}: {', '.join(running.servers)}.")
    elif running.alive():
        paths.say(f"{gateway.title(running.kind)} runs but does not answer at {running.url}.")
        paths.say(f"{gateway.log_ending(running)}\nRestart it: `make down up`.")
    else:
        paths.say("The gateway does not run. `make up` starts it.")
    return 0 if healthy else 1
