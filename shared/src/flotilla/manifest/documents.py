"""The documents of one server, as data: Docker's registry entry, gateway catalog entry, tools list and image labels."""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from flotilla import Server
from flotilla.settings import is_secret

from ..naming import PROJECT, catalog_name, image

UNRELEASED = "0" * 40  # server.yaml wants a commit; who hands it in to the registry writes the released one
FLEET = {  # what every server understands, as the catalog's settings
    "tier": ("FLOTILLA_TIER", "string", "core, or all for every tool"),
    "groups": ("FLOTILLA_GROUPS", "string", "Only the tools of these groups, comma-separated"),
    "allow": ("FLOTILLA_ALLOW", "string", "Only these tools, comma-separated"),
    "deny": ("FLOTILLA_DENY", "string", "Never these tools, comma-separated"),
    "read_only": ("FLOTILLA_READ_ONLY", "boolean", "Hide and refuse every tool that changes something"),
    "confirm": (
        "FLOTILLA_CONFIRM",
        "string",
        "off asks nobody before it destroys; new-recipients also asks before mail goes to strangers",
    ),
    "dry_run": ("FLOTILLA_DRY_RUN", "boolean", "Writing tools only show what they would send"),
}

QUOTA = {"data_quota": ("FLOTILLA_DATA_QUOTA", "integer", "Bytes that the data folder may hold; 0 for no limit")}


def common(server: Server[Any]) -> dict[str, tuple[str, str, str]]:
    """Return the settings that the library gives this server: variable, JSON type and description by name."""
    return {**FLEET, **(QUOTA if server.files else {})}


def variable(server: Server[Any], field: str) -> str:
    """Return the environment variable of a settings field."""
    return f"{server.slug}_{field}".upper().replace("-", "_")


def fields(server: Server[Any], secret: bool) -> dict[str, FieldInfo]:
    """Return the settings fields that are secrets, or those that are not."""
    return {n: f for n, f in server.settings_class.model_fields.items() if is_secret(f) is secret}


def kind_of(annotation: Any) -> str:
    """Return the JSON type that a settings field has in a catalog."""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(a for a in get_args(annotation) if a is not type(None))
    return {bool: "boolean", int: "integer", float: "number"}.get(annotation, "string")


def example(field: FieldInfo) -> str:
    """Return an example of a settings field, as text."""
    found = (field.examples or [""])[0]
    return ",".join(map(str, found)) if isinstance(found, list) else str(found)


def volumes(server: Server[Any]) -> list[str]:
    """Return the volumes: one of its own for each server's state, and one of files for those that work on files."""
    return [f"flotilla-{server.slug}:/state", *(["flotilla-data:/data"] if server.files else [])]


