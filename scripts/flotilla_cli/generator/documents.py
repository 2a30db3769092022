"""The documents of one server, as data: Docker's registry entry, gateway catalog entry, tools list and image labels."""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from flotilla import Server
from flotilla.settings import is_preference
from flotilla.settings import variable as variable_of
from flotilla_cli.generator.discovery import tools
from flotilla_launcher.naming import PROJECT, catalog_name, image, module_of

UNRELEASED = "0" * 40  # server.yaml wants a commit; who hands it in to the registry writes the released one
# What every server understands: variable, JSON type, description. These settings protect and steer, so they are secrets
# in the catalog, which only the operator can set: a gateway's configuration can be written by a model (mcp-config-set).
FLEET = {
    "tier": ("FLOTILLA_TIER", "string", "core, or all for every tool"),
    "groups": ("FLOTILLA_GROUPS", "string", "Only the tools of these groups, with commas between them"),
    "allow": ("FLOTILLA_ALLOW", "string", "Only these tools, with commas between them"),
    "deny": ("FLOTILLA_DENY", "string", "Never these tools, with commas between them"),
    "read_only": ("FLOTILLA_READ_ONLY", "boolean", "Hide and refuse every tool that changes something"),
    "confirm": (
        "FLOTILLA_CONFIRM",
        "string",
        "off asks nobody before it destroys; new-recipients also asks before mail goes to strangers; strict destroys "
        "nothing where the client cannot ask a person",
    ),
    "dry_run": ("FLOTILLA_DRY_RUN", "boolean", "Writing tools only show what they would send"),
}

EXAMPLES = {"tier": "all", "read_only": "true", "confirm": "strict", "dry_run": "true", "data_quota": "1000000000"}
QUOTA = {"data_quota": ("FLOTILLA_DATA_QUOTA", "integer", "Bytes that the data folder may hold; 0 for no limit")}


ISOLATION = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]


def common(server: Server[Any]) -> dict[str, tuple[str, str, str]]:
    """Return the settings that the library gives this server: variable, JSON type and description by name."""
    return {**FLEET, **(QUOTA if server.integration.files else {})}


def variable(server: Server[Any], field: str) -> str:
    """Return the environment variable of a settings field."""
    return variable_of(server.slug, field)


def fields(server: Server[Any], secret: bool) -> dict[str, FieldInfo]:
    """Return the settings fields that the catalog has among its secrets, or those that its configuration holds.

    Only a preference may stand in the configuration: endpoints, accounts and guards are the operator's alone.
    """
    return {n: f for n, f in server.integration.settings_class.model_fields.items() if is_preference(f) is not secret}


def kind_of(annotation: Any) -> str:
    """Return the JSON type that a settings field has in a catalog."""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(a for a in get_args(annotation) if a is not type(None))
    return {bool: "boolean", int: "integer", float: "number"}.get(annotation, "string")


def example(field: FieldInfo) -> str:
    """Return an example of a settings field, as text."""
    value = (field.examples or [""])[0]
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def volumes(server: Server[Any]) -> list[str]:
    """Return the volumes: one of its own for each server's state, and one of files for those that work on files."""
    return [f"flotilla-{server.slug}:/state", *(["flotilla-data:/data"] if server.integration.files else [])]


def run_alone(server: Server[Any], *options: str) -> list[str]:
    """Return the arguments of `docker` that run one server by itself: its volumes, and nothing else of the machine."""
    mounts = [part for volume in volumes(server) for part in ("-v", volume)]
    network = [] if server.integration.network else ["--network", "none"]
    return ["run", "-i", "--rm", "--init", *options, *ISOLATION, *mounts, *network, image(server.slug)]


def parameters(server: Server[Any]) -> dict[str, Any]:
    """Return the settings that the configuration holds, as the properties of a JSON schema; none for many servers."""
    return {
        name: {
            "type": kind_of(field.annotation),
            "description": field.description or name,
            **({"default": _plain(field.default)} if field.default not in (None, "", [], PydanticUndefined) else {}),
        }
        for name, field in fields(server, secret=False).items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, bool | int | float) else str(getattr(value, "value", value))


def environment(server: Server[Any]) -> list[dict[str, str]]:
    """Return the variables that the configuration fills: an empty one is not passed to the container."""
    return [
        {"name": variable(server, name), "value": f"{{{{{catalog_name(server.slug)}.{name}}}}}"}
        for name in fields(server, secret=False)
    ]


