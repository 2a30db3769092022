"""Servers of one's own: how they are declared, where their secrets and what is known of them stand, what they offer.

They are declared in the section `servers` of the settings file. Secrets stand in the state folder, each bound to the
address that it was given for. What a server offers is kept beside them, so that listing starts nothing. The command
line and the console add, remove and look through the functions here. Standard library only: the launcher reads it too.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flotilla_launcher.environment import switched_on
from flotilla_launcher.filters import visible
from flotilla_launcher.masking import is_secret
from flotilla_launcher.protocol import LISTS

from .catalog import STEERING, Entry
from .database import Database
from .discovery import DiscoveryError, discovery
from .note_save import NOTE_SAVE
from .own_tools import APPROVE
from .permissions import Permissions, forget, kind_of
from .reporting import report
from .settings_file import SettingsError, SettingsFile
from .tool_search import DESTROY, READ, SEARCH, WRITE
from .untrusted import ADDRESS, NAMED, Cleaned, prefixed

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
KEYS = ("url", "transport", "headers", "auth", "command", "image", "args", "env", "volumes", "title", "local")
TRANSPORTS, AUTHS = ("auto", "http", "sse"), ("none", "token", "oauth")
RESERVED = (SEARCH, READ, WRITE, DESTROY, APPROVE, NOTE_SAVE)  # tools that the switchboard itself has
FILE_FORMAT = 1  # of a kept discovery file
TOKEN = "{token}"  # in a header: where the token stands, unless it is a bearer token


@dataclass(frozen=True)
class OwnServer:
    """A server as it is declared: exactly one of `url`, `command` and `image`."""

    name: str
    url: str = ""
    transport: str = "auto"
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: str = "none"
    command: tuple[str, ...] = ()
    image: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    title: str = ""
    local: bool = False

    @property
    def address(self) -> str:
        """What its secrets are bound to: they go when it changes."""
        return self.url or self.image or json.dumps(self.command)

    def about(self) -> str:
        """Return where it is, as a person reads it."""
        return self.url or (f"image {self.image}" if self.image else " ".join(self.command))


@dataclass(frozen=True)
class Secrets:
    """What only the state folder holds of a server: its token and its secret variables."""

    token: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


# -- declarations -----------------------------------------------------------------------------------------------------


def declared(section: Mapping[str, Any], fleet: Iterable[str] = ()) -> dict[str, OwnServer]:
    """Return the servers of the section `servers`, in its order; a wrong one is reported and left out."""
    servers = {}
    for name, value in section.items():
        try:
            servers[name] = parsed(name, value, fleet)
        except SettingsError as error:
            report(f"{name} is left out: {error}")
    return servers


def parsed(name: str, value: Any, fleet: Iterable[str] = ()) -> OwnServer:
    """Return one server as it is declared. `fleet` holds the names that are taken. Raises SettingsError."""
    place = f"servers.{name}"
    if not NAME.fullmatch(name):
        raise SettingsError(f"{place}: a name has small letters, digits and -, at most 40, and begins with a letter.")
    if name in fleet:
        raise SettingsError(f"{place}: a server of the fleet has this name. Choose another one.")
    if not isinstance(value, dict):
        raise SettingsError(f"{place} must be an object.")
    for key in value:
        if key not in KEYS:
            near = get_close_matches(str(key), KEYS, 1)
            hint = f"Did you mean {near[0]}?" if near else f"It may be {', '.join(KEYS)}."
            raise SettingsError(f"There is no setting {place}.{key}. {hint}")
    targets = [key for key in ("url", "command", "image") if value.get(key)]
    if len(targets) != 1:
        raise SettingsError(f"{place} must have one of url, command and image, and no more than one.")
    server = OwnServer(
        name,
        url=_text(place, value, "url"),
        transport=_one_of(place, value, "transport", TRANSPORTS),
        headers=_texts_by_name(place, value, "headers"),
        auth=_one_of(place, value, "auth", AUTHS),
        command=_texts(place, value, "command"),
        image=_text(place, value, "image"),
        args=_texts(place, value, "args"),
        env=_texts_by_name(place, value, "env"),
        volumes=_texts(place, value, "volumes"),
        title=_text(place, value, "title"),
        local=_flag(place, value, "local"),
    )
    _check(place, server)
    return server


def _check(place: str, server: OwnServer) -> None:
    """Raise SettingsError for what cannot be meant, and for secrets in the settings file."""
    if server.url:
        _check_url(place, server)
        if server.env or server.volumes or server.args:
            raise SettingsError(f"{place}: env, args and volumes are for a command or an image, not for a URL.")
    elif server.headers or server.auth != "none" or server.transport != "auto":
        raise SettingsError(f"{place}: headers, auth and transport are for a URL.")
    if server.image.startswith("-"):
        raise SettingsError(f"{place}.image is not the name of an image.")
    if server.args and not server.image:
        raise SettingsError(f"{place}.args are for an image. Write those of a command into `command`.")
    if server.volumes and not server.image:
        raise SettingsError(f"{place}.volumes are for an image: a command sees this machine's folders.")
    for name in server.headers:
        if (is_secret(name.replace("-", "_")) or name.lower() == "authorization") and TOKEN not in server.headers[name]:
            raise SettingsError(
                f"{place}.headers.{name} would keep a secret in the settings file. Write {TOKEN} in its place, and "
                "give the token to `scripts/flotilla servers add`, which keeps it in the state folder."
            )
    for name in server.env:
        if STEERING.match(name):
            raise SettingsError(f"{place}.env.{name} would change how programs of this machine run. Remove it.")
        if is_secret(name) and server.env[name]:
            raise SettingsError(
                f"{place}.env.{name} would keep a secret in the settings file. Remove it, and give it with "
                f"`scripts/flotilla servers add --secret {name}`, which keeps it in the state folder."
            )


def _check_url(place: str, server: OwnServer) -> None:
    try:
        parts = urlsplit(server.url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise SettingsError(f"{place}.url is not a URL.") from None
    if parts.scheme not in ("https", "http") or not host or hidden_in(server.url):
        raise SettingsError(f"{place}.url must begin with https:// and name a host.")
    if parts.username or parts.password or any(is_secret(key) for key, _ in parse_qsl(parts.query)):
        raise SettingsError(f"{place}.url holds a secret. Remove it, and give it as the token.")
    if server.local:
        return
    if parts.scheme != "https":
        raise SettingsError(f"{place}.url must begin with https://, or the server be marked as `local`.")
    with suppress(ValueError):
        if not ipaddress.ip_address(host).is_global:
            raise SettingsError(f"{place}.url is an address of this machine or network. Mark the server as `local`.")
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        raise SettingsError(f"{place}.url is an address of this machine or network. Mark the server as `local`.")


def hidden_in(text: str) -> bool:
    """Tell whether a URL holds blanks or characters that are not printable ASCII."""
    return not re.fullmatch(r"[!-~]+", text)


def _text(place: str, value: Mapping[str, Any], key: str) -> str:
    text = value.get(key, "")
    if type(text) is not str:
        raise SettingsError(f"{place}.{key} must be text.")
    return text.strip()


def _one_of(place: str, value: Mapping[str, Any], key: str, choices: Sequence[str]) -> str:
    field_value = value.get(key, choices[0])
    if field_value not in choices:
        raise SettingsError(f"{place}.{key} must be {', '.join(choices[:-1])} or {choices[-1]}.")
    return str(field_value)


def _texts(place: str, value: Mapping[str, Any], key: str) -> tuple[str, ...]:
    field_value = value.get(key, [])
    if not isinstance(field_value, list) or not all(type(item) is str and item for item in field_value):
        raise SettingsError(f"{place}.{key} must be a list of texts.")
    return tuple(field_value)


def _texts_by_name(place: str, value: Mapping[str, Any], key: str) -> dict[str, str]:
    field_value = value.get(key, {})
    if not isinstance(field_value, dict) or not all(type(item) is str for item in field_value.values()):
        raise SettingsError(f"{place}.{key} must be an object of texts.")
    return dict(field_value)


def _flag(place: str, value: Mapping[str, Any], key: str) -> bool:
    field_value = value.get(key, False)
    if type(field_value) is not bool:
        raise SettingsError(f"{place}.{key} must be true or false.")
    return field_value


# -- changes ----------------------------------------------------------------------------------------------------------


def add(
    settings: SettingsFile, state: Path, name: str, value: Mapping[str, Any], new: Secrets, fleet: Iterable[str]
) -> OwnServer:
    """Declare a server, or declare it anew; secrets that are not given anew stay while its address stays the same.

    Raises SettingsError. Nothing is started: `own_backends.refresh` reads what it offers.
    """
    value = {key: item for key, item in value.items() if item not in ("", [], {}, (), False, None)}
    server = parsed(name, value, fleet)
    before = read_secrets(state, server)
    secret = Secrets(new.token or before.token, {**before.env, **new.env})
    if server.auth == "token" and not secret.token:
        raise SettingsError(f"servers.{name}: a token is needed for `auth: token`, and none was given.")
    write_private(state, server, "secrets", asdict(secret) if secret != Secrets() else {})
    settings.update(lambda document: document.setdefault("servers", {}).__setitem__(name, dict(value)))
    return server


def remove(settings: SettingsFile, state: Path, name: str) -> None:
    """Remove a server, its secrets and its kept definitions. Raises SettingsError for one that is not declared."""
    names = settings.current().servers
    if name not in names:
        near = get_close_matches(name, names, 1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(names) or 'none'}."
        raise SettingsError(f"No server {name} is declared. {hint}")
    settings.update(lambda document: document["servers"].pop(name))
    removed = folder(state) / f".{name}.{secrets.token_hex(4)}.removed"
    with suppress(FileNotFoundError):
        (folder(state) / name).rename(removed)  # at once: a gateway may be writing what the server offers
        shutil.rmtree(removed, ignore_errors=True)


# -- secrets ----------------------------------------------------------------------------------------------------------


def folder(state: Path) -> Path:
    """Return where the files of own servers stand in a state folder."""
    return state / "switchboard" / "servers"


def private_path(state: Path, name: str, kind: str) -> Path:
    """Return the file of one server's secrets, or of its login."""
    return folder(state) / name / f"{kind}.json"


