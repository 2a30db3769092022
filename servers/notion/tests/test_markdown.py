"""Markdown to blocks and back: what is kept, what is said to be lost, and what fits one request."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from flotilla import errors
from flotilla.parsing import escape_markdown as escaped
from flotilla_servers.notion.blocks import blocks_of, children, chunks, count, depth, fits, parted
from flotilla_servers.notion.markdown import markdown_of
from flotilla_servers.notion.richtext import Run, pieces, rich
from flotilla_servers.notion.tests.fake import FakeNotion, limits

DOCUMENT = """# Réunion — 3 juin

Présents : **Jean**, *Marie* et ~~Paul~~ [le site](https://exemple.fr/a_b).
Deuxième ligne, `code` et **gras *et italique***.

- un
- deux
  - deux bis
    - deux ter
- [ ] à faire
- [x] fait

1. premier
2. second

> Une citation
> sur deux lignes

```python
print("é")
```

| Poste | Prix |
|---|---|
| Site | 4 500 € |
| **Total** | 5 400 € |

---

![Plan](https://exemple.fr/plan.png)"""


def read(notion: FakeNotion, blocks: list[Any]) -> list[dict[str, Any]]:
    """Return blocks as the API would give them back, with what stands below them."""
    made = notion._put("page", blocks, {"type": "page_id", "page_id": "page"})

    def below(result: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for block in result:
            inner = [notion.blocks[one] for one in notion.below.get(block["id"], ())]
            if inner:
                block["children"] = below(inner)
        return result

    return below(made)


def round_trip(markdown: str) -> str:
    return markdown_of(read(FakeNotion(), blocks_of(markdown)[0]), set())


def test_document_round_trip() -> None:
    assert blocks_of(DOCUMENT)[1] == []
    assert round_trip(DOCUMENT) == DOCUMENT


def test_blocks_of_a_document() -> None:
    blocks, _ = blocks_of(DOCUMENT)
    assert [block["type"] for block in blocks] == [
        "heading_1", "paragraph", "bulleted_list_item", "bulleted_list_item", "to_do", "to_do",
        "numbered_list_item", "numbered_list_item", "quote", "code", "table", "divider", "image",
    ]  # fmt: skip
    assert [block["to_do"]["checked"] for block in blocks if block["type"] == "to_do"] == [False, True]
    assert depth(blocks[3]) == 2
    assert blocks[9]["code"]["language"] == "python"
    assert blocks[10]["table"]["table_width"] == 2
    bold = [part["text"]["content"] for part in blocks[1]["paragraph"]["rich_text"] if part.get("annotations")]
    assert bold == ["Jean", "Marie", "Paul", "code", "gras ", "et italique"]


ALONE = [
    "1\\. pas une liste",
    "\\# pas un titre",
    "\\- pas une liste",
    "deux \\* étoiles \\* et un \\_ souligné\\_",
    "snake_case et 2 \\< 3 ne changent pas".replace("\\<", "<"),
    "\\[pas un lien\\](x)",
    "- item\n\n  avec un paragraphe",
    "- item\n\n  ```\n  code\n  ```",
    "> citation\n>\n> - liste",
    "- a\n\n1. b",
    "``a ` b``",
    "````\n```\n````",
    "**gras** et *ital*",
    "un [**lien gras**](https://exemple.fr) ici",
    "https://exemple.fr/page",
    "une équation $x_1 * y * z$ ici",
    "$$\na\n- b\n= c\n\n\\frac{1}{2}\n$$",
    "- item\n\n  $$\n  x\n  $$",
    "de 5 \\$ à 10 \\$",
    "> [!WARNING]\n> Attention\n>\n> - liste",
    "> [!🔥]\n> Chaud",
    "> [!CALLOUT]\n> Sans icône",
    "<b>Prix :</b>12 €",
    "**Prix :** 12 €",
    "<u>souligné</u>",
    "une<br>\ndeux",
    "# Titre<br>sur deux lignes",
    "#### Quatre",
]


@pytest.mark.parametrize("markdown", ALONE)
def test_markdown_round_trip(markdown: str) -> None:
    once = round_trip(markdown)
    assert round_trip(once) == once
    if "https" not in markdown or "[" in markdown:
        assert once == markdown


def test_markdown_any_text_round_trip() -> None:
    rng = Random(6)
    letters = [*list("ab é€#*_`[]()<>!-+1.|~\\&😀$"), "\n", "  ", "- ", "# ", "> ", "1. ", "**", "~~"]
    for _ in range(1500):
        text = "".join(rng.choice(letters) for _ in range(rng.randint(1, 25)))
        block = {"type": "paragraph", "paragraph": {"rich_text": rich([Run(text)])}}
        again, _ = blocks_of(markdown_of(read(FakeNotion(), [block]), set()))
        terms = " ".join(
            "".join(part["text"]["content"] for part in one[one["type"]].get("rich_text", ())) for one in again
        )
        assert terms.split() == text.split(), (text, again)


def test_equations_written_as_equations() -> None:
    blocks, lost = blocks_of("Soit $a^2$ et $$b$$, pour 5$ ou $5-$10.\n\n$$\nc = d\n$$\n\n$$e$$")
    text = blocks[0]["paragraph"]["rich_text"]
    assert [part["equation"]["expression"] for part in text if part["type"] == "equation"] == ["a^2", "b"]
    assert text[-1]["text"]["content"] == ", pour 5$ ou $5-$10."
    assert [block["equation"]["expression"] for block in blocks[1:]] == ["c = d", "e"]
    assert lost == []


def test_callouts_written_as_callouts() -> None:
    blocks, lost = blocks_of(
        "> [!NOTE]\n> Une note\n\n> [!🎉] Bravo\n\n> [!CALLOUT]\n> Rien\n\n> [1] non\n\n> [!été] non"
    )
    assert [block["type"] for block in blocks] == ["callout"] * 3 + ["quote"] * 2
    assert [block["callout"].get("icon", {}).get("emoji") for block in blocks[:3]] == ["ℹ️", "🎉", None]
    assert [block["callout"]["rich_text"][0]["text"]["content"] for block in blocks[:3]] == [
        "Une note",
        "Bravo",
        "Rien",
    ]
    assert lost == []


@pytest.mark.parametrize(
    ("markdown", "address"),
    [
        ("https://fr.wikipedia.org/wiki/Mercure_(planète)", "https://fr.wikipedia.org/wiki/Mercure_(planète)"),
        ("(voir https://exemple.fr/a)", "https://exemple.fr/a"),
        ("(https://exemple.fr/a_(b)).", "https://exemple.fr/a_(b)"),
        ("« https://exemple.fr/a », puis", "https://exemple.fr/a"),
        ("https://exemple.fr/a?b[]=1, puis", "https://exemple.fr/a?b[]=1"),
    ],
)
def test_bare_addresses_keep_their_brackets(markdown: str, address: str) -> None:
    blocks, _ = blocks_of(markdown)
    parts = [part["text"] for part in blocks[0]["paragraph"]["rich_text"]]
    assert [part["link"]["url"] for part in parts if "link" in part] == [address]
    assert "".join(part["content"] for part in parts) == markdown


def styles(blocks: list[Any]) -> list[tuple[str, frozenset[str]]]:
    """Return each letter of some blocks with the style that it is written in."""
    parts = [part for block in blocks for part in block[block["type"]].get("rich_text", ())]
    return [
        (letter, frozenset(part.get("annotations", ())))
        for part in parts
        for letter in part["text"]["content"]
        if not letter.isspace()
    ]


def test_styles_any_text_round_trip() -> None:
    """Notion styles what Markdown's signs cannot: bold that ends in a colon before a letter, and the like."""
    rng = Random(7)
    letters = [*list("abé:!.,«»()12 *_<~"), " "]
    marks = ["bold", "italic", "strikethrough", "underline"]
    for _ in range(600):
        text_runs = [
            Run(
                "".join(rng.choice(letters) for _ in range(rng.randint(1, 6))),
                frozenset(rng.sample(marks, rng.randint(0, 2))),
            )
            for _ in range(rng.randint(1, 5))
        ]
        block = {"type": "paragraph", "paragraph": {"rich_text": rich([Run("x "), *text_runs])}}
        markdown = markdown_of(read(FakeNotion(), [block]), set())
        assert styles(blocks_of(markdown)[0]) == styles([block]), markdown


def test_mentions_of_people_reported_as_lost() -> None:
    mention = {
        "type": "mention",
        "plain_text": "@Marie",
        "href": None,
        "mention": {"type": "user", "user": {"id": "x"}},
    }
    lost: set[str] = set()
    assert markdown_of([{"type": "paragraph", "paragraph": {"rich_text": [mention]}}], lost) == "@Marie"
    assert "mentions" in " ".join(lost)


LOST = [
    ("##### Cinq", "fourth level"),
    ("<div>x</div>", "HTML"),
    ("a <sub>x</sub>", "HTML"),
    ("a <b>x", "HTML"),
    ("c'est ==important==", "highlighting"),
    ("| a |\n|:--|\n| b |", "alignment"),
    ('[x](https://exemple.fr "titre")', "titles of links"),
    ("1. [ ] tâche", "numbers of tasks"),
    (f"$$\n{'x' * 1001}\n$$", "1,000"),
    (f"${'x' * 1001}$", "1,000"),
    ("[x](/relatif)", "whole address"),
    ("![x](photo.png)", "pictures"),
    ("```brainfuck\n+\n```", "brainfuck"),
    ("3. trois", "begin at 1"),
]


@pytest.mark.parametrize(("markdown", "message"), LOST)
def test_markdown_losses_reported(markdown: str, message: str) -> None:
    """What Notion cannot hold is reported."""
    blocks, lost = blocks_of(markdown)
    assert message in " ".join(lost)
    assert blocks


def test_block_losses_reported() -> None:
    """What Markdown cannot hold is reported."""

    def text(terms: str, **looks: Any) -> list[dict[str, Any]]:
        return [{"type": "text", "plain_text": terms, "href": None, "annotations": looks}]

    def block(kind: str, more: dict[str, Any], below: list[Any] | None = None) -> dict[str, Any]:
        message = {"id": "598337872cf94fdf8782e53db20768a5", "type": kind, kind: more, "has_children": bool(below)}
        return {**message, "children": below} if below else message

    blocks = [
        block("paragraph", {"rich_text": text("rouge", color="red", underline=True)}),
        block("callout", {"rich_text": text("Attention"), "icon": {"type": "emoji", "emoji": "💡"}}),
        block("toggle", {"rich_text": text("Plus")}, [block("paragraph", {"rich_text": text("caché")})]),
        block("column_list", {}, [block("column", {}, [block("paragraph", {"rich_text": text("gauche")})])]),
        block("child_page", {"title": "Devis [2030]"}),
        block("equation", {"expression": "e=mc^2"}),
        block("file", {"type": "file", "file": {"url": "https://f.example/a b.pdf"}, "name": "a.pdf", "caption": []}),
        block("synced_block", {"synced_from": None}, [block("paragraph", {"rich_text": text("copie")})]),
        block("table_of_contents", {}),
        block("unsupported", {}),
        {**block("paragraph", {"rich_text": text("loin")}), "has_children": True},
        block("paragraph", {"rich_text": [{"type": "equation", "plain_text": "x", "equation": {"expression": "x^2"}}]}),
    ]
    lost: set[str] = set()
    assert markdown_of(blocks, lost).split("\n\n") == [
        "<u>rouge</u>", "> [!TIP]\n> Attention", "- Plus", "  caché", "gauche",
        "[Devis \\[2030\\]](https://www.notion.so/598337872cf94fdf8782e53db20768a5)", "$$\ne=mc^2\n$$",
        "[a.pdf](https://f.example/a%20b.pdf)", "copie", "loin", "$x^2$",
    ]  # fmt: skip
    for message in (
        "colours",
        "toggles",
        "columns",
        "an hour",
        "synced",
        "unsupported",
        "below",
    ):
        assert message in " ".join(lost), message


def test_pieces_of_two_thousand_characters() -> None:
    for text in ("x" * 4500, "mot " * 1500, "😀" * 1500, "é" * 2000, "", "a" * 1999 + "😀b"):
        parts = list(pieces(text))
        assert "".join(parts) == text
        assert all(len(part.encode("utf-16-le")) // 2 <= 2000 for part in parts)
    assert len(list(pieces("x" * 2000))) == 1


def test_long_paragraph_split() -> None:
    blocks, _ = blocks_of("é" * 250_000)
    assert [block["type"] for block in blocks] == ["paragraph"] * 3
    limits(blocks)
    code, _ = blocks_of(f"```python\n{'é' * 150_000}\n```")
    assert [block["code"]["language"] for block in code] == ["python"] * 2


def nested(levels: int) -> str:
    return "\n".join(f"{'  ' * level}- niveau {level}" for level in range(levels))


def test_fits_one_request() -> None:
    assert fits(blocks_of(nested(3))[0][0])
    deep = blocks_of(nested(6))[0][0]
    assert not fits(deep)
    bare, rest = parted(deep)
    assert (children(bare), len(rest)) == ([], 1)
    table = blocks_of("| a |\n|---|\n" + "| 1 |\n" * 250)[0][0]
    first, rows = parted(table)
    assert (len(children(first)), len(rows)) == (100, 151)


def test_chunks_within_request_limits() -> None:
    for markdown in ("\n\n".join(f"p {n}" for n in range(250)), "\n".join(nested(3) for _ in range(700)), DOCUMENT):
        blocks, _ = blocks_of(markdown)
        parts = list(chunks(blocks))
        assert [block for part in parts for block in part] == blocks
        for part in parts:
            limits([parted(block)[0] for block in part])
            assert count(part) <= 1000
    assert len(list(chunks(blocks_of("x\n\n" * 201)[0]))) == 3


def test_markdown_too_deep_or_too_long() -> None:
    with pytest.raises(errors.InvalidInputError, match="nested too deeply"):
        blocks_of(nested(60))
    with pytest.raises(errors.InvalidInputError, match="500,000"):
        blocks_of("x" * 500_001)
    blocks_of("> " * 40 + "x")


def test_escaped_only_where_needed() -> None:
    assert escaped("Rendez-vous à 14 h, 2 * 3, snake_case, c'est-à-dire.") == (
        "Rendez-vous à 14 h, 2 \\* 3, snake_case, c'est-à-dire."
    )
