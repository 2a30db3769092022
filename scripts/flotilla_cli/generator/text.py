"""How generated files look: their mark, YAML and JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

MARK = "# Written by `make generate` from the servers' code. Do not edit."
QUOTED = re.compile(r'\s*(- )*([\w.-]+: )?"')
BREAK = "\u2028"  # in a text of a YAML file: the line is broken here, so that a long list has a line a name


class _Dumper(yaml.SafeDumper):
    """YAML as prettier writes it, which docker/mcp-registry asks for: lists indented, double quotes, long lines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def choose_scalar_style(self) -> str:
        style, value = str(super().choose_scalar_style()), getattr(self.event, "value", "")
        return '"' if style == "'" and '"' not in value and "\\" not in value else style


def cell(text: str) -> str:
    """Return a text for a cell of a Markdown table: on one line, and nothing of it a border or, outside code, HTML."""
    line = " ".join(text.split()).replace("|", "\\|")
    return re.sub(r"(`[^`]*`)|<", lambda match: match[1] or "&lt;", line)


def as_yaml(data: Any, head: str = MARK) -> str:
    """Return YAML in the order of the data, accents as they are."""
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))
    return f"{head}\n" + "".join(map(_broken, text.splitlines(keepends=True)))


def _broken(line: str) -> str:
    """Break a line where its text has BREAK, which PyYAML writes as \\L between double quotes."""
    if not QUOTED.match(line):
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return re.sub(r"(?<!\\)((?:\\\\)*)\\L", lambda match: f"{match[1]}\\\n{indent}", line)


def as_json(data: Any) -> str:
    """Return JSON for people and diffs."""
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
