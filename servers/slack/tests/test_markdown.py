"""Markdown to Block Kit, and Slack's markup back to text."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla import errors
from flotilla_servers.slack.emoji import emoji_name
from flotilla_servers.slack.markdown import Names, mentioned, plain_text, to_blocks
from flotilla_servers.slack.mrkdwn import readable_text, text_of


def text(content: str, *style: str) -> dict[str, Any]:
    return {"type": "text", "text": content, **({"style": dict.fromkeys(sorted(style), True)} if style else {})}


def parts(markdown: str, names: Names | None = None) -> list[Any]:
    """Return the elements of the first rich text."""
    return list(to_blocks(markdown, names or Names())[0]["elements"])


def test_to_blocks_styles_and_links() -> None:
    assert parts("**Signé** par *Jean*, ~~12~~ `13` [ici](https://exemple.fr/a_b)")[0]["elements"] == [
        text("Signé", "bold"),
        text(" par "),
        text("Jean", "italic"),
        text(", "),
        text("12", "strike"),
        text(" "),
        text("13", "code"),
        text(" "),
        {"type": "link", "url": "https://exemple.fr/a_b", "text": "ici"},
    ]


def test_to_blocks_bare_address_keeps_its_punctuation_outside() -> None:
    assert parts("voir https://exemple.fr/x.")[0]["elements"][1:] == [
        {"type": "link", "url": "https://exemple.fr/x"},
        text("."),
    ]


def test_to_blocks_mentions_and_emoji() -> None:
    names = Names({"Marie": "U1"}, {"ventes": "C1"})
    assert parts("@Marie voit #ventes :tada: à 10:30:00, @here, a@Marie.fr @Inconnu", names)[0]["elements"] == [
        {"type": "user", "user_id": "U1"},
        text(" voit "),
        {"type": "channel", "channel_id": "C1"},
        text(" "),
        {"type": "emoji", "name": "tada"},
        text(" à 10:30:00, "),
        {"type": "broadcast", "range": "here"},
        text(", a@Marie.fr @Inconnu"),
    ]


def test_mentioned_leaves_code_alone() -> None:
    assert mentioned("@Marie `@Paul` #ventes\n\n```\n@Zoé\n```") == ({"Marie"}, {"ventes"})


def test_to_blocks_lists_nest_by_indent() -> None:
    lists = parts("- un\n  - deux\n- trois\n\n1. a\n2. b")
    shape = [(one["style"], one["indent"], [item["elements"][0]["text"] for item in one["elements"]]) for one in lists]
    assert shape == [
        ("bullet", 0, ["un"]),
        ("bullet", 1, ["deux"]),
        ("bullet", 0, ["trois"]),
        ("ordered", 0, ["a", "b"]),
    ]


def test_to_blocks_headings_rules_code_and_quotes() -> None:
    blocks = to_blocks("# Bilan\n\nTexte\n\n> cité\n> - point\n\n```py\nx = 1\n```\n\n---\nfin", Names())
    assert [block["type"] for block in blocks] == ["header", "rich_text", "divider", "rich_text"]
    assert blocks[0]["text"]["text"] == "Bilan"
    kinds = [part["type"] for part in blocks[1]["elements"]]
    assert kinds == ["rich_text_section", "rich_text_quote", "rich_text_preformatted"]
    assert blocks[1]["elements"][2]["elements"] == [text("x = 1")]


def test_to_blocks_table_once_then_as_aligned_text() -> None:
    table = "| Nom | Prix |\n|---|---|\n| Vélo | 12,50 € |\n"
    blocks = to_blocks(f"{table}\nPuis\n\n{table}", Names())
    assert blocks[0]["rows"][1] == [{"type": "raw_text", "text": "Vélo"}, {"type": "raw_text", "text": "12,50 €"}]
    assert blocks[1]["elements"][1]["elements"][0]["text"] == "Nom   Prix   \nVélo  12,50 €"


@pytest.mark.parametrize("empty", ["", "   ", "\n\n", "[](x)"])
def test_to_blocks_empty_text_refused(empty: str) -> None:
    with pytest.raises(errors.InvalidInputError, match="is empty"):
        to_blocks(empty, Names())


def test_plain_text_escapes_what_slack_would_read() -> None:
    blocks = to_blocks("# A & B\n\n- <x> **y**", Names())
    assert plain_text(blocks) == "A &amp; B\n• &lt;x&gt; y"
    assert len(plain_text(to_blocks("mot " * 2000, Names()))) == 3000


def test_readable_text_names_in_place_of_ids() -> None:
    raw = "<@U1> &amp; <@U9|paul> dans <#C1|ventes>, <!here> <https://x.fr|ici> <https://y.fr> <mailto:a@b.fr|a@b.fr>"
    assert (
        readable_text(raw, {"U1": "Marie"})
        == "@Marie & @paul dans #ventes, @here ici (https://x.fr) https://y.fr a@b.fr"
    )


def test_text_of_app_message_without_text() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "Commande 1001"}}
    assert text_of({"text": "", "blocks": [section, {"odd": 1}]}).strip() == "Commande 1001"
    assert text_of({"text": "Vu", "attachments": [{"fallback": "Devis 12"}, None]}) == "Vu\nDevis 12"


@pytest.mark.parametrize(("written", "name"), [("👍", "thumbsup"), (":Tada:", "tada"), ("❤️", "heart"), ("+1", "+1")])
def test_emoji_name(written: str, name: str) -> None:
    assert emoji_name(written) == name


def test_emoji_name_unknown_sign_refused() -> None:
    with pytest.raises(errors.InvalidInputError, match="not known as an emoji"):
        emoji_name("🦄")
