"""Open the console: pages for the calls that wait for a yes, permissions, servers, the log of calls and the settings.

Prints the address of the running switchboard's console. Where none runs (clients that start a switchboard themselves,
Docker's gateway), starts a console of its own on 127.0.0.1, for the same state folder and settings file, until Ctrl+C.
"""

from __future__ import annotations

import argparse
import os

from flotilla_cli import gateway, paths


def main(argv: list[str]) -> int:
    """Print the address, or serve until ended."""
    parser = argparse.ArgumentParser(
        prog="scripts/flotilla console", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--alone", action="store_true", help="start a console of its own, also where one runs already")
    options, more = parser.parse_known_args(argv)  # what the switchboard takes too: --port, --settings, --state
    running = gateway.Running.read()
    if not options.alone and running.healthy() and (address := gateway.console_address(running)):
        paths.say(address)
        return 0
    program, *rest = gateway.switchboard_command([], "process")
    return os.execv(program, [program, "console", *rest, *gateway.user_files(), *more])