def read_private(state: Path, server: OwnServer, kind: str) -> dict[str, Any]:
    """Return what is kept secretly of a server (`secrets`, `login`), nothing where it was given for another address."""
    try:
        document = json.loads(private_path(state, server.name, kind).read_text(encoding="utf-8"))
        return dict(document["values"]) if document["address"] == server.address else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write_private(state: Path, server: OwnServer, kind: str, values: Mapping[str, Any], *, again: bool = False) -> None:
    """Keep something secretly, readable by the user alone; nothing leaves no file.

    `again` keeps it only where the server has a folder: it may have been removed meanwhile.
    """
    path = private_path(state, server.name, kind)
    if values:
        _write(path, {"address": server.address, "values": values}, again)
    else:
        path.unlink(missing_ok=True)


def read_secrets(state: Path, server: OwnServer) -> Secrets:
    """Return a server's token and secret variables."""
    values = read_private(state, server, "secrets")
    return Secrets(values.get("token", ""), values.get("env", {}))


def _write(path: Path, document: Any, again: bool) -> None:
    """Write a JSON file whole or not at all, for the user alone; `again` as `write_private` has it."""
    if not again:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False)
        part.replace(path)
    except FileNotFoundError:
        if not again:
            raise
    finally:
        part.unlink(missing_ok=True)


