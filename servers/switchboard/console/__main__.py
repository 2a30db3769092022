"""`flotilla-switchboard console`: the console in a process of its own, with the switchboard's options.

For clients that start a switchboard themselves, over stdio. It imports neither FastMCP nor mcp, so it opens at once.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
from typing import TYPE_CHECKING

from flotilla_launcher.environment import SettingError

from ..options import arguments
from ..reporting import report

if TYPE_CHECKING:
    from .app import Site

PORT = 8812  # the gateway has 8811
LONGEST_END = 2  # seconds that an open page has when the console ends


def main() -> None:
    """Serve the console until the process is ended."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import RedirectResponse
    from starlette.routing import Route

    from .access import ROOT

    try:
        # FLOTILLA_HOST and FLOTILLA_PORT are the gateway's: the console listens elsewhere by the command line alone
        options = arguments(["--host", "127.0.0.1", "--port", str(PORT), *sys.argv[2:]])
        console = console_of(options)
    except SettingError as error:
        sys.exit(f"flotilla-switchboard: {error}")
    try:
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        listener = socket.create_server((options.host, options.port), family=family)
    except (OSError, OverflowError) as error:
        sys.exit(
            f"flotilla-switchboard: cannot listen on {options.host} port {options.port}: "
            f"{getattr(error, 'strerror', None) or 'the port must be 0 to 65535'}. Choose another one with --port."
        )
    routes = [Route(path, endpoint, methods=[method]) for path, method, endpoint in console.routes()]
    routes += [Route(path, lambda request: RedirectResponse(f"{ROOT}/")) for path in ("/", ROOT)]
    report(f"the console: {console.address(options.host, listener.getsockname()[1])}")
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    config = uvicorn.Config(Starlette(routes=routes), log_config=None, access_log=False, ws="none",
                            timeout_graceful_shutdown=LONGEST_END)  # fmt: skip
    uvicorn.Server(config).run(sockets=[listener])


def console_of(options: argparse.Namespace) -> Site:
    """Return the console of one person; with --tenants, the operator's, which takes the import of FastMCP."""
    if not options.tenants:
        from .app import Console

        return Console(options)
    from ..tenants.setup import open_tenants
    from .tenants_console import TenantsConsole

    return TenantsConsole(options, *open_tenants(options.tenants, os.environ))


if __name__ == "__main__":
    main()
