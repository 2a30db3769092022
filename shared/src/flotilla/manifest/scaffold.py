"""`make new S=acme`: a new server's folder, with tests that fail until it is filled in."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from .fleet import ROOT

TEMPLATES = Path(__file__).parent / "scaffold"
EXEMPT = {
    "contract": "TODO declare the vendor's contract in tests/contract.yaml, or say why there is none.",
    "oauth_refresh": "TODO an API token is used; it does not expire.",
    "real_server": "TODO a service that cannot be installed.",
}


def quality() -> str:
    """Return a quality.yaml that claims everything, but for what only the author can know."""
    from flotilla.testing.rules import RULES

    return "\n".join(f"{r.id}: {{exempt: {EXEMPT[r.id]}}}" if r.id in EXEMPT else f"{r.id}: done" for r in RULES)


def write(slug: str, root: Path = ROOT) -> list[Path]:
    """Write the folder and return its files. Raises ValueError for a name that cannot be used."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", slug) or len(slug) > 20:
        raise ValueError(f"{slug!r} is no name for a server: use a-z, 0-9 and single dashes, 20 characters at most.")
    folder = root / "servers" / slug
    if folder.exists():
        raise ValueError(f"servers/{slug} is there already. Choose another name, or delete the folder.")
    module = slug.replace("-", "_")
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


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="new", description=__doc__)
    parser.add_argument("slug", help="the server's name: a-z, 0-9 and dashes")
    slug = parser.parse_args().slug
    try:
        made = write(slug)
    except ValueError as problem:
        print(f"Error: {problem}", file=sys.stderr)
        return 1
    for path in made:
        print(f"wrote {path.relative_to(ROOT)}")
    print(f"Next: fill in what says TODO, then `.venv/bin/python -m pytest servers/{slug}`, then `make generate`.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
