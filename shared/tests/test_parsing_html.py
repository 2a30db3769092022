"""HTML as plain text, also of broken and of hidden markup."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flotilla.parsing import html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("Bonjour", "Bonjour"),
        ("<p>Bonjour&nbsp;!</p><p>À   demain\n</p>", "Bonjour\u00a0!\n\nÀ demain"),
        ("un<br>deux<br/>trois", "un\ndeux\ntrois"),
        ("<div>un</div><div>deux</div>", "un\ndeux"),
        ("<h1>Devis</h1>Texte", "Devis\n\nTexte"),
        ("<ul><li>un<li>deux</ul>", "- un\n- deux"),
        ("<table><tr><td>Prix<td>12&nbsp;€<tr><th>Total</th><td>13 €</td></table>", "Prix | 12\u00a0€\nTotal | 13 €"),
        ("a<hr>b", "a\n----\nb"),
        ("<pre>a\n  b</pre>", "a\nb"),
        ("&lt;b&gt; &amp;amp; &eacute; &#233; &#x1F600;", "<b> &amp; é é 😀"),
        ("5 < 6 et 7 > 3", "5 < 6 et 7 > 3"),
        ("<b>gras</b> et <i>italique</i>", "gras et italique"),
        ("<img src=x alt=Logo> Étoile", "Logo Étoile"),
        ("&nbsp;<br>&nbsp;", ""),
    ],
)
def test_html_to_text(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<a href="https://exemple.fr/devis">Le devis</a>', "Le devis (https://exemple.fr/devis)"),
        ('<a href="https://exemple.fr">https://exemple.fr</a>', "https://exemple.fr"),
        ('<a href="https://exemple.fr"><img></a>', "https://exemple.fr"),
        ('<a href="HTTPS://exemple.fr">ici</a>', "ici (HTTPS://exemple.fr)"),
        ('<a href="mailto:jean@exemple.fr">jean@exemple.fr</a>', "jean@exemple.fr"),
        ('<a href="mailto:jean@exemple.fr">Jean</a>', "Jean (jean@exemple.fr)"),
        ('<a href="javascript:alert(1)">ici</a>', "ici"),
        ("<a href='https://exemple.fr'>ici", "ici (https://exemple.fr)"),
        ("<a>ici</a> <a href>là</a></a>", "ici là"),
        (
            '<a href="https://un.fr">un <a href="https://deux.fr">deux</a></a>',
            "un (https://un.fr)deux (https://deux.fr)",
        ),
    ],
)
def test_html_to_text_links(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    "hidden",
    [
        "<div style='display:none'>X</div>",
        '<div style="color:red; DISPLAY : None !important">X</div>',
        "<span style='visibility:hidden'>X</span>",
        "<span style='mso-hide:all'>X</span>",
        "<span style='font-size:0'>X</span>",
        "<span style='font-size:0px;color:#fff'>X</span>",
        "<span style='opacity:0.0'>X</span>",
        "<div hidden>X</div>",
        "<div style='display:none'><p>X<p>X<b>X</div>",
        "<div style='display:none'><div>X</div>X</div>",
        "<div style='display:none'><table><tr><td>X</div>X</td></tr></table>X</div>",
        "<div style='display:none'>X<br>X<img alt=X><hr></div>",
        "<div style='display:none'><a href='https://x.fr'>X</a></div>",
        "<a style='display:none' href='https://x.fr'>X</a>",
        "<img alt=X style='display:none'>",
        "<script>X</script>",
        "<script>if (a < b) { '<p>X</p>' }</script>",
        "<style>X { }</style>",
        "<template>X</template>",
        "<title>X</title>",
        "<!-- X --><!--[if mso]>X<![endif]-->",
        "<iframe src='https://x.fr'>X</iframe>",
    ],
)
def test_html_to_text_hidden(hidden: str) -> None:
    """What a browser does not show is left out, and what follows it is not."""
    assert html_to_text(f"<p>avant</p>{hidden}<p>après</p>") == "avant\n\naprès"


def test_html_to_text_hidden_items_without_end_tags() -> None:
    assert html_to_text("<p style='display:none'>X<p>vu") == "vu"
    assert html_to_text("<ul><li hidden>X<li>vu</ul>") == "- vu"
    assert html_to_text("<table><tr><td hidden>X<td>vu<tr hidden><td>X<tr><td>lu</table>") == "vu\nlu"
    assert html_to_text("<ul><li hidden>X<ul><li>X</ul>X<li>vu</ul>") == "- vu"


@pytest.mark.parametrize(
    "shown",
    ["font-size:0.5em", "opacity:0.5", "font-size:10px", "display:block", "not-display:none-such", "opacity:1.0"],
)
def test_html_to_text_styles_that_hide_nothing(shown: str) -> None:
    assert html_to_text(f"<p style='{shown}'>vu</p>") == "vu"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>un<b>deux<i>trois</b>quatre", "undeuxtroisquatre"),
        ("un</p></div></b>deux", "un\n\ndeux"),
        ("<head><title>X<body>vu", "vu"),
        ("<head><meta x>X<body>vu</body></html>", "vu"),
        ("<div", ""),
        ("vu <div class='", "vu"),
        ("vu<script>X", "vu"),
        ("vu<!-- X", "vu"),
        ("<![CDATA[x]]>vu<!doctype html>", "vu"),
    ],
)
def test_html_to_text_broken(html: str, text: str) -> None:
    assert html_to_text(html) == text


@given(
    some.lists(
        some.sampled_from(
            ["<p>", "</p>", "<div style='display:none'>", "</div>", "<td>", "</td>", "<table>", "</table>", "<li>",
             "<a href='https://x.fr'>", "</a>", "<script>", "</script>", "<!--", "-->", "<body>", "&", "é ", "<", ">"]
        )
        | some.text(max_size=5),
        max_size=20,
    ).map("".join)
)  # fmt: skip
def test_html_to_text_never_fails(html: str) -> None:
    text = html_to_text(html)
    assert text == text.strip()
    assert "\n\n\n" not in text


@pytest.mark.parametrize(
    "html",
    [
        "<div><span>a" * 20_000 + "</p>" * 20_000,
        "<div><td>" + "<span>" * 20_000 + "</div>" * 20_000,
        "<a href='https://x.fr'>x" * 20_000 + "</a>" * 20_000,
        "vu" + "<!--" * 100_000,
        "vu" + "<a " * 100_000,
        "<p style='opacity:" + "0" * 200_000 + "x'>vu",
        "<p style='" + "; " * 100_000 + "x'>vu",
    ],
    ids=["deep", "barrier", "links", "comments", "tags", "zeros", "semicolons"],
)  # fmt: skip
@pytest.mark.timeout(60)  # in the square of its length it would take minutes
def test_html_to_text_takes_linear_time(html: str) -> None:
    """A mail that is made to be slow is not."""
    html_to_text(html)
