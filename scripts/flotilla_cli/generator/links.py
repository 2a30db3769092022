"""Links and commands that add one published server to a client. None holds a secret: a client asks for it or reads it.

The links begin with https, since GitHub shows no others: they lead to `vscode:mcp/install?…` and to Cursor's deep link.
"""

from __future__ import annotations

import base64
import json
import shlex
from typing import Any
from urllib.parse import quote

from flotilla import Server
from flotilla.settings import is_secret
from flotilla_cli.generator import documents
from flotilla_launcher.naming import catalog_name


def command(server: Server[Any], value: str) -> dict[str, Any]:
    """Return the command of a client's settings: the server in a container, with what its calls need from `env`.

    `value` is how the client writes a variable's value, with {} in place of its name.
    """
    needed = variables(server)
    names = [part for name in needed for part in ("-e", name)]
    entry = {"command": "docker", "args": documents.run_alone(server, *names)}
    return {**entry, "env": {name: value.format(name) for name in needed}} if needed else entry


def variables(server: Server[Any]) -> dict[str, tuple[str, bool]]:
    """Return the variables of the server's first way to connect: what each means, and whether it is a secret."""
    fields = server.integration.settings_class.model_fields
    return {
        documents.variable(server, name): (fields[name].description or name, is_secret(fields[name]))
        for name in server.integration.settings_class.required()[0]
    }


def vscode(server: Server[Any]) -> str:
    """Return the link that adds the server to VS Code, which asks for each value and keeps it among its secrets."""
    inputs = [
        {"type": "promptString", "id": name, "description": about, "password": secret}
        for name, (about, secret) in variables(server).items()
    ]
    entry = {"name": catalog_name(server.slug), **command(server, "${{input:{}}}")}
    target = f"vscode:mcp/install?{quote(_compact({**entry, 'inputs': inputs} if inputs else entry), safe='')}"
    return f"https://vscode.dev/redirect?url={quote(target, safe='')}"


def cursor(server: Server[Any]) -> str:
    """Return the link that adds the server to Cursor, which reads the values from its own environment."""
    config = base64.b64encode(_compact(command(server, "${{env:{}}}")).encode()).decode()
    return f"https://cursor.com/en/install-mcp?name={catalog_name(server.slug)}&config={quote(config, safe='')}"


def claude_code(server: Server[Any]) -> str:
    """Return the command that adds the server to Claude Code; the shell fills the values in."""
    entry = command(server, "${}")
    values = "".join(f' -e {name}="{value}"' for name, value in entry.get("env", {}).items())
    return f"claude mcp add {catalog_name(server.slug)}{values} -- docker {shlex.join(entry['args'])}"


def lines(server: Server[Any]) -> list[str]:
    """Return what a server's page shows."""
    return [
        f"Add it alone to [VS Code]({vscode(server)}) or [Cursor]({cursor(server)}), or to Claude Code:",
        "",
        "```console",
        claude_code(server),
        "```",
    ]


def _compact(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
