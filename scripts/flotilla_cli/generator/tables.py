"""The generated parts of the READMEs: what a server is, its tools and settings, and the table of the fleet."""

from __future__ import annotations

from typing import Any

from flotilla import Server
from flotilla_cli.generator import documents, links
from flotilla_cli.generator.text import cell
from flotilla_launcher.naming import catalog_name, image, module_of


def server_table(server: Server[Any], discovery: dict[str, Any]) -> str:
    """Return the generated part of a server's README: what it is, its tools and its settings."""
    lines = [
        server.integration.description,
        "",
        f"Image `{image(server.slug)}` · contacts {_reach(server)}"
        + (f" · [vendor's documentation]({server.integration.docs})" if server.integration.docs else "")
        + " · [questions that people ask](../../docs/questions.md)",
        "",
        *links.lines(server),
        "",
        "| tool | what it does | effect | tier |",
        "|---|---|---|---|",
    ]
    for tool in discovery["tools"]:
        attributes = discovery["attributes"]["tools"][tool["name"]]
        about = cell(" ".join(tool["description"].split()).split(". ")[0].rstrip("."))
        group = f" ({attributes['group']})" if attributes["group"] else ""
        lines.append(f"| `{tool['name']}` | {about} | {attributes['effect']} | {attributes['tier']}{group} |")
    lines += ["", "| setting | variable | meaning |", "|---|---|---|"]
    needed = server.integration.settings_class.required()[0]
    for name, field in server.integration.settings_class.model_fields.items():
        need = " **(needed)**" if name in needed else ""
        kind = "preference" if name in documents.fields(server, secret=False) else "secret"
        about = cell(field.description or "")
        lines.append(
            f"| `{catalog_name(server.slug)}.{name}` ({kind}) | `{documents.variable(server, name)}` | {about}{need} |"
        )
    if not server.integration.settings_class.model_fields:
        lines = lines[:-3]
    return "\n".join(lines)


def _reach(server: Server[Any]) -> str:
    if server.integration.hosts:
        return ", ".join(f"`{host}`" for host in server.integration.hosts)
    return "what its settings name" if server.integration.network else "nothing: it runs without a network"


def fleet_table(servers: dict[str, Server[Any]], discovery: dict[str, Any]) -> str:
    """Return the table of servers for the README."""
    lines = ["| server | what it does | tools | account |", "|---|---|---|---|"]
    for slug, server in servers.items():
        lines.append(
            f"| [{slug}](servers/{module_of(slug)}/README.md) | {server.integration.description} | "
            f"{len(discovery[slug]['tools'])} | "
            f"{'needed' if discovery[slug]['needs'][0] else 'none'} |"
        )
    return "\n".join(lines)
