"""Excel workbooks, read back with openpyxl."""

from __future__ import annotations

import datetime as dt
import io
import re
import tempfile
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from flotilla_servers.export import xlsx_file
from flotilla_servers.export.languages import LANGUAGES
from flotilla_servers.export.table import table
from flotilla_servers.export.xlsx_file import write_xlsx


def sheet(content: bytes | Path) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content) if isinstance(content, bytes) else content).active


def made(rows: list[list[Any]], columns: list[str], types: list[str]) -> tuple[bytes, list[str]]:
    out = io.BytesIO()
    done = write_xlsx(out, [("Sheet1", table(columns, rows, None, types))], LANGUAGES["en"])
    return out.getvalue(), done.warnings


async def test_xlsx_types_kept(export: SimpleNamespace, data: Path) -> None:
    done = await export.create_xlsx(
        path="a",
        columns=["Date", "Client", "Montant", "Payé", "Heure", "Référence", "Quantité", "Taux"],
        rows=[
            [
                "2026-03-01",
                "Café Œuvre €",
                "1 234,50",
                "oui",
                "2026-03-01T09:30:00+01:00",
                12345678901234567890,
                3,
                0.1,
            ],
            ["1899-12-31", "=1+1", -5, False, "2026-07-01T09:30:15", 123456789012345, "x", None],
        ],
        types=["date", "", "money EUR", "boolean", "datetime", "", "integer", "decimal"],
        sheet="Factures: mars/avril",
    )
    assert (done["path"], done["rows"]) == ("a.xlsx", 2)
    ws = sheet(data / "a.xlsx")
    assert ws.title == "Factures mars avril"
    first, second = list(ws.iter_rows(min_row=2))
    assert [c.value for c in first] == [
        dt.datetime(2026, 3, 1), "Café Œuvre €", 1234.5, True, dt.datetime(2026, 3, 1, 9, 30), "12345678901234567890",
        3, 0.1,
    ]  # fmt: skip
    assert [c.value for c in second] == [
        "1899-12-31", "=1+1", -5, False, dt.datetime(2026, 7, 1, 9, 30, 15), 123456789012345, "x", None,
    ]  # fmt: skip
    assert [c.data_type for c in first] == ["d", "s", "n", "b", "d", "s", "n", "n"]
    assert [c.number_format for c in first][::2] == [
        "yyyy-mm-dd",
        '#,##0.00## "€"',
        'yyyy-mm-dd hh:mm:ss "+01:00"',
        "0",
    ]
    assert (second[1].data_type, second[1].quotePrefix) == ("s", True)
    assert "Numbers of more than 15 digits, which Excel would round, became text (row 1)." in done["warnings"]
    assert "Dates before 1900, which Excel does not have, became text (row 2)." in done["warnings"]
    assert (
        "Column `Quantité` has cells that are not of the type integer and stay as they are (row 2)." in done["warnings"]
    )


async def test_xlsx_heading_and_layout(export: SimpleNamespace, data: Path) -> None:
    await export.create_xlsx(
        path="a.xlsx", columns=["=Nom", "Prix"], rows=[["x" * 40, 1], ["y", 2]], types=["", "money USD"]
    )
    ws = sheet(data / "a.xlsx")
    assert (ws.freeze_panes, ws.auto_filter.ref, ws.print_title_rows) == ("A2", "A1:B3", "$1:$1")
    assert [ws["A1"].value, ws["A1"].data_type, ws["A1"].font.b] == ["=Nom", "s", True]
    assert (ws["A1"].alignment.horizontal, ws["B1"].alignment.horizontal) == ("left", "right")
    assert ws.column_dimensions["A"].width == 42
    assert 8 <= ws.column_dimensions["B"].width <= 12


def test_xlsx_money_formats() -> None:
    """Each currency has its sign and its decimals in the number format."""
    content, _ = made([[1, 2, 3.5, 4]], list("abcd"), ["money JPY", "money CHF", "money JPY", "money"])
    assert [c.number_format for c in sheet(content)[2]] == [
        '#,##0 "¥"',
        '#,##0.00## "CHF"',
        '#,##0.## "¥"',
        "#,##0.00##",
    ]


def test_xlsx_mixed_offsets_reported() -> None:
    _, warnings = made([["2026-01-01T00:00:00+01:00"], ["2026-07-01T00:00:00+02:00"]], ["t"], ["datetime"])
    assert warnings == ["Times have different offsets; Excel sorts them by the local time shown."]


def test_xlsx_forbidden_characters() -> None:
    content, warnings = made([["a\x00b\x1f\ud800c"], ["é" * 40_000], ["#N/A"], ["\n"]], ["x\x01"], [])
    ws = sheet(content)
    assert [c.value for c in ws["A"]] == ["x", "abc", "é" * 32_767, "#N/A", "\n"]
    assert all(c.data_type == "s" for c in ws["A"])
    assert len(warnings) == 2


