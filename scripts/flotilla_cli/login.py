"""Connect an account: ask for consent, keep what comes back where the servers look, check it, say whose it is."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2 as httpx
from authlib.integrations.base_client import OAuthError

from flotilla import Consent, Server
from flotilla.http.scopes import fewest, needs
from flotilla_cli import access_levels, consent
from flotilla_cli import paths as place
from flotilla_cli import secrets_file as vault
from flotilla_cli import servers as fleet
from flotilla_cli.generator.documents import common, variable
from flotilla_cli.generator.servers import server_of
from flotilla_launcher.environment import is_placeholder
from flotilla_launcher.filters import visible
from flotilla_launcher.naming import catalog_name, slug_of

KEPT = ("client_id", "client_secret", "refresh_token")
Servers = dict[str, Server[Any]]


def secret(slug: str, name: str) -> str:
    """Return what a secret is called in the secrets file and in Docker Desktop's keychain."""
    return f"{catalog_name(slug)}.{name}"


def connectable() -> Servers:
    """Return the servers that an account is connected to by consent."""
    found = {slug: server_of(slug) for slug in fleet.registry()}
    return {slug: server for slug, server in found.items() if server.integration.consent}


def meant(word: str, all_: Servers) -> Servers:
    """Return the servers of a name: one server, or all that share an account."""
    found = {
        slug: s
        for slug, s in all_.items()
        if slug_of(word) in (slug, s.integration.consent.account if s.integration.consent else "")
    }
    if not found:
        accounts = sorted({s.integration.consent.account for s in all_.values() if s.integration.consent})
        raise consent.Refused(f"Nothing is connected as {word!r}; there are {', '.join(sorted({*all_, *accounts}))}.")
    return found


def environ_of(server: Server[Any], level: str | None = None) -> dict[str, str]:
    """Return the variables that decide which of a server's tools are enabled: the user's secrets over the shell's."""
    given = fleet.secrets(place.secrets_file())
    mine = {env: given.get(f"{catalog_name(server.slug)}.{name}", "") for name, (env, _, _) in common(server).items()}
    mine |= access_levels.environment(server, level or given.get(secret(server.slug, access_levels.setting_of(server))))
    return {**os.environ, **{env: value for env, value in mine.items() if value}}


def wanted(servers: Servers, levels: Mapping[str, str]) -> list[str]:
    """Return the fewest scopes that the enabled tools of some servers need, and those that always come along."""
    needed = [need for slug, s in servers.items() for need in needs(s.integration, environ_of(s, levels.get(slug)))]
    return list(dict.fromkeys([*about_of(servers).scopes, *fewest(needed)]))


def about_of(servers: Servers) -> Consent:
    """Return how these servers' one account is connected."""
    about = next(iter(servers.values())).integration.consent
    assert about
    return about


def credentials(servers: Servers, options: argparse.Namespace) -> tuple[str, str]:
    """Return client_id and client_secret: from the command, the environment, the secrets file, or the user."""
    kept, about = fleet.secrets(place.secrets_file()), about_of(servers)
    family = {
        slug: s
        for slug, s in connectable().items()
        if s.integration.consent and s.integration.consent.account == about.account
    } | servers

    def of(name: str, given: str | None, slugs: Sequence[str]) -> str:
        places = [given, *(os.environ.get(variable(s, name)) for s in servers.values())]
        places += [kept.get(secret(slug, name)) for slug in slugs]
        return next((value for value in places if value and not is_placeholder(value)), "")

    slugs = [*servers, *family]
    client_id = of("client_id", options.client_id, slugs)
    hidden = of("client_secret", None, [s for s in slugs if kept.get(secret(s, "client_id"), client_id) == client_id])
    if not client_id:
        place.say(f"An OAuth client is needed, once. Make it at {about.register}.")
        if not sys.stdin.isatty():
            raise consent.Refused(
                f"Pass --client-id, and the secret as {variable(next(iter(servers.values())), 'client_secret')}."
            )
        client_id = input("client_id: ").strip()
    if not hidden and sys.stdin.isatty():
        hidden = getpass.getpass("client_secret (empty for none): ").strip()
    return client_id, hidden