# -- what they offer --------------------------------------------------------------------------------------------------


def entry_of(server: OwnServer, state: Path) -> Entry:
    """Return a server in the form in which the switchboard knows those of the catalog."""
    hidden = read_secrets(state, server)
    spec: dict[str, Any] = {"title": server.title or server.name, "own": True}
    spec |= {"image": server.image} if server.image else {"argv": list(server.command)}
    return Entry(
        server.name,
        spec,
        env={**server.env, **hidden.env},
        command=list(server.args),
        volumes=[f"{part}:ro" if part.count(":") == 1 else part for part in server.volumes],
        headers=headers_of(server, hidden),
        secrets=frozenset(value for value in (hidden.token, *hidden.env.values()) if len(value) > 3),
        ready=True,
    )


def headers_of(server: OwnServer, hidden: Secrets) -> dict[str, str]:
    """Return the headers that a server at a URL gets."""
    headers = {name: text.replace(TOKEN, hidden.token) for name, text in server.headers.items()}
    if server.auth == "token" and hidden.token and not any(TOKEN in text for text in server.headers.values()):
        headers["Authorization"] = f"Bearer {hidden.token}"
    return headers


def keep(
    state: Path, server: OwnServer, cleaned: Cleaned, about: Mapping[str, Any], fleet: Path, *, again: bool = False
) -> bool:
    """Keep what a server offers, and `about` the connection; tell whether anything has changed.

    A tool or prompt whose name a server of the fleet or another own server has gets the server's name in front, and
    keeps that name from then on. `fleet` is the folder of the fleet's discovery files; `again` as `write_private` has
    it.
    """
    path = folder(state) / server.name / "discovery.json"
    try:
        old = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        old = {}
    taken = _names_of_others(server, state, fleet)
    names = {kind: _named(server, kind, cleaned, (old.get("own") or {}).get("names") or {}, taken) for kind in NAMED}
    document = {
        "server": server.name,
        "format": FILE_FORMAT,
        **cleaned.lists,
        "attributes": {"tools": {tool["name"]: {"effect": effect_of(tool)} for tool in cleaned.lists["tools"]}},
        "own": {
            "address": server.address,
            "names": names,
            "repaired": cleaned.repaired,
            "refused": cleaned.refused,
            **about,
        },
    }
    if old == document:
        return False
    if old and (old.get("own") or {}).get("address") != server.address:
        forget(Database(state), server.name)  # it is another server now: somebody has to look at it first
    _write(path, document, again)
    return True


