"""Long texts, a page at a time."""

from __future__ import annotations

from flotilla import cursor_number

PAGE = 50_000  # characters


def page_of(text: str, cursor: str | None) -> tuple[str, str | None]:
    """Return one page of a text, which ends with a line where it can, and the cursor of the next page."""
    start = cursor_number(cursor, 0)
    end = start + PAGE
    if end < len(text):
        end = text.rfind("\n", start, end) + 1 or end
    return text[start:end], str(end) if end < len(text) else None
