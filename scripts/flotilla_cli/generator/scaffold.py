"""`flotilla new acme`: a new server's folder. Its tests pass, but for one that lists what is to be filled in."""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from flotilla_cli.generator.images import environment
from flotilla_cli.generator.sources import ROOT
from flotilla_launcher.naming import module_of

FOLDER = "new"  # of templates/
CREDENTIALS = {
    "bearer": "an API token",
    "basic": "a user name with a password",
    "header": "an API key",
    "oauth": "an access token or a refresh token",
}
LAYOUTS = ("single", "modules")
AUTH_NAMES = {
    "bearer": ["Bearer"],
    "basic": ["Basic"],
    "header": ["HeaderKey"],
    "oauth": ["Bearer", "Consent", "FirstOf", "OAuth2"],
}
CLIENT_NAMES = ["Api", "ByCursor", "Integration", "SecretStr", "ServerSettings"]
TOOL_NAMES = ["Cursor", "Limit", "Page", "Toolset", "confirm", "segment"]
WIDTH = 120


def imports(names: Iterable[str]) -> str:
    """Return the import of these names from the library, as ruff sorts and wraps it."""
    ordered = sorted(set(names), key=lambda name: (name[0].islower(), name))
    line = f"from flotilla import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return line
    return "\n".join(["from flotilla import (", *(f"    {name}," for name in ordered), ")"])


def prefixes(root: Path) -> dict[str, str]:
    """Return the prefixes of tools that servers have, with the folder of each."""
    owners = {path.parent.name: path.parent.name for path in root.glob("servers/*/server.py")}
    for path in sorted(root.glob("servers/*/*.py")):
        for prefix in re.findall(r'\bprefix="(\w+)"', path.read_text(encoding="utf-8")):
            owners[prefix] = path.parent.name
    return owners


def write(slug: str, root: Path = ROOT, auth: str = "bearer", layout: str = "single") -> list[Path]:
    """Write the folder and return its files. Raises ValueError for a name that cannot be used."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", slug) or len(slug) > 20:
        raise ValueError(f"{slug!r} is not a valid name: use a-z, 0-9 and single dashes, 20 characters at most.")
    module = module_of(slug)
    folder = root / "servers" / module
    if folder.exists():
        raise ValueError(f"servers/{module} exists already. Choose another name, or delete the folder.")
    if keyword.iskeyword(module):
        raise ValueError(f"{slug!r} is a word of Python, so no module can have this name. Choose another one.")
    if other := prefixes(root).get(module):
        raise ValueError(f"The tools of servers/{other} begin with {module}_ already. Choose another name.")
    values = {
        "slug": slug,
        "prefix": module,
        "variable": module.upper(),
        "title": slug.replace("-", " ").title(),
        "docs": f"https://developer.{slug}.example",
        "auth": auth,
        "credential": CREDENTIALS[auth],
        "client_names": [*CLIENT_NAMES, *AUTH_NAMES[auth]],
        "tool_names": TOOL_NAMES,
        "imports": imports,
    }
    templates = environment()
    made = []
    for part in ("common", layout, *(["oauth"] if auth == "oauth" else [])):
        begin = f"{FOLDER}/{part}/"
        for name in templates.list_templates(filter_func=lambda name, begin=begin: name.startswith(begin)):  # type: ignore[misc]
            path = folder / name.removeprefix(begin).removesuffix(".j2")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(templates.get_template(name).render(values), encoding="utf-8")
            made.append(path)
    return sorted(made)


def main(argv: list[str]) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="flotilla new", description=__doc__)
    parser.add_argument("slug", help="the server's name: a-z, 0-9 and dashes")
    parser.add_argument("--auth", choices=list(CREDENTIALS), default="bearer", help="how requests are authorized")
    parser.add_argument(
        "--layout",
        choices=LAYOUTS,
        default="single",
        help="single: all in server.py; modules: client.py, tools/<noun>.py and server.py, for a large API",
    )
    options = parser.parse_args(argv)
    try:
        made = write(options.slug, ROOT, options.auth, options.layout)
    except ValueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    for path in made:
        print(f"wrote {path.relative_to(ROOT)}")
    module = module_of(options.slug)
    print(f"Next: `.venv/bin/python -m pytest servers/{module}` lists what to fill in; then `make generate`.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
