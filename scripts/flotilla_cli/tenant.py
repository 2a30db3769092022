"""Create, change, export or delete the customers (tenants) that one switchboard serves, each with its own accounts."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flotilla_cli import paths
from flotilla_launcher.environment import SettingError, setting
from flotilla_launcher.naming import catalog_name, slug_of
from flotilla_launcher.user_files import parse_secrets
from flotilla_servers.switchboard.catalog import CatalogError, misplaced, read_catalog, read_document
from flotilla_servers.switchboard.connecting.offer import offer_of
from flotilla_servers.switchboard.options import CATALOG, DISCOVERY
from flotilla_servers.switchboard.tenants.connections import Connections
from flotilla_servers.switchboard.tenants.links import HOURS, Links
from flotilla_servers.switchboard.tenants.tenant import Tenant, TenantError, place_of

if TYPE_CHECKING:  # they import the library, which takes two seconds: not for --help
    from flotilla_servers.switchboard.tenants.tenants import Tenants
    from flotilla_servers.switchboard.tenants.vault import Vault

ADDRESS = "http://127.0.0.1:8811"  # of a switchboard that listens on this machine alone
LONGEST = 24 * 366  # hours that a link may work


def main(argv: list[str]) -> int:
    """Run one command about tenants; returns 0, or 1 after a message."""
    options = _arguments(argv)
    from flotilla_servers.switchboard.tenants.setup import database, open_tenants

    try:
        tenants, vault = open_tenants(options.tenants or database(options.state), os.environ)
        return int(options.run(options, tenants, vault) or 0)
    except (SettingError, OSError, ValueError) as error:
        return paths.fail(str(error))


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/flotilla tenant", description=__doc__)
    state = paths.state_folder()
    parser.add_argument(
        "--tenants",
        help="the database: a file or a postgresql:// URL (default: FLOTILLA_TENANTS, else in the state folder)",
    )
    parser.add_argument("--state", type=Path, default=state, help="the switchboard's state folder")
    parser.add_argument("--data", type=Path, default=paths.data_folder(), help="the switchboard's data folder")
    parser.add_argument("--catalog", type=Path, default=CATALOG, help="the catalog file")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, summary: str, *more: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=summary, description=summary)
        made.set_defaults(run=run)
        for argument in more:
            made.add_argument(argument)
        return made

    new = command("create", _create, "Create one; its client's token is shown once.", "name")
    new.add_argument(
        "--template",
        type=Path,
        help="folder of settings.yaml, secrets.env and files/ (default: ~/.config/flotilla/tenant-template)",
    )
    _add_settings(new)
    command("list", _list, "List them.")
    command("show", _show, "Show one: settings, and which credentials there are, without their values.", "name")
    _add_settings(command("set", _set, "Change settings of one.", "name"))
    command("suspend", _suspend, "Refuse its clients from now on; nothing is lost.", "name")
    command("resume", _resume, "Serve its clients again.", "name")
    token = command("rotate-token", _rotate_token, "Make a new token; the old one ends at once.", "name")
    token.add_argument("--keep-old", action="store_true", help="the old one ends with the next rotation instead")
    connect = command("connect", _connect, "Print a link by which the customer connects an account.", "name", "server")
    connect.epilog = "SERVER@NAME, such as hubspot@paris, connects a further account, which gets that name."
    connect.add_argument("--hours", type=_hours, default=HOURS, help=f"how long it works (default: {HOURS:g})")
    connect.add_argument(
        "--public-url",
        default=setting("FLOTILLA_PUBLIC_URL") or ADDRESS,
        help=f"address under which the customer reaches the switchboard (default: FLOTILLA_PUBLIC_URL, else {ADDRESS})",
    )
    connect.add_argument("--discovery", type=Path, default=DISCOVERY, help="folder of <server>/discovery.json")
    command("import", _import, "Save the credentials of a secrets file (lines server.name=value).", "name", "file")
    restore = command("restore", _restore, "Bring an older version of a credential back.", "name", "credential")
    restore.add_argument("version", type=int, help="as `show` numbers them")
    command("forget", _forget, "Delete a credential with all its versions.", "name", "credential")
    keys = command("rotate-keys", _rotate_keys, "Seal with the first key of FLOTILLA_TENANT_KEY, for all tenants.")
    keys.add_argument(
        "--data-keys", action="store_true", help="also make new data keys, and seal every credential anew"
    )
    export = command("export", _export, "Write settings and files into a new folder; no secrets.", "name", "folder")
    export.add_argument(
        "--secrets", type=Path, help="also write the credentials to this new file, readable by you alone"
    )
    delete = command("delete", _delete, "Delete one for good: keys, credentials, files, state and log.", "name")
    delete.add_argument("--confirm", metavar="NAME", help="the tenant's name again, in place of being asked for it")
    return parser.parse_args(argv)


def _hours(text: str) -> float:
    hours = float(text)
    if not 0 < hours <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text} is not a number of hours between 0 and {LONGEST}")
    return hours


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--locale", help="language, perhaps with a country: fr-FR")
    parser.add_argument("--timezone", help="such as Europe/Paris")
    parser.add_argument("--servers", help="names, comma-separated; empty for those that have all credentials they need")
    parser.add_argument("--tier", action="append", default=[], metavar="SERVER=TIER", help="core or all")
    parser.add_argument(
        "--limit", action="append", default=[], metavar="NAME=NUMBER", help="such as calls_per_minute=60"
    )


def _settings(options: argparse.Namespace, base: Mapping[str, Any]) -> dict[str, Any]:
    document = dict(base)
    for name in ("locale", "timezone"):
        if (value := getattr(options, name)) is not None:
            document[name] = value
    if options.servers is not None:
        document["servers"] = [name.strip() for name in options.servers.split(",") if name.strip()]
    tiers, limits = paths.pairs("--tier", options.tier), paths.pairs("--limit", options.limit)
    _check_servers(options, [*(document.get("servers") or ()), *tiers] if options.servers is not None else tiers)
    if wrong := [name for name, number in limits.items() if not number.isdecimal()]:
        raise ValueError(f"--limit {wrong[0]}={limits[wrong[0]]} is not a whole number.")
    document["tiers"] = {**(document.get("tiers") or {}), **tiers}
    document["limits"] = {**(document.get("limits") or {}), **{name: int(number) for name, number in limits.items()}}
    return document


def _check_servers(options: argparse.Namespace, names: Iterable[str]) -> None:
    """Raise TenantError for a name that no server has: the tenant's clients would get nothing but an error."""
    known = [entry.slug for entry in read_catalog(options.catalog, {}, {}).values()]
    if unknown := [name for name in names if slug_of(name) not in (*known, "all")]:
        raise TenantError(f"The catalog has no server `{unknown[0]}`.", f"Its servers are {', '.join(known)}.")


