"""Rows from files of the data folder."""

from __future__ import annotations

import csv
import json
import re
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from flotilla_servers.export import sources

FRENCH = "Date;Client;Montant\n2026-03-01;Société Générale;1 234,50\n\n2026-03-02;Café Œuvre;5,234\n"


def lines(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
async def test_csv_source_as_saved_by_excel(export: SimpleNamespace, data: Path, encoding: str) -> None:
    (data / "in.csv").write_bytes(FRENCH.encode(encoding))
    done = await export.create_csv(path="out.csv", source="in.csv", types=["date", "", "money EUR"])
    assert done["rows"] == 2
    assert lines(data / "out.csv") == [
        ["Date", "Client", "Montant"],
        ["2026-03-01", "Société Générale", "1234.50"],
        ["2026-03-02", "Café Œuvre", "5.234"],
    ]


async def test_source_columns_selected_and_ordered(
    export: SimpleNamespace, data: Path, refused: type[Exception]
) -> None:
    (data / "in.csv").write_text(FRENCH)
    await export.create_csv(path="out.csv", source="in.csv", columns=["Montant", "Client"], types=["decimal"])
    assert lines(data / "out.csv")[:2] == [["Montant", "Client"], ["1234.50", "Société Générale"]]
    with pytest.raises(refused, match=r"in\.csv has no column 'Nom'\. Available columns: Date, Client, Montant\."):
        await export.create_csv(path="b.csv", source="in.csv", columns=["Nom"])


@pytest.mark.parametrize("ending", ["json", "jsonl"])
async def test_json_source(export: SimpleNamespace, data: Path, ending: str) -> None:
    records: list[dict[str, Any]] = [
        {"id": 12345678901234567890, "nom": "Œ", "prix": 0.1, "ok": True, "vide": None},
        {"id": 2, "nom": "b", "tags": ["x"], "prix": 1e2},
    ]
    text = json.dumps(records, indent=1) if ending == "json" else "\n".join(map(json.dumps, records)) + "\n\n"
    (data / f"in.{ending}").write_text(text)
    done = await export.create_csv(path="out.csv", source=f"in.{ending}")
    assert lines(data / "out.csv") == [
        ["id", "nom", "prix", "ok", "vide", "tags"],
        ["12345678901234567890", "Œ", "0.1", "true", "", ""],
        ["2", "b", "100.0", "", "", '["x"]'],
    ]
    done = await export.create_csv(path="two.csv", source=f"in.{ending}", columns=["tags", "nmo", "nom"])
    assert lines(data / "two.csv")[2] == ['["x"]', "", "b"]
    assert done["warnings"] == [f"No record of in.{ending} has `nmo`: that column is empty."]


async def test_json_source_arrays_need_headings(export: SimpleNamespace, data: Path, refused: type[Exception]) -> None:
    (data / "in.json").write_text("[[1, 2], [3]]")
    with pytest.raises(refused, match="There are no columns"):
        await export.create_csv(path="out.csv", source="in.json")
    done = await export.create_csv(path="out.csv", source="in.json", columns=["a", "b"])
    assert lines(data / "out.csv") == [["a", "b"], ["1", "2"], ["3", ""]]
    assert done["warnings"] == ["Rows with fewer cells than columns were filled with empty cells (row 2)."]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.json", b'{"items": []}', "not an array of rows"),
        ("a.json", b'[{"a": 1}, 2]', "row 2 is neither an array nor an object"),
        ("a.json", b'[{"a": 1}, {"a": ', "row 2 is broken, cut off or too big"),
        ("a.json", b"[", "broken"),
        ("a.jsonl", b'{"a": 1}\n5\n', "line 2 is neither"),
        ("a.jsonl", b'{"a": 1}\n{"a"\n', "cannot be read"),
        ("a.csv", b"", "has no header line|no columns"),
        ("a.csv", b"a,b\n1,2,3\n", "Row 1 has 3 cells, but there are 2 columns"),
        ("a.csv", b'a,b\n"' + b"x" * 200_000, "a quotation mark is opened and never closed"),
        ("a.csv", b'a,b\n1,"2\n3,4\n5,6\n', "never closed"),
        ("a.csv", b"a,b\n1," + b"x" * (2**22 + 1) + b"\n", "cannot be read"),
        ("a.csv", b"a,b\n\x81\xff,2\n", "cannot be read"),
        ("a.xlsx", b"PK", "does not have the name of a CSV or JSON file"),
    ],
)
async def test_source_broken_refused(
    export: SimpleNamespace, data: Path, refused: type[Exception], name: str, content: bytes, says: str
) -> None:
    (data / name).write_bytes(content)
    with pytest.raises(refused, match=says):
        await export.create_csv(path="out.csv", source=name)
    assert [p.name for p in data.iterdir() if p.name != ".flotilla"] == [name]


async def test_source_missing_or_outside_refused(export: SimpleNamespace, data: Path, refused: type[Exception]) -> None:
    for source in ("none.csv", "../etc/passwd.csv", "/etc/x.csv"):
        with pytest.raises(refused):
            await export.create_csv(path="out.csv", source=source)
    with pytest.raises(refused, match="Both rows and source"):
        await export.create_csv(path="out.csv", source="in.csv", columns=["a"], rows=[["x"]])


async def test_source_replaced_by_its_own_export(export: SimpleNamespace, data: Path, agreed: Any) -> None:
    (data / "in.csv").write_text(FRENCH)
    await agreed(export.create_csv, path="in.csv", source="in.csv", overwrite=True)
    assert lines(data / "in.csv")[1] == ["2026-03-01", "Société Générale", "1 234,50"]


