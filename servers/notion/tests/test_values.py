"""Property values as they come back: plain, with offsets, nothing hidden."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.notion.client import id_in
from flotilla_servers.notion.values import plain_properties

PAGE = "59833787-2cf9-4fdf-8782-e53db20768a5"
VIEW = "11111111222233334444555555555555"
PARIS = {"start": "2030-06-03T14:00:00", "end": None, "time_zone": "Europe/Paris"}
VALUES: list[tuple[dict[str, Any], Any]] = [
    ({"type": "date", "date": PARIS}, "2030-06-03T14:00:00+02:00"),
    ({"type": "date", "date": {"start": "2030-12-03", "end": "2030-12-05"}}, "2030-12-03/2030-12-05"),
    ({"type": "date", "date": {**PARIS, "start": "2030-06-03T14:00:00.000+02:00"}}, "2030-06-03T14:00:00+02:00"),
    ({"type": "formula", "formula": {"type": "string", "string": "a\u200bé"}}, "aé"),
    ({"type": "formula", "formula": {"type": "date", "date": {"start": "2030-06-03", "end": None}}}, "2030-06-03"),
    ({"type": "formula", "formula": {"type": "boolean", "boolean": False}}, False),
    ({"type": "rollup", "rollup": {"type": "number", "number": 4500.5, "function": "sum"}}, 4500.5),
    ({"type": "rollup", "rollup": {"type": "array", "array": [{"type": "email", "email": "a@b.fr"}]}}, ["a@b.fr"]),
    ({"type": "unique_id", "unique_id": {"prefix": None, "number": 7}}, "7"),
    ({"type": "verification", "verification": {"state": "verified"}}, "verified"),
    ({"type": "created_by", "created_by": {"object": "user", "id": "u1"}}, "u1"),
    ({"type": "people", "people": [{"id": "u1", "name": "Zoé"}, {"id": "u2"}]}, ["Zoé", "u2"]),
    ({"type": "relation", "relation": [{"id": "p1"}], "has_more": True}, ["p1", "…"]),
    ({"type": "files", "files": [{"type": "file", "name": "a.pdf", "file": {"url": "https://f.example/a"}}]},
     ["https://f.example/a"]),
    ({"type": "multi_select", "multi_select": [{"name": "VIP"}]}, ["VIP"]),
    ({"type": "number", "number": 0}, 0),
]  # fmt: skip


@pytest.mark.parametrize(("message", "plain"), VALUES, ids=[str(message["type"]) for message, _ in VALUES])
def test_plain_properties_values(message: dict[str, Any], plain: Any) -> None:
    assert plain_properties({"properties": {"x": message}}) == {"x": plain}


def test_plain_properties_with_odd_parts() -> None:
    """An option, a person or a file that is not as documented hides neither its neighbours nor the row."""
    odd = [{}, None, {"id": None}]
    row = {
        "Étiquettes": {"type": "multi_select", "multi_select": [*odd, {"name": "VIP"}]},
        "Responsable": {"type": "people", "people": [*odd, {"id": "u1", "name": "Zoé"}]},
        "Nom": {"type": "title", "title": [*odd, {"plain_text": "Jean"}]},
        "Client": {"type": "relation", "relation": [*odd, {"id": "p1"}]},
        "Documents": {"type": "files", "files": [*odd, {"type": "file", "file": {"url": "https://f.example/a"}}]},
        "Vide": None,
    }
    assert plain_properties({"properties": row}) == {
        "Étiquettes": ["VIP"], "Responsable": ["Zoé"], "Nom": "Jean", "Client": ["p1"],
        "Documents": ["https://f.example/a"],
    }  # fmt: skip


def test_plain_properties_leave_empty_values_out() -> None:
    kinds = ("number", "select", "date", "url", "button", "rollup")
    empty = {kind: {"type": kind, kind: None} for kind in kinds}
    assert plain_properties({"properties": {**empty, "title": {"type": "title", "title": []}}}) == {}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        (PAGE, PAGE),
        (PAGE.upper(), PAGE),
        (PAGE.replace("-", ""), PAGE),
        (f"https://www.notion.so/agence/Face-{PAGE.replace('-', '')}?pvs=4", PAGE),
        (f"https://www.notion.so/{VIEW}?v={VIEW}&p={PAGE.replace('-', '')}", PAGE),
        (f"https://agence.notion.site/Page-{VIEW}#{PAGE.replace('-', '')}", PAGE),
        (f"https://www.notion.so/Page-{PAGE.replace('-', '')}#intro", PAGE),
        ("Clients", ""),
        ("https://exemple.fr/page", ""),
        ("http://[::1", ""),
        (f"{PAGE}0", ""),
    ],
)
def test_id_in_addresses(text: str, result: str) -> None:
    assert id_in(text) == result
