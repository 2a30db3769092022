"""`make new S=acme`: a new server's folder, with tests that fail until it is filled in."""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from pathlib import Path

import yaml

from flotilla_cli.generator.servers import ROOT
from flotilla_launcher.naming import module_of

TEMPLATES = Path(__file__).parent / "scaffold"
EXEMPT = {
    "contract": "TODO declare the vendor's contract in tests/contract.yaml, or say why there is none.",
    "oauth_refresh": "TODO an API token is used; it does not expire.",
    "real_server": "TODO a service that cannot be installed.",
}


def quality() -> str:
    """Return a quality.yaml that claims everything, but for what only the author can know."""
    from flotilla_testing.rules import RULES

    claims = {r.id: {"exempt": EXEMPT[r.id]} if r.id in EXEMPT else "done" for r in RULES}
    return yaml.safe_dump(claims, sort_keys=False, allow_unicode=True, width=110).strip()


def prefixes(root: Path) -> dict[str, str]:
    """Return the prefixes of tools that servers have, with the server of each."""
    found = {path.parent.name.replace("-", "_"): path.parent.name for path in root.glob("servers/*/server.py")}
    for path in sorted(root.glob("servers/*/*.py")):
        for prefix in re.findall(r'\bprefix="(\w+)"', path.read_text(encoding="utf-8")):
            found[prefix] = path.parent.name
    return found


def write(slug: str, root: Path = ROOT) -> list[Path]:
    """Write the folder and return its files. Raises ValueError for a name that cannot be used."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", slug) or len(slug) > 20:
        raise ValueError(f"{slug!r} is no name for a server: use a-z, 0-9 and single dashes, 20 characters at most.")
    folder = root / "servers" / module_of(slug)
    if folder.exists():
        raise ValueError(f"servers/{module_of(slug)} is there already. Choose another name, or delete the folder.")
    module = slug.replace("-", "_")
    if keyword.iskeyword(module):
        raise ValueError(f"{slug!r} is a word of Python, so no module can have this name. Choose another one.")
    if other := prefixes(root).get(module):
        raise ValueError(f"The tools of servers/{other} begin with {module}_ already. Choose another name.")
    words = {
        "slug": slug,
        "module": module,
        "prefix": module,
        "variable": module.upper(),
        "title": slug.replace("-", " ").title(),
        "docs": f"https://developer.{slug}.example",
        "rules": quality(),
    }
    made = []
    for template in sorted(TEMPLATES.rglob("*.txt")):
        text = template.read_text(encoding="utf-8")
        for name, value in words.items():
            text = text.replace("{{%s}}" % name, value)  # noqa: UP031 - braces in braces read worse
        path = folder / template.relative_to(TEMPLATES).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        made.append(path)
    return made


def main(argv: list[str]) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="new", description=__doc__)
    parser.add_argument("slug", help="the server's name: a-z, 0-9 and dashes")
    slug = parser.parse_args(argv).slug
    try:
        made = write(slug)
    except ValueError as problem:
        print(f"Error: {problem}", file=sys.stderr)
        return 1
    for path in made:
        print(f"wrote {path.relative_to(ROOT)}")
    print(
        f"Next: fill in what says TODO, then `.venv/bin/python -m pytest servers/{module_of(slug)}`, then `make "
        "generate`."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
