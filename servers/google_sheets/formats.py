"""Number formats and colours as people name them.

https://developers.google.com/workspace/sheets/api/guides/formats#number_format_tokens
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from flotilla import errors
from flotilla.parsing.money import SYMBOLS, NumberError, read_money

_KINDS = {
    "number": ("NUMBER", "#,##0.00"),
    "integer": ("NUMBER", "#,##0"),
    "percent": ("PERCENT", "0.00%"),
    "date": ("DATE", ""),  # without a pattern, as the spreadsheet's country writes it
    "datetime": ("DATE_TIME", ""),
    "time": ("TIME", ""),
    "text": ("TEXT", ""),
}
_COLORS = {
    "black": "#000000", "white": "#FFFFFF", "red": "#FF0000", "green": "#34A853", "blue": "#4285F4",
    "yellow": "#FFFF00", "orange": "#FF9900", "purple": "#9900FF", "pink": "#F4CCCC", "grey": "#CCCCCC",
    "gray": "#CCCCCC",
}  # fmt: skip
_QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')


def number_format(text: str) -> dict[str, str]:
    """Return the API's NumberFormat of a kind, a currency, or a pattern.

    Raises errors.InvalidInputError for what is none of these.
    """
    kind, pattern = _KINDS.get(text.strip().lower(), ("", ""))
    if kind:
        return {"type": kind, **({"pattern": pattern} if pattern else {})}
    with suppress(NumberError):
        if code := read_money(f"1 {text.strip()}").currency:
            return {"type": "CURRENCY", "pattern": f"#,##0.00\\ [${SYMBOLS.get(code, code)}]"}
    plain = _QUOTED.sub("", text)
    if re.search(r"[#0?]", plain):
        pattern = re.sub(r"(?<!\$)([€£¥])", r"[$\1]", text)  # else Google does not take them as currencies
        return {"type": "PERCENT" if "%" in plain else "NUMBER", "pattern": pattern}
    if re.search(r"y|d|h|ss", plain, re.IGNORECASE):
        clock = re.search("h", plain, re.IGNORECASE)
        day = re.search("[yd]", plain, re.IGNORECASE)
        return {"type": "DATE_TIME" if clock and day else "TIME" if clock else "DATE", "pattern": text}
    raise errors.InvalidInputError(
        f"`{errors.excerpt(text, 60)}` is not a number format.",
        f"Choose {', '.join(_KINDS)}, a currency such as EUR, or a pattern such as #,##0.00 or dd/mm/yyyy.",
    )


def color_style(text: str) -> dict[str, Any]:
    """Return the API's ColorStyle of #RRGGBB or of a name; {} for "none".

    Raises errors.InvalidInputError for another text.
    """
    name = text.strip().lower()
    if name == "none":
        return {}
    code = re.fullmatch(r"#?([0-9a-f]{6})", _COLORS.get(name, name), re.IGNORECASE)
    if not code:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 40)}` is not a colour.", f"Write it as #FFCC00, or choose {', '.join(_COLORS)}."
        )
    parts = [int(code[1][n : n + 2], 16) / 255 for n in (0, 2, 4)]
    return {"rgbColor": dict(zip(("red", "green", "blue"), (round(part, 4) for part in parts), strict=True))}
