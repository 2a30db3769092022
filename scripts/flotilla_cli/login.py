"""Connect an account by consent in a browser. For example `scripts/flotilla login google` connects all Google servers
with one consent, `login gmail` only that one.

It asks for the scopes of the enabled tools only, stores the tokens where the servers read them, checks them with one
call and says whose account it is.
"""

from __future__ import annotations

import argparse
import getpass
import os
import re
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import httpx2 as httpx
from authlib.integrations.base_client import OAuthError
from pydantic import TypeAdapter, ValidationError

from flotilla import Consent, Server
from flotilla.http.scopes import access_level, fewest, needs
from flotilla_cli import access_levels, consent, paths, secrets_file
from flotilla_cli.generator.documents import common, variable
from flotilla_cli.generator.servers import server_of
from flotilla_cli.servers import registry
from flotilla_launcher.environment import is_placeholder
from flotilla_launcher.filters import visible
from flotilla_launcher.naming import catalog_name, slug_of

Servers = dict[str, Server[Any]]
ADDRESSES = ("authorize_url", "token_url", "who_url", "revoke_url", "device_url")  # of a consent


def secret(slug: str, name: str) -> str:
    """Return the name of a secret in the secrets file and in Docker Desktop's keychain."""
    return f"{catalog_name(slug)}.{name}"


def connectable() -> Servers:
    """Return the servers whose account is connected by consent, by slug."""
    servers = {slug: server_of(slug) for slug in registry()}
    return {slug: server for slug, server in servers.items() if server.integration.consent}


def named(name: str, servers: Servers) -> Servers:
    """Return those of `servers` that a name stands for: one server, or all that share an account."""
    accounts = {slug: about_of({slug: server}).account for slug, server in servers.items()}
    matching = {slug: servers[slug] for slug, account in accounts.items() if slug_of(name) in (slug, account)}
    if not matching:
        names = ", ".join(sorted({*accounts, *accounts.values()}))
        raise consent.ConsentError(f"{name!r} is not connected by consent. The names are {names}.")
    return matching


def environ_of(server: Server[Any], level: str | None = None) -> dict[str, str]:
    """Return the variables that decide which of a server's tools are enabled, and how much they may open.

    The secrets file's win over the shell's, and an access level that is given over both.
    """
    saved = secrets_file.read()
    mine = {env: saved.get(f"{catalog_name(server.slug)}.{name}", "") for name, (env, _, _) in common(server).items()}
    mine |= access_levels.environment(server, level or saved.get(secret(server.slug, access_levels.setting_of(server))))
    return {**os.environ, **{env: value for env, value in mine.items() if value}}


def wanted(servers: Servers, levels: Mapping[str, str]) -> list[str]:
    """Return the scopes that are always asked for, and the fewest that the enabled tools of these servers need.

    `levels` are the access levels that the user chose, by slug.
    """
    needed = [need for slug, s in servers.items() for need in needs(s.integration, environ_of(s, levels.get(slug)))]
    return list(dict.fromkeys([*about_of(servers).scopes, *fewest(needed)]))


def region_of(servers: Servers, saved: Mapping[str, str]) -> str:
    """Return the region that the secrets file or the environment names for these servers, "" where none does."""
    if not (regions := about_of(servers).regions):
        return ""
    candidates = [saved.get(secret(slug, regions.field)) for slug in servers]
    candidates += [os.environ.get(variable(server, regions.field)) for server in servers.values()]
    return next((value for value in candidates if value and not is_placeholder(value)), "")


def about_of(servers: Servers) -> Consent:
    """Return how the account that these servers share is connected.

    Where the vendor gives each account an address of its own, a setting stands in braces: https://{subdomain}.acme.example.
    It is filled in from the secrets file, the environment or its default, and left as it is where none has it.
    """
    server = next(iter(servers.values()))
    about = server.integration.consent
    assert about
    if not (fields := _open_fields(about)):
        return about
    saved = secrets_file.read()
    values = {field: _setting(server, field, saved) for field in fields}
    addresses = {name: str(getattr(about, name)) for name in ADDRESSES}
    for field, value in values.items():
        if part := _part_of_address(server, field, value):
            addresses = {name: text.replace(f"{{{field}}}", part) for name, text in addresses.items()}
    return replace(about, **addresses)  # type: ignore[arg-type]