def tools(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tools list of the registry and the catalog: every argument with type and description."""
    return [
        {
            "name": tool["name"],
            "description": tool["description"],
            "arguments": [
                {
                    "name": name,
                    "type": schema.get("type", "string"),
                    **({"items": {"type": schema["items"].get("type", "string")}} if "items" in schema else {}),
                    "desc": schema.get("description") or name,
                    **({} if name in tool["inputSchema"].get("required", ()) else {"optional": True}),
                }
                for name, schema in tool["inputSchema"].get("properties", {}).items()
            ],
            "annotations": tool["annotations"],
        }
        for tool in found["tools"]
    ]


def parameters(server: Server[Any]) -> dict[str, Any]:
    """Return the settings that are no secrets, as the properties of a JSON schema."""
    own = {
        name: {
            "type": kind_of(field.annotation),
            "description": field.description or name,
            **({"default": _plain(field.default)} if field.default not in (None, "", [], PydanticUndefined) else {}),
        }
        for name, field in fields(server, secret=False).items()
    }
    return {**own, **{name: {"type": kind, "description": about} for name, (_, kind, about) in common(server).items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, bool | int | float) else str(getattr(value, "value", value))


def environment(server: Server[Any]) -> list[dict[str, str]]:
    """Return the variables that the settings fill: an empty one is not passed to the container."""
    own = {variable(server, name): name for name in fields(server, secret=False)}
    return [
        {"name": env, "value": f"{{{{{catalog_name(server.slug)}.{name}}}}}"}
        for env, name in {**own, **{env: name for name, (env, _, _) in common(server).items()}}.items()
    ]


def secrets(server: Server[Any]) -> list[dict[str, Any]]:
    """Return the secrets: the catalog's name, the variable, an example, and whether calls need it."""
    needed = server.settings_class.required()[0]  # of several ways in, the first
    return [
        {
            "name": f"{catalog_name(server.slug)}.{name}",
            "env": variable(server, name),
            "example": example(field),
            "required": name in needed,
            "description": field.description or name,
        }
        for name, field in fields(server, secret=True).items()
    ]


def catalog_entry(server: Server[Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return the gateway's catalog entry; no setting is required, since one that is missing stops the whole gateway."""
    entry: dict[str, Any] = {
        "description": server.description,
        "title": server.title,
        "type": "server",
        "image": image(server.slug),
        "longLived": True,
        "tools": tools(found),
        "env": environment(server),
        "config": [
            {
                "name": catalog_name(server.slug),
                "description": f"Settings of {server.title}",
                "type": "object",
                "properties": {  # a default would be shown, but never reach the container
                    name: {k: v for k, v in schema.items() if k != "default"}
                    for name, schema in parameters(server).items()
                },
            }
        ],
        "volumes": volumes(server),
        "metadata": {
            "category": server.category,
            "tags": server.tags,
            "license": "MIT License",
            "owner": "flotilla",
        },
    }
    if declared := secrets(server):
        entry["secrets"] = [{k: s[k] for k in ("name", "env", "example", "description")} for s in declared]
    if server.hosts:
        entry["allowHosts"] = server.hosts
    if not server.network:
        entry["disableNetwork"] = True
    return entry


def registry_entry(server: Server[Any]) -> dict[str, Any]:
    """Return server.yaml as docker/mcp-registry wants it."""
    run: dict[str, Any] = {"volumes": volumes(server)}
    if server.hosts:
        run["allowHosts"] = server.hosts
    if not server.network:
        run["disableNetwork"] = True
    declared = secrets(server)
    config: dict[str, Any] = {"description": f"Settings of {server.title}"}
    if declared:
        config["secrets"] = [{k: s[k] for k in ("name", "env", "example", "description", "required")} for s in declared]
    config["env"] = [{"name": e["name"], "example": "", "value": e["value"]} for e in environment(server)]
    needed = server.settings_class.required()[0]
    required = [name for name in fields(server, secret=False) if name in needed]
    config["parameters"] = {"type": "object", "properties": parameters(server), "required": required}
    return {
        "name": catalog_name(server.slug),
        "image": f"mcp/{catalog_name(server.slug)}",
        "type": "server",
        "longLived": True,
        "meta": {"category": server.category, "tags": server.tags},
        "about": {"title": server.title, "description": server.description, "icon": f"{PROJECT}/raw/main/icon.svg"},
        "source": {
            "project": PROJECT,
            "commit": UNRELEASED,
            "dockerfile": f"servers/{server.slug}/Dockerfile",
        },
        "run": run,
        "config": config,
    }


def label(server: Server[Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return the image's self-description: names only, since the gateway trusts nothing else from a label.

    Empty where the server could not work from it: the gateway takes neither volumes nor secrets from a label, so that
    what is written would be lost at once, and no account be reached.
    """
    entry = catalog_entry(server, found)
    if entry.get("volumes") or entry.get("secrets"):
        return {}
    return {
        "name": catalog_name(server.slug),
        **{key: entry[key] for key in ("title", "description", "type")},
        "env": [{"name": e["name"]} for e in entry["env"]],
        **{key: entry[key] for key in ("config", "metadata")},
        "tools": [{"name": t["name"], "description": t["description"].split("\n")[0]} for t in entry["tools"]],
    }