def _create(options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
    from flotilla_servers.switchboard.tenants import administration

    template = options.template or administration.template_folder(os.environ)
    settings = _settings(options, administration.template_settings(template))
    tenant, token = administration.create(tenants, vault, options.name, settings, template, options.data, options.state)
    paths.say(f"The tenant {tenant.name} is there. Its client's token, which is not shown again:\n\n    {token}\n")
    paths.say(f"Next: its credentials, `scripts/flotilla tenant import {tenant.name} FILE`.")


def _list(options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
    rows = tenants.all()
    for tenant in rows:
        servers = ", ".join(tenant.settings.servers) or "those with credentials"
        paths.say(f"{tenant.name:40}  {tenant.status:9}  {servers}")
    if not rows:
        paths.say("There is no tenant. `scripts/flotilla tenant create NAME` makes one.")


def _show(options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
    tenant = tenants.named(options.name)
    paths.say(json.dumps(_document(tenant, vault, Connections(tenants.store)), indent=2, ensure_ascii=False))


def _document(tenant: Tenant, vault: Vault, connections: Connections) -> dict[str, Any]:
    """Return what may be shown of a tenant."""
    credentials = [
        {
            "name": f"{item.server}.{item.name}",
            "version": item.version,
            "set": _moment(item.created),
        }
        for item in vault.listed(tenant)
    ]
    about = {"name": tenant.name, "id": tenant.id, "status": tenant.status}
    connected = [
        {
            "server": item.server,
            "account": item.account,
            "connected": _moment(item.connected),
            **({"revoked": _moment(item.revoked)} if item.revoked else {}),
        }
        for item in connections.all(tenant)
    ]
    settings = tenant.settings.document()
    return {**about, "settings": settings, "credentials": credentials, "connected": connected}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def _set(options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
    tenant = tenants.named(options.name)
    tenants.change(tenant, lambda now: _settings(options, now.document()))
    paths.say(f"The settings of {tenant.name} hold from its next request on.")


def _suspend(options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
    tenants.suspend(tenants.named(options.name))
    paths.say(f"{options.name} is suspended: its clients are refused.")


def _resume(options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
    tenants.resume(tenants.named(options.name))
    paths.say(f"{options.name} is served again.")


def _rotate_token(options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
    token = tenants.rotate_token(tenants.named(options.name), options.keep_old)
    paths.say(f"The new token of {options.name}, which is not shown again:\n\n    {token}\n")


def _import(options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
    tenant = tenants.named(options.name)
    try:
        text = Path(options.file).read_text(encoding="utf-8-sig")  # editors on Windows write a mark first
    except UnicodeDecodeError:
        raise TenantError(f"{options.file} is not UTF-8 text.", "Save it as UTF-8, and import it again.") from None
    _check_credentials(options, text)
    number = vault.import_file(tenant, text)
    if not number:
        raise TenantError(f"{options.file} has no credential.", "Its lines read flotilla-hubspot.token=…")
    paths.say(f"{number} credentials of {tenant.name} are saved. Delete {options.file} if nothing else needs it.")


def _check_credentials(options: argparse.Namespace, text: str) -> None:
    """Raise TenantError for credentials that no server has: their tenant would not be served."""
    registry = read_document(options.catalog).get("registry") or {}
    try:
        places = [name.partition(".")[::2] for name, value in parse_secrets(text).items() if value]
    except ValueError:
        return  # the vault says what is wrong
    names = {f"{server.partition('@')[0]}.{key}": "given" for server, key in places if key != "login"}  # of an export
    if unknown := [name for name in names if name.partition(".")[0] not in registry]:
        raise TenantError(
            f"{unknown[0]}: the catalog has no such server. Nothing was saved.",
            "The lines read flotilla-hubspot.token=…, as in the secrets file.",
        )
    if problems := misplaced(registry, names, {}):
        raise CatalogError(f"{problems[0]} Nothing was saved.")


def _connect(options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
    tenant = tenants.named(options.name)
    server, at, name = slug_of(options.server.lower()).partition("@")
    entry = next((one for one in read_catalog(options.catalog, {}, {}).values() if one.slug == server), None)
    if entry is None:
        raise TenantError(f"The catalog has no server `{options.server}`.", "`flotilla tenant connect --help`")
    place = place_of(server, name if at else None)
    offer = offer_of(replace(entry, account=name), options.discovery)
    if not offer.forms:
        raise TenantError(f"{offer.title} has no account that a link could connect.", "It can be used as it is.")
    link = f"{options.public_url.rstrip('/')}/connect/{Links(tenants.store).create(tenant, place, options.hours)}"
    paths.say(f"{tenant.name} connects {offer.title} by this link. It works once, for {options.hours:g} hours:")
    paths.say(f"\n    {link}\n")


def _credential(options: argparse.Namespace) -> tuple[str, str]:
    server, _, name = options.credential.partition(".")
    return catalog_name(slug_of(server)), name


def _restore(options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
    vault.restore(tenants.named(options.name), *_credential(options), options.version)
    paths.say(f"Version {options.version} of {options.credential} is the newest one again.")


def _forget(options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
    vault.remove(tenants.named(options.name), *_credential(options))
    paths.say(f"{options.credential} of {options.name} is deleted.")


def _rotate_keys(options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
    everyone = tenants.all()
    for tenant in everyone:
        vault.rewrap(tenant)
        if options.data_keys:
            vault.rotate_data_key(tenant)
    paths.say(f"The keys of {len(everyone)} tenants are sealed with the first key. The others are not needed any more.")


def _export(options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
    from flotilla_servers.switchboard.tenants.setup import folders

    tenant, folder = tenants.named(options.name), Path(options.folder)
    for place in filter(None, (folder, options.secrets)):
        if place.exists():
            raise TenantError(f"{place} exists already. Nothing was exported.", "Name one that does not exist.")
    secrets = vault.export_file(tenant) if options.secrets else ""  # before anything is written: it may be refused
    folder.mkdir(parents=True, mode=0o700)
    paths.write(
        folder / "tenant.json",
        json.dumps(_document(tenant, vault, Connections(tenants.store)), indent=2, ensure_ascii=False) + "\n",
    )
    data, _ = folders(options.data, options.state, tenant.id)
    if data.is_dir():
        shutil.copytree(data, folder / "files", symlinks=True)
    if options.secrets:
        descriptor = os.open(options.secrets, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets)
    paths.say(f"Exported to {folder}: tenant.json and files/" + (", and the credentials." if options.secrets else "."))


def _delete(options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
    from flotilla_servers.switchboard.tenants import administration

    tenant = tenants.named(options.name)
    confirmed = options.confirm
    if confirmed is None and sys.stdin.isatty():
        paths.say(f"This deletes {tenant.name} for good: its keys, credentials, files, state and log.")
        confirmed = input("Type its name to delete it: ").strip()
    if confirmed != tenant.name:
        raise TenantError(f"{tenant.name} was not deleted.", f"Confirm it: --confirm {tenant.name}")
    administration.delete(tenants, tenant, options.data, options.state)
    paths.say(f"{tenant.name} is deleted. A backup that holds its rows opens with the key-encryption key still.")
