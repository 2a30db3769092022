"""docs/configuration.md: every variable with its type, default and meaning, from the code that reads it."""

from __future__ import annotations

import importlib
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from flotilla import Server, Service
from flotilla.settings import FleetSettings, is_preference, is_secret
from flotilla_cli.generator import documents
from flotilla_cli.generator.text import MARK, cell
from flotilla_launcher.naming import catalog_name, module_of

Row = tuple[str, str, str, str]  # variable, type, default, meaning

HEAD = f"""# Configuration

<!-- {MARK.removeprefix("# ")} -->

Every variable can also come from a file: `CALENDLY_TOKEN_FILE=/run/secrets/calendly`. A file that cannot be read is an
error. A value that is empty, or that a gateway left as a placeholder (`<UNKNOWN>`, `{{{{…}}}}`, `your_…`), counts as
not set; in a setting that protects or steers, such a placeholder is an error ([guards](guards.md)).

With Docker's gateway and with the switchboard, settings stand in two files. Secrets and guards are lines of
`flotilla.secrets.env`, such as `flotilla-filesystem.tier=all`; preferences stand in `flotilla.config.yaml`.
"""

# What is read apart from FleetSettings: by the launcher, before anything heavy is imported, or by one part alone.
FILTERS = ("tier", "groups", "allow", "deny", "read_only")
FILTER_DEFAULTS = {"tier": "`core`", "read_only": "`false`"}
MORE: tuple[Row, ...] = (
    ("FLOTILLA_DATA_QUOTA", "integer", "`2147483648`", "Bytes that the data folder may hold; 0 for no limit."),
    ("FLOTILLA_ALLOWED_HOSTS", "list", "", "Over HTTP: further names by which clients may address the server."),
    (
        "FLOTILLA_PRECOMPUTED",
        "boolean",
        "`true`",
        "`off`: discovery is answered by the running server, not from discovery.json.",
    ),
    (
        "FLOTILLA_WARM",
        "integer",
        "`3`; in images `off`",
        "How many servers, of those called in the last three days, are imported (85 MB each) before they are called, "
        "over stdio, once their client is idle; `off` for none.",
    ),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "text",
        "",
        "Address that spans and measurements are sent to, where requirements/otel.txt is installed (no image has it).",
    ),
)
COMMANDS: tuple[Row, ...] = (
    ("FLOTILLA_ENGINE", "text", "", "`none`: the commands and tests do without a Docker engine."),
    ("FLOTILLA_GATEWAY", "text", "", "The gateway that `make up` starts: `docker`, `docker-image` or `switchboard`."),
    ("FLOTILLA_DOOR", "text", "", "The former name of `FLOTILLA_GATEWAY`: commands refuse it and say so."),
    (
        "FLOTILLA_SERVERS",
        "list",
        "",
        "The servers to start, comma-separated; those that are ready to work when not set.",
    ),
    ("FLOTILLA_PORT", "integer", "`8811`", "Port of the gateway."),
    ("FLOTILLA_SECRETS", "path", "`~/.docker/mcp/flotilla.secrets.env`", "File of secrets and guards."),
    ("FLOTILLA_CONFIG", "path", "`~/.docker/mcp/flotilla.config.yaml`", "File of preferences."),
    ("FLOTILLA_DATA", "path", "`~/.local/share/flotilla`", "Folder for files of servers that run as processes."),
    ("FLOTILLA_STATE", "path", "`~/.local/state/flotilla`", "Folder for the state of servers that run as processes."),
    ("FLOTILLA_OWNER", "text", "`flotilla`", "Beginning of the names of containers."),
    ("FLOTILLA_RUN_FOLDER", "path", "`build/run`", "Folder of the running gateway's token, state and log."),
    ("FLOTILLA_PYTHON", "path", "", "The Python that `make setup` makes `.venv` with."),
    ("FLOTILLA_SPECS", "path", "", "Folder of the vendors' published contracts, for the contract tests."),
    ("FLOTILLA_N8N", "path", "", "Folder with an installation of n8n, for the tests of its server."),
)
COMPOSE: tuple[Row, ...] = (
    ("FLOTILLA_HTTP_TOKEN", "secret", "", "What clients must show. Needed."),
    ("FLOTILLA_FLEET_TOKEN", "secret", "", "What the switchboard shows to the servers. Needed with the switchboard."),
    ("FLOTILLA_BIND", "text", "`127.0.0.1`", "Address on this machine that the port is opened on."),
    (
        "FLOTILLA_SUBNET",
        "text",
        "`10.213`",
        "First two numbers of the networks between switchboard and servers; another where this machine uses it.",
    ),
    ("FLOTILLA_VERSION", "text", "this checkout's", "Version of the images."),
    ("FLOTILLA_GATEWAY_IMAGE", "text", "", "Image of Docker's gateway."),
    ("FLOTILLA_GATEWAYS", "integer", "`2`", "In a Swarm: how many switchboards, at most one on a machine."),
    ("FLOTILLA_PUBLIC_HOSTS", "list", "", "In Kubernetes, in the ConfigMap: the names by which clients come."),
    ("FLOTILLA_SECRETS_FILE", "path", "", "File of secrets and guards, seen from compose/."),
    ("FLOTILLA_CONFIG_FILE", "path", "", "File of preferences, seen from compose/."),
    ("FLOTILLA_CONSOLE_TOKEN", "secret", "", "What opens the console; else one is made and kept in the state folder."),
    ("FLOTILLA_POSTGRES_IMAGE", "text", "`postgres:17`", "Image of the [tenants](tenants.md)' database."),
    ("FLOTILLA_DATABASE_PASSWORD", "secret", "", "Password of the switchboard in the tenants' database."),
    ("FLOTILLA_MEMORY", "text", "`2g`", "Memory of the tenants' switchboard with the servers that it starts."),
    ("FLOTILLA_CPUS", "number", "`2`", "CPUs of the tenants' switchboard with the servers that it starts."),
    ("FLOTILLA_TENANT_KEY", "secret", "", "Key that seals the tenants' credentials: [tenants](tenants.md)."),
    ("FLOTILLA_EMBEDDINGS_TOKEN", "secret", "", "Token of the embeddings API, where the switchboard's search has one."),
    ("FLOTILLA_REMOTE_TOKEN", "secret", "", "Bearer token of servers that run elsewhere (the switchboard's --remote)."),
)


