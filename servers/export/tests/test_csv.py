"""CSV: dialects, types, and nothing in it that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from flotilla_servers.export.csv_file import DIALECTS, write_csv
from flotilla_servers.export.table import table

ROWS: list[list[Any]] = [
    ["2026-03-01", "Café Œuvre, été", "1 234,50 €", True, "2026-03-01T09:30:00+01:00", 12345678901234567890],
    ["2026-03-02", 'dit "Zoé"\nParis', -5, False, None, 0.1],
]
COLUMNS = ["Date", "Client", "Montant", "Payé", "Heure", "Nombre"]
TYPES = ["date", "", "money EUR", "boolean", "datetime"]


async def test_csv_dialects(export: SimpleNamespace, data: Path) -> None:
    texts = {}
    for dialect in DIALECTS:
        done = await export.create_csv(path=f"{dialect}.csv", columns=COLUMNS, rows=ROWS, types=TYPES, dialect=dialect)
        assert (done["rows"], done["warnings"]) == (2, [])
        texts[dialect] = (data / f"{dialect}.csv").read_bytes().decode()
    assert texts["comma"] == (
        "Date,Client,Montant,Payé,Heure,Nombre\r\n"
        '2026-03-01,"Café Œuvre, été",1234.50,true,2026-03-01T09:30:00+01:00,12345678901234567890\r\n'
        '2026-03-02,"dit ""Zoé""\nParis",-5,false,,0.1\r\n'
    )
    assert texts["semicolon"].splitlines()[1] == (
        "2026-03-01;Café Œuvre, été;1234,50;true;2026-03-01T09:30:00+01:00;12345678901234567890"
    )
    assert texts["excel_fr"] == "\ufeff" + texts["semicolon"]
    assert texts["excel"] == "\ufeff" + texts["comma"]
    assert texts["tab"].startswith("Date\tClient\t")


async def test_formula_guard_reported_in_warnings(export: SimpleNamespace, data: Path) -> None:
    rows = [
        ['=HYPERLINK("http://evil","x")', -5, "-5"],
        ["@SUM(A1)", 1, "-2+3+cmd|' /C calc'!A0"],
        ["Zoé", 2, "+33 6 12"],
    ]
    done = await export.create_csv(path="a.csv", columns=["=A", "b", "c"], rows=rows)
    assert list(csv.reader((data / "a.csv").read_text().splitlines())) == [
        ["'=A", "b", "c"],
        ['\'=HYPERLINK("http://evil","x")', "-5", "-5"],
        ["'@SUM(A1)", "1", "'-2+3+cmd|' /C calc'!A0"],
        ["Zoé", "2", "+33 6 12"],
    ]
    assert done["warnings"] == [
        "Text that a spreadsheet would take for a formula got an apostrophe in front (4 times, first in the heading)."
    ]


def written(rows: list[list[Any]], dialect: str) -> list[list[str]]:
    out = io.BytesIO()
    write_csv(out, table(["a"], rows, None, None), DIALECTS[dialect])
    text = out.getvalue().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=DIALECTS[dialect].delimiter))[1:]


starts = some.sampled_from(
    ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\u00a0=", "\0=", "\u2060=", "\ufeff\xad=", "＝", "＋", "－", "＠", ""]
)
texts = some.text(some.characters(exclude_categories=["Cs"]), max_size=30)


@given(starts, texts, some.sampled_from(list(DIALECTS)))
@example("=", "1+1", "comma")
@example("-", "5", "comma")
@example("\t", "=1", "tab")
def test_formula_guard_prevents_execution_and_loses_no_text(start: str, rest: str, dialect: str) -> None:
    """A spreadsheet runs no text, and no text is lost."""
    text = start + rest
    (got,) = written([[text]], dialect) or [[""]]  # a lone empty cell is a blank line
    back = got[0] if got else ""
    assert back in (text, "'" + text)
    assert back.lstrip(" \u00a0\0\u2060\ufeff\xad")[:1] not in tuple("=\t\r\n＝＋－＠")
    if back[:1] in ("+", "-", "@"):
        assert not re.search(r"[=+!|\[\]{}&<>\"#*^~\\\t\r\n]", back[1:])
        assert "(" not in back or not re.search(r"[^\W\d_]", back[:-3]) or not re.search(r"\w\s*\(", back)


@pytest.mark.parametrize(
    "text",
    ["+33 6 12 34 56 78", "-12,50 €", "-5 %", "+1 (555) 010-0000", "-12,50 EUR", "-€12.50", "-1 250,50", "+1/2"],
)
def test_formula_guard_leaves_signed_figures(text: str) -> None:
    """A sign before figures calls nothing: phone numbers and negative amounts reach every program unchanged."""
    for dialect in DIALECTS:
        assert written([[text]], dialect) == [[text]]


@pytest.mark.parametrize("text", ["- item", "@handle", "+ une idée", "- note: l’été", "-- fin"])
def test_formula_guard_words_for_excel_only(text: str) -> None:
    """Excel shows #NAME? for plain words behind a sign; other programs take them as they are."""
    for dialect in ("comma", "semicolon", "tab"):
        assert written([[text]], dialect) == [[text if text != "-- fin" else "'-- fin"]]
    for dialect in ("excel", "excel_fr"):
        assert written([[text]], dialect) == [["'" + text]]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "@SUM(A1)", "-SUM(1)", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "-A1", "+$B$2", "@A1",
        "-(HYPERLINK)(1)", "-Sheet!A1", "+[x.xlsx]S!A1", "-a&b", "+a=b", "＝1", "－1", " =1", "\t-1", "-\n1", "+1+1",
        "-EUR(1)", "-1EUR(1)", "+1 EUR!A1", "-12(ABC)", "@a\t=1",
    ],
)  # fmt: skip
def test_formula_guard_always_for_possible_calls(text: str) -> None:
    """What may call something is guarded in every dialect."""
    for dialect in DIALECTS:
        assert written([[text]], dialect) == [["'" + text]]


