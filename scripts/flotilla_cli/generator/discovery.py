"""What a running server answers to discovery. An image's build runs this file in the image, with nothing beside it.

    python discovery.py <slug> <tools.json> <folder>

asks the image's own process, writes discovery.json below the folder, and fails when the tools are not those of the
committed tools.json. `-` in place of a tools.json: a gateway, which has no tools of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

LIB = "/app/lib"  # in an image, where Python starts without `site`
if os.path.isdir(LIB) and LIB not in sys.path:
    sys.path.append(LIB)

from flotilla_launcher.discovery import FORMAT  # noqa: E402 - data by the lines above
from flotilla_launcher.protocol import (  # noqa: E402
    CAPABILITIES_KEY,
    CLIENT_KEY,
    HANDSHAKE_VERSIONS,
    LISTS,
    MODERN_VERSION,
    VERSION_KEY,
)

CLIENT = {"name": "flotilla-generate", "version": "1"}
META = {VERSION_KEY: MODERN_VERSION, CLIENT_KEY: CLIENT, CAPABILITIES_KEY: {}}
HELLO = {"protocolVersion": HANDSHAKE_VERSIONS[-1], "capabilities": {}, "clientInfo": CLIENT}

Messages = list[dict[str, Any]]
Ask = Callable[[Messages], Messages]


def converse(command: list[str], messages: Messages) -> Messages:
    """Start a server as its users do, over stdio; return the results of the requests in order."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    results = []
    for message in messages:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()
        if "id" in message:
            line = process.stdout.readline()
            answer = json.loads(line) if line else {}
            if "result" not in answer:
                process.kill()
                raise RuntimeError(f"{message['method']}: {answer or process.stderr.read().decode()[-2000:]}")
            results.append(answer["result"])
    process.stdin.close()
    process.wait(10)
    return results


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment in which a server shows all that it has: no setting of this machine counts."""
    base = {name: environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in environ}
    return {**base, "FLOTILLA_TIER": "all", "FLOTILLA_PRECOMPUTED": "off"}


def answers(ask: Ask) -> dict[str, Any]:
    """Return a server's answers in both protocol eras: each list once, and what 2026-07-28 adds around it.

    `ask` sends messages to a new session of the server, and returns the results of the requests among them.
    """
    handshake: Messages = [
        {"id": 0, "method": "initialize", "params": HELLO},
        {"method": "notifications/initialized"},
        *({"id": n, "method": method, "params": {}} for n, method in enumerate(LISTS.values(), 1)),
    ]
    modern: Messages = [
        {"id": n, "method": method, "params": {"_meta": META}}
        for n, method in enumerate(("server/discover", *LISTS.values()))
    ]
    (initialize, *lists), (discover, *modern_lists) = ask(handshake), ask(modern)
    items = {key: result[key] for key, result in zip(LISTS, lists, strict=True)}
    around = {}
    for key, result in zip(LISTS, modern_lists, strict=True):
        if result.pop(key) != items[key]:
            raise RuntimeError(f"{key} differ between the protocol eras, so one file cannot hold both")
        around[key] = result
    return {
        "format": FORMAT,
        "version": initialize["serverInfo"]["version"],
        "initialize": initialize,
        "discover": discover,
        "modern": around,
        **items,
    }


def described(server: Any, items: dict[str, Any]) -> dict[str, Any]:
    """Return what discovery.json says beside a server's answers.

    `attributes`: of each tool and prompt, by which the filters go; `needs`: the variables that must be set before calls
    can work, a list for each way in; `guards`: the variables of settings that protect or steer; `search`: further
    words by which the switchboard finds a tool; `deadlines`: seconds of the tools that have a deadline of their own;
    `login`: how an account is connected by consent, and which scopes each tool needs; `optional`: the variables of
    settings that an account may need; `hidden`: the variables of settings that are secrets.
    """
    from flotilla.settings import guards, is_of_account, is_secret, variable

    settings = server.integration.settings_class
    texts = {name: " ".join((text, *examples)).strip() for name, (text, examples) in server.search.items()}
    search = {name: text for name, text in texts.items() if text}
    fields = settings.model_fields.items()
    optional = [variable(server.slug, name) for name, field in fields if is_of_account(field)]
    hidden = [variable(server.slug, name) for name, field in fields if is_secret(field)]
    return {
        **({"search": search} if search else {}),
        **({"deadlines": server.deadlines} if server.deadlines else {}),
        **({"login": _login(server.integration)} if server.integration.consent else {}),
        **({"optional": optional} if optional else {}),
        "hidden": hidden,
        "attributes": {
            kind: {item["name"]: server.attributes[item["name"]] for item in items[kind]}
            for kind in ("tools", "prompts")
        },
        "needs": [[variable(server.slug, name) for name in option] for option in settings.required()],
        "guards": guards(settings, server.slug, server.integration.files),
    }


def _login(integration: Any) -> dict[str, Any]:
    """Return how an account is connected by consent; `defaults` are of the settings that are part of addresses.

    Where one has none, whoever connects the account gives it; it must lead to one of `hosts` then.
    """
    from dataclasses import asdict

    about, fields = integration.consent, integration.settings_class.model_fields
    parts = {name: fields[name].default for name in re.findall(r"{(\w+)}", about.authorize_url + about.token_url)}
    return {
        "consent": asdict(about),
        "defaults": {name: value for name, value in parts.items() if isinstance(value, str)},
        **({"hosts": list(integration.hosts)} if parts else {}),
        "access": asdict(integration.access) if integration.access else None,
        "scopes": {name: asdict(scopes) for name, scopes in integration.scopes.items()},
    }


def tools(items: dict[str, Any]) -> Messages:
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
        for tool in items["tools"]
    ]


def of_server(slug: str, ask: Ask, server: Any) -> dict[str, Any]:
    """Return the discovery data of an integration: its answers, and what the code says beside them."""
    data = answers(ask)
    return {"format": data.pop("format"), "server": slug, **data, **described(server, data)}


def of_gateway(slug: str, command: list[str]) -> dict[str, Any]:
    """Return the discovery data of a gateway: what it answers with no server behind it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as catalog:
        catalog.write('{"registry": {}}')
        catalog.flush()
        data = answers(
            lambda messages: converse([*command, slug, "--catalog", catalog.name, "--notes", "off"], messages)
        )
    return {"format": data.pop("format"), "server": slug, "gateway": True, **data, "attributes": {}}


