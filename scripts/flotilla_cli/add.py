"""Connect one server: ask for what its account needs, store it where both gateways read it, and make one real call.

Nothing is asked that is known: from the options, the environment, or the secrets file.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flotilla_cli import accounts, paths, secrets_file
from flotilla_cli.accounts import AccountError
from flotilla_cli.connect import relist
from flotilla_launcher.environment import is_placeholder

if TYPE_CHECKING:
    from flotilla import Server


def values_of(texts: list[str]) -> dict[str, str]:
    """Return the values of `--set name=value`; `name=@file` reads a file, so that it stands in no list of processes."""
    values = {}
    for number, text in enumerate(texts, 1):
        name, sign, value = text.partition("=")
        if not sign or not name:  # the text may be a key, so it is not shown
            raise AccountError(
                f"--set needs name=value: number {number} has no = after a name. Write --set api_key=@file, say."
            )
        if value.startswith("@"):
            try:
                value = Path(value[1:]).expanduser().read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as problem:
                raise AccountError(f"{value[1:]} cannot be read ({problem}). Name another file.") from None
        values[name] = value
    return values


def chosen_option(server: Server[Any], known: Mapping[str, str], consent: bool | None) -> list[str]:
    """Return the way to connect: the one that is complete or begun, else the one that a person chooses."""
    choices = accounts.auth_options(server)
    if consent is not None:
        choices = [option for option in choices if accounts.by_consent(server, option) is consent]
        if not choices:
            kind = "by consent in a browser" if consent else "with a key"
            raise AccountError(
                f"{server.slug} cannot be connected {kind}. Leave {'--login' if consent else '--key'} out."
            )
    begun = max(
        choices, key=lambda option: (all(map(known.get, option)), sum(bool(known.get(name)) for name in option))
    )
    if len(choices) == 1 or any(map(known.get, begun)):
        return begun
    if not sys.stdin.isatty():
        return choices[0]
    print(f"{server.integration.title} can be connected in {len(choices)} ways:")
    for number, option in enumerate(choices, 1):
        print(f"  {number}. {'consent in a browser' if accounts.by_consent(server, option) else ', '.join(option)}")
    while True:
        answer = input(f"Which one? [1-{len(choices)}, Enter for 1] ").strip() or "1"
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1]
        print(f"{answer!r} is none of them.")


def ask(server: Server[Any], field: str) -> str:
    """Return what a person types for a setting, once it fits. Raises AccountError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise AccountError(
            f"{server.slug} needs {field}: {accounts.about(server, field)}. Pass it with "
            f"--set {field}=…, or as a file: --set {field}=@file."
        )
    print(f"{accounts.about(server, field)}.")
    while True:
        value = getpass.getpass(f"{field} (not shown): ") if accounts.hidden(server, field) else input(f"{field}: ")
        try:
            return accounts.checked(server, field, value)
        except AccountError as problem:
            print(f"Error: {problem}")


def connect(
    server: Server[Any], values: Mapping[str, str], *, consent: bool | None, again: bool, keychain: bool
) -> dict[str, str]:
    """Connect a server's account; return the secrets whose place new values have taken. Raises AccountError."""
    checked = {name: accounts.checked(server, name, value) for name, value in values.items()}
    saved = secrets_file.read()
    fields = dict.fromkeys(name for option in accounts.auth_options(server) for name in option)
    there = {name: "" if again else accounts.present(server, name, saved) for name in fields}
    known = {name: value for name, value in {**there, **checked}.items() if value}
    option = chosen_option(server, known, consent)
    if accounts.by_consent(server, option) and not all(map(known.get, option)):
        from flotilla_cli import login  # imports the library

        store(server, checked, keychain)
        if login.main([server.slug, *(["--store", "desktop" if keychain else "file"])]):
            raise AccountError(f"{server.slug} was not connected; the reason is above.")
        return {}
    for name in option:
        if name not in known:
            checked[name] = ask(server, name)
        elif name in checked:
            continue
        elif not is_placeholder(saved.get(accounts.secret(server, name), "")):
            paths.say(f"{name}: is set already.")
        else:  # clients, and gateways started elsewhere, do not see what this shell has
            paths.say(f"{name}: is taken from the environment.")
            checked[name] = accounts.checked(server, name, known[name])
    store(server, checked, keychain)
    names = [] if keychain else [accounts.secret(server, name) for name in checked]
    return {name: saved[name] for name in names if not is_placeholder(saved.get(name, ""))}


def tried(server: Server[Any], replaced: Mapping[str, str]) -> str:
    """Make one call; return whose account answered. Where none does, the secrets that were replaced are put back.

    Raises AccountError.
    """
    try:
        return accounts.try_call(server.slug)
    except AccountError as problem:
        if not replaced:
            raise
        secrets_file.store(replaced, in_keychain=False)
        raise AccountError(f"{problem}\nUntil then what was set before is kept: {', '.join(replaced)}.") from None


def store(server: Server[Any], values: Mapping[str, str], keychain: bool) -> None:
    """Store the values that are new."""
    if values:
        named = {accounts.secret(server, name): value for name, value in values.items()}
        paths.say(f"Stored {', '.join(values)} in {secrets_file.store(named, keychain)}.")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `add` and the installer share."""
    parser.add_argument("--again", action="store_true", help="ask for all values again, also those that are set")
    parser.add_argument("--no-check", action="store_true", help="make no call to try the connection")
    parser.add_argument(
        "--store",
        choices=("file", "desktop"),
        help="where keys are stored: the secrets file, or Docker Desktop's keychain (default: that, where it exists)",
    )


def main(argv: list[str]) -> int:
    """Connect one server, and try it."""
    parser = argparse.ArgumentParser(prog="scripts/flotilla add", description=__doc__)
    parser.add_argument("server", help="as facturation-pro")
    parser.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="a value; NAME=@FILE reads it from a file"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--login", action="store_const", const=True, dest="consent", help="connect by consent in a browser"
    )
    how.add_argument(
        "--key", action="store_const", const=False, dest="consent", help="connect with a key, not by consent"
    )
    add_options(parser)
    options = parser.parse_args(argv)
    try:
        server, keychain = accounts.known(options.server), secrets_file.chosen_keychain(options.store)
        replaced: dict[str, str] = {}
        if accounts.auth_options(server) == [[]] and not options.set:
            paths.say(f"{server.slug} needs no account.")
        else:
            replaced = connect(
                server, values_of(options.set), consent=options.consent, again=options.again, keychain=keychain
            )
        if keychain:
            paths.say("Docker Desktop's keychain returns no values, so the connection is tried at the first call.")
        elif not options.no_check:
            paths.say(tried(server, replaced))
        for line in relist(server.slug, True):
            paths.say(line)
    except AccountError as problem:
        return paths.fail(str(problem))
    except (OSError, ValueError) as problem:
        return paths.fail(f"It could not be stored: {problem}")
    except (KeyboardInterrupt, EOFError):
        return paths.fail("Interrupted. What was said to be stored is; run it again for the rest.", new_line=True)
    paths.say("A gateway that is running uses it after its next start: `make up`.")
    return 0
