"""The Markdown of a report: from the call, or from a file of the data folder."""

from __future__ import annotations

from flotilla import errors, files

MOST_BYTES = 4 * 2**20


def report_text(markdown: str | None, source: str | None) -> tuple[str, str]:
    """Return the text and the folder that its pictures are relative to; raises errors.InvalidInputError."""
    markdown, source = markdown or "", source or ""
    if bool(markdown.strip()) == bool(source):
        message = "Both markdown and source are given." if source else "Neither markdown nor source is given."
        raise errors.InvalidInputError(message, "Give the text in markdown, or the path of a .md file in source.")
    if not source:
        return markdown, ""
    raw = files.read(source, MOST_BYTES)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise errors.InvalidInputError(f"{files.shown(source)} is not valid UTF-8 text.", "Save it as UTF-8.") from None
    return text, files.shown(source).rpartition("/")[0]