def main(slug: str, tools_file: str, target: str) -> int:
    """Write the discovery data of the image that this runs in; 1 when its tools are not those of the tools.json."""
    module = f"flotilla_servers.{slug.replace('-', '_')}"
    command = [sys.executable, "-I", "-S", "/app/boot.pyc"]
    if tools_file == "-":
        data = of_gateway(slug, command)
    else:
        server = __import__(f"{module}.server", fromlist=["server"]).server
        data = of_server(slug, lambda messages: converse([*command, slug], messages), server)
        with open(tools_file, encoding="utf-8") as file:
            committed = json.load(file)
        if wrong := [tool["name"] for tool in _different(committed, tools(data))]:
            print(f"{slug}: tools.json is out of date ({', '.join(wrong)}). Run `make generate`.", file=sys.stderr)
            return 1
    folder = f"{target}{LIB}/{module.replace('.', '/')}"
    os.makedirs(folder)
    with open(f"{folder}/discovery.json", "w", encoding="utf-8") as file:
        file.write(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
    for path, _, names in os.walk(target):  # the same bytes whenever it is built
        for name in (*names, "."):
            os.utime(f"{path}/{name}", (0, 0))
    return 0


def _different(one: Messages, other: Messages) -> Messages:
    """Return the tools that stand in one list only, or differ."""
    return [tool for tool in one if tool not in other] + [tool for tool in other if tool not in one]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
