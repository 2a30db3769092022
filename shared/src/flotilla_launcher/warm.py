"""Which servers are imported before they are asked: a few of those called in the last days, the most recent first.

Each called server leaves an empty file in its state folder, whose time is that of its last call. A launcher that has
answered discovery, and whose client is quiet then, imports its server if it is among the FLOTILLA_WARM last called ones
and one of as many places is free. A place is a locked file, which the system frees when its process ends, so that all
clients of a machine share one budget: some 85 MB each.

In an image it is off unless FLOTILLA_WARM is set: a container has a state folder of its own and sees no other one.
"""

from __future__ import annotations

import os
import time

from flotilla_launcher.environment import NO, SettingError, setting

DEFAULT = 3  # servers
LATELY = 3 * 86_400.0  # seconds
QUIET = 1.0  # seconds in which a client says nothing after discovery
LAST_CALL = "last-call"


def note_call(root: str, slug: str) -> None:
    """Remember in the state folder `root` that a server is called now; nothing happens where that cannot be done."""
    path = f"{root}/{slug}/{LAST_CALL}"
    try:
        if os.path.isdir(root):  # which is not ours to make
            os.makedirs(f"{root}/{slug}", 0o700, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            os.utime(path)
    except OSError:
        pass


def seconds_to_wait(slug: str, in_image: bool) -> float:
    """Return after how many quiet seconds a server is to be imported, sooner the later it was called; 0 for never."""
    try:
        order, most = _called_lately(_root()), _most(in_image)
    except (OSError, SettingError):
        return 0.0
    return QUIET * (1 + order.index(slug)) if slug in order[:most] else 0.0


def take_place(in_image: bool) -> bool:
    """Take one of the places for as long as this process lives; False where none is free."""
    import fcntl  # not at the top: only who starts a server needs it

    try:
        root, most = _root(), _most(in_image)
        for number in range(most):
            fd = os.open(f"{root}/warm-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                os.close(fd)
    except (OSError, SettingError):
        pass
    return False


def _root() -> str:
    return setting("FLOTILLA_STATE") or "/state"


def _most(in_image: bool) -> int:
    text = setting("FLOTILLA_WARM")
    if text is None:
        return 0 if in_image else DEFAULT
    return 0 if text.lower() in NO else int(text) if text.isdecimal() else DEFAULT


def _called_lately(root: str) -> list[str]:
    """Return the servers that were called in the last days, the most recent first."""
    start, times = time.time() - LATELY, {}
    for entry in os.scandir(root):
        try:
            times[entry.name] = os.stat(f"{entry.path}/{LAST_CALL}").st_mtime
        except OSError:
            continue
    return sorted((slug for slug, when in times.items() if when > start), key=lambda slug: -times[slug])
