"""Install links lead to the published image with what its calls need, and hold no secret."""

from __future__ import annotations

import base64
import json
import re
import shlex
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from flotilla_cli.generator import links
from flotilla_cli.generator.servers import ROOT, server_of
from flotilla_launcher.naming import image, module_of

KINDS = ["email", "export", "facturation-pro", "google-docs"]  # own protocol, no network, key, consent


def vscode(link: str) -> dict[str, Any]:
    (target,) = parse_qs(urlsplit(link).query)["url"]
    prefix, _, text = target.partition("?")
    assert prefix == "vscode:mcp/install"
    decoded: dict[str, Any] = json.loads(unquote(text))
    return decoded


def cursor(link: str) -> tuple[str, dict[str, Any]]:
    query = parse_qs(urlsplit(link).query)
    return query["name"][0], json.loads(base64.b64decode(query["config"][0], validate=True))


@pytest.mark.parametrize("slug", KINDS)
def test_links_start_the_published_image(slug: str) -> None:
    server = server_of(slug)
    page = (ROOT / "servers" / module_of(slug) / "README.md").read_text(encoding="utf-8")
    (to_vscode,) = re.findall(r"\[VS Code\]\((https://vscode\.dev/[^)]+)\)", page)
    (to_cursor,) = re.findall(r"\[Cursor\]\((https://cursor\.com/[^)]+)\)", page)
    (command,) = re.findall(r"^claude mcp add .+$", page, re.MULTILINE)
    in_vscode, (name, in_cursor) = vscode(to_vscode), cursor(to_cursor)
    parts = shlex.split(command)
    assert in_vscode["name"] == name == parts[3] == f"flotilla-{slug}"
    assert ["docker", *in_vscode["args"]] == ["docker", *in_cursor["args"]] == parts[parts.index("--") + 1 :]
    assert in_vscode["args"][-1] == image(slug)
    assert ("none" in in_vscode["args"]) is not server.integration.network


@pytest.mark.parametrize("slug", KINDS)
def test_links_hold_references_in_place_of_values(slug: str) -> None:
    server = server_of(slug)
    needed = list(links.variables(server))
    in_vscode, (_, in_cursor) = vscode(links.vscode(server)), cursor(links.cursor(server))
    assert in_vscode.get("env", {}) == {name: f"${{input:{name}}}" for name in needed}
    assert [(asked["id"], asked["password"]) for asked in in_vscode.get("inputs", [])] == [
        (name, secret) for name, (_, secret) in links.variables(server).items()
    ]
    assert in_cursor.get("env", {}) == {name: f"${{env:{name}}}" for name in needed}
    parts = shlex.split(links.claude_code(server))[4:]
    assert parts[: parts.index("--")] == [part for name in needed for part in ("-e", f"{name}=${name}")]
    passed = [second for first, second in zip(in_vscode["args"], in_vscode["args"][1:], strict=False) if first == "-e"]
    assert passed == needed
