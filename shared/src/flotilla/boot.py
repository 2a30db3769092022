"""The entry point of every image and command: `python boot.pyc <slug>`, or `flotilla-<slug>`."""

import os
import sys

DEFAULTS = {
    "FASTMCP_LOG_ENABLED": "false",  # its handlers write rich text to stderr, where our JSON lines go
    "FASTMCP_ENV_FILE": "/dev/null",  # else a .env of the working directory is read
    "FASTMCP_SHOW_SERVER_BANNER": "false",
    "FASTMCP_CHECK_FOR_UPDATES": "off",
    "FASTMCP_MASK_ERROR_DETAILS": "true",
    "PYDANTIC_DISABLE_PLUGINS": "1",
    "PY_KEY_VALUE_DISABLE_BEARTYPE": "true",
}


def main() -> None:
    """Import the server that the command line names, and serve it."""
    import gc

    command = os.path.basename(sys.argv[0]).removesuffix(".exe").removeprefix("flotilla-")
    slug = sys.argv[1] if command.startswith(("boot", "flotilla", "__main__")) and len(sys.argv) > 1 else command
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    wire = os.dup(1)
    os.dup2(2, 1)  # a library that prints while it is imported must not break the protocol
    gc.disable()  # nothing that is made while importing is garbage
    import importlib

    module = importlib.import_module(f"flotilla_servers.{slug.replace('-', '_')}.server")
    gc.enable()
    os.dup2(wire, 1)
    os.close(wire)
    module.server.run()


if __name__ == "__main__":
    if "/app/lib" not in sys.path and os.path.isdir("/app/lib"):
        sys.path.append("/app/lib")  # the image starts Python without `site`
    main()