def secrets(server: Server[Any]) -> list[dict[str, Any]]:
    """Return what only the operator sets: the catalog's name, the variable, an example, and whether calls need it."""
    needed = server.integration.settings_class.required()[0]  # of several ways to connect, the first
    own = [
        {
            "name": f"{catalog_name(server.slug)}.{name}",
            "env": variable(server, name),
            "example": example(field),
            "required": name in needed,
            "description": field.description or name,
        }
        for name, field in fields(server, secret=True).items()
    ]
    return own + [
        {
            "name": f"{catalog_name(server.slug)}.{name}",
            "env": env,
            "example": EXAMPLES.get(name, ""),
            "required": False,
            "description": about,
        }
        for name, (env, _, about) in common(server).items()
    ]


def catalog_entry(server: Server[Any], discovery: dict[str, Any]) -> dict[str, Any]:
    """Return the gateway's catalog entry; no setting is required, since one that is missing stops the whole gateway."""
    entry: dict[str, Any] = {
        "description": server.integration.description,
        "title": server.integration.title,
        "type": "server",
        "image": image(server.slug),
        "longLived": True,
        "tools": tools(discovery),
        "volumes": volumes(server),
        "metadata": {
            "category": server.integration.category,
            "tags": server.integration.tags,
            "license": "MIT License",
            "owner": "flotilla",
        },
    }
    entry["secrets"] = [{k: s[k] for k in ("name", "env", "example", "description")} for s in secrets(server)]
    if preferences := parameters(server):  # mcp-add refuses a server that has a block here and no values for it
        entry["env"] = environment(server)
        entry["config"] = [
            {
                "name": catalog_name(server.slug),
                "description": f"Preferences of {server.integration.title}",
                "type": "object",
                "properties": {  # a default would be shown, but never reach the container
                    name: {k: v for k, v in schema.items() if k != "default"} for name, schema in preferences.items()
                },
            }
        ]
    if hosts := allowed_hosts(server):
        entry["allowHosts"] = hosts
    if not server.integration.network:
        entry["disableNetwork"] = True
    return entry


def allowed_hosts(server: Server[Any]) -> list[str]:
    """Return the hosts that Docker's gateway can confine a server to: none with a wildcard, which it does not know.

    The server itself refuses all other hosts, behind every gateway.
    """
    hosts = server.integration.hosts
    return [] if any("*" in host for host in hosts) else list(hosts)


def registry_entry(server: Server[Any]) -> dict[str, Any]:
    """Return server.yaml as docker/mcp-registry wants it."""
    run: dict[str, Any] = {"volumes": volumes(server)}
    if hosts := allowed_hosts(server):
        run["allowHosts"] = hosts
    if not server.integration.network:
        run["disableNetwork"] = True
    config: dict[str, Any] = {"description": f"Settings of {server.integration.title}"}
    keys = ("name", "env", "example", "description", "required")
    config["secrets"] = [{key: secret[key] for key in keys} for secret in secrets(server)]
    if preferences := parameters(server):
        config["env"] = [{"name": e["name"], "example": "", "value": e["value"]} for e in environment(server)]
        config["parameters"] = {"type": "object", "properties": preferences}
    return {
        "name": catalog_name(server.slug),
        "image": f"mcp/{catalog_name(server.slug)}",
        "type": "server",
        "longLived": True,
        "meta": {"category": server.integration.category, "tags": server.integration.tags},
        "about": {
            "title": server.integration.title,
            "description": server.integration.description,
            "icon": f"{PROJECT}/raw/main/icon.svg",
        },
        "source": {
            "project": PROJECT,
            "commit": UNRELEASED,
            "dockerfile": f"servers/{module_of(server.slug)}/Dockerfile",
        },
        "run": run,
        "config": config,
    }


def label(server: Server[Any], discovery: dict[str, Any]) -> dict[str, Any]:
    """Return the image's self-description: names only, since the gateway trusts nothing else from a label.

    Empty where the server could not work from it: the gateway takes neither volumes nor secrets from a label, so that
    what is written would be lost at once, and no account be reached.
    """
    entry = catalog_entry(server, discovery)
    if entry.get("volumes") or entry.get("secrets"):
        return {}
    return {
        "name": catalog_name(server.slug),
        **{key: entry[key] for key in ("title", "description", "type")},
        "env": [{"name": e["name"]} for e in entry.get("env", ())],
        **{key: entry[key] for key in ("config", "metadata") if key in entry},
        "tools": [{"name": t["name"], "description": t["description"].split("\n")[0]} for t in entry["tools"]],
    }
