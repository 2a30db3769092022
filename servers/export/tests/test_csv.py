"""CSV: dialects, types, and nothing in it that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flotilla_servers.export.csv_file import DIALECTS, risky, write_csv
from flotilla_servers.export.table import table
from hypothesis import example, given
from hypothesis import strategies as some

ROWS: list[list[Any]] = [
    ["2026-03-01", "Café Œuvre, été", "1 234,50 €", True, "2026-03-01T09:30:00+01:00", 12345678901234567890],
    ["2026-03-02", 'dit "Zoé"\nParis', -5, False, None, 0.1],
]
COLUMNS = ["Date", "Client", "Montant", "Payé", "Heure", "Nombre"]
TYPES = ["date", "", "money EUR", "boolean", "datetime"]


async def test_dialects(export: SimpleNamespace, data: Path) -> None:
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


async def test_the_guard_says_what_it_did(export: SimpleNamespace, data: Path) -> None:
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
        ["Zoé", "2", "'+33 6 12"],
    ]
    assert done["warnings"] == [
        "Text that a spreadsheet would take for a formula got an apostrophe in front (5 times, first in the heading)."
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
def test_no_text_runs_and_none_is_lost(start: str, rest: str, dialect: str) -> None:
    text = start + rest
    (got,) = written([[text]], dialect) or [[""]]  # a lone empty cell is a blank line
    back = got[0] if got else ""
    assert back in (text, "'" + text)
    plain_number = back.strip("+-").replace(",", ".").replace(".", "", 1).isascii() and back.lstrip("+-")[:1].isdigit()
    assert back.lstrip(" \u00a0\0\u2060\ufeff\xad")[:1] not in tuple("=@\t\r\n＝＋－＠")
    if back[:1] in ("+", "-"):
        assert plain_number
        assert not risky(text)


@given(some.integers() | some.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_never_guarded(value: float) -> None:
    ((got,),) = written([[value]], "comma")
    assert float(got) == float(value)
    ((french,),) = written([[value]], "semicolon")
    assert french == got.replace(".", ",")