def at_level(servers: Servers, levels: Mapping[str, str]) -> Consent:
    """Return how the account is connected at the access level that the user chose, by slug, or chose before."""
    slug, server = next(iter(servers.items()))
    about, access = about_of(servers), server.integration.access
    if not access or not access.consents:
        return about
    return replace(
        about, **access.consents.get(access_level(server.integration, environ_of(server, levels.get(slug))), {})
    )


def _stored(about: Consent, slug: str, saved: Mapping[str, str]) -> Consent:
    """Return a consent for the token that is stored, of a vendor whose rotation is optional."""
    names = ("refresh_token", "token") if about.rotation_optional else ()
    tokens = {name: saved.get(secret(slug, name), "") for name in names}
    tokens = {name: "" if is_placeholder(value) else value for name, value in tokens.items()}
    return about.storing({"refresh_token": tokens.get("refresh_token"), "access_token": tokens.get("token")})


def _setting(server: Server[Any], field: str, saved: Mapping[str, str]) -> str:
    """Return a setting from the secrets file or the environment, else its default, "" where it has none."""
    for value in (saved.get(secret(server.slug, field), ""), os.environ.get(variable(server, field), "")):
        if value and not is_placeholder(value):
            return value
    about = server.integration.settings_class.model_fields[field]
    return "" if about.is_required() or not isinstance(about.default, str) else about.default


def _part_of_address(server: Server[Any], field: str, value: str) -> str:
    """Return a setting as the server itself reads it, "" where it is unset or could lead to another address."""
    about = server.integration.settings_class.model_fields[field]
    try:
        text = str(TypeAdapter(Annotated[str, *about.metadata]).validate_python(value)) if value else ""
    except ValidationError:
        return ""
    return text if re.fullmatch(r"[A-Za-z0-9.-]+", text) else ""


def _open_fields(about: Consent) -> list[str]:
    """Return the settings that stand in braces in the addresses of a consent."""
    return list(dict.fromkeys(re.findall(r"{(\w+)}", about.authorize_url + about.token_url)))


def credentials(servers: Servers, options: argparse.Namespace) -> tuple[str, str]:
    """Return client_id and client_secret: from the command, the environment, the secrets file, or the user."""
    saved, about = secrets_file.read(), about_of(servers)
    for field in _open_fields(about):
        slug, server = next(iter(servers.items()))
        description = server.integration.settings_class.model_fields[field].description
        raise consent.ConsentError(
            f"Login needs the name of your account first: set {secret(slug, field)} in the secrets file, or the "
            f"environment variable {variable(server, field)}. {description}."
        )
    family = [slug for slug, s in connectable().items() if about_of({slug: s}).account == about.account]

    def first(name: str, option: str | None, slugs: Sequence[str]) -> str:
        candidates = [option, *(os.environ.get(variable(s, name)) for s in servers.values())]
        candidates += [saved.get(secret(slug, name)) for slug in slugs]
        return next((value for value in candidates if value and not is_placeholder(value)), "")

    slugs = [*servers, *family]
    client_id = first("client_id", options.client_id, slugs)
    same_client = [slug for slug in slugs if saved.get(secret(slug, "client_id"), client_id) == client_id]
    client_secret = first("client_secret", None, same_client)
    if not client_id:
        paths.say(f"Login needs an OAuth client, which you create once: {about.register}.")
        if not sys.stdin.isatty():
            raise consent.ConsentError(
                "Pass its id with --client-id, and its secret in the environment variable "
                f"{variable(next(iter(servers.values())), 'client_secret')}."
            )
        client_id = input("client_id: ").strip()
    if not client_secret and sys.stdin.isatty():
        client_secret = getpass.getpass("client_secret (empty for none): ").strip()
    return client_id, client_secret


