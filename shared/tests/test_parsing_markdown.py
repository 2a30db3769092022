"""Text that is put into Markdown reads as it is."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some
from markdown_it import MarkdownIt

from flotilla.parsing.markdown import code_span, escape_markdown, link_target

_SIGNS = some.text("*_`[]()<>#-+=|~\\&;!: 1.ab\u00e9", max_size=25)


def rendered(markdown: str) -> str:
    """Return what a reader sees of one paragraph; "" where it is anything else."""
    result = re.fullmatch(
        r"<p>(.*)</p>\n", MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown)
    )
    return html.unescape(result[1]) if result and "<" not in result[1] else ""


@pytest.mark.parametrize(
    "text",
    ["*gras*", "_un_ deux_trois", "`code`", "[lien](x)", "# titre", "- point", "1. un", "12) deux", "> cité", "~~non~~",
     "<b>", "&amp; &eacute;", "\\*", "+ plus", "===", "| a | b |", "C'est 5 * 6 = 30 !"],
)  # fmt: skip
def test_escape(text: str) -> None:
    assert rendered(escape_markdown(text)) == text


@given(_SIGNS)
def test_escape_of_any_line(text: str) -> None:
    text = " ".join(text.split())
    if text:
        assert rendered(escape_markdown(text)) == text


@given(some.text("` ab", min_size=1, max_size=12))
def test_code_span(text: str) -> None:
    """Code reads as it is; only a blank on both sides of it is lost, as CommonMark strips one."""
    text = " ".join(text.split())
    if text:
        assert MarkdownIt().render(f"x{code_span(text)}") == f"<p>x<code>{text}</code></p>\n"


def test_link_target() -> None:
    assert link_target("https://exemple.fr/a b(1)<2>") == "https://exemple.fr/a%20b%281%29%3C2%3E"
    assert link_target("https://exemple.fr/é?a=1&b=2#c") == "https://exemple.fr/é?a=1&b=2#c"
