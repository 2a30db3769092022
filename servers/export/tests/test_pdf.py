"""Tables as PDF, read back with pypdf."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pypdf import PdfReader

from flotilla_servers.export import fonts
from flotilla_servers.export.pdf_table import wrapped, write_pdf
from flotilla_servers.export.server import server
from flotilla_servers.export.style import LANGUAGES, page, shared
from flotilla_servers.export.table import table

INVOICES: list[list[Any]] = [
    ["2026-03-01", "Société Générale d’Électricité", "1 234,50", True, "2026-03-01T09:30:00+01:00"],
    ["2026-03-02", "Café Œuvre — « naïf »", -5, False, None],
]
HEADINGS = ["Date", "Client", "Montant", "Payé", "Heure"]
TYPES = ["date", "", "money EUR", "boolean", "datetime"]


def text_of(reader: Any, number: int = 0) -> str:
    return " ".join(reader.pages[number].extract_text().split())


def fonts_of(reader: Any) -> dict[str, bool]:
    """Font names, and whether the font file is inside."""
    result = {}
    for one in reader.pages:
        for font in one["/Resources"]["/Font"].values():
            about = font.get_object()
            result[str(about["/BaseFont"])] = "/FontFile2" in about.get("/FontDescriptor", {})
    return result


def pdf(rows: list[list[Any]], columns: list[str], types: list[str] | None = None, **look: Any) -> tuple[Any, Any]:
    out = io.BytesIO()
    done = write_pdf(
        out,
        table(columns, rows, None, types),
        page(look.get("title", ""), look.get("footer", ""), look.get("wide", False), look.get("language", "en")),
    )
    return PdfReader(out), done


async def test_pdf_french_table(export: SimpleNamespace, data: Path) -> None:
    done = await export.create_pdf(
        path="factures.pdf",
        columns=HEADINGS,
        rows=INVOICES,
        types=TYPES,
        title="Factures émises",
        footer="Atelier Dupont",
        language="fr",
    )
    assert (done["rows"], done["pages"], done["warnings"]) == (2, 1, [])
    reader: Any = PdfReader(data / "factures.pdf")
    text = text_of(reader)
    parts = ["Factures émises", "Société Générale d’Électricité", "Café Œuvre — « naïf »", "01/03/2026", "1 234,50 €"]
    parts += ["-5,00 €", "01/03/2026 09:30 +01:00", "oui", "non", "Atelier Dupont", "Page 1 / 1"]
    assert [part for part in parts if part not in text] == []
    assert reader.metadata
    assert (reader.metadata.title, reader.trailer["/Root"]["/Lang"]) == ("Factures émises", "fr-FR")
    names = fonts_of(reader)
    assert all(names.values()), names
    assert all("DejaVuSansCondensed" in name for name in names)


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        ("en", ["2026-03-01", "€1,234.50", "-€5.00", "yes", "Page 1 / 1"]),
        ("de", ["01.03.2026", "1.234,50 €", "-5,00 €", "ja", "Seite 1 / 1"]),
        ("es", ["01/03/2026", "1.234,50 €", "sí", "Página 1 / 1"]),
        ("it", ["01/03/2026", "sì", "Pagina 1 / 1"]),
    ],
)
def test_pdf_languages(language: str, parts: list[str]) -> None:
    reader, _ = pdf(INVOICES, HEADINGS, TYPES, language=language)
    text = text_of(reader).replace("\u00a0", " ")
    assert [part for part in parts if part not in text] == []


def test_pdf_pages_repeat_heading_and_title() -> None:
    rows = [[i, f"Ligne {i}"] for i in range(150)]
    reader, done = pdf(rows, ["N°", "Libellé"], ["integer"], title="Grand livre")
    assert done.pages == len(reader.pages) == 4
    for number in range(4):
        text = text_of(reader, number)
        assert "N° Libellé" in text
        assert "Grand livre" in text
        assert f"Page {number + 1} / 4" in text
    result = re.findall(r"Ligne (\d+)", " ".join(text_of(reader, n) for n in range(4)))
    assert result == [str(i) for i in range(150)]


def test_pdf_landscape() -> None:
    reader, _ = pdf(INVOICES, HEADINGS, TYPES, wide=True)
    assert [round(float(x)) for x in reader.pages[0].mediabox[2:]] == [842, 595]


def test_pdf_long_cells_wrapped_across_pages() -> None:
    terms = [f"mot{i}" for i in range(2500)]
    reader, done = pdf([["a", " ".join(terms)], ["b", "x" * 1000], ["c", "1\n2\n\n3"]], ["Clé", "Texte"])
    text = "".join(text_of(reader, n) for n in range(done.pages))
    assert re.findall(r"mot(\d+)", text) == [str(i) for i in range(2500)]
    assert text.count("x") >= 1000
    assert done.warnings == []
    assert done.pages > 1


def test_pdf_oversized_cell_cut_with_warning() -> None:
    """The warning names the row."""
    _, done = pdf([["a", "mot " * 20_000]], ["Clé", "Texte"])
    assert done.warnings == ["Texts of more than 400 lines were cut (row 1)."]


def test_pdf_missing_glyphs_and_right_to_left_reported() -> None:
    _, done = pdf([["日本語 ok"], ["עברית"]], ["é"])
    assert done.warnings == [
        "The PDF's font lacks these characters, which show as boxes: 日 (U+65E5) 本 (U+672C) 語 (U+8A9E).",
        "Arabic and Hebrew text is drawn from left to right and unjoined: it will not read well.",
    ]
    _, done = pdf([["x"]], ["列"], title="題", footer="脚")
    assert done.warnings == [
        "The PDF's font lacks these characters, which show as boxes: 列 (U+5217) 脚 (U+811A) 題 (U+984C)."
    ]


def test_pdf_invisible_characters_not_reported() -> None:
    reader, done = pdf([["a\u200bb\u00adc\u202ed\ufe0f"], ["e\u0301"]], ["x"])
    assert done.warnings == []
    assert "abcd é" in text_of(reader)


def test_pdf_many_columns() -> None:
    reader, done = pdf([list(range(24))], [f"C{i}" for i in range(24)])
    assert "C0 C1 C2" in text_of(reader)
    assert done.warnings == []
    _, done = pdf([["mot" * 5] * 22], [f"Colonne{i}" for i in range(22)])
    assert done.warnings == ["Columns are narrow and words are broken. Pass landscape=true, or leave columns out."]
    with pytest.raises(Exception, match=r"30 columns do not fit the page; 24 do\. Pass landscape=true"):
        pdf([list(range(30))], [f"C{i}" for i in range(30)])
    with pytest.raises(Exception, match="Leave columns out, or use export_create_xlsx"):
        pdf([list(range(60))], [f"C{i}" for i in range(60)], wide=True)


def test_pdf_empty_table_and_odd_titles() -> None:
    reader, done = pdf([], ["A", "B"])
    assert (done.rows, done.pages, text_of(reader)) == (0, 1, "A B Page 1 / 1")
    reader, done = pdf([], ["A"], title="mot " * 70)
    assert done.pages == 1
    with pytest.raises(Exception, match="Title and heading fill the page"):
        pdf([], ["A"], title="mot " * 2000)


def test_pdf_deterministic() -> None:
    """The same table gives the same bytes."""

    def once() -> bytes:
        out = io.BytesIO()
        write_pdf(out, table(HEADINGS, INVOICES, None, TYPES), page("Été", "", False, "fr"))
        return out.getvalue()

    assert once() == once()


def test_pdf_font_fallback_without_dejavu() -> None:
    """In a process of its own, since a font once registered stays."""
    assert (fonts.folders()[0] / "DejaVuSansCondensed.ttf").is_file()
    assert fonts.ready() == ""
    code = """if True:
        import sys
        from flotilla_servers.export import fonts
        places = fonts.folders()
        fonts.folders = lambda: places[-1:]
        from flotilla_servers.export.pdf_table import write_pdf
        from flotilla_servers.export.style import page
        from flotilla_servers.export.table import table
        with open(sys.argv[1], "wb") as out:
            done = write_pdf(out, table(["A"], [["été 12 €"]], None, None), page("", "", False, "en"))
        assert done.warnings == [fonts._SMALL], done
    """
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        subprocess.run([sys.executable, "-c", code, file.name], check=True, timeout=60)
        reader = PdfReader(file.name)
        assert all("Vera" in name and inside for name, inside in fonts_of(reader).items())
        assert "été 12 €" in text_of(reader)


@given(
    some.floats(50, 800),
    some.lists(some.tuples(some.floats(5, 3000), some.floats(5, 400)), min_size=1, max_size=20),
)
def test_pdf_column_widths_fit(room: float, columns: list[tuple[float, float]]) -> None:
    natural = [max(n, w) for n, w in columns]
    got = shared(room, natural, [w for _, w in columns])
    assert sum(got) <= room + 0.01
    assert min(got) > 0
    if sum(natural) <= room:
        assert all(g >= n - 0.01 for g, n in zip(got, natural, strict=True))
    elif sum(natural) > room:
        assert sum(got) == pytest.approx(room)


@settings(deadline=None)
@given(some.text(some.characters(exclude_categories=["Cs", "Cc"]), max_size=300), some.floats(1000, 60_000))
def test_pdf_wrapping_loses_only_spaces(text: str, room: float) -> None:
    fonts.ready()
    chars = fonts.Widths(fonts.REGULAR)
    lines = wrapped(text, room, chars)
    assert "".join("".join(lines).split(" ")) == "".join(text.split(" "))
    assert all(chars.of(line) <= room or len(line) == 1 for line in lines)


def test_pdf_languages_have_words() -> None:
    assert set(LANGUAGES) == {"en", "fr", "de", "es", "it"}


def test_pdf_replaces_signs_missing_from_the_font() -> None:
    """✅ and ❌ are the signs that models write most."""
    reader, done = pdf([["✅ fait", "❌ non ⭐"]], ["a", "b"])
    assert "✔ fait ✘ non ★" in text_of(reader)
    assert done.warnings == []


async def test_pdf_totals_in_the_language_of_the_user(
    export: SimpleNamespace, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPORT_LANGUAGE", "de")
    server.reset()
    done = await export.create_pdf(
        path="a", columns=["Kunde", "Betrag"], rows=[["A", "1000.50"], ["B", 2]], types=["", "money EUR"],
        totals=["Betrag"],
    )  # fmt: skip
    text = PdfReader(data / "a.pdf").pages[0].extract_text()
    assert "1.002,50" in text
    assert "Summe" in text
    assert done["rows"] == 2