values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(), lambda s: some.lists(s, max_size=3), max_leaves=5
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=some.lists(some.lists(values, max_size=5), max_size=40), chunk=some.integers(1, 50))
def test_json_source_streaming_equals_parsing_whole(
    data: Path, monkeypatch: pytest.MonkeyPatch, rows: list[Any], chunk: int
) -> None:
    monkeypatch.setattr(sources, "_CHUNK", chunk)
    (data / "s.json").write_text(json.dumps(rows, ensure_ascii=False).encode("utf-8", "replace").decode(), "utf-8")
    assert list(sources.opened("s.json").rows()) == json.loads(
        (data / "s.json").read_text("utf-8"), parse_float=Decimal
    )


@pytest.mark.parametrize(
    ("header", "delimiter"), [("a,b", ","), ('"x;y;z",b,c', ","), ("a;b", ";"), ("a\tb", "\t"), ("a|b", "|")]
)
def test_csv_source_delimiters(data: Path, header: str, delimiter: str) -> None:
    (data / "d.csv").write_text(f"\n{header}\n1\n")
    assert sources.opened("d.csv").delimiter == delimiter


@pytest.mark.parametrize("ending", ["json", "jsonl"])
async def test_json_source_keeps_all_keys(export: SimpleNamespace, data: Path, ending: str) -> None:
    """Sparse records are what APIs return: the columns are all keys, in the order in which they first appear."""
    records: list[dict[str, Any]] = [{"a": 1, "b": {"c": 2}}, {"a": "x"}, {"z": 3, "a": 4}]
    text = json.dumps(records) if ending == "json" else "\n".join(map(json.dumps, records))
    (data / f"in.{ending}").write_text(text)
    done = await export.create_csv(path="out.csv", source=f"in.{ending}")
    assert lines(data / "out.csv") == [["a", "b", "z"], ["1", '{"c":2}', ""], ["x", "", ""], ["4", "", "3"]]
    assert done["warnings"] == []


async def test_json_source_nan_stays_text(export: SimpleNamespace, data: Path) -> None:
    (data / "in.json").write_text('[{"a": NaN, "b": -Infinity}]')
    await export.create_csv(path="out.csv", source="in.json")
    assert lines(data / "out.csv")[1] == ["NaN", "-Infinity"]


async def test_csv_source_duplicate_column_names(export: SimpleNamespace, data: Path) -> None:
    (data / "in.csv").write_text("a,a,b\n1,2,3\n")
    await export.create_csv(path="out.csv", source="in.csv")
    assert lines(data / "out.csv") == [["a", "a", "b"], ["1", "2", "3"]]
    await export.create_csv(path="two.csv", source="in.csv", columns=["b", "a"])
    assert lines(data / "two.csv") == [["b", "a"], ["3", "1"]]


async def test_csv_source_selected_columns_still_check_rows(
    export: SimpleNamespace, data: Path, refused: type[Exception]
) -> None:
    (data / "long.csv").write_text("a,b\n1,2,3\n")
    with pytest.raises(refused, match="Row 1 has 3 cells, but there are 2 columns"):
        await export.create_csv(path="out.csv", source="long.csv", columns=["b"])
    (data / "short.csv").write_text("a,b\n1\n")
    done = await export.create_csv(path="out.csv", source="short.csv", columns=["b"])
    assert done["warnings"] == ["Rows with fewer cells than columns were filled with empty cells (row 1)."]


async def test_csv_source_long_cells(export: SimpleNamespace, data: Path) -> None:
    (data / "in.csv").write_text("a,b\n1," + "x" * 200_000 + "\n")
    assert (await export.create_csv(path="out.csv", source="in.csv"))["rows"] == 1


async def test_csv_source_sep_line(export: SimpleNamespace, data: Path) -> None:
    """`sep=;` is what Excel itself writes and understands."""
    (data / "in.csv").write_bytes(b"\xef\xbb\xbfsep=;\r\nNom;Montant\r\nZo\xc3\xa9;1,5\r\n")
    done = await export.create_csv(path="out.csv", source="in.csv", types=["", "decimal"])
    assert lines(data / "out.csv") == [["Nom", "Montant"], ["Zoé", "1.5"]]
    assert done["warnings"] == []


@pytest.mark.parametrize(
    "title", ["Relevé de compte au 31/03", "Relevé de compte, mars", "Compte 12\n\nTitulaire: Zoé"]
)
async def test_csv_source_titles_above_column_names(export: SimpleNamespace, data: Path, title: str) -> None:
    (data / "in.csv").write_text(f"{title}\n\nDate;Libellé;Montant\n01/03/2026;Loyer;-800,00\n02/03/2026;Eau;-12,5\n")
    done = await export.create_csv(path="out.csv", source="in.csv", types=["date dd/mm/yyyy", "", "money EUR"])
    assert lines(data / "out.csv")[:2] == [["Date", "Libellé", "Montant"], ["2026-03-01", "Loyer", "-800.00"]]
    (warning,) = done["warnings"]
    assert re.search(r"above the column names, were left out: (Relevé|Compte 12 / Titulaire)", warning)


@pytest.mark.parametrize(
    "content", ["Montant\n12,5\n3,25\n", "Nom\nDupont, Jean\nRoy, Luc\n", "Note\nun; deux; 3\nx\n"]
)
async def test_csv_source_single_column_not_split(export: SimpleNamespace, data: Path, content: str) -> None:
    (data / "in.csv").write_text(content)
    await export.create_csv(path="out.csv", source="in.csv")
    assert [row[0] for row in lines(data / "out.csv")] == content.splitlines()
