"""How generated files look: their mark, YAML and JSON."""

from __future__ import annotations

import json
from typing import Any

import yaml

MARK = "# Written by `make generate` from the servers' code. Do not edit."
DOORS = ("switchboard",)  # folders of servers/ that are no integration but a door to the others


class _Dumper(yaml.SafeDumper):
    """YAML as prettier writes it, which docker/mcp-registry asks for: lists indented, double quotes, long lines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def choose_scalar_style(self) -> str:
        style, value = str(super().choose_scalar_style()), getattr(self.event, "value", "")
        return '"' if style == "'" and '"' not in value and "\\" not in value else style


def as_yaml(data: Any, head: str = MARK) -> str:
    """Return YAML in the order of the data, accents as they are."""
    return f"{head}\n" + yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))


def as_json(data: Any) -> str:
    """Return JSON for people and diffs."""
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
