"""The benchmark's parts that need neither Docker nor time count every server and every utterance."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from flotilla_cli.generator.servers import ROOT, integrations
from flotilla_servers.export.languages import LANGUAGES
from flotilla_servers.export.table import table
from flotilla_servers.export.xlsx_file import write_xlsx
from flotilla_testing.postgresql import MISSING, programs
from tests.bench import exporting, lists, phone_calls, search, tenants


def test_lists_count_every_server() -> None:
    rows: list[tuple[str, str, str]] = []
    result = lists.measure(rows)
    assert list(result) == integrations(ROOT)
    assert len(rows) == len(result)
    assert result["filesystem"]["core"] == sum(result["filesystem"]["tools"].values())


def test_search_finds_what_people_say_and_lists_little() -> None:
    rows: list[tuple[str, str, str]] = []
    result = search.measure(rows)
    for tier in ("core", "all"):
        assert {name: row["of"] for name, row in result[tier].items()} == {
            "blind": 230, "blind-ten-more": 70, "gohighlevel": 20, "held-out": 120, "hubspot": 20, "notion": 20,
            "untuned": 300,
        }  # fmt: skip
        assert result[tier]["untuned"]["at"][5] >= 0.8
    assert result["list"] < 3_000


@pytest.mark.slow
@pytest.mark.skipif(not programs(), reason=MISSING)
def test_tenants_find_nothing_of_another_and_would_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenants, "TENANTS", 3)
    monkeypatch.setattr(tenants, "CALLS", 8)
    monkeypatch.setattr(tenants, "READS", 30)
    checked: list[tenants.Customer] = []
    check = tenants.Customer.check_files

    def noting(customer: tenants.Customer, data: Path, state: Path) -> None:
        check(customer, data, state)
        checked.append(customer)
        if len(checked) % 3 == 0:  # the last one's files are searched again with another one's eyes
            checked[-3].tenant = customer.tenant
            check(checked[-3], data, state)

    monkeypatch.setattr(tenants.Customer, "check_files", noting)
    rows: list[tuple[str, str, str]] = []
    result = tenants.measure(rows)
    for first, *others in (checked[:3], checked[3:]):
        assert [customer.problems for customer in others] == [[], []]
        assert any("holds canary-" in problem for problem in first.problems)
    assert [result[layout]["calls"] for layout in ("a server for each", "one server for all")] == [24, 24]
    assert len(rows) == 6


@pytest.mark.slow
async def test_phone_calls_times_every_frame_in_both_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone_calls, "CALLS", 2)
    monkeypatch.setattr(phone_calls, "FRAMES", 3)
    for times in (await phone_calls.directly(), await phone_calls.through_the_bridge("pcm")):
        assert len(times.to_model) == len(times.to_caller) == 6
        assert min(times.to_model + times.to_caller) > 0


def test_exporting_compares_equal_workbooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ratio is of the same values with the same number formats."""
    monkeypatch.setattr(exporting, "ROWS", 20)
    exporting.write_plain(str(tmp_path / "plain.xlsx"), 8)
    rows = [[str(v).lower() if isinstance(v, bool) else str(v) for v in row] for row in exporting.values(8)]
    with (tmp_path / "made.xlsx").open("wb") as out:
        data = table(exporting.names(8), rows, None, exporting.TYPES)
        write_xlsx(out, [("Sheet1", data)], LANGUAGES["en"])
    plain, made = (openpyxl.load_workbook(tmp_path / f"{name}.xlsx").active for name in ("plain", "made"))
    assert plain.max_row == made.max_row == 21
    for one, other in zip(plain.iter_rows(), made.iter_rows(), strict=True):
        assert [(c.value, c.number_format) for c in one] == [(c.value, c.number_format) for c in other]
