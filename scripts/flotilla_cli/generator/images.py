"""Dockerfiles and the bake file, each from one template."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flotilla_cli.generator.text import DOORS, MARK
from flotilla_launcher.naming import PROJECT, REGISTRY, module_of
from flotilla_launcher.version import VERSION

TEMPLATES = Path(__file__).parent


def dockerfile(
    root: Path, slug: str, title: str, label: dict[str, Any], description: str, offered: Iterable[str] = ()
) -> str:
    """Return the Dockerfile of one server, from the one template; a door also holds what it offers.

    `label` is the image's description of itself for Docker's gateway, empty for none.
    """
    template = (TEMPLATES / "server.Dockerfile").read_text(encoding="utf-8")
    common = common_folders(root, slug)
    blocks = {
        "own dependencies": (root / "requirements" / f"{slug}.txt").exists(),
        "discovery": slug not in DOORS,
        "common": bool(common),
        "label": bool(label),
    }
    quoted = json.dumps(json.dumps(label, ensure_ascii=False, separators=(",", ":")), ensure_ascii=False)
    kept: list[str] = []
    open_blocks: list[bool] = []
    for line in template.splitlines():  # `#if <block>` … `#end`, nested
        if line.startswith("#if "):
            open_blocks.append(blocks.get(line.removeprefix("#if "), line == f"#if {slug}"))
        elif line == "#end":
            open_blocks.pop()
        elif all(open_blocks):
            kept.append(line)
    text = "\n".join(kept) + "\n"
    for name, value in {
        "{{mark}}": MARK,
        "{{slug}}": slug,
        "{{module}}": slug.replace("-", "_"),
        "{{version}}": VERSION,
        "{{description}}": json.dumps(description, ensure_ascii=False),
        "{{title}}": json.dumps(f"Flotilla {title}", ensure_ascii=False),
        "{{source}}": PROJECT,
        "{{shared}}": shared_stages(root),
        "{{common}}": "\n".join(
            f"COPY servers/{name} /{name}\n"
            f'RUN ["python3.13", "/opt/assemble.py", "layer", "{name}", "/{name}", "/layer"]'
            for name in common
        ),
        "{{discoveries}}": "\n".join(
            f"COPY servers/{name}/discovery.json /discovery/{name}/discovery.json" for name in offered
        ),
        "{{label}}": quoted.replace("$", "\\$"),
    }.items():
        text = text.replace(name, value)
    return text


def shared_stages(root: Path) -> str:
    """Return the stages of shared/Dockerfile, without the comment at its head."""
    text = (root / "shared" / "Dockerfile").read_text(encoding="utf-8")
    return text[text.index("FROM ") :].strip()


def common_folders(root: Path, slug: str) -> list[str]:
    """Return the folders `servers/_*` that a server's modules import from."""
    code = "".join(
        path.read_text(encoding="utf-8") for path in sorted((root / "servers" / module_of(slug)).glob("*.py"))
    )
    return sorted(set(re.findall(r"^from flotilla_servers\.(_\w+)", code, re.MULTILINE)))


def bake(names: list[str]) -> str:
    """Return the bake file: every image for both architectures, with SBOM and provenance in the release group."""
    targets = "\n\n".join(
        f'target "{slug}" {{\n  inherits   = ["_common"]\n  dockerfile = "servers/{module_of(slug)}/Dockerfile"\n'
        f'  contexts   = {{ flotilla-base = "target:base", flotilla-build = "target:build" }}\n'
        f'  tags       = ["${{REGISTRY}}/{slug}:${{VERSION}}", "${{REGISTRY}}/{slug}:latest"]\n}}'
        for slug in names
    )
    quoted = "\n".join(f'    "{slug}",' for slug in names)  # a line each: two branches that add one do not meet
    return (
        (TEMPLATES / "bake.hcl")
        .read_text(encoding="utf-8")
        .replace("{{mark}}", MARK)
        .replace("{{version}}", VERSION)
        .replace("{{registry}}", REGISTRY)
        .replace("{{names}}", quoted)
        .replace("{{targets}}", targets)
    )
