"""Dockerfiles and the bake file, each from one template of templates/."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from flotilla_cli.generator.sources import GATEWAYS, folder_of
from flotilla_cli.generator.text import MARK
from flotilla_launcher.naming import PROJECT, REGISTRY, module_of, registry_name
from flotilla_launcher.version import VERSION

TEMPLATES = Path(__file__).parent / "templates"


def environment(folder: Path = TEMPLATES) -> Environment:
    """Return what renders the templates of a folder. An unknown name is an error; blocks leave no blank line."""
    made = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # nothing here is HTML
    )
    made.filters["quoted"] = lambda text: json.dumps(text, ensure_ascii=False)
    made.filters["compact"] = lambda data: json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return made


def dockerfile(
    root: Path, slug: str, title: str, label: dict[str, Any], description: str, offered: Iterable[str] = ()
) -> str:
    """Return the Dockerfile of one server; that of a gateway also holds what it offers, the slugs `offered`.

    `label` is the image's description of itself for Docker's gateway, empty for none.
    """
    code = _code(root, slug)
    return (
        environment()
        .get_template("Dockerfile.j2")
        .render(
            mark=MARK,
            slug=slug,
            module=module_of(slug),
            version=VERSION,
            title=f"Flotilla {title}",
            description=description,
            source=PROJECT,
            registry_name=registry_name(slug),
            shared=shared_stages(root),
            own_dependencies=(root / "requirements" / f"{slug}.txt").exists(),
            # the folders `servers/_*` that its modules import from
            common=sorted(set(re.findall(r"^from flotilla_servers\.(_\w+)", code, re.MULTILINE))),
            sqlite=slug not in GATEWAYS and "import sqlite3" in code,
            gateway=slug in GATEWAYS,
            offered=list(offered),
            label=label,
        )
    )


def shared_stages(root: Path) -> str:
    """Return the stages of shared/Dockerfile, without the comment at its head."""
    text = (root / "shared" / "Dockerfile").read_text(encoding="utf-8")
    return text[text.index("FROM ") :].strip()


def _code(root: Path, slug: str) -> str:
    own = [path for path in sorted(folder_of(slug, root).rglob("*.py")) if "tests" not in path.parts]
    return "".join(path.read_text(encoding="utf-8") for path in own)


def bake(names: list[str]) -> str:
    """Return the bake file: every image for both architectures, with SBOM and provenance in the release group."""
    template = environment().get_template("docker-bake.hcl.j2")
    return template.render(mark=MARK, version=VERSION, registry=REGISTRY, names=names)