async def test_formula_guard_can_be_disabled_for_programs(
    export: SimpleNamespace, data: Path, refused: type[Exception]
) -> None:
    done = await export.create_csv(path="a.csv", columns=["=a"], rows=[["=1+1"], ["@b"]], guard=False)
    assert (data / "a.csv").read_text() == "=a\n=1+1\n@b\n"
    assert done["warnings"] == []
    with pytest.raises(refused, match="always guarded"):
        await export.create_csv(path="b.csv", columns=["a"], rows=[["=1"]], guard=False, dialect="excel")


async def test_formula_guard_round_trip_keeps_texts_and_amounts(export: SimpleNamespace, data: Path) -> None:
    """What one export made harmless the next one reads as it was; negative amounts add up."""
    rows = [["=1+1", "-12,50 €"], ["- item", "(3,00)"], ["it's", "4,00"], ["'tis", "-1 250,00 €"]]
    await export.create_csv(path="a.csv", columns=["=t", "m"], rows=rows, dialect="excel_fr")
    done = await export.create_xlsx(path="b.xlsx", source="a.csv", types=["", "money EUR"])
    sheet = openpyxl.load_workbook(data / "b.xlsx").active
    assert [[cell.value for cell in row] for row in sheet] == [
        ["=t", "m"], ["=1+1", -12.5], ["- item", -3], ["it's", 4], ["'tis", -1250],
    ]  # fmt: skip
    assert done["warnings"] == [
        "Text that a CSV export had made harmless lost the apostrophe in front of it (2 times, first in row 1)."
    ]


@given(some.integers() | some.floats(allow_nan=False, allow_infinity=False))
def test_formula_guard_never_on_numbers(value: float) -> None:
    ((got,),) = written([[value]], "comma")
    assert float(got) == float(value)
    ((french,),) = written([[value]], "semicolon")
    assert french == got.replace(".", ",")


async def test_csv_unwritable_characters_reported(export: SimpleNamespace, data: Path) -> None:
    """The warning names the rows."""
    (data / "in.jsonl").write_text('{"a": "x\\ud83dy"}')
    done = await export.create_csv(path="a.csv", source="in.jsonl")
    assert (data / "a.csv").read_text() == "a\nx?y\n"
    assert done["warnings"] == ["Halves of characters, which no file can hold, became question marks (row 1)."]


async def test_csv_computed_column_of_a_source(export: SimpleNamespace, data: Path) -> None:
    (data / "in.csv").write_text("Produit;Prix;Qté\nPain;4,50;10\n")
    await export.create_csv(
        path="out", source="in.csv", columns=["Produit", "Qté", "Prix", "Total"],
        types=["", "integer", "money EUR", "money EUR =[Prix]*[Qté]"],
    )  # fmt: skip
    assert (data / "out.csv").read_text() == "Produit,Qté,Prix,Total\nPain,10,4.50,45.00\n"
