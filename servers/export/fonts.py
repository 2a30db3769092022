"""The typeface of the PDFs, always embedded: DejaVu Sans Condensed and DejaVu Sans Mono.

They come as Python packages (`requirements/export-fonts.in`), so that a PDF has the same bytes on every machine.
Without them the system's own DejaVu serves, and last of all Bitstream Vera, its small parent, which ReportLab carries.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

PACKAGES = ("rinoh_typeface_dejavusans", "rinoh_typeface_dejavusansmono", "reportlab.fonts")
FOLDERS = (
    "/usr/share/fonts/truetype/dejavu",  # Debian, Ubuntu
    "/usr/share/fonts/dejavu-sans-fonts",  # Fedora
    "/usr/share/fonts/dejavu-sans-mono-fonts",
    "/usr/share/fonts/TTF",  # Arch
    "/usr/share/fonts/dejavu",  # Alpine
    "~/Library/Fonts",
    "/Library/Fonts",
)
REGULAR, BOLD, ITALIC, BOLD_ITALIC = "Text", "Text-Bold", "Text-Italic", "Text-BoldItalic"
MONO, MONO_BOLD = "Mono", "Mono-Bold"
_SMALL = "The DejaVu fonts are not installed: Bitstream Vera stood in for them, which has few characters."
FACES = {
    REGULAR: ("DejaVuSansCondensed", "DejaVuSans", "Vera"),
    BOLD: ("DejaVuSansCondensed-Bold", "DejaVuSans-Bold", "VeraBd"),
    ITALIC: ("DejaVuSansCondensed-Oblique", "DejaVuSans-Oblique", "VeraIt"),
    BOLD_ITALIC: ("DejaVuSansCondensed-BoldOblique", "DejaVuSans-BoldOblique", "VeraBI"),
    MONO: ("DejaVuSansMono", "Vera"),
    MONO_BOLD: ("DejaVuSansMono-Bold", "VeraBd"),
}
_DRAWN: dict[int, str | None] = dict.fromkeys(range(0xFE00, 0xFE10))  # say how an emoji is to look: nothing to draw
_DRAWN |= {0x2705: "✔", 0x274C: "✘", 0x274E: "✘", 0x2B50: "★"}  # signs that the font lacks, as those that it has
_EASY = re.compile("[ -~\xa0-\xac\xae-\u024f\u2010-\u2027\u202f\u20ac]*").fullmatch  # most of Europe: drawn as it is
_TURNED = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]").search
_lock = threading.Lock()
rl_config.useA85 = 0  # streams as bytes, not as text: a fifth smaller, and quicker


def folders() -> list[Path]:
    """Return where fonts are looked for, best first. The packages are not imported: they import much else."""
    specs = [find_spec(name) if "." not in name or find_spec(name.partition(".")[0]) else None for name in PACKAGES]
    packed = [Path(place) for spec in specs if spec for place in spec.submodule_search_locations or ()]
    system = [Path(folder).expanduser() for folder in FOLDERS]
    return [*packed[:-1], *system, *packed[-1:]]


@cache
def _registered() -> str:
    places = folders()
    for face, names in FACES.items():
        path = next(path for name in names for place in places if (path := place / f"{name}.ttf").is_file())
        pdfmetrics.registerFont(TTFont(face, str(path)))
    pdfmetrics.registerFontFamily(REGULAR, REGULAR, BOLD, ITALIC, BOLD_ITALIC)
    pdfmetrics.registerFontFamily(MONO, MONO, MONO_BOLD, MONO, MONO_BOLD)
    return str(pdfmetrics.getFont(REGULAR).face.name)  # type: ignore[attr-defined]


def ready() -> str:
    """Register the faces once; returns a warning when the typeface is only the small fallback, else nothing."""
    with _lock:
        name = _registered()
    return "" if "DejaVu" in name else _SMALL


class Widths(dict[str, float]):
    """Character widths of a face in thousandths of its size; remembers which characters it lacks."""

    def __init__(self, face: str) -> None:
        ready()
        known: Any = pdfmetrics.getFont(face).face  # type: ignore[attr-defined]
        super().__init__((chr(code), width) for code, width in known.charWidths.items() if isinstance(code, int))
        self.default = float(known.defaultWidth)
        self.missing: set[str] = set()

    def __missing__(self, char: str) -> float:
        self.missing.add(char)
        return self.default

    def of(self, text: str) -> float:
        """Return the width of a text at size 1000."""
        return sum(map(self.__getitem__, text))

    def has(self, text: str) -> bool:
        """Tell whether every character is there."""
        return all(char in self for char in text)


@cache
def characters(face: str) -> frozenset[str]:
    """Return the characters that a face has."""
    return frozenset(Widths(face))


def drawable(text: str) -> str:
    """Return text as it can be drawn: accents composed, nothing invisible in it, lines and no-break spaces kept."""
    if _EASY(text):
        return text
    text = unicodedata.normalize("NFC", text.replace("\t", "    ").replace("\r\n", "\n").replace("\r", "\n"))
    text = text.translate(_DRAWN).replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))


def runs(text: str, face: str) -> Iterator[tuple[str, str]]:
    """Split a text into (face, part): characters that `face` lacks are set in the regular one."""
    has = characters(face)
    for inside, chars in groupby(text, has.__contains__):
        yield (face if inside else REGULAR), "".join(chars)


def warnings(text_missing: set[str], right_to_left: bool = False) -> list[str]:
    """Return warnings about characters that could not be drawn."""
    messages = [ready()] if ready() else []
    if text_missing:
        shown = " ".join(f"{c} (U+{ord(c):04X})" for c in sorted(text_missing)[:10])
        more = f" and {len(text_missing) - 10} others" if len(text_missing) > 10 else ""
        messages.append(f"The PDF's font lacks these characters, which show as boxes: {shown}{more}.")
    if right_to_left:
        messages.append("Arabic and Hebrew text is drawn from left to right and unjoined: it will not read well.")
    return messages


def turned(text: str) -> bool:
    """Tell whether a text holds letters written from right to left."""
    return bool(_TURNED(text))