def connect(servers: Servers, options: argparse.Namespace) -> int:
    """Ask for consent, store it and check it."""
    levels = access_levels.chosen(servers, connectable(), options)
    region = region_of(servers, secrets_file.read())
    about, scopes = at_level(servers, levels).in_region(region), wanted(servers, levels)
    client_id, client_secret = credentials(servers, options)
    asked = f": {', '.join(short(scope) for scope in scopes)}" if scopes else ", which has none: it asks for all"
    paths.say(f"Asking for the scopes of {', '.join(servers)}{asked}.")
    with consent.client(about, client_id, client_secret, scopes) as oauth:
        if options.device:
            token = consent.by_device(about, oauth)
        elif options.paste or about.redirect_scheme != "http" or not browser():
            token = consent.by_paste(about, oauth)
        else:
            token = consent.in_browser(about, oauth)
    about = about.storing(token)
    if not token.get(about.stored_token):
        kind = about.stored_token.replace("_", " ")
        raise consent.ConsentError(
            f"The vendor gave no {kind}, so the connection would not last. Remove the app from the account's connected "
            "apps, then start again."
        )
    region = token.get(consent.REGION) or region
    about = about.in_region(region)
    person = consent.account_name(about, token)
    values = {"client_id": client_id, "client_secret": client_secret, about.token_field: token[about.stored_token]}
    saved = secrets_file.read()  # an empty value replaces the secret of an earlier client
    new = {secret(slug, name): value for slug in servers for name, value in values.items()}
    new |= {secret(slug, access_levels.setting_of(servers[slug])): level for slug, level in levels.items()}
    new |= {secret(slug, about.regions.field): region for slug in servers} if about.regions else {}
    new = {name: value for name, value in new.items() if value or name in saved}
    where = secrets_file.store(new, secrets_file.chosen_keychain(options.store))
    paths.say(f"Connected: {person}, for {', '.join(servers)}. Stored in {where}.")
    granted = set(str(token.get("scope") or "").replace(",", " ").split())
    for slug, server in servers.items():
        if lacking := without(server, granted) if granted else []:
            paths.say(f"Consent was not given for these tools of {slug}, so they will fail: {', '.join(lacking)}.")
        if limits := access_levels.limits(server, granted, environ_of(server, levels.get(slug))):
            paths.say(limits)
    paths.say("A gateway that is running uses it after its next start: `make up`.")
    return 0


def without(server: Server[Any], granted: set[str]) -> list[str]:
    """Return the enabled tools that need a scope which was not granted."""
    environ = environ_of(server)
    return [
        name
        for name, needed in server.integration.scopes.items()
        if visible(environ, server.attributes[name], name) and needed.coverage(granted) == "none"
    ]


def show(servers: Servers) -> int:
    """Print for each server whose account it has, whether the consent still holds and covers the enabled tools."""
    saved, keychain = secrets_file.read(), secrets_file.keychain_names() if secrets_file.has_keychain() else ""
    for slug, server in servers.items():
        about = _stored(about_of({slug: server}), slug, saved).in_region(region_of({slug: server}, saved))
        token = saved.get(secret(slug, about.token_field), "")
        if is_placeholder(token) and secret(slug, about.token_field) in keychain:
            paths.say(f"{slug}: stored in Docker Desktop's keychain, which returns no values, so it was not checked")
        elif is_placeholder(token):
            paths.say(f"{slug}: not connected (scripts/login {slug})")
        elif about.rotates:  # a check would end the token that the server has
            paths.say(f"{slug}: connected")
        else:
            paths.say(f"{slug}: {state(server, about, saved)}")
    return 0


def state(server: Server[Any], about: Consent, saved: Mapping[str, str]) -> str:
    """Check a connection; return the result as a phrase."""
    names = ("client_id", "client_secret", about.token_field)
    client_id, client_secret, stored = (saved.get(secret(server.slug, name), "") for name in names)
    try:
        if about.stored_token == "access_token":
            token: Mapping[str, Any] = {"access_token": stored}
        else:
            with consent.client(about, client_id, client_secret, []) as oauth:
                token = consent.refresh(about, oauth, stored)
        person = consent.account_name(about, token)
    except OAuthError as refusal:
        if refusal.error != "invalid_grant":
            return f"could not be checked (the vendor refuses: {refusal.error})"
        return f"the consent has ended ({refusal.error}); run scripts/login {server.slug} again"
    except (httpx.HTTPError, consent.ConsentError, ValueError) as problem:
        return f"could not be checked ({problem})"
    granted = set(str(token.get("scope") or "").replace(",", " ").split())
    lacking = without(server, granted) if granted else []
    limits = access_levels.limits(server, granted, environ_of(server))
    missing = f"; no consent yet for {', '.join(lacking)}" if lacking else ""
    return f"connected as {person}{missing}" + (f". {limits}" if limits else "")


