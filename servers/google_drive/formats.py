"""Google's own formats, which have no bytes: what they are exported as, and what is turned into them.

https://developers.google.com/workspace/drive/api/guides/ref-export-formats
"""

from __future__ import annotations

from typing import Literal

from flotilla import errors

APPS = "application/vnd.google-apps."
_OFFICE = "application/vnd.openxmlformats-officedocument."
TYPES = {
    "pdf": "application/pdf",
    "docx": f"{_OFFICE}wordprocessingml.document",
    "xlsx": f"{_OFFICE}spreadsheetml.sheet",
    "pptx": f"{_OFFICE}presentationml.presentation",
    "md": "text/markdown",
    "txt": "text/plain",
    "html": "application/zip",  # Google packs the page and its pictures
    "csv": "text/csv",
    "png": "image/png",
    "svg": "image/svg+xml",
}
Format = Literal["pdf", "docx", "xlsx", "pptx", "md", "txt", "html", "csv", "png", "svg"]
EXPORTS = {  # the first is the usual one
    "document": ("pdf", "docx", "md", "txt", "html"),
    "spreadsheet": ("xlsx", "pdf", "csv"),
    "presentation": ("pdf", "pptx", "txt"),
    "drawing": ("pdf", "png", "svg"),
}
_BECOMES = {
    **dict.fromkeys(("docx", "doc", "odt", "rtf", "md", "txt", "html"), "document"),
    **dict.fromkeys(("xlsx", "xls", "ods", "csv", "tsv"), "spreadsheet"),
    **dict.fromkeys(("pptx", "ppt", "odp"), "presentation"),
}


def exported(kind: str, wanted: str | None) -> str:
    """Return the format that a file of Google's is exported as, "" for a file that has bytes of its own."""
    if not kind.startswith(APPS):
        if wanted:
            raise errors.InvalidInputError(
                "The file is not in one of Google's own formats.", "Download it without `format`."
            )
        return ""
    short = kind.removeprefix(APPS)
    if short not in EXPORTS:
        raise errors.InvalidInputError(f"A Google {short} cannot be downloaded.", "Choose a file.")
    if wanted and wanted not in EXPORTS[short]:
        raise errors.InvalidInputError(
            f"A Google {short} does not come as {wanted}.", f"Choose: {', '.join(EXPORTS[short])}."
        )
    return wanted or EXPORTS[short][0]


def converted(path: str) -> str:
    """Return the type of Google's format that a file is turned into.

    Raises errors.InvalidInputError where there is none.
    """
    ending = path.rpartition(".")[2].lower()
    if ending not in _BECOMES:
        raise errors.InvalidInputError(f"Google has no format of its own for .{errors.excerpt(ending, 20)} files.",
                           "Upload it without `convert`.")  # fmt: skip
    return APPS + _BECOMES[ending]
