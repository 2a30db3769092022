"""Text that third parties wrote, made safe to show: one table of characters for reading, listing, naming and asking.

Hidden characters carry text that people do not see and models do; characters that turn the direction of writing show
something else than what is there. `plain` drops them, `escaped` shows them as ⟨U+200B⟩. Both leave alone what a
language or a picture is made of: joiners in emoji and in scripts that need them, the selector in ❤️, flags.

It stands here because the switchboard reads the texts of foreign servers, and imports nothing of the library.
"""

from __future__ import annotations

import re

NAME_LENGTH = 1024  # characters of a name that are shown whole, for a person must see which one is meant

# Control characters but tab and line ends; what Unicode calls Default_Ignorable (zero width, bidirectional, fillers,
# variation selectors, tags: all of them carry hidden text); surrogates and the private planes.
_HIDDEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
)
_IN_NAMES = _HIDDEN + "\t\n\r\u2028\u2029"  # a name and a question are one line

_EMOJI = "[\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001fbff]"
_JOINING = (  # letters and signs of scripts that are written with joiners: Arabic, Persian, Indic ones, Khmer, …
    "[\u0600-\u061b\u061d-\u109f\u1780-\u17b3\u17b6-\u180a\u1810-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc]"
)
_NATIONS = "|".join("".join(chr(0xE0000 + ord(letter)) for letter in nation) for nation in ("eng", "sct", "wls"))
_FLAG = f"\U0001f3f4\U000e0067\U000e0062(?:{_NATIONS})\U000e007f"  # England, Scotland, Wales: spelled with tags
_MEANT = "|".join(
    (
        _FLAG,
        f"{_EMOJI}(?:[\ufe0e\ufe0f]?\u200d{_EMOJI})*[\ufe0e\ufe0f]?(?![\ufe00-\ufe0f])",  # a family, a red heart
        "[0-9#*]\ufe0f\u20e3",  # a key
        f"{_JOINING}[\u200c\u200d](?![{_HIDDEN}])",
    )
)
_SOFT_HYPHEN = r"(?<=[^\W\d_])\xad(?=[^\W\d_])"  # a place to break a word
_TEXT = re.compile(f"(?P<meant>{_MEANT}|{_SOFT_HYPHEN})|[{_HIDDEN}]")
_NAME = re.compile(f"(?P<meant>{_MEANT})|[{_IN_NAMES}]")
_ANY = re.compile(f"[{_IN_NAMES}]")
_ESCAPE = re.compile(r"⟨U\+([0-9A-F]{4,6})⟩")


def plain(text: str) -> str:
    """Drop invisible and bidirectional control characters, which hide instructions from people but not from models."""
    return cleaned(text)[0]


def cleaned(text: str) -> tuple[str, int]:
    """Return text as `plain` does, and how many characters were dropped."""
    if not _ANY.search(text):
        return text, 0
    shown = _TEXT.sub(lambda match: match["meant"] or "", text)
    return shown, len(text) - len(shown)


def escaped(text: str, name: bool = False) -> str:
    """Show hidden characters as ⟨U+200B⟩, of a `name` line ends too; `unescaped` gives back exactly what was there."""
    return visible(re.sub(r"⟨(?=U\+[0-9A-F]{4,6}⟩)", "⟨U+27E8⟩", text), name)


def visible(text: str, name: bool = False) -> str:
    """Show hidden characters as `escaped` does, in a text that may hold escaped names: for people, who read it once."""
    if not _ANY.search(text):
        return text
    return (_NAME if name else _TEXT).sub(lambda match: match["meant"] or f"⟨U+{ord(match[0]):04X}⟩", text)


def unescaped(text: str) -> str:
    """Read what `escaped` shows; other text, also what only looks like it, stays as it is."""

    def meant(match: re.Match[str]) -> str:
        code = int(match[1], 16)
        readable = code < 0x110000 and not 0xD800 <= code < 0xE000
        return chr(code) if readable and (_ANY.match(chr(code)) or code == 0x27E8) else match[0]

    return _ESCAPE.sub(meant, text)


def hides(name: str) -> str:
    """Return the first character that a name must not hold, as U+200B, or nothing."""
    match = next((one for one in _NAME.finditer(name) if not one["meant"]), None)
    return f"U+{ord(match[0]):04X}" if match else ""


def named(value: object) -> str:
    """Return a name, a path or an argument as a person is asked about it: in one line, nothing hidden, the end kept."""
    line = visible(str(value), name=True)
    return line if len(line) <= NAME_LENGTH else "…" + line[1 - NAME_LENGTH :]
