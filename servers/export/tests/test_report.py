"""Markdown reports as PDF, read back with pypdf."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from PIL import Image
from pypdf import PdfReader

from flotilla_servers.export import report
from flotilla_servers.export.report import write_report
from flotilla_servers.export.style import page

MARKDOWN = """# Rapport d’activité — mars 2026

Le chiffre d’affaires atteint **1 234,50 €** (*+12,5 %*), voir [le site](https://example.com/a?b=1&c=2),
[la fin](#conclusion-finale), [ailleurs](autre.md) et `du code`. Œuvre, ~~barré~~, <b>html</b>.

## Points

- Premier
  - Imbriqué
    1. Profond
- [x] Fait

3. Trois
4. Quatre

   Suite de quatre

> Citation **grasse**
>
> > imbriquée

| Poste | Montant |
|:------|--------:|
| Conseil<br>sur site | 14 400,00 € |
| **Total** | 19 890,00 € |

```python
print("é")  # ├── arbre
```

---

## Conclusion finale

Fin.<!-- caché -->
"""


def text_of(reader: Any) -> str:
    return " ".join(" ".join(one.extract_text() for one in reader.pages).split()).replace("\u00a0", " ")


def built(markdown: str, folder: str = "", **look: Any) -> tuple[Any, Any]:
    out = io.BytesIO()
    look = {"title": "", "footer": "", "landscape": False, "language": "fr", **look}
    done = write_report(out, markdown, page(**look), folder, lambda: None)
    return PdfReader(out), done


async def test_report_contents(export: SimpleNamespace, data: Path) -> None:
    done = await export.create_report_pdf(path="r.pdf", markdown=MARKDOWN, footer="Confidentiel", language="fr")
    assert (done["pages"], done["warnings"]) == (1, ["HTML tags are not rendered: they stand as text. Use Markdown."])
    reader: Any = PdfReader(data / "r.pdf")
    text = text_of(reader)
    parts = ["Rapport d’activité — mars 2026", "1 234,50 €", "du code", "Œuvre", "barré", "<b>html</b>", "• Premier",
             "– Imbriqué", "1. Profond", "☑ Fait", "3. Trois", "4. Quatre", "Suite de quatre", "Citation grasse",
             "imbriquée", "Conseil sur site", "14 400,00 €", "Total", 'print("é") # ├── arbre', "Fin.", "Confidentiel",
             "Page 1 / 1"]  # fmt: skip
    assert [part for part in parts if part not in text] == []
    assert "caché" not in text
    assert reader.metadata
    assert (reader.metadata.title, reader.trailer["/Root"]["/Lang"]) == ("Rapport d’activité — mars 2026", "fr-FR")
    result = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]
    assert all("DejaVu" in font["/BaseFont"] and "/FontFile2" in font["/FontDescriptor"] for font in result)


def test_report_outline_and_links() -> None:
    reader, _ = built(MARKDOWN)
    (first, under) = reader.outline
    assert first.title == "Rapport d’activité — mars 2026"
    assert [entry.title for entry in under] == ["Points", "Conclusion finale"]
    links = [note.get_object() for note in reader.pages[0]["/Annots"]]
    assert {str(link["/A"]["/URI"]) for link in links if "/A" in link} == {"https://example.com/a?b=1&c=2"}
    assert len([link for link in links if "/Dest" in link]) == 1


def test_report_outline_may_skip_levels() -> None:
    reader, _ = built("### a\n\n# b\n\n###### c\n\n## \n\n# b\n")
    assert [entry.title for entry in reader.outline if not isinstance(entry, list)] == ["a", "b", "b"]


def test_report_title_and_running_head() -> None:
    many = "# Bilan\n\n" + "Un paragraphe.\n\n" * 80
    reader, done = built(many, title="Bilan")
    assert done.pages == len(reader.pages) == 3
    assert reader.pages[0].extract_text().count("Bilan") == 1  # not as title and as heading
    assert "Bilan" in reader.pages[1].extract_text()
    assert "Page 2 / 3" in reader.pages[1].extract_text()
    reader, _ = built(many, title="Rapport annuel", landscape=True)
    assert reader.pages[0].extract_text().count("Rapport annuel") == 1
    assert "Rapport annuel" in reader.pages[1].extract_text()
    assert reader.pages[0].mediabox.width > reader.pages[0].mediabox.height


@pytest.mark.slow
def test_report_headings_stay_with_their_content() -> None:
    rows = "| N | Montant |\n|---|--:|\n" + "".join(f"| ligne {i} | {i},00 € |\n" for i in range(60))
    for before in range(24, 40):
        reader, _ = built("Un paragraphe.\n\n" * before + "## Titre\n\n### Sous-titre\n\n" + rows)
        pages = [" ".join(one.extract_text().split()) for one in reader.pages]
        (on,) = [text for text in pages if "Sous-titre" in text]
        assert "Titre Sous-titre N Montant ligne 0 0,00 € ligne 1" in on
    # A long table begins where its heading stands, though it does not fit the page.
    reader, _ = built("Un paragraphe.\n\n" * 12 + "## Titre\n\n" + rows)
    assert "ligne 5 " in " ".join(reader.pages[0].extract_text().split())


def test_report_page_breaks() -> None:
    reader, _ = built("a\n\n<!-- pagebreak -->\n\nb\n\n<!-- rien -->\n\n<div>x</div>\n")
    assert len(reader.pages) == 2
    assert "<div>x</div>" in reader.pages[1].extract_text()


def picture(folder: Path, name: str, size: tuple[int, int], mode: str = "RGB", **options: Any) -> None:
    Image.new(mode, size, 128 if mode == "L" else None).save(folder / name, **options)


async def test_report_pictures(export: SimpleNamespace, data: Path) -> None:
    (data / "docs").mkdir()
    picture(data / "docs", "logo.png", (400, 100), "RGBA")
    exif = Image.Exif()
    exif[0x112] = 6  # held upright
    picture(data, "foto é.jpg", (4000, 3000), exif=exif)
    picture(data, "p.gif", (10, 10), "P")
    (data / "docs" / "r.md").write_text(
        "# T\n\n![Logo](logo.png)\n\n[![Photo](/foto%20é.jpg)](https://example.com) et du texte\n\n![](../p.gif)\n\n"
        "- ![dans une liste](logo.png)\n"
    )
    done = await export.create_report_pdf(path="r.pdf", source="docs/r.md")
    assert done["warnings"] == []
    reader: Any = PdfReader(data / "r.pdf")
    sizes = sorted(tuple(image.image.size) for one in reader.pages for image in one.images)
    assert len(sizes) == 4
    assert max(sizes)[0] <= 2200  # no more than 300 dots an inch
    assert any(high > wide for wide, high in sizes)  # the photograph was turned
    assert [part for part in ("Logo", "Photo", "et du texte", "dans une liste") if part not in text_of(reader)] == []
    assert done["bytes"] < 500_000


async def test_report_pictures_that_cannot_be_shown(export: SimpleNamespace, data: Path) -> None:
    (data / "x.svg").write_text("<svg/>")
    picture(data, "big.png", (5000, 4000), "L")
    text = (
        "![Loin](https://example.com/a.png) ![Rien](none.png) ![](x.svg) ![](../../etc/passwd) ![](big.png) ![](data:x)"
    )
    done = await export.create_report_pdf(path="r.pdf", markdown=text)
    assert done["warnings"] == [
        "The picture https://example.com/a.png was left out. It is not in the data folder.",
        "The picture none.png was left out. none.png does not exist.",
        "The picture x.svg was left out. It is not a PNG, JPEG, GIF, WebP, BMP or TIFF image that can be read.",
        "The picture ../../etc/passwd was left out. The path leads out of the data folder.",
        "The picture big.png was left out. It has 5000 × 4000 pixels, which is too many.",
    ]
    assert "Loin" in text_of(PdfReader(data / "r.pdf"))


def test_report_missing_glyphs_reported_or_from_another_font() -> None:
    reader, done = built("**ℵ** *ꙮ* `é日` \ufe0f😀 עברית")
    assert done.warnings[0].startswith("The PDF's font lacks these characters, which show as boxes: ")
    assert "日 (U+65E5)" in done.warnings[0]
    assert "😀" not in done.warnings[0]
    assert "\ufe0f" not in done.warnings[0]
    assert done.warnings[1].startswith("Arabic and Hebrew")
    assert "ℵ" in text_of(reader)


def test_report_no_line_breaks_inside_amounts() -> None:
    reader, _ = built("mot " * 25 + "1 234 567,89 € et " + "encore « cité » ; oui ! " * 30)
    lines = reader.pages[0].extract_text().splitlines()
    assert not [line for line in lines if line.strip().startswith(("234", "567", "€", ";", "!", "»"))]
    assert not [line for line in lines if line.strip().endswith("«")]


ROWS = "".join(f"| ligne {i} | {i},00 € |\n" for i in range(300))


@pytest.mark.parametrize(
    ("markdown", "least", "within"),
    [
        ("| N | Montant |\n|---|--:|\n" + ROWS, 7, "N Montant"),
        ("> > | N | Montant |\n> > |---|--:|\n" + "".join(f"> > {row}\n" for row in ROWS.splitlines()), 7, "N Montant"),
        ("| a | b |\n|---|---|\n| " + "mot " * 4000 + "| x |\n", 3, "a b"),
        ("```\n" + "\n".join(f"ligne {i}" for i in range(400)) + "\n```", 6, "ligne"),
        ("x" * 20_000, 3, "x"),
        ("# " + "mot " * 3000, 2, "mot"),
        ("\n".join("  " * i + f"- niveau {i}" for i in range(30)), 1, "niveau 29"),
        (">" * 30 + " fond", 1, "fond"),
        ("|" + "a|" * 40 + "\n|" + "---|" * 40 + "\n|" + "valeur|" * 40, 1, ""),
        ("", 1, "Page 1 / 1"),
        ("\x00 \u202e & <a href=x", 1, "&"),
    ],
)
def test_report_extremes(markdown: str, least: int, within: str) -> None:
    reader, done = built(markdown)
    assert done.pages == len(reader.pages) >= least
    assert all(within in " ".join(one.extract_text().split()) for one in list(reader.pages)[:least])


def test_report_too_long_refused() -> None:
    with pytest.raises(Exception, match=r"The report has 1000001 characters; 1000000 is the most\."):
        built("x" * (report.MOST_CHARACTERS + 1))
    with pytest.raises(Exception, match="A line has more than 50000 characters"):
        built("a\n\n" + "[" * 60_000)


def test_report_deterministic() -> None:
    """The same report gives the same bytes."""

    def once() -> bytes:
        out = io.BytesIO()
        write_report(out, MARKDOWN, page("T", "f", False, "fr"), "", lambda: None)
        return out.getvalue()

    assert once() == once()


async def test_report_markdown_or_source_required(
    export: SimpleNamespace, data: Path, refused: type[Exception]
) -> None:
    (data / "latin.md").write_bytes("été".encode("latin-1"))
    for arguments, says in (
        ({}, "Neither markdown nor source"),
        ({"markdown": "  "}, "Neither markdown nor source"),
        ({"markdown": "x", "source": "a.md"}, "Both markdown and source"),
        ({"source": "latin.md"}, r"latin\.md is not valid UTF-8 text"),
        ({"source": "none.md"}, "does not exist"),
    ):
        with pytest.raises(refused, match=says):
            await export.create_report_pdf(path="r.pdf", **arguments)


blocks = some.sampled_from(
    [
        "# t", "- a\n  - b", "1. x", "> q", "> - q\n>   > r", "```\ncode", "| a | b |\n|---|:-:|\n| c |", "---", "<br>",
        "<p>", "<!-- x -->", "![x](y.png)", "[l](#t)", "**b *i* `c`**", "~~s~~", "a\\\nb", "[x]: /u", "    indented",
        "* * *", "- [ ] x", "-\n\n  p",
    ]
)  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.lists(blocks | some.text(max_size=60), max_size=12), some.sampled_from(["\n\n", "\n", " ", "\n> ", "\n  "]))
def test_report_from_any_markdown(data: Path, parts: list[str], between: str) -> None:
    reader, done = built(between.join(parts))
    assert len(reader.pages) == done.pages >= 1
