"""The entry point of every image and command: `python boot.pyc <slug>`, or `flotilla-<slug>`. Standard library only."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LIBRARY = "/app/lib"  # in an image, where Python starts without `site`
SLACK = 10.0  # seconds in which a clone or an installation writes its files, in any order


def folder_of(slug: str) -> str:
    """Return the folder of a server: in the image or a wheel among the packages, in a checkout under servers/."""
    here = os.path.dirname(os.path.abspath(__file__))
    for path in (
        f"{LIBRARY}/flotilla_servers/{slug.replace('-', '_')}",
        f"{here}/../flotilla_servers/{slug.replace('-', '_')}",
        f"{here}/../../../servers/{slug.replace('-', '_')}",
    ):
        if os.path.isdir(path):
            return path
    return ""


def is_fresh(baked: str, *folders: str) -> bool:
    """Tell whether no source is newer than the baked file. An image has no sources: its build has compared them.

    Nor does a wheel's source change, and the dates there tell only which of two wheels was unpacked first.
    `make generate` renews the file's time also when its content stays.
    """
    try:
        made = os.stat(baked).st_mtime + SLACK
    except OSError:
        return False
    if os.path.basename(os.path.dirname(folders[0])) == "flotilla_servers":
        return True
    return not any(
        entry.name.endswith(".py") and entry.stat().st_mtime > made
        for folder in folders
        for entry in os.scandir(folder)
    )


def gateway_discovery(slug: str, own: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a gateway lists; None where it must answer itself, for example when its files cannot be read."""
    try:
        module = __import__(f"flotilla_servers.{slug.replace('-', '_')}.combined", fromlist=["combined_discovery"])
        found: dict[str, Any] | None = module.combined_discovery(own, sys.argv[1:])
        return found
    except Exception:
        return None


def main() -> None:
    """Answer discovery from the baked file, then run the server that the command line names."""
    command = os.path.basename(sys.argv[0]).removesuffix(".exe").removeprefix("flotilla-")
    if command in ("boot.pyc", "flotilla", "__main__.py"):
        if len(sys.argv) < 2:
            sys.exit("usage: flotilla <server>")
        command = sys.argv.pop(1)
    slug = command
    if os.path.isdir(LIBRARY) and LIBRARY not in sys.path:
        sys.path.append(LIBRARY)
    for number in (_signal.SIGTERM, _signal.SIGINT):  # as PID 1 a process has no default action
        _signal.signal(number, lambda *_: os._exit(0))
    for fd in (0, 1):  # else a client that left them non-blocking would end us in the middle of a line
        os.set_blocking(fd, True)
    from flotilla_launcher import discovery as launcher

    ahead: bytes | None = b""
    drop = {}
    if launcher.wanted():
        folder = folder_of(slug)
        path = f"{folder}/discovery.json"
        common = [entry.path for entry in os.scandir(f"{folder}/..") if entry.name.startswith("_") and entry.is_dir()]
        baked = launcher.read(path) if is_fresh(path, folder, os.path.dirname(launcher.__file__), *common) else None
        environ = dict(os.environ)
        if baked and baked.get("gateway"):  # it lists what other servers list, each by its own settings
            baked, environ = gateway_discovery(slug, baked), {}
        if baked:
            front = launcher.Launcher(baked, environ)
            ahead, drop = front.serve(), front.drop
    if ahead is None:
        os._exit(0)
    from flotilla_launcher.handover import start

    start(slug, ahead, drop)


if __name__ == "__main__":
    main()