@pytest.mark.parametrize(
    ("wanted", "title"),
    [
        ("a\uffffb\ufffe", "a b"),
        ("📊" * 31, "📊" * 15),
        ("x" * 30 + "📊", "x" * 30),
        ("History", "History_"),
        ("'a'", "a"),
        ("\x01", "Sheet1"),
    ],
)
def test_xlsx_sheet_name_corrected(wanted: str, title: str) -> None:
    """31 characters as Excel counts them (UTF-16), and nothing that XML forbids."""
    out = io.BytesIO()
    done = write_xlsx(out, [(wanted, table(["a"], [[1]], None, None))], LANGUAGES["en"])
    assert sheet(out.getvalue()).title == title
    assert done.warnings == [f"The sheet is called `{title}`: Excel allows 31 characters and no []:*?/\\."]


def test_xlsx_text_resembling_an_escape_is_escaped() -> None:
    """Excel reads _x0041_ as A: the underscore in front is written as _x005F_."""
    content, _ = made([["_x0041_"], ["<r>a</r>"], ["<r><t>&</t></r>"]], ["_x000D_"], [])
    texts = [cell.value for cell in sheet(content)["A"]]
    assert texts == ["_x005F_x000D_", "_x005F_x0041_", "<r>a</r>", "<r><t>&</t></r>"]


def test_xlsx_times_at_the_edge_stay_on_their_day() -> None:
    values = ["9999-12-31T23:59:59.999999", "1900-01-01T00:00:00", "1900-02-28", "1900-03-01T12:00:00", "1899-12-31"]
    content, _ = made([[value] for value in values], ["t"], ["datetime"])
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        xml = book.read("xl/worksheets/sheet1.xml").decode()
    numbers = [float(result) for result in re.findall(r"<v>([^<]+)</v>", xml)]
    assert 2958465.999 < numbers[0] < 2958466
    assert numbers[1:] == [1, 59, 61.5]
    assert "1899-12-31" in xml


def test_xlsx_numbers_beyond_excel_become_text() -> None:
    content, warnings = made([["1e400"], ["1e-400"], ["1e300"]], ["n"], ["decimal"])
    assert [cell.data_type for cell in sheet(content)["A"]][1:] == ["s", "s", "n"]
    assert warnings == ["Numbers too large or too small for Excel became text (2 times, first in row 1)."]


def test_xlsx_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_file, "MOST_ROWS", 3)
    assert made([[1]] * 3, ["a"], [])
    with pytest.raises(Exception, match="There are 4 rows, and a sheet holds 3 at most"):
        made([[1]] * 4, ["a"], [])


def test_xlsx_too_many_rows_refused_before_the_work(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_file, "MOST_ROWS", 3)
    monkeypatch.setattr(xlsx_file, "_fill", lambda *_: pytest.fail("the work began"))
    (data / "in.csv").write_text("a\n" + "1\n" * 4)
    with pytest.raises(Exception, match="There are 4 rows, and a sheet holds 3 at most"):
        write_xlsx(io.BytesIO(), [("Sheet1", table(None, None, "in.csv", None))], LANGUAGES["en"])


