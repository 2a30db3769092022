"""The benchmark's parts that need neither Docker nor time count every server and every utterance."""

from __future__ import annotations

from flotilla_cli.generator.servers import ROOT, integrations
from tests.bench import lists, search


def test_lists_count_every_server() -> None:
    rows: list[tuple[str, str, str]] = []
    result = lists.measure(rows)
    assert list(result) == integrations(ROOT)
    assert len(rows) == len(result)
    assert result["filesystem"]["core"] == sum(result["filesystem"]["tools"].values())


def test_search_measures_every_utterance() -> None:
    rows: list[tuple[str, str, str]] = []
    result = search.measure(rows)
    assert {name: row["of"] for name, row in result.items()} == {
        "gohighlevel": 20, "held-out": 120, "hubspot": 20, "notion": 20,
    }  # fmt: skip
    assert all(row["hits"] + len(row["missed"]) == row["of"] for row in result.values())
