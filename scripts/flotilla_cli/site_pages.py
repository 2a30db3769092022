"""Copy the Markdown pages of the checkout for the site; links that lead to code become links to the repository."""

from __future__ import annotations

import argparse
import posixpath
import re
import shutil
import subprocess
from pathlib import Path

from flotilla_cli import paths

LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)\s]*)?(\))")
CODE = "https://github.com/flotilla-mcp/flotilla/blob/main/"


def pages() -> list[str]:
    """Return the paths of all pages that git knows, or will know."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.md"]
    listed = subprocess.run(command, cwd=paths.ROOT, capture_output=True, check=True).stdout.decode()
    return sorted(name for name in listed.split("\0") if name and (paths.ROOT / name).is_file())


def resolved(page: str, target: str) -> str:
    """Return the path in the checkout that a page's link leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), target))


def converted(page: str, text: str, known: set[str]) -> str:
    """Return a page's text with the links that lead to no page made absolute."""

    def one(match: re.Match[str]) -> str:
        target = resolved(page, match[2])
        return match[0] if target in known else f"{match[1]}{CODE}{target}{match[3] or ''}{match[4]}"

    return LINK.sub(one, text)


def main(argv: list[str]) -> int:
    """Write the pages."""
    parser = argparse.ArgumentParser(prog="scripts/flotilla site-pages", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write them; it is emptied first")
    folder = parser.parse_args(argv).folder
    shutil.rmtree(folder, ignore_errors=True)
    names = pages()
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (paths.ROOT / name).read_text(encoding="utf-8")
        target.write_text(converted(name, text, set(names)), encoding="utf-8")
    shutil.copyfile(paths.ROOT / "docs" / "grafana-dashboard.json", folder / "docs" / "grafana-dashboard.json")
    return 0