def test_xlsx_deterministic(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same table gives the same bytes."""
    import time

    first, _ = made([["x", 1.5]], ["a", "b"], [])
    next_step = time.time() + 1e6
    monkeypatch.setattr(time, "time", lambda: next_step)
    assert made([["x", 1.5]], ["a", "b"], [])[0] == first
    with zipfile.ZipFile(io.BytesIO(first)) as book:
        assert {info.date_time[0] for info in book.infolist()} == {1980}


def test_xlsx_failure_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(Exception, match="Row 2 has 2 cells"):
        made([[1], [1, 2]], ["a"], [])
    assert list(tmp_path.iterdir()) == []


cells = some.text(max_size=40) | some.sampled_from(["=", "+", "-", "@", "\t=1", "\r=1", "=1+1", "#REF!", "'=1", "{=1}"])


@settings(deadline=None)
@given(some.lists(cells, min_size=1, max_size=20))
@example(["\x1f"])
def test_xlsx_text_always_text(texts: list[str]) -> None:
    content, _ = made([[text] for text in texts], ["a"], [])
    back = [row[0] for row in sheet(content).iter_rows(min_row=2)]
    for text, cell in zip(texts, back, strict=False):
        saved = xlsx_file._ILLEGAL.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
        assert cell.data_type == ("s" if saved else "n")
        assert re.sub("_x005F_(x[0-9A-Fa-f]{4}_)", r"_\1", cell.value or "") == saved


@settings(deadline=None)
@given(some.lists(some.integers() | some.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_xlsx_numbers_are_numbers_or_exact_text(numbers: list[float]) -> None:
    content, _ = made([[value] for value in numbers], ["a"], [])
    for value, (cell,) in zip(numbers, sheet(content).iter_rows(min_row=2), strict=True):
        assert cell.data_type in ("n", "s")
        if cell.data_type == "s":
            assert float(cell.value) == float(value)
            assert isinstance(value, float) or int(cell.value) == value
        else:
            assert cell.value == pytest.approx(value, rel=1e-14)


async def test_xlsx_totals_and_computed_columns(export: SimpleNamespace, data: Path) -> None:
    done = await export.create_xlsx(
        path="f.xlsx",
        columns=["Poste", "Qté", "PU", "Total HT", "Payé le"],
        rows=[["Étude", 3, "1 250,55 €", "2026-03-01"], ["Remise", 1, "-50", None], ["À voir", 2, "?", None]],
        types=["", "integer", "money EUR", "money EUR =[qté]*[PU]", "date"],
        totals=["Total HT", "Qté"],
        language="fr",
    )
    formulas, values = (openpyxl.load_workbook(data / "f.xlsx", data_only=only).active for only in (False, True))
    assert [cell.value for cell in formulas["D"]] == [
        "Total HT",
        "=ROUND(B2*C2,2)",
        "=ROUND(B3*C3,2)",
        None,
        "=SUBTOTAL(109,D2:D4)",
    ]
    assert [cell.value for cell in values["D"]] == ["Total HT", 3751.65, -50, None, 3701.65]
    assert [values["A5"].value, values["B5"].value, values["C5"].value] == ["Total", 6, None]
    assert values["A5"].font.b
    assert values["D5"].font.b
    assert values["D5"].number_format == values["D2"].number_format == '#,##0.00## "€"'
    assert values["E2"].number_format == "dd/mm/yyyy"
    assert values.auto_filter.ref == "A1:E4"  # the total is not sorted or filtered away
    assert done["rows"] == 3
    assert (
        "`Total HT` could not be computed, since a cell is not a number or a divisor is 0 (row 3)." in done["warnings"]
    )


async def test_xlsx_several_sheets(export: SimpleNamespace, data: Path) -> None:
    (data / "b.csv").write_text("Client;Montant\nDupont;12,50\n")
    done = await export.create_xlsx(
        path="f.xlsx",
        sheet="Clients",
        columns=["Nom"],
        rows=[["Dupont"]],
        more_sheets=[
            {"sheet": "Montants", "source": "b.csv", "types": ["", "money EUR"], "totals": ["Montant"]},
            {"sheet": "clients", "columns": ["n"], "rows": [[1], ["x"]], "types": ["integer"]},
        ],
    )
    book = openpyxl.load_workbook(data / "f.xlsx", data_only=True)
    assert book.sheetnames == ["Clients", "Montants", "clients 2"]
    assert [[cell.value for cell in row] for row in book["Montants"].rows] == [
        ["Client", "Montant"],
        ["Dupont", 12.5],
        ["Total", 12.5],
    ]
    assert (done["rows"], len(done["warnings"])) == (4, 1)
    assert done["warnings"][0].startswith("clients: Column `n` has cells that are not of the type integer")


async def test_xlsx_result_says_where_the_file_lies(export: SimpleNamespace, data: Path) -> None:
    done = await export.create_xlsx(path="a/f", columns=["x"], rows=[[1]])
    assert done["location"] == str(data / "a/f.xlsx")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("money EUR =[Prix]*2", "names a column that is not there: Prix"),
        ("=WEBSERVICE([a])", "is not a formula that can be computed"),
        ("=[a]**99999999", "is not a formula that can be computed"),
        ("=[a]+", "is not a formula that can be computed"),
        ("=1;2", "is not a formula that can be computed"),
        ("date =[a]", "A formula makes numbers, not the type date"),
    ],
)
async def test_xlsx_formula_refused(export: SimpleNamespace, refused: type[Exception], kind: str, message: str) -> None:
    with pytest.raises(refused, match=re.escape(message)):
        await export.create_xlsx(path="f", columns=["a", "b"], rows=[[1]], types=["", kind])


async def test_xlsx_total_of_a_column_that_is_not_there(export: SimpleNamespace, refused: type[Exception]) -> None:
    with pytest.raises(refused, match=r"There is no column 'Montant' to add up\. Columns: a\."):
        await export.create_xlsx(path="f", columns=["a"], rows=[[1]], totals=["Montant"])


@pytest.mark.parametrize("divisor", [0, None])
async def test_xlsx_formula_divided_by_nothing_is_empty(export: SimpleNamespace, data: Path, divisor: Any) -> None:
    done = await export.create_xlsx(
        path="f", columns=["a", "b", "c"], rows=[[1, divisor], [1, 8]], types=["", "", "decimal =([a]+2)/[b]"]
    )
    values = openpyxl.load_workbook(data / "f.xlsx", data_only=True).active
    assert [cell.value for cell in values["C"]] == ["c", None, 0.375]
    assert len(done["warnings"]) == 1
