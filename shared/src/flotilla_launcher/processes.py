"""How a process is named so that another one can tell later whether it still runs. Standard library only.

A process id alone is not enough: after it ended, the number may belong to another process, or to one of another machine
or container that shares the same Docker engine.
"""

from __future__ import annotations

import os
import platform
import subprocess


def started(pid: int) -> str:
    """Return when a process started, as the system writes it; "" when it has ended or the system does not say."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return "" if os.path.exists("/proc/self") else _started_by_ps(pid)
    return "" if fields[0] == "Z" else fields[19]  # a zombie has ended


def _started_by_ps(pid: int) -> str:
    """macOS has no /proc."""
    try:
        done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return "".join(done.stdout.split())


def machine() -> str:
    """Return the name of this machine and of the set of process ids that are valid in it."""
    link = "/proc/self/ns/pid"
    return f"{platform.node()}:{os.readlink(link) if os.path.lexists(link) else ''}"
