"""What each tool sends, what it makes of the answer, and what of Markdown comes back from a document."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla import errors
from flotilla_servers.google_docs.content import page_of
from flotilla_servers.google_docs.parsing import blocks_of
from flotilla_servers.google_docs.reading import markdown_of
from flotilla_servers.google_docs.tests.fake import FakeDocument
from flotilla_servers.google_docs.writing import requests_of
from flotilla_testing import Response, Session

HOME = "https://docs.googleapis.com/v1/documents"
ID = "195j9eDD3ccgjQRttHhJPymLJUCOUjs"
WHOLE = """# Compte rendu

Vu avec **Marie *Dupont*,** et [l'offre](https://example.org/a%28b%29) `x=1` à 2 \\* 3, ~~barré~~ 👩 fin.

- un
    - sous **gras**
        - plus bas
- deux

## Suite

1. premier
2. second

| **Nom** | **Total** |
|---|---|
| Marie \\| Co | 12 [€](https://example.org) |

```
def f():
    return 1
```

Fin."""


def through(markdown: str) -> tuple[str, set[str]]:
    """Write Markdown into an empty document and read it back."""
    lost, document = set[str](), FakeDocument()
    document.run(requests_of(blocks_of(markdown, lost), 1))
    return markdown_of(document.document(), lost), lost


def test_markdown_document_round_trip() -> None:
    result, lost = through(WHOLE)
    assert result == WHOLE
    assert lost == set()


@pytest.mark.parametrize(
    "markdown",
    [
        "a",
        "# Titre\n\ntexte",
        "texte\n\n- a\n- b\n\ntexte",
        "- a\n\ntexte\n\n1. b",
        "| **A** |\n|---|\n| b |",
        "x\n\n| **A** | **B** |\n|---|---|\n| b |  |\n| d | e |\n\ny",
        "| **A** |\n|---|\n| b |\n\n# Titre",
        "**gras** puis *italique* puis ***les deux***",
        "`code` et [lien `avec`](https://example.org)",
        "1\\. pas une liste",
        "\\# pas un titre",
        "\\- pas une liste",
        "```\na\n\nb\n```",
        "👩‍👩‍👧 **x** 日本",
        "ligne  \nsuite",
        "###### six",
    ],
)
def test_markdown_element_round_trip(markdown: str) -> None:
    result, lost = through(markdown)
    assert result == markdown
    assert lost == set()


@pytest.mark.parametrize(
    ("markdown", "message"),
    [
        ("![x](https://example.org/a.png)", "pictures are links"),
        ("> dit", "quotes are indented paragraphs"),
        ("a\n\n---\n\nb", "horizontal rules"),
        ("```python\nx\n```", "languages of code blocks"),
        ("[x](page.html)", "links without a complete address are plain text"),
        ("- a\n    1. b", "a list inside a list of another kind becomes one of the outer kind"),
        ("3. a", "numbered lists begin at 1"),
        ("<div>x</div>", "HTML tags are plain text"),
        ("| a |\n|--:|\n| b |", "alignment of columns"),
    ],
)
def test_markdown_losses_reported(markdown: str, message: str) -> None:
    assert message in through(markdown)[1]


@pytest.mark.parametrize(
    ("tab", "message"),
    [
        ({"headers": {"h": {}}, "footers": {"f": {}}}, {"headers", "footers"}),
        ({"body": {"content": [{"tableOfContents": {}}]}}, {"tables of contents"}),
        *(
            ({"body": {"content": [{"paragraph": {"elements": [element], **more}}]}}, {message})
            for element, more, message in (
                ({"pageBreak": {}}, {}, "page breaks"),
                (
                    {"textRun": {"content": "2", "textStyle": {"baselineOffset": "SUPERSCRIPT"}}},
                    {},
                    "super- and subscript",
                ),
                (
                    {"textRun": {"content": "ici", "textStyle": {"link": {"headingId": "h.1"}}}},
                    {},
                    "links within the document",
                ),
                ({"textRun": {"content": "cité"}}, {"paragraphStyle": {"indentStart": {"magnitude": 36}}}, "indents"),
                ({"textRun": {"content": "x"}}, {"positionedObjectIds": ["p"]}, "pictures"),
                ({"textRun": {"content": "x"}}, {"paragraphStyle": {"alignment": "CENTER"}}, "alignment"),
                ({"textRun": {"content": "x", "textStyle": {"fontSize": {"magnitude": 30}}}}, {}, "fonts and sizes"),
            )
        ),
    ],
)
def test_document_losses_reported(tab: dict[str, Any], message: set[str]) -> None:
    """What Markdown cannot express is reported."""
    lost = set[str]()
    markdown_of({"tabs": [{"documentTab": tab}]}, lost)
    assert lost == message


def test_markdown_dropped_characters_not_counted() -> None:
    """What the API would drop is not counted."""
    result, _ = through("a\x07b\ue000c **gras**")
    assert result == "abc **gras**"


def test_markdown_too_large() -> None:
    for text in ("x" * 500_001, "> " * 200 + "x"):
        with pytest.raises(errors.InvalidInputError):
            blocks_of(text, set())


def test_part_pages_make_up_the_whole() -> None:
    text = "".join(f"ligne {n}\n" for n in range(20_000))
    read, cursor = "", None
    while True:
        page, cursor = page_of(text, cursor)
        read += page
        if cursor is None:
            break
        assert page.endswith("\n")
    assert read == text
    with pytest.raises(errors.InvalidInputError):
        page_of(text, "x")


async def test_create_document(gdocs: Session) -> None:
    done = await gdocs.call_ok("create_document", title="Compte rendu", text="# Titre\n\n> dit")
    made, filled = gdocs.requests
    assert (made.method, made.url, made.json()) == ("POST", HOME, {"title": "Compte rendu"})
    assert filled.url == f"{HOME}/{ID}:batchUpdate"
    assert done["url"].endswith(f"{ID}/edit")
    assert done["lost"] == ["quotes are indented paragraphs"]
    gdocs.respond("POST /v1/documents/{id}:batchUpdate", Response.of({"error": {"code": 400, "message": "No"}}, 400))
    assert f"The document {ID} exists, without text" in await gdocs.call_error("create_document", title="x", text="y")


async def test_get_document(gdocs: Session) -> None:
    result = await gdocs.call_ok("get_document", document=f"https://docs.google.com/document/d/{ID}/edit")
    assert (
        gdocs.requests[-1].url == f"{HOME}/{ID}?includeTabsContent=true&suggestionsViewMode=PREVIEW_WITHOUT_SUGGESTIONS"
    )
    assert result["markdown"] == (
        "# Compte rendu\n\n"
        "Vu avec **Marie *Dupont*,** [l'offre](https://example.org/a%28b%29)  de 2\\*3 a\\_b. `x=1`\n\n"
        "- un\n    - sous\n- deux\n1. premier\n2. second\n\n"
        "```\ndef f():\n    return 1\n```\n\n---\n\n\\# pas un titre\n\n"
        "| Nom | Total |\n|---|---|\n| Marie \\| Co | 12 |\n\nFin 👩"
    )
    assert result["lost"] == ["pictures"]


async def test_get_document_leaves_suggestions_out_and_writing_counts_them(gdocs: Session) -> None:
    """An editor gets suggestions inline by default: "100" and "120" ran together to one price."""
    await gdocs.call_ok("get_document", document=ID)
    assert dict(gdocs.requests[-1].query)["suggestionsViewMode"] == "PREVIEW_WITHOUT_SUGGESTIONS"
    await gdocs.call_ok("append_text", document=ID, text="Suite")
    assert dict(gdocs.requests[-2].query)["suggestionsViewMode"] == "SUGGESTIONS_INLINE"


async def test_replace_text_counts_what_google_replaced(gdocs: Session) -> None:
    """Replies of other requests are empty, and so is the one about a text that stands nowhere."""
    answers: tuple[tuple[list[dict[str, Any]], int], ...] = (
        ([{}, {"replaceAllText": {"occurrencesChanged": 2}}], 2),
        ([{}], 0),
        ([{"replaceAllText": {}}], 0),
    )
    for replies, count in answers:
        gdocs.respond("POST /v1/documents/{id}:batchUpdate", Response.of({"documentId": ID, "replies": replies}))
        done = await gdocs.call_ok("replace_text", document=ID, find="{{client}}", replace="Marie")
        assert done == {"replaced": count}


def test_fake_document_replaces_in_tables_too() -> None:
    document = FakeDocument()
    document.run(requests_of(blocks_of("{{x}} et **{{X}}**\n\n| {{x}} |\n|---|\n| b |", set()), 1))
    request = {"replaceText": "Marie", "containsText": {"text": "{{x}}", "matchCase": True}}
    assert document.run([{"replaceAllText": request}, {"insertText": {"location": {"index": 1}, "text": "a"}}]) == [
        {"replaceAllText": {"occurrencesChanged": 2}},
        {},
    ]


async def test_append_text(gdocs: Session) -> None:
    await gdocs.call_ok("append_text", document=ID, text="Suite")
    sent = gdocs.requests[-1].json()
    assert sent["writeControl"] == {"requiredRevisionId": "rev-1"}  # a repeated request is refused, not done twice
    first, second, *_ = sent["requests"]
    end = first["insertText"]["location"]["index"]
    assert first["insertText"]["text"] == "\n"
    assert second["insertText"] == {"location": {"index": end + 1}, "text": "Suite"}


def test_append_text_does_not_inherit_formatting() -> None:
    """Text after a heading or a list is plain again."""
    document = FakeDocument()
    document.run(requests_of(blocks_of("# Titre\n\n- **gras**", set()), 1))
    end = len(document.units)
    document.run(
        [{"insertText": {"location": {"index": end - 1}, "text": "\n"}}, *requests_of(blocks_of("simple", set()), end)]
    )
    assert markdown_of(document.document(), set()) == "# Titre\n\n- **gras**\n\nsimple"


async def test_replace_text(gdocs: Session) -> None:
    assert await gdocs.call_ok("replace_text", document=ID, find="{{client}}", replace="Marie") == {"replaced": 3}
    assert gdocs.requests[-1].json()["requests"] == [
        {"replaceAllText": {"replaceText": "Marie", "containsText": {"text": "{{client}}", "matchCase": True}}}
    ]
    assert gdocs.asked == []  # it stands nowhere in this document
    await gdocs.call_ok("replace_text", document=ID, find="compte", replace="X", match_case=False)
    assert gdocs.asked == ["Replace «compte» by «X» in 1 place of «Compte rendu»?"]


async def test_insert_table(gdocs: Session) -> None:
    await gdocs.call_ok("insert_table", document=ID, rows=[["Nom", "Total"], ["Marie"]])
    asked: list[dict[str, Any]] = gdocs.requests[-1].json()["requests"]
    (table,) = [one["insertTable"] for one in asked if "insertTable" in one]
    assert (table["rows"], table["columns"]) == (2, 2)
    assert "1 to 2,000 cells" in await gdocs.call_error("insert_table", document=ID, rows=[[]])