def configuration_page(servers: dict[str, Server[Any]]) -> str:
    """Return the page."""
    parts = [
        HEAD,
        "## Every server\n",
        _table(_fleet()),
        "## Each server\n",
        "Named after the server and the field. **Needed** says what calls cannot work without: of several ways to "
        "connect an account one is enough.\n",
    ]
    for server in servers.values():
        if rows := _own(server):
            title = server.integration.title
            parts += [f"### [{title}](../servers/{module_of(server.slug)}/README.md)\n", _table(rows)]
        if service := server.integration.service:
            parts += [f"Of `flotilla-{server.slug} {service.mode}` alone:\n", _table(_of_service(server, service))]
    parts += [
        "## The switchboard\n",
        "Each is an option of `flotilla-switchboard` too: `--start-timeout` for `FLOTILLA_START_TIMEOUT`.\n",
        _table(_switchboard()),
        "## The commands\n",
        _table(COMMANDS),
        "## Compose\n",
        "Beside these, `.env` takes all of the above: [.env.example](../.env.example) lists them.\n",
        _table(COMPOSE),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _table(rows: list[Row] | tuple[Row, ...]) -> str:
    lines = ["| variable | type | default | meaning |", "|---|---|---|---|"]
    for name, kind, default, text in rows:
        lines.append(f"| `{name}` | {kind.replace('string', 'text')} | {default} | {cell(text)} |")
    return "\n".join(lines) + "\n"


def _fleet() -> list[Row]:
    rows = [
        (env, kind, FILTER_DEFAULTS.get(name, ""), f"{text}.")
        for name, (env, kind, text) in documents.FLEET.items()
        if name in FILTERS
    ]
    rows += [
        (f"FLOTILLA_{name.upper()}", _type(field), _default(field), f"{(field.description or name).rstrip('. ')}.")
        for name, field in FleetSettings.model_fields.items()
    ]
    return rows + list(MORE)


def _own(server: Server[Any]) -> list[Row]:
    settings = server.integration.settings_class
    needed = {name for option in settings.required() for name in option}
    return [
        (
            documents.variable(server, name),
            _type(field),
            _default(field),
            f"{(field.description or name).rstrip('.')}. {'**Needed.** ' if name in needed else ''}"
            f"{'Preference' if is_preference(field) else 'Secret'} `{catalog_name(server.slug)}.{name}`.",
        )
        for name, field in settings.model_fields.items()
    ]


def _of_service(server: Server[Any], service: Service) -> list[Row]:
    return [
        (documents.variable(server, name), _type(field), _default(field), f"{(field.description or name).rstrip('.')}.")
        for name, field in service.settings.model_fields.items()
        if name not in server.integration.settings_class.model_fields
    ]


def _switchboard() -> list[Row]:
    options = importlib.import_module("flotilla_servers.switchboard.options").OPTIONS
    return [
        (
            "FLOTILLA_" + name.upper().replace("-", "_"),
            "path" if isinstance(default, Path) else {int: "integer", float: "number"}.get(type(default), "text"),
            ""
            if isinstance(default, Path) or default == ""
            else f"`{default:g}`"
            if isinstance(default, float)
            else f"`{default}`",
            f"{text}.",
        )
        for name, (default, text) in options.items()
    ]


def _type(field: FieldInfo) -> str:
    """Return the type of a settings field as a reader says it."""
    if is_secret(field):
        return "secret"
    options = _alternatives(field.annotation)
    names = {bool: "boolean", int: "integer", float: "number"}
    kinds = {
        "list" if get_origin(kind) is list else "text" if isinstance(kind, str) else names.get(kind, "text")
        for kind in options
    }
    return " or ".join(sorted(kinds))


def _alternatives(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return [kind for part in get_args(annotation) for kind in _alternatives(part)]
    if origin is Literal:
        return list(get_args(annotation))
    return [] if annotation is type(None) else [annotation]


def _default(field: FieldInfo) -> str:
    value = field.default
    if value in (None, "", PydanticUndefined) or isinstance(value, SecretStr) or value == []:
        return ""
    if isinstance(value, list):
        return f"`{','.join(map(str, value))}`"
    text = str(value).lower() if isinstance(value, bool) else str(getattr(value, "value", value))
    return f"`{text}`"
