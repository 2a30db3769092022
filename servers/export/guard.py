"""Which texts a spreadsheet would run when it opens a CSV file, and which only look like it."""

from __future__ import annotations

import re

# What spreadsheets take for a formula, with the full-width forms that some of them read alike, behind blanks and
# characters that nobody sees and that an import may drop.
_UNSEEN = r"\s\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_RISKY = re.compile(rf"[{_UNSEEN}]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
# To call anything a formula needs the name of a function or a program, and a mark beside it: ( ! | [ or another
# formula behind = + & and the like. Figures have no name in them, plain words no such mark.
_SPACE = " \u00a0\u202f\u2009"
_SIGN = "[€$£¥₹₩]"
_FIGURE = re.compile(
    rf"[+-] ?{_SIGN}?[0-9(][0-9{_SPACE}.,()%/-]*({_SIGN}|zł|Kč|[A-Z]{{3}})?"
)  # SUM(1) has letters first
_WORDS = re.compile(rf"[+@-](?! ?\$?[A-Za-z]{{1,3}}\$?[0-9])[{_SPACE}]?[^\W\d_][\w{_SPACE}.,:;?’'€°/-]*")


def risky(text: str) -> bool:
    """Tell whether a spreadsheet may take a text for a formula: it starts like one and is not a plain number."""
    return bool(_RISKY.match(text)) and not _NUMBER.fullmatch(text)


def runs(text: str, spare_words: bool = False) -> bool:
    """Tell whether a text may call something in a spreadsheet: `risky`, and no phone number, amount or percentage.

    `words`: nor plain words behind a sign ("- item", "@handle"). They call nothing either, but Excel shows #NAME?.
    """
    return risky(text) and not _FIGURE.fullmatch(text) and not (spare_words and _WORDS.fullmatch(text))


def bare(text: str) -> str:
    """Return a text without the apostrophe that a CSV export put in front of it, if it did."""
    return text[1:] if text[:1] == "'" and risky(text[1:]) else text