def connect(servers: Servers, options: argparse.Namespace) -> int:
    """Ask for consent, store it and check it."""
    levels = access_levels.chosen(servers, connectable(), options)
    about, scopes = about_of(servers), wanted(servers, levels)
    client_id, client_secret = credentials(servers, options)
    place.say(f"For {', '.join(servers)}: {', '.join(short(scope) for scope in scopes)}.")
    with consent.client(about, client_id, client_secret, scopes) as oauth:
        if options.device:
            token = consent.by_device(about, oauth)
        elif options.paste or not browser():
            token = consent.by_paste(about, oauth)
        else:
            token = consent.in_browser(about, oauth)
    if not token.get("refresh_token"):
        raise consent.Refused(
            "The vendor gave no refresh token, so the connection would end within the hour. Take the app away from the "
            "account's connected apps, then start again."
        )
    person = consent.who(about, token["access_token"])
    values = dict(zip(KEPT, (client_id, client_secret, token["refresh_token"]), strict=True))
    kept = fleet.secrets(place.secrets_file())  # the secret of an earlier client does not stay beside another client
    new = {secret(slug, name): value for slug in servers for name, value in values.items()}
    new |= {secret(slug, access_levels.setting_of(servers[slug])): level for slug, level in levels.items()}
    where = vault.store({name: value for name, value in new.items() if value or name in kept}, desktop(options))
    place.say(f"Connected: {person}, for {', '.join(servers)}. Kept in {where}.")
    granted = set(str(token.get("scope") or "").replace(",", " ").split())
    for slug, server in servers.items():
        if lacking := without(server, granted) if granted else []:
            place.say(f"Not agreed to, so these tools of {slug} will refuse: {', '.join(lacking)}.")
        if limits := access_levels.limits(server, granted, environ_of(server, levels.get(slug))):
            place.say(limits)
    place.say("Doors that run already take it up at their next start (`make up`).")
    return 0


def without(server: Server[Any], granted: set[str]) -> list[str]:
    """Return the enabled tools that need a scope which was not given."""
    environ = environ_of(server)
    return [
        name
        for name, needed in server.integration.scopes.items()
        if visible(environ, server.attributes[name], name) and needed.coverage(granted) == "none"
    ]


def show(all_: Servers) -> int:
    """Say of every account whose it is, and whether the consent still holds and covers the enabled tools."""
    kept, keychain = fleet.secrets(place.secrets_file()), vault.listed() if vault.desktop() else ""
    for slug, server in all_.items():
        about, token = server.integration.consent, kept.get(secret(slug, "refresh_token"), "")
        assert about
        if is_placeholder(token) and secret(slug, "refresh_token") in keychain:
            place.say(f"{slug}: kept in Docker Desktop's keychain, which gives no value back, so it was not tried")
        elif is_placeholder(token):
            place.say(f"{slug}: not connected (scripts/login {slug})")
        elif about.rotates:  # to try it would take the server's own token away
            place.say(f"{slug}: connected")
        else:
            place.say(f"{slug}: {state(server, about, kept)}")
    return 0


def state(server: Server[Any], about: Consent, kept: Mapping[str, str]) -> str:
    """Try a connection."""
    names = [kept.get(secret(server.slug, name), "") for name in KEPT]
    try:
        with consent.client(about, names[0], names[1], []) as oauth:
            token = consent.renewed(about, oauth, names[2])
        person = consent.who(about, token["access_token"])
    except OAuthError as refusal:
        if refusal.error != "invalid_grant":
            return f"could not be checked (the vendor refuses: {refusal.error})"
        return f"the consent has ended ({refusal.error}); run scripts/login {server.slug} again"
    except (httpx.HTTPError, consent.Refused, ValueError) as problem:
        return f"could not be checked ({problem})"
    granted = set(str(token.get("scope") or "").split())
    lacking = without(server, granted) if granted else []
    limits = access_levels.limits(server, granted, environ_of(server))
    missing = f"; no consent yet for {', '.join(lacking)}" if lacking else ""
    return f"connected as {person}{missing}" + (f". {limits}" if limits else "")


