"""What each tool sends, what it makes of the answer, and what of Markdown comes back from a document."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla import errors
from flotilla_servers._google import page_of
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
        "12 rue X  \n75001 Paris",
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


def test_markdown_single_line_breaks_stay() -> None:
    """An address became one line, and nothing said so."""
    assert through("Marie Dupont\n12 rue X\n75001 Paris") == ("Marie Dupont  \n12 rue X  \n75001 Paris", set())


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


# -- places in a document ---------------------------------------------------------------------------------------------

NOTES = """# Compte rendu

Vu avec Marie 👩.

## Décisions

- devis

### Détail

| **Nom** | **Total** |
|---|---|
| Marie | 12 |

## Suite

Rendez-vous mardi."""


def notes(markdown: str = NOTES) -> FakeDocument:
    document = FakeDocument()
    document.run(requests_of(blocks_of(markdown, set()), 1))
    return document


@pytest.fixture
async def written(gdocs: Session) -> tuple[Session, FakeDocument]:
    """A session whose one document is NOTES; what is sent is carried out by `carried_out`."""
    document = notes()
    gdocs.respond("GET /v1/documents/{id}", Response.of(document.document()))
    return gdocs, document


def carried_out(session: Session, document: FakeDocument) -> str:
    """Carry out the last batch; return the document as Markdown."""
    batch = session.requests[-1].json()
    assert batch["writeControl"] == {"requiredRevisionId": "r"}
    document.run(batch["requests"])
    return markdown_of(document.document(), set())


@pytest.mark.parametrize(
    ("place", "before", "following"),
    [
        ({"heading": "Compte rendu"}, "Rendez-vous mardi.", ""),
        ({"heading": "## suite"}, "Rendez-vous mardi.", ""),
        ({"heading": "décisions"}, "| Marie | 12 |", "## Suite"),
        ({"heading": "Détail"}, "| Marie | 12 |", "## Suite"),
        ({"after": "Vu avec"}, "Vu avec Marie 👩.", "## Décisions"),
        ({"after": "Suite"}, "## Suite", "Rendez-vous mardi."),
        ({"after": "devis"}, "- devis", "### Détail"),
    ],
)
async def test_insert_text_at_a_place(
    written: tuple[Session, FakeDocument], place: dict[str, str], before: str, following: str
) -> None:
    session, document = written
    await session.call_ok("insert_text", document=ID, text="Ajout **net**", **place)
    added = f"{before}\n\nAjout **net**" + (f"\n\n{following}" if following else "")
    assert carried_out(session, document) == NOTES.replace(f"{before}\n\n{following}" if following else before, added)


async def test_insert_text_with_lists_and_tables_in_the_middle(written: tuple[Session, FakeDocument]) -> None:
    session, document = written
    text = "- un\n- deux\n\n| **A** |\n|---|\n| b |\n\nfin"
    await session.call_ok("insert_text", document=ID, text=text, after="Marie 👩")
    assert carried_out(session, document) == NOTES.replace("👩.", f"👩.\n\n{text}")


async def test_insert_text_place_not_clear(written: tuple[Session, FakeDocument]) -> None:
    session, _ = written
    for arguments, statement in (
        ({}, "No place is named"),
        ({"heading": "Suite", "after": "devis"}, "Pass either `heading` or `after`"),
        ({"heading": "Annexe"}, "There are: Compte rendu, Décisions, Détail, Suite"),
        ({"after": "Durand"}, "stands nowhere"),
        ({"after": "a"}, "places"),
    ):
        assert statement in await session.call_error("insert_text", document=ID, text="x", **arguments)
    assert session.writes == []
    twice = notes("# A\n\nx\n\n# A\n\ny")
    session.respond("GET /v1/documents/{id}", Response.of(twice.document()))
    assert "heading" in await session.call_error("insert_text", document=ID, text="x", heading="A")


async def test_insert_text_in_another_tab(gdocs: Session) -> None:
    first, second = notes("un"), notes("# Titre\n\nici")
    tabs = [{**first.document()["tabs"][0]}, {**second.document()["tabs"][0], "tabProperties": {"tabId": "t.9"}}]
    gdocs.respond("GET /v1/documents/{id}", Response.of({"documentId": ID, "revisionId": "r", "tabs": tabs}))
    await gdocs.call_ok("insert_text", document=ID, text="**x**", after="ici")
    requests = gdocs.requests[-1].json()["requests"]
    places = [part for one in requests for about in one.values() for part in about.values() if isinstance(part, dict)]
    assert {place.get("tabId") for place in places if "index" in place or "startIndex" in place} == {"t.9"}


async def test_insert_table_at_a_place(written: tuple[Session, FakeDocument]) -> None:
    session, document = written
    await session.call_ok("insert_table", document=ID, rows=[["A"], ["b"]], after="mardi")
    assert carried_out(session, document) == NOTES + "\n\n| **A** |\n|---|\n| b |"


@pytest.mark.parametrize(
    ("arguments", "question", "gone"),
    [
        (
            {"heading": "Décisions"},
            "the section «Décisions» (3 words, 1 table)",
            NOTES[NOTES.index("## D") : NOTES.index("## S")],
        ),
        ({"heading": "Suite"}, "the section «Suite» (3 words)", NOTES[NOTES.index("\n\n## S") :]),
        (
            {"heading": "Décisions", "keep_heading": True},
            "what is below the heading «Décisions» (2 words, 1 table)",
            NOTES[NOTES.index("- devis") : NOTES.index("## S")],
        ),
        ({"text": "Marie 👩"}, "«Marie 👩»", "Marie 👩"),
        ({"text": "devis"}, "«devis»", "- devis\n\n"),
        ({"text": "Vu avec Marie 👩."}, "«Vu avec Marie 👩.»", "Vu avec Marie 👩.\n\n"),
    ],
)
async def test_delete_text(
    written: tuple[Session, FakeDocument], arguments: dict[str, Any], question: str, gone: str
) -> None:
    session, document = written
    await session.call_ok("delete_text", document=ID, **arguments)
    assert session.asked == [f"Delete {question} of «Fake»?"]
    assert carried_out(session, document).strip() == NOTES.replace(gone, "", 1).strip()


async def test_delete_text_keeps_what_google_needs(written: tuple[Session, FakeDocument]) -> None:
    """The newline at the end of a document and the one before a table cannot go."""
    session, document = written
    await session.call_ok("delete_text", document=ID, text="Rendez-vous mardi.")
    assert carried_out(session, document).endswith("## Suite")
    for arguments, statement in (
        ({}, "It is not clear what goes"),
        ({"text": "a", "heading": "b"}, "It is not clear what goes"),
        ({"text": "Vu", "keep_heading": True, "heading": "Suite"}, "It is not clear what goes"),
    ):
        assert statement in await session.call_error("delete_text", document=ID, **arguments)
    empty = notes("# A\n\n# B")
    session.respond("GET /v1/documents/{id}", Response.of(empty.document()))
    assert "nothing below" in await session.call_error("delete_text", document=ID, heading="A", keep_heading=True)


async def test_insert_image(written: tuple[Session, FakeDocument]) -> None:
    session, document = written
    await session.call_ok(
        "insert_image", document=ID, url="https://example.org/logo.png", width=120, after="Compte rendu"
    )
    image = next(
        one["insertInlineImage"] for one in session.requests[-1].json()["requests"] if "insertInlineImage" in one
    )
    assert image["objectSize"] == {"width": {"magnitude": 120, "unit": "PT"}}
    carried_out(session, document)
    lost = set[str]()
    assert markdown_of(document.document(), lost) == NOTES
    assert "pictures" in lost
    picture = document.document()["tabs"][0]["documentTab"]["body"]["content"][1]
    assert picture["paragraph"]["paragraphStyle"] == {"namedStyleType": "NORMAL_TEXT"}  # not the heading's
    assert "url" in await session.call_error("insert_image", document=ID, url="http://example.org/a.png")
    refused = {"error": {"code": 400, "message": "Invalid requests[4].insertInlineImage: not accessible"}}
    session.respond("POST /v1/documents/{id}:batchUpdate", Response.of(refused, 400))
    error = await session.call_error("insert_image", document=ID, url="https://example.org/logo.png")
    assert "The picture must be public" in error


async def test_get_document_counts_words_of_all_pages(gdocs: Session) -> None:
    document = notes("# Titre\n\n" + "un mot — deux\n\n" * 6000)
    gdocs.respond("GET /v1/documents/{id}", Response.of(document.document()))
    page = await gdocs.call_ok("get_document", document=ID)
    assert page["next_cursor"]
    assert page["word_count"] == 18_001


async def test_search_documents(gdocs: Session) -> None:
    page = await gdocs.call_ok("search_documents", title="compte")
    request = gdocs.requests[-1]
    assert request.url.startswith("https://www.googleapis.com/drive/v3/files?")
    query = dict(request.query)
    assert query["q"] == (
        "mimeType = 'application/vnd.google-apps.document' and trashed = false and name contains 'compte'"
    )
    assert page["items"][0]["id"] == ID
    assert page["items"][0]["last_editor"] == "Marie Dupont"


async def test_copy_document_fills_the_copy(gdocs: Session) -> None:
    template = notes("Pour {{client}}, le {{date}} : {{client}}\n\n| {{total}} |\n|---|\n| b |")
    gdocs.respond("GET /v1/documents/{id}", Response.of(template.document()))
    replies = [{"replaceAllText": {"occurrencesChanged": 2}}, {"replaceAllText": {"occurrencesChanged": 1}}]
    gdocs.respond("POST /v1/documents/{id}:batchUpdate", Response.of({"documentId": "1Copy", "replies": replies}))
    done = await gdocs.call_ok(
        "copy_document", document=ID, title="Contrat Dupont",
        replace={"{{client}}": "Marie Dupont", "{{total}}": "1 250 €"},
        folder="https://drive.google.com/drive/folders/0Bq",
    )  # fmt: skip
    assert done == {
        "id": "1Copy", "title": "Contrat Dupont", "url": "https://docs.google.com/document/d/1Copy/edit",
        "replaced": 3, "unfilled": ["{{date}}"],
    }  # fmt: skip
    _, copy, filled = gdocs.requests
    assert copy.url.startswith(f"https://www.googleapis.com/drive/v3/files/{ID}/copy?")
    assert copy.json() == {"name": "Contrat Dupont", "parents": ["0Bq"]}
    assert filled.url == f"{HOME}/1Copy:batchUpdate"
    assert [one["replaceAllText"]["containsText"]["text"] for one in filled.json()["requests"]] == [
        "{{client}}", "{{total}}",
    ]  # fmt: skip
    before = len(gdocs.writes)
    error = await gdocs.call_error("copy_document", document=ID, title="x", replace={"{{nom}}": "Marie"})
    assert "`{{nom}}` stands nowhere in the original" in error
    assert len(gdocs.writes) == before
    await gdocs.call_ok("copy_document", document=ID, title="x")
    assert len(gdocs.writes) == before + 1  # nothing to fill


async def test_copy_document_says_that_the_copy_exists(gdocs: Session) -> None:
    gdocs.respond("POST /v1/documents/{id}:batchUpdate", Response.of({"error": {"code": 400, "message": "No"}}, 400))
    error = await gdocs.call_error("copy_document", document=ID, title="x", replace={"Compte": "y"})
    assert "The copy 1Copy exists, not filled" in error


async def test_list_comments(gdocs: Session) -> None:
    page = await gdocs.call_ok("list_comments", document=ID)
    assert page["items"] == [
        {
            "id": "AAAABcDe", "author": "Marie Dupont", "text": "Plutôt 120 € ?", "quoted": "100 €",
            "created": "2030-06-02T11:00:00Z", "resolved": False,
            "replies": [{"author": "Hélène", "text": "Vu.", "created": "2030-06-02T12:00:00Z"}],
        }
    ]  # fmt: skip
    assert "comments(id" in dict(gdocs.requests[-1].query)["fields"]  # Drive refuses a call without
    page = await gdocs.call_ok("list_comments", document=ID, resolved=True)
    assert page["items"][1]["replies"][0]["action"] == "resolve"
    assert (await gdocs.call_ok("list_comments", document=ID, cursor=page["next_cursor"]))["items"] == []


async def test_reply_comment(gdocs: Session) -> None:
    done = await gdocs.call_ok("reply_comment", document=ID, comment="AAAABcDe", text="Corrigé.", action="resolve")
    assert done == {"comment": "AAAABcDe", "reply": "AAAABreply", "action": "resolve"}
    request = gdocs.requests[-1]
    assert request.url.startswith(f"https://www.googleapis.com/drive/v3/files/{ID}/comments/AAAABcDe/replies?")
    assert request.json() == {"content": "Corrigé.", "action": "resolve"}
    await gdocs.call_ok("reply_comment", document=ID, comment="AAAABcDe", text="Vu.")
    assert gdocs.requests[-1].json() == {"content": "Vu."}
    await gdocs.call_ok("reply_comment", document=ID, comment="AAAABcDe", action="reopen")
    assert gdocs.requests[-1].json() == {"action": "reopen"}
    assert "The reply is empty" in await gdocs.call_error("reply_comment", document=ID, comment="AAAABcDe")