def _named(
    server: OwnServer, kind: str, cleaned: Cleaned, old: Mapping[str, Any], taken: set[tuple[str, str]]
) -> dict[str, str]:
    """Give each definition of a kind the name that it is offered under; return the server's own names of those."""
    before: dict[str, str] = {own: shown for shown, own in (old.get(kind) or {}).items()}
    names, used = dict[str, str](), set[str]()
    for item in cleaned.lists[kind]:
        own = cleaned.names[kind].get(item["name"]) or str(item["name"])
        shown = str(before.get(own) or item["name"])
        item["name"] = _free(server, shown, lambda name: name in used or (kind, name) in taken)
        used.add(item["name"])
        if item["name"] != own:
            names[item["name"]] = own
    return names


def _free(server: OwnServer, name: str, is_taken: Callable[[str], bool]) -> str:
    """Return the name, with the server's name in front where somebody else has it."""
    while is_taken(name) or name in RESERVED:
        name = prefixed(server.name, name)
    return name


def _names_of_others(server: OwnServer, state: Path, fleet: Path) -> set[tuple[str, str]]:
    taken: set[tuple[str, str]] = set()
    for path in [*fleet.glob("*/discovery.json"), *folder(state).glob("*/discovery.json")]:
        if path != folder(state) / server.name / "discovery.json":
            with suppress(OSError, ValueError, TypeError, KeyError):
                document = json.loads(path.read_text(encoding="utf-8"))
                taken |= {(kind, item["name"]) for kind in NAMED for item in document[kind]}
    return taken


def effect_of(tool: Mapping[str, Any]) -> str:
    """Return what a tool's hints say that it does, as discovery files have it: reads, writes or destroys."""
    return f"{kind_of(tool)}s"


