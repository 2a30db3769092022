"""Disconnect one server: forget the keys of its account, so that gateways leave it out. Its files and state stay."""

from __future__ import annotations

import argparse
import sys

from flotilla_cli import accounts, paths, secrets_file
from flotilla_cli.accounts import AccountError
from flotilla_cli.connect import relist


def main(argv: list[str]) -> int:
    """Disconnect one server."""
    parser = argparse.ArgumentParser(prog="scripts/flotilla remove", description=__doc__)
    parser.add_argument("server", help="as facturation-pro")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--revoke", action="store_true", help="end the consent at the vendor too")
    parser.add_argument("--store", choices=("file", "desktop"), help="where the keys are stored (default: as with add)")
    options = parser.parse_args(argv)
    try:
        server = accounts.known(options.server)
        if accounts.auth_options(server) == [[]]:
            raise AccountError(
                f"{server.slug} has no account that could be removed. To leave it out, name the others in "
                "FLOTILLA_SERVERS."
            )
        if not options.yes:
            if not sys.stdin.isatty():
                raise AccountError("Nobody can be asked here. Pass --yes to remove the keys.")
            answer = input(f"Forget the keys of {server.slug}? They cannot be brought back. [y/N] ").strip().lower()
            if answer not in ("y", "yes"):
                paths.say("Nothing was changed.")
                return 0
        store = ["--store", options.store] if options.store else []
        if options.revoke:
            from flotilla_cli import login  # imports the library

            if status := login.main([server.slug, "--revoke", *store]):
                return status
        names = accounts.forget(server, secrets_file.chosen_keychain(options.store))
        for line in relist(server.slug, False):
            paths.say(line)
    except AccountError as problem:
        return paths.fail(str(problem))
    except (OSError, ValueError) as problem:
        return paths.fail(f"The secrets file could not be changed: {problem}")
    except (KeyboardInterrupt, EOFError):
        return paths.fail("Interrupted; nothing was changed.", new_line=True)
    paths.say(f"Removed {', '.join(names)}." if names else f"No key of {server.slug} is stored.")
    paths.say("A gateway that is running leaves it out after its next start: `make up`.")
    return 0
