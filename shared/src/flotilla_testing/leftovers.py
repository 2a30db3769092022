"""Names for what tests make on a Docker engine, and the removal of what runs that were killed have left there.

`python -m flotilla_testing.leftovers` removes the containers, networks, volumes and images whose run has ended, and
says which; `scripts/test` begins with it. A name holds its run's process id, so that what a living run uses stays: two
checkouts may test on one engine at once.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys

NAME = re.compile(r"(?:^|/)flotilla-test-p(\d+)-")  # behind a registry's address in an image's name
KINDS = {  # of objects: how their names are listed, and how they are removed, those that others use last
    "container": ("ps --all --format {{.Names}}", "rm --force --volumes"),
    "network": ("network ls --format {{.Name}}", "network rm"),
    "volume": ("volume ls --format {{.Name}}", "volume rm"),
    "image": ("image ls --format {{.Repository}}:{{.Tag}}", "image rm --force"),
}


def name_of_run(kind: str = "") -> str:
    """Return a name that no other test run has, for objects on an engine: `flotilla-test-p<process id>-<kind>-…`."""
    return "-".join(["flotilla-test", f"p{os.getpid()}", *([kind] if kind else []), secrets.token_hex(4)])


def is_left(name: str) -> bool:
    """Tell whether an object has the name of a test run whose process does not live any more."""
    run = NAME.search(name)
    if not run:
        return False
    try:
        os.kill(int(run[1]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it lives, as another user's
        return False
    return False


def remove() -> list[str]:
    """Remove what ended runs have left; return what it was, as `network flotilla-test-p12-…`."""
    removed = []
    for kind, (listing, removal) in KINDS.items():
        for name in filter(is_left, _docker(*listing.split()).split()):
            _docker(*removal.split(), name)
            removed.append(f"{kind} {name}")
    return removed


def _docker(*args: str) -> str:
    return subprocess.run(["docker", *args], capture_output=True, text=True, timeout=120, check=False).stdout


if __name__ == "__main__":
    for removed in remove():
        print(f"Left by an earlier test run, and removed: {removed}.", file=sys.stderr)
