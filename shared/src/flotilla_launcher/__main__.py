"""The entry point of every image and command: `python boot.pyc <slug>`, or `flotilla-<slug>`. Standard library only."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LIBRARY = "/app/lib"  # in an image, where Python starts without `site`
PROGRAMS = ("boot.pyc", "flotilla", "fleet", "__main__.py")  # called with the slug as their first argument


def folder_of(slug: str) -> str:
    """Return the folder of a server: among the packages of an image or a wheel, or below servers/ of a checkout."""
    own = os.path.dirname(os.path.abspath(__file__))
    module = slug.replace("-", "_")
    for path in (
        f"{LIBRARY}/flotilla_servers/{module}",
        f"{own}/../flotilla_servers/{module}",
        f"{own}/../../../servers/{module}",
    ):
        if os.path.isdir(path):
            return path
    return ""


def mode_of(slug: str) -> str:
    """Return the package of a server that runs in its place, where the first argument names one: a program of its own.

    "" where it names none.
    """
    if len(sys.argv) < 2 or not (name := sys.argv[1]).isidentifier():
        return ""
    program = f"{folder_of(slug)}/{name}/__main__.py"
    return name if os.path.isfile(program) or os.path.isfile(f"{program}c") else ""


def precomputed_discovery(slug: str) -> dict[str, Any] | None:
    """Return what discovery.json of a server holds; None where there is none, or where its sources have changed."""
    from flotilla_launcher import discovery

    folder = folder_of(slug)
    precomputed = discovery.read(f"{folder}/discovery.json") if folder else None
    above, module = os.path.split(folder)
    if precomputed and os.path.basename(above) == "servers":  # a checkout; an image and a wheel do not change
        from flotilla_launcher import sources

        try:
            if precomputed.get("sources") != sources.digest(f"{above}/..", module):
                return None
        except OSError:  # the checkout is being changed
            return None
    return precomputed


def gateway_discovery(slug: str, own: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a gateway lists; None where it must answer itself, for example when its files cannot be read."""
    try:
        module = __import__(f"flotilla_servers.{slug.replace('-', '_')}.list_cache", fromlist=["listed"])
        listed: dict[str, Any] | None = module.listed(own, sys.argv[1:])
        return listed
    except Exception:
        return None


def main() -> None:
    """Answer discovery from discovery.json, then run the server that the command line names."""
    slug = os.path.basename(sys.argv[0]).removesuffix(".exe").removeprefix("flotilla-")
    if slug in PROGRAMS:
        if len(sys.argv) < 2:
            sys.exit("usage: flotilla <server>")
        slug = sys.argv.pop(1)
    is_image = os.path.isdir(LIBRARY)
    if is_image and LIBRARY not in sys.path:
        sys.path.append(LIBRARY)
    if mode := mode_of(slug):
        program = __import__(f"flotilla_servers.{slug.replace('-', '_')}.{mode}.__main__", fromlist=["main"])
        program.main()
        return
    for signal in (_signal.SIGTERM, _signal.SIGINT):  # as PID 1 a process has no default action
        _signal.signal(signal, lambda *_: os._exit(0))
    for fd in (0, 1):  # else a client that left them non-blocking would end us in the middle of a line
        os.set_blocking(fd, True)
    from flotilla_launcher import discovery

    read_ahead: bytes | None = b""
    expected_responses = {}
    if discovery.wanted():
        precomputed, environ = precomputed_discovery(slug), dict(os.environ)
        if precomputed and precomputed.get("gateway"):  # it lists what other servers list, each by its own settings
            precomputed, environ = gateway_discovery(slug, precomputed), {}
        if precomputed:
            proxy = discovery.DiscoveryProxy(precomputed, environ)
            idle, may_start = precomputed.get("idle"), lambda: True
            if idle is None:
                from flotilla_launcher import warm

                idle, may_start = warm.seconds_to_wait(slug, is_image), lambda: warm.take_place(is_image)
            read_ahead, expected_responses = proxy.serve(idle=idle, may_start=may_start), proxy.expected_responses
    if read_ahead is None:
        os._exit(0)
    from flotilla_launcher.handover import start

    start(slug, read_ahead, expected_responses)


if __name__ == "__main__":
    main()