def revoke(servers: Servers, options: argparse.Namespace) -> int:
    """Revoke consents at the vendor, and forget their tokens for every server that uses the same ones."""
    saved = secrets_file.read()
    about = _stored(about_of(servers), next(iter(servers)), saved).in_region(region_of(servers, saved))
    field = about.token_field
    tokens = {token for slug in servers if not is_placeholder(token := saved.get(secret(slug, field), ""))}
    if not tokens and not secrets_file.chosen_keychain(options.store):
        raise consent.ConsentError(f"{', '.join(servers)}: not connected, so there is nothing to revoke.")
    holders = [slug for slug in connectable() | servers if saved.get(secret(slug, field)) in tokens]
    for token in tokens if about.revoke_url else ():
        slug = next(s for s in holders if saved[secret(s, field)] == token)
        client_id, client_secret = (saved.get(secret(slug, name), "") for name in ("client_id", "client_secret"))
        with consent.client(about, client_id, client_secret, []) as oauth:
            response = oauth.revoke_token(about.revoke_url, token=token, token_type_hint=about.stored_token)
        if response.status_code not in (200, 204, 400):  # 400: it had ended already
            raise consent.ConsentError(
                f"The vendor answers {response.status_code}, so nothing was revoked. Try again later."
            )
    secrets_file.forget(
        [secret(slug, field) for slug in holders or servers], secrets_file.chosen_keychain(options.store)
    )
    paths.say(f"Disconnected: {', '.join(holders or servers)}.")
    if not tokens:
        paths.say(
            "Docker Desktop's keychain returns no values, so the consent could not be revoked at the vendor: remove "
            "the app in the account's settings too."
        )
    elif not about.revoke_url:
        paths.say("This vendor's consents cannot be revoked from here: remove the app in the account's settings too.")
    return 0


def short(scope: str) -> str:
    """Return the last part of a scope's address."""
    return scope.rsplit("/", 1)[-1]


def browser() -> bool:
    """Tell whether a browser can be opened here."""
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return not (
        sys.platform.startswith("linux") and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY")
    )


def main(argv: list[str]) -> int:
    """Connect, list or revoke."""
    parser = argparse.ArgumentParser(
        prog="scripts/flotilla login", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "name",
        nargs="?",
        metavar="SERVER|ACCOUNT",
        help="a server, such as gmail, or an account that several servers share, such as google",
    )
    parser.add_argument("--list", action="store_true", help="show what is connected, and check it")
    parser.add_argument("--revoke", action="store_true", help="revoke the consent at the vendor, and forget it here")
    parser.add_argument(
        "--paste",
        action="store_true",
        help="without a browser here: open the page on another machine, then paste the address it redirects to",
    )
    parser.add_argument(
        "--device",
        action="store_true",
        help="without a browser here: type a code on another device, where the vendor supports it",
    )
    parser.add_argument(
        "--client-id",
        help="the id of the OAuth client; default: from the environment or the secrets file, else you are asked",
    )
    parser.add_argument(
        "--store",
        choices=("file", "desktop"),
        help="where to store the tokens: the secrets file, or Docker Desktop's keychain (default: the keychain where "
        "it exists)",
    )
    access_levels.add_options(parser, connectable())
    options = parser.parse_args(argv)
    try:
        if options.list:
            return show(named(options.name, connectable()) if options.name else connectable())
        if not options.name:
            parser.error("name a server or an account; --list shows them")
        servers = named(options.name, connectable())
        return revoke(servers, options) if options.revoke else connect(servers, options)
    except consent.ConsentError as refusal:
        return paths.fail(str(refusal))
    except OAuthError as refusal:
        return paths.fail(
            f"The vendor refuses ({refusal.error}): {refusal.description or 'it gives no reason'}. Start again."
        )
    except (httpx.HTTPError, OSError, ValueError) as problem:
        return paths.fail(f"{problem}")
    except (KeyboardInterrupt, EOFError):
        return paths.fail("Interrupted; nothing was changed. Start again.", new_line=True)
