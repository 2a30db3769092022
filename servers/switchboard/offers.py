"""What all servers offer, in the catalog's order, and what of it clients see: what is denied is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from flotilla_launcher.protocol import LISTS

from .backend import Backend
from .catalog import CatalogError
from .discovery import DiscoveryError
from .jsonrpc import Message
from .named_accounts import NamedAccounts
from .permissions import Permissions, kind_of

REQUIRED: dict[str, dict[str, type]] = {  # what the protocol requires of a definition
    "tools": {"name": str, "inputSchema": dict},
    "prompts": {"name": str},
    "resources": {"name": str, "uri": str},
    "resourceTemplates": {"name": str, "uriTemplate": str},
}


class Offers:
    """The definitions of all servers, by kind. Without permissions everything is seen."""

    def __init__(self, permissions: Permissions | None = None) -> None:
        self._permissions = permissions
        self._offered: dict[Backend, Mapping[str, Sequence[Message]]] = {}
        self.accounts: dict[
            Backend, NamedAccounts
        ] = {}  # of the servers that have several, set before they are offered
        self._owners: dict[tuple[str, str], tuple[Backend, Message]] = {}
        self._templates: list[tuple[re.Pattern[str], Backend]] = []
        self._lists: dict[str, list[Message]] = {}
        self._changes, self._seen_at = 0, (-1, -1)

    @property
    def version(self) -> tuple[int, int]:
        """What differs whenever clients may see something else than before."""
        return self._changes, self._permissions.version if self._permissions else 0

    def offer(self, backend: Backend, definitions: Mapping[str, Sequence[Message]]) -> None:
        """Offer what a server offers: `definitions` by kind, as `discovery.definitions` returns them.

        Raises CatalogError for a name that another server has, and DiscoveryError for definitions that break the
        protocol.
        """
        owners = {}
        for kind, item in [(kind, item) for kind, items in definitions.items() for item in items]:
            if any(type(item.get(field)) is not of_type for field, of_type in REQUIRED[kind].items()):
                raise DiscoveryError(
                    "its discovery.json holds a definition that breaks the protocol. "
                    "Run `make generate` to write it again."
                )
            key = kind, _name(item)
            if key in self._owners:
                other = self._owners[key][0].entry.slug
                raise CatalogError(
                    f"{backend.entry.slug} and {other} both offer `{key[1]}`. Name only one of them in --servers."
                )
            owners[key] = backend, item
        self._owners |= owners
        self._offered[backend] = definitions
        self._changes += 1

    def withdraw(self, backend: Backend) -> None:
        """Offer nothing of a server any more."""
        self._offered.pop(backend, None)
        self._owners = {key: owner for key, owner in self._owners.items() if owner[0] is not backend}
        self._changes += 1

    def listed(self, kind: str) -> list[Message]:
        """Return the definitions of a kind that clients see; tools with the argument that names an account, if any."""
        self._refresh()
        return self._lists[kind]

    def tool(self, name: str) -> tuple[Backend, Message] | None:
        """Return the server and the definition of a tool that clients see."""
        self._refresh()
        owner = self._owners.get(("tools", name))
        return None if owner is None or self._is_hidden(owner[0], "tools", owner[1]) else owner

    def reads(self, backend: Backend) -> list[str]:
        """Return the names of those tools of a server that clients see and that only read."""
        tools = [tool for tool in self.listed("tools") if kind_of(tool) == "read"]
        slug = backend.entry.slug  # the same for each of its accounts
        return [tool["name"] for tool in tools if self._owners["tools", tool["name"]][0].entry.slug == slug]

    def owner(self, kind: str, name: str) -> Backend | None:
        """Return the server of a prompt, or of a resource by its URI, where clients see it."""
        self._refresh()
        backend = self._owners[kind, name][0] if (kind, name) in self._owners else None
        if backend is None and kind == "resources":
            backend = next((backend for pattern, backend in self._templates if pattern.fullmatch(name)), None)
        return None if backend is None or self._is_hidden(backend, kind, {}) else backend

    def all_tools(self) -> list[tuple[str, Message]]:
        """Return every tool of every server, seen or not: the server and the definition."""
        return [
            (backend.entry.slug, tool) for backend, kinds in self._offered.items() for tool in kinds.get("tools", ())
        ]

    def tools_of(self, backend: Backend) -> Sequence[Message]:
        """Return the tools of one server, seen or not."""
        return self._offered.get(backend, {}).get("tools", ())

    def has(self, kind: str, name: str) -> bool:
        """Tell whether a server offers something of this name, or of this address, seen or not."""
        return (kind, name) in self._owners

    def backends(self) -> list[Backend]:
        """Return the servers that offer something, in order."""
        return list(self._offered)

    def _is_hidden(self, backend: Backend, kind: str, item: Message) -> bool:
        if self._permissions is None:
            return False
        if kind == "tools":
            return self._permissions.hides(backend.entry.slug, item, foreign=backend.foreign)
        return self._permissions.hides_server(backend.entry.slug, foreign=backend.foreign)

    def _refresh(self) -> None:
        version = self.version
        if version == self._seen_at:
            return
        self._seen_at = version
        self._lists = {kind: [] for kind in LISTS}
        for backend, kinds in self._offered.items():
            for kind, items in kinds.items():
                if self._permissions:
                    items = self._permissions.seen(backend.entry.slug, kind, items, foreign=backend.foreign)
                if kind == "tools" and (accounts := self.accounts.get(backend)):
                    items = [accounts.definition(item) for item in items]
                self._lists[kind] += items
        self._templates = [
            (template_pattern(item["uriTemplate"]), backend)
            for backend, kinds in self._offered.items()
            for item in kinds.get("resourceTemplates", ())
            if not self._is_hidden(backend, "resourceTemplates", item)
        ]


def _name(item: Message) -> str:
    return str(item.get("uri") or item.get("uriTemplate") or item["name"])


def template_pattern(template: str) -> re.Pattern[str]:
    """Return what the URIs of a resource template match: `{name}` one segment, `{+name}` and `{name*}` any number.

    An expression ends where what follows it first comes: so no URI takes long, however a foreign template is written.
    """
    parts = []
    for expressions, literal in re.findall(r"((?:\{[^}]*\})*)([^{]*)", template):
        names = re.findall(r"\{([^}]*)\}", expressions)  # several together are as one
        path = [name for name in names if name[:1] not in ("?", "&")]
        any_number = any(name[:1] in ("+", "#", "/", ".") or name.endswith("*") for name in path)
        part = (".+?" if any_number else "[^/]+?") if path else ""
        part += r"(?:[?&][^#]*?)?" if len(path) < len(names) else ""
        parts.append(f"(?>{part}{re.escape(literal)})" if literal else part)
    return re.compile("".join(parts))
