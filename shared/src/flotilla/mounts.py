"""Whether what is written to a folder outlives the container that it is written in."""

from __future__ import annotations

import os
from collections.abc import Callable

from flotilla_launcher.environment import setting


def _device(path: str) -> int:
    return os.stat(path).st_dev


def is_kept(folder: str, device: Callable[[str], int] = _device) -> bool:
    """Tell whether a folder is more than the own layer of one of our containers, which is lost with the container.

    Only our images say that they are one (FLOTILLA_IMAGE): elsewhere every folder is taken to stay. `device` returns
    the id of the file system that a path is on.
    """
    if not setting("FLOTILLA_IMAGE"):
        return True
    try:
        return device(folder) != device("/")
    except OSError:  # there is none: whoever writes to it says so
        return True
