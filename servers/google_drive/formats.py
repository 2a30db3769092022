"""Google's own formats, which have no bytes: what they are exported as, and what is converted into them.

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


def export_format(mime_type: str, wanted: str | None) -> str:
    """Return the format that one of Google's own files is exported as, "" for a file that has bytes of its own.

    Raises errors.InvalidInputError for a format that does not fit the file.
    """
    if not mime_type.startswith(APPS):
        if wanted:
            raise errors.InvalidInputError(
                "The file is not in one of Google's own formats, so it cannot be exported.",
                "Download it without `format`.",
            )
        return ""
    kind = mime_type.removeprefix(APPS)
    if kind not in EXPORTS:
        raise errors.InvalidInputError(
            f"A Google {errors.excerpt(kind, 40)} cannot be downloaded.",
            "Choose a file; gdrive_list_files lists those of a folder.",
        )
    if wanted and wanted not in EXPORTS[kind]:
        raise errors.InvalidInputError(
            f"A Google {kind} cannot be exported as {wanted}.", f"Choose: {', '.join(EXPORTS[kind])}."
        )
    return wanted or EXPORTS[kind][0]


def converted(path: str) -> str:
    """Return the type of the Google format that a file is converted into.

    Raises errors.InvalidInputError where there is none.
    """
    ending = path.rpartition(".")[2].lower()
    if ending not in _BECOMES:
        raise errors.InvalidInputError(
            f"A .{errors.excerpt(ending, 20)} file cannot be converted into one of Google's own formats.",
            "Upload it without `convert`.",
        )
    return APPS + _BECOMES[ending]
