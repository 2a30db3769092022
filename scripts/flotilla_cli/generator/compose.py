"""The two compose stacks: Docker's gateway, or the switchboard before HTTP servers."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from flotilla import Server, ServerSettings, Service
from flotilla_cli.generator import documents
from flotilla_cli.generator.text import BREAK, as_yaml
from flotilla_launcher.filters import LISTS, SETTINGS
from flotilla_launcher.naming import GATEWAY_IMAGE, catalog_name, image
from flotilla_launcher.version import VERSION

HARDENED: dict[str, Any] = {
    "read_only": True,
    "tmpfs": ["/tmp"],
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "init": True,
    "restart": "unless-stopped",
    "mem_limit": "512m",
    "cpus": 1,
    "pids_limit": 256,
}
TAG = f"${{FLOTILLA_VERSION:-{VERSION}}}"
PORT = "${FLOTILLA_BIND:-127.0.0.1}:${FLOTILLA_PORT:-8811}:8811"
INNER = "${FLOTILLA_FLEET_TOKEN:?set FLOTILLA_FLEET_TOKEN in .env}"  # between switchboard and servers: no client has it
NEEDED = "${FLOTILLA_HTTP_TOKEN:?set FLOTILLA_HTTP_TOKEN in .env}"
CONSOLE = {"FLOTILLA_CONSOLE": "${FLOTILLA_CONSOLE:-auto}", "FLOTILLA_CONSOLE_TOKEN": "${FLOTILLA_CONSOLE_TOKEN:-}"}
METRICS = {  # of the switchboard and of each server
    "FLOTILLA_METRICS": "${FLOTILLA_METRICS:-off}",
    "FLOTILLA_METRICS_TOKEN": "${FLOTILLA_METRICS_TOKEN:-}",
}


def lines(names: Iterable[str]) -> str:
    """Return a list with a line a name, so that two branches that each add a server merge without a conflict."""
    return BREAK + f",{BREAK}".join(names) + BREAK


def _network(server: Server[Any], subnet: int) -> dict[str, Any]:
    """Return the network that only the switchboard shares with the server; internal where the server needs no other.

    With addresses of its own: an engine's default ones are enough for some thirty networks of the whole machine.
    """
    address = f"{_from_dotenv('FLOTILLA_SUBNET', '10.213')}.{subnet // 16}.{subnet % 16 * 16}/28"
    internal = {} if server.integration.network else {"internal": True}
    return {**internal, "ipam": {"config": [{"subnet": address}]}}


def _subnets(slugs: Iterable[str]) -> dict[str, int]:
    """Return a number below 4,096 for each, which stays when another server comes, unless both want the same."""
    numbers: dict[str, int] = {}
    for slug in sorted(slugs):
        number = int(sha256(slug.encode()).hexdigest()[:3], 16)
        while number in numbers.values():
            number = (number + 1) % 4096
        numbers[slug] = number
    return numbers


def _from_dotenv(name: str, fallback: str = "") -> str:
    return f"${{{name}:-{fallback}}}"


def _guards(server: Server[Any]) -> dict[str, str]:
    """Return a server's guards: its own from .env, else the fleet's, but for the lists.

    A list of the whole fleet names other servers' tools too, which a server would refuse: the switchboard applies it.
    So is the tier, since a list may ask for tools beyond core.
    """
    values = {}
    for name, (env, _, _) in documents.common(server).items():
        whole = "" if env in LISTS else _from_dotenv(env)
        values[env] = "all" if name == "tier" else _from_dotenv(documents.variable(server, name), whole)
    return values


def known_to_the_switchboard(server: Server[Any]) -> dict[str, str]:
    """Return what the switchboard lists a server by: its filters, and which of its needs are set, but not to what."""
    needs = {
        documents.variable(server, name) for names in server.integration.settings_class.required() for name in names
    }
    filters = {documents.variable(server, name) for name, (env, _, _) in documents.FLEET.items() if env in SETTINGS}
    return {n: f"${{{n}:+set}}" for n in sorted(needs)} | {n: _from_dotenv(n) for n in sorted(filters)}


def beside(server: Server[Any], service: Service, settings: type[ServerSettings] | None = None) -> dict[str, Any]:
    """Return the program that runs beside a server: from its image, on its state, with ports of its own.

    `settings` are those that it has in the environment, all of them unless told otherwise.
    """
    fields = (settings or service.settings).model_fields
    ports = {port: str(fields[port].default) for port in service.listens.values()}
    inside = {**dict.fromkeys(service.listens, "0.0.0.0"), **ports}
    published = {port: _from_dotenv(documents.variable(server, port), number) for port, number in ports.items()}
    binds = [_from_dotenv("FLOTILLA_BIND", "127.0.0.1"), *["127.0.0.1"] * (len(ports) - 1)]
    return {
        "image": image(server.slug, TAG),
        "command": [service.mode],
        "profiles": [server.slug],  # not "all": it ends where it is not configured, and its port is open to strangers
        **HARDENED,
        "environment": {
            "FLOTILLA_TRANSPORT": "http",  # read by the health check, as the port is
            "FLOTILLA_PORT": next(iter(ports.values())),
            "FLOTILLA_STATE_KEY": "${FLOTILLA_STATE_KEY:-}",
            **{
                documents.variable(server, name): inside.get(name) or _from_dotenv(documents.variable(server, name))
                for name in fields
            },
        },
        "volumes": documents.volumes(server),
        "networks": ["public"],
        "ports": [f"{bind}:{published[port]}:{ports[port]}" for bind, port in zip(binds, ports, strict=True)],
    }


def compose_gateway(servers: dict[str, Server[Any]]) -> str:
    """Return the stack with Docker's gateway: it starts the servers itself, so it needs the engine's socket."""
    gateway = {
        "image": f"${{FLOTILLA_GATEWAY_IMAGE:-{GATEWAY_IMAGE}}}",
        "command": [
            "--catalog=/root/.docker/mcp/catalogs/flotilla.yaml",
            f"--servers=${{FLOTILLA_SERVERS:-{lines(map(catalog_name, servers))}}}",
            "--secrets=/run/secrets/flotilla",
            "--config=/root/.docker/mcp/config.yaml",
            "--transport=streaming",
            "--port=8811",
            "--long-lived",
            "--block-secrets=false",  # see docs/guards.md
        ],
        "environment": {"MCP_GATEWAY_AUTH_TOKEN": NEEDED},
        "ports": [PORT],
        "volumes": [
            "/var/run/docker.sock:/var/run/docker.sock",
            "../catalog/flotilla.yaml:/root/.docker/mcp/catalogs/flotilla.yaml:ro",
            "${FLOTILLA_CONFIG_FILE:-../catalog/config.example.yaml}:/root/.docker/mcp/config.yaml:ro",
        ],
        "secrets": ["flotilla"],
        "healthcheck": {
            "test": ["CMD", "wget", "-q", "-O", "-", "http://127.0.0.1:8811/health"],
            "interval": "10s",
            "timeout": "3s",
            "retries": 12,
            "start_period": "180s",  # all servers start at once
        },
        "restart": "unless-stopped",
        "mem_limit": "512m",
        "cpus": 1,
    }
    stack = {
        "name": "flotilla",
        "services": {"gateway": gateway},
        "secrets": {"flotilla": {"file": "${FLOTILLA_SECRETS_FILE:-../catalog/secrets.example.env}"}},
    }
    return as_yaml(stack)


def compose_switchboard(servers: dict[str, Server[Any]]) -> str:
    """Return the stack with the switchboard before HTTP servers: nobody needs the engine's socket.

    A network for each server: they all know the same token, so only what cannot be reached cannot be called past the
    switchboard's filters.
    """
    services: dict[str, Any] = {
        "switchboard": {
            "image": image("switchboard", TAG),
            **HARDENED,
            "command": [
                "--servers=${FLOTILLA_SERVERS:-}",
                f"--remote={lines(f'{slug}=http://{slug}:8000/mcp' for slug in servers)}",
            ],
            "environment": {
                "FLOTILLA_TRANSPORT": "http",  # read by the health check too
                "FLOTILLA_HOST": "0.0.0.0",
                "FLOTILLA_PORT": "8811",
                "FLOTILLA_HTTP_TOKEN": NEEDED,
                "FLOTILLA_REMOTE_TOKEN": INNER,
                "FLOTILLA_ALLOWED_HOSTS": "switchboard,${FLOTILLA_ALLOWED_HOSTS:-}",
                "FLOTILLA_STATE_KEY": "${FLOTILLA_STATE_KEY:-}",
                "FLOTILLA_STATE": "/state",
                "FLOTILLA_PERMISSIONS": "${FLOTILLA_PERMISSIONS:-on}",
                **CONSOLE,
                **METRICS,
                **{env: _from_dotenv(env) for env, _, _ in documents.FLEET.values()},
                **{name: text for one in servers.values() for name, text in known_to_the_switchboard(one).items()},
            },
            "volumes": ["flotilla-switchboard:/state"],
            "networks": ["public", *servers],
            "depends_on": {slug: {"condition": "service_healthy", "required": False} for slug in servers},
            "ports": [PORT],  # last: between the lists of servers stand lines that no server changes
        }
    }
    for slug, server in servers.items():
        own = {
            documents.variable(server, n): _from_dotenv(documents.variable(server, n))
            for n in server.integration.settings_class.model_fields
        }
        services[slug] = {
            "image": image(slug, TAG),
            "profiles": [slug, "all"],
            **HARDENED,
            "environment": {
                "FLOTILLA_TRANSPORT": "http",
                "FLOTILLA_HOST": "0.0.0.0",
                "FLOTILLA_HTTP_TOKEN": INNER,
                "FLOTILLA_ALLOWED_HOSTS": slug,
                "FLOTILLA_STATE_KEY": "${FLOTILLA_STATE_KEY:-}",
                **METRICS,
                **_guards(server),
                **own,
            },
            "volumes": documents.volumes(server),
            "networks": [slug],
        }
        if service := server.integration.service:
            services[f"{slug}-{service.mode}"] = beside(server, service)
    subnets = _subnets(servers)
    volumes = sorted({text.split(":")[0] for service in services.values() for text in service["volumes"]})
    stack = {
        "name": "flotilla",
        "services": services,
        "networks": {"public": {}, **{slug: _network(server, subnets[slug]) for slug, server in servers.items()}},
        "volumes": {name: {"name": name} for name in volumes},
    }
    return as_yaml(stack)