def revoke(servers: Servers, options: argparse.Namespace) -> int:
    """Take consents back at the vendor, and empty what was kept, for every server that held the same."""
    about, kept = about_of(servers), fleet.secrets(place.secrets_file())
    tokens = {token for slug in servers if not is_placeholder(token := kept.get(secret(slug, "refresh_token"), ""))}
    if not tokens and not desktop(options):
        raise consent.Refused("Nothing is connected.")
    holders = [slug for slug in connectable() | servers if kept.get(secret(slug, "refresh_token")) in tokens]
    for token in tokens if about.revoke_url else ():
        slug = next(s for s in holders if kept[secret(s, "refresh_token")] == token)
        client_id, client_secret = (kept.get(secret(slug, name), "") for name in ("client_id", "client_secret"))
        with consent.client(about, client_id, client_secret, []) as oauth:
            answer = oauth.revoke_token(about.revoke_url, token=token, token_type_hint="refresh_token")
        if answer.status_code not in (200, 204, 400):  # 400: it had ended already
            raise consent.Refused(
                f"The vendor answers {answer.status_code}, so nothing was taken back. Try again later."
            )
    vault.forget([secret(slug, "refresh_token") for slug in holders or servers], desktop(options))
    place.say(f"Disconnected: {', '.join(holders or servers)}.")
    if not tokens:
        place.say(
            "Docker Desktop's keychain gives no value back, so the consent stands at the vendor: remove the app in the "
            "account's settings too."
        )
    elif not about.revoke_url:
        place.say(
            "The vendor has no way to take a consent back from here: remove the app in the account's settings too."
        )
    return 0


def short(scope: str) -> str:
    """Return the telling end of a scope."""
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


def desktop(options: argparse.Namespace) -> bool:
    """Tell whether Docker Desktop keeps the secrets: if it is here, unless --store says otherwise."""
    return bool(options.store == "desktop" or (options.store is None and vault.desktop()))


def main(argv: list[str]) -> int:
    """Do one of the three."""
    parser = argparse.ArgumentParser(prog="scripts/login", description=__doc__)
    parser.add_argument(
        "what", nargs="?", metavar="SERVER|ACCOUNT", help="a server (gmail), or an account that several share"
    )
    parser.add_argument("--list", action="store_true", help="say what is connected, and try it")
    parser.add_argument("--revoke", action="store_true", help="take the consent back, and forget it here")
    parser.add_argument(
        "--paste", action="store_true", help="open the page on another machine, paste the address it leads to"
    )
    parser.add_argument(
        "--device", action="store_true", help="type a code on another device, where the vendor has that"
    )
    parser.add_argument(
        "--client-id", help="the OAuth client; otherwise from the environment, the secrets file, or asked"
    )
    parser.add_argument("--store", choices=("file", "desktop"), help="the secrets file, or Docker Desktop's keychain")
    access_levels.add_options(parser, connectable())
    options = parser.parse_args(argv)
    try:
        if options.list:
            return show(meant(options.what, connectable()) if options.what else connectable())
        if not options.what:
            parser.error("which server or account? --list shows them")
        servers = meant(options.what, connectable())
        return revoke(servers, options) if options.revoke else connect(servers, options)
    except consent.Refused as refusal:
        return place.fail(str(refusal))
    except OAuthError as refusal:
        return place.fail(f"The vendor refuses ({refusal.error}): {refusal.description or 'without a reason'}.")
    except (httpx.HTTPError, OSError, ValueError) as problem:
        return place.fail(f"{problem}")
    except (KeyboardInterrupt, EOFError):
        return place.fail("Stopped; nothing was changed.")