def saved(state: Path, server: OwnServer) -> dict[str, Any]:
    """Return what is kept of a server. Raises DiscoveryError where nothing is, or for another address."""
    path = folder(state) / server.name / "discovery.json"
    if not path.exists():
        raise DiscoveryError(
            f"What {server.name} offers was never read. Run `scripts/flotilla servers refresh {server.name}`."
        )
    document = discovery(Entry(server.name, {}, {}, [], [], {}, frozenset(), ready=True), folder(state))
    about = document.get("own")
    if not isinstance(about, dict) or about.get("address") != server.address:
        raise DiscoveryError(
            f"{server.name} has another address than before. Run `scripts/flotilla servers refresh {server.name}`."
        )
    return document


@dataclass
class Offer:
    """What an own server offers: definitions by kind, and by kind its own names of those that are renamed."""

    definitions: dict[str, list[dict[str, Any]]]
    names: dict[str, dict[str, str]]


def offer_of(state: Path, server: OwnServer, is_taken: Callable[[str, str], bool]) -> Offer:
    """Return what clients may see of a server; a name that is taken, by kind, gets the server's name in front.

    Raises DiscoveryError where nothing is kept.
    """
    document = saved(state, server)
    try:
        attributes, names = document["attributes"], {kind: dict(document["own"]["names"][kind]) for kind in NAMED}
        reads_only = {"FLOTILLA_READ_ONLY": "on"} if switched_on("FLOTILLA_READ_ONLY", os.environ) else {}
        definitions = {}
        for kind in LISTS:
            about = attributes.get(kind) or {}
            items = [item for item in document[kind] if visible(reads_only, about.get(item["name"], {}), "")]
            if kind in NAMED:
                known = {item["name"] for item in items}
                definitions[kind] = [_renamed(server, kind, item, known, names[kind], is_taken) for item in items]
            else:
                definitions[kind] = [item for item in items if not is_taken(kind, item[ADDRESS[kind]])]
    except (KeyError, TypeError, AttributeError):
        raise DiscoveryError(
            f"What is kept of {server.name} is damaged. Run `scripts/flotilla servers refresh {server.name}`."
        ) from None
    return Offer(definitions, names)


def tools_of(state: Path, server: OwnServer) -> list[dict[str, Any]]:
    """Return the tools of a server as clients may see them. Raises DiscoveryError where nothing is kept."""
    return offer_of(state, server, lambda kind, name: False).definitions["tools"]


def accept(permissions: Permissions, state: Path, server: OwnServer, by: str) -> None:
    """Note that a person has looked at what a server offers: from now on it is listed. Raises DiscoveryError."""
    permissions.accept(server.name, tools_of(state, server) or [{"name": "*"}], by)  # the second has prompts alone


def offers_of(
    section: Mapping[str, Any], state: Path, fleet: Iterable[str], taken: set[tuple[str, str]]
) -> Iterator[tuple[OwnServer, Offer]]:
    """Yield what all own servers offer beside what is `taken`, by kind and name; an unreadable one is left out."""
    for server in declared(section, fleet).values():
        with suppress(DiscoveryError):
            offer = offer_of(state, server, lambda *key: key in taken)
            for kind, items in offer.definitions.items():
                taken.update((kind, item[ADDRESS.get(kind, "name")]) for item in items)
            yield server, offer


def _renamed(
    server: OwnServer,
    kind: str,
    item: dict[str, Any],
    known: set[str],
    names: dict[str, str],
    is_taken: Callable[[str, str], bool],
) -> dict[str, Any]:
    """Return a definition under a name that nobody else has, and note the server's own name of it."""
    name = item["name"]
    if not is_taken(kind, name):
        return item
    other = _free(server, prefixed(server.name, name), lambda name: name in known or is_taken(kind, name))
    known.add(other)
    names[other] = names.get(name, name)
    return {**item, "name": other}
